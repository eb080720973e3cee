"""Which steps can be named where: the walk over the flow that gives every place its view."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from stepworkflows_cdk.language.needs import in_order
from stepworkflows_cdk.language.scope import View
from stepworkflows_cdk.language.targets import Frame, Known, Loop, Turn, Way
from stepworkflows_cdk.language.workflow import Branch, Step, Waits, Workflow

__all__ = ["at_end", "ends", "handling", "views"]


def views(workflow: Workflow) -> tuple[tuple[Step, View], ...]:
    """Every step that can run, with what it can name. An undo step is listed for each step that it undoes."""
    found = list(_sequence(workflow.steps, View(workflow)))
    undone = [(step.undo, _undoing(workflow, step.undo, view)) for step, view in found if step.undo]
    used = {step.path for step, _ in undone}
    found += undone
    found += [(step, handling(workflow, step)) for step in workflow.undo_steps.values() if step.path not in used]
    found += _sequence(workflow.on_failure, handling(workflow))
    found += _sequence(workflow.finally_, replace(handling(workflow), ending=True))
    return tuple(found)


def handling(workflow: Workflow, step: Step | None = None) -> View:
    """What can be named where the flow failed: everything, as far as it was there."""
    return View(workflow, tuple(_everything(workflow.steps, (), ())), step, handling=True, error=True)


def _undoing(workflow: Workflow, undo: Step, place: View) -> View:
    """What an undo step can name. What was done for an item of a loop is undone with the item at hand."""
    frame = place.frame[: place.loops[-1].depth + 1] if place.loops else ()
    known = tuple(_everything(workflow.steps, (), frame))
    return replace(handling(workflow, undo), known=known, frame=frame, loops=place.loops, undoing=True)


def at_end(workflow: Workflow) -> View:
    """What can be named behind all steps."""
    return View(workflow, tuple(known for step in workflow.steps for known in _behind(step, (), True)))


def ends(steps: Sequence[Step]) -> bool:
    """Whether nothing goes on behind these steps."""
    return any(_ends(step) for step in steps)


def _ends(step: Step) -> bool:
    if step.may_be_skipped or step.may_fail_alone or any(not ends(catch.steps) for catch in step.catches):
        return False
    if step.keys.fail or step.keys.stop:
        return True
    if step.scheduled:
        return any(ends(branch.steps) for branch in step.branches)
    complete = bool(step.arms) and step.arms[-1].when is None
    return complete and all(ends(arm.steps) for arm in step.arms)


def _sequence(steps: Sequence[Step], view: View) -> Iterator[tuple[Step, View]]:
    known = view.known
    rested: list[tuple[Step, Frame, tuple[Known, ...]]] = []
    for step, frame in _places(steps, view.frame):
        seen = known if step.waits is None else (*view.known, *_waited_for(step.waits, rested))
        outside = replace(view, known=seen, step=step, frame=frame)
        here = _repeated(step, outside)
        yield step, here
        if step.scheduled:
            continue
        again = _again(here, "turn") if step.keys.retry else here
        for arm in step.arms:
            yield from _sequence(arm.steps, again)
        for branch in step.branches:
            yield from _sequence(branch.steps, _inside(step, branch, again))
        for catch in step.catches:
            yield from _sequence(catch.steps, replace(outside, error=True, catching=step.id))
        yield from _sequence(step.reminder.steps if step.reminder else (), _again(here, "turn"))
        behind = tuple(_behind(step, frame, True))
        rested.append((step, frame, behind))
        known = (*known, *behind)


def _places(steps: Sequence[Step], frame: Frame) -> Iterator[tuple[Step, Frame]]:
    """The steps of a list, each behind those that it waits for, wherever the schedule put them."""
    if all(step.waits for step in steps):
        steps = in_order(steps)
    for step in steps:
        yield step, frame
        for branch in step.branches if step.scheduled else ():
            yield from _places(branch.steps, (*frame, branch.scope(step)))


def _waited_for(waits: Waits, rested: Sequence[tuple[Step, Frame, tuple[Known, ...]]]) -> Iterator[Known]:
    """What is known by a step of those beside it: only what it waits for."""
    for step, frame, behind in rested:
        if step.id in waits.ran and step.may_be_skipped:
            yield from _behind(step, frame, True, ran=True)
        elif step.id in waits.after:
            yield from behind


def _repeated(step: Step, view: View) -> View:
    """The view from inside rounds: the step's own outputs are those of the round before."""
    if step.keys.repeat is None:
        return view
    own = Known(step, view.frame, sure=False)
    return _again(replace(view, known=(*view.known, own)), "round")


def _again(view: View, kind: str) -> View:
    """The view from inside of what is done again by the step at the place."""
    assert view.step is not None
    return replace(view, turns=(*view.turns, Turn(kind, view.step.id, len(view.frame))))


def _inside(step: Step, branch: Branch, view: View) -> View:
    """The view from inside a branch or loop."""
    each = step.keys.for_each
    loops = (Loop(step.id, each.as_, len(view.frame), each.distributed, each.batch is not None),) if each else ()
    return replace(view, frame=(*view.frame, branch.scope(step)), loops=(*view.loops, *loops))


def _behind(step: Step, frame: Frame, sure: bool, *, ran: bool = False) -> Iterator[Known]:
    """What can be named behind a step: itself, and what is inside it. ``ran``: it was not skipped."""
    sure = sure and (ran or not step.may_be_skipped)
    catches = [catch.steps for catch in step.catches if not ends(catch.steps)]
    ways = 1 + len(catches)
    if not step.scheduled:
        yield Known(step, frame, sure, (Way(step.id, 0, ways),) if catches else ())
    for number, steps in enumerate(catches, 1):
        yield from _way(steps, frame, sure, Way(step.id, number, ways))
    yield from _way(step.reminder.steps if step.reminder else (), frame, False, None)
    finished = sure and not catches and not step.may_fail_alone
    for branch in step.branches:
        inside = (*frame, branch.scope(step))
        for inner in branch.steps:
            for known in _behind(inner, inside, branch.each or finished):
                yield _seen_from_outside(known, step, branch.each, finished, bool(catches))
    arms = [arm.steps for arm in step.arms if not ends(arm.steps)]
    complete = bool(step.arms) and step.arms[-1].when is None
    for number, steps in enumerate(arms):
        way = Way(f"{step.id}?", number, len(arms)) if len(arms) > 1 else None
        yield from _way(steps, frame, finished and complete, way)


def _seen_from_outside(known: Known, step: Step, listed: bool, ran: bool, caught: bool) -> Known:
    """What is known of a step inside branches or a loop, from outside of them."""
    if step.is_race:
        return replace(known, sure=False, raced=known.raced or step.title)
    return _listed(known, step, ran, caught) if listed else known


def _listed(known: Known, loop: Step, ran: bool, caught: bool) -> Known:
    """What is known of a step inside a loop, from outside of it."""
    each = loop.keys.for_each
    finished = known.sure and not known.ways and not known.step.may_fail_alone
    partly = caught or loop.may_fail_alone or bool(each and (each.collect or each.tolerate is not None))
    gaps = known.gaps or (known.each == 0 and (partly or not finished))
    away = known.away or (loop.title if each and each.results else "")
    return replace(known, sure=ran, ways=(), each=known.each + 1, gaps=gaps, away=away)


def _way(steps: Sequence[Step], frame: Frame, sure: bool, way: Way | None) -> Iterator[Known]:
    """What is inside one way out of a fork."""
    for step in steps:
        for known in _behind(step, frame, sure):
            yield replace(known, ways=(way, *known.ways)) if way else known


def _everything(steps: Sequence[Step], frame: Frame, here: Frame) -> Iterator[Known]:
    """All steps, as they can be named in the scope ``here``: a list of what a loop did, unless that is around it."""
    for step in steps:
        yield Known(step, frame, sure=False)
        for inside in step.aside:
            yield from _everything(inside.steps, frame, here)
        for branch in step.branches:
            scope = (*frame, branch.scope(step))
            listed = branch.each and here[: len(scope)] != scope
            for known in _everything(branch.steps, scope, here):
                yield _seen_from_outside(known, step, listed, False, True)
