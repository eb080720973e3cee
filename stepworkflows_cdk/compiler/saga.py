"""What happens where a flow fails: which undo steps run for a failure at each place, and in which order.

The undo steps form one chain, the last step of the document first, and a failure enters it at the nearest step before it
that has an undo. In a plain sequence it is known then what was attempted. A step that may have been skipped, or that runs
in a branch, has a flag, and its link in the chain asks for it. What a loop did is one link: a chain of its own for each
item, the last item first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from stepworkflows_cdk.language.references import is_fixed
from stepworkflows_cdk.language.usage import strings_of
from stepworkflows_cdk.language.workflow import Step, Workflow, walk

__all__ = ["Link", "all_links", "cancellable", "chain", "entry", "unsure_pivots"]


@dataclass(frozen=True)
class Link:
    """One step that has an undo, or a loop with such steps inside, ``links``. ``asks``: whether it was attempted is known
    only from its flag. ``depth`` is how many scopes it is in, ``joined`` whether it is in branches that the chain stands
    outside of.
    """

    step: Step
    asks: bool
    depth: int = 0
    joined: bool = False
    links: tuple[Link, ...] = ()


def chain(workflow: Workflow) -> tuple[Link, ...]:
    """The links, in the order of undoing."""
    # Where the flow may end before a step, no place tells what was attempted.
    return tuple(_links(workflow.steps, workflow.keys.cancel is not None, 0, 0))[::-1]


def all_links(links: Sequence[Link]) -> list[Link]:
    """The links, and those inside of loops."""
    return [each for link in links for each in (link, *all_links(link.links))]


def entry(workflow: Workflow, failed: Step | None, *, completed: bool = False) -> Step | None:
    """The step whose link comes first where ``failed`` fails (None: what comes after all steps); None where nothing is
    undone. ``completed``: its work is done, and what belongs to it failed behind; of steps that are one: what is inside
    has come to rest.
    """
    before: list[Step] = []
    for top in workflow.steps:
        inside = tuple(_outside_loops([top]))
        if failed is None or failed not in inside:
            before.extend(inside)
            if _is_sure(top):
                return None
            continue
        for step in inside:
            if step is failed:
                attempted = step.keys.undo_when == "attempted" or (completed and not _is_whole(step))
                attempted = attempted or (completed and _undone_by_item(step))
                before.extend([step] if attempted else [])
                before.extend(_outside_loops(_inside(step)) if completed and _is_whole(step) else [])
                break
            if step.keys.undo_when == "attempted" or failed not in walk([step]):
                before.append(step)
        if _is_sure(top) and completed and top is failed and not _is_whole(top):
            return None
        break
    return next((step for step in reversed(before) if step.undo or _undone_by_item(step)), None)


def unsure_pivots(workflow: Workflow) -> list[Step]:
    """The points of no return that are not passed on every way: a flag tells."""
    sure = [top for top in workflow.steps if _is_sure(top)]
    return [step for step in workflow.forward if step.keys.pivot and not any(step is top for top in sure)]


def cancellable(workflow: Workflow) -> frozenset[int]:
    """The steps (by ``id()``) before which a flow with ``cancel`` looks whether it is to end: those that can be undone or wait,
    and the point of no return, behind which a request comes too late. Executions of a distributed loop do
    not know the flow's input, and go on.
    """
    found: list[Step] = []
    for top in workflow.steps if workflow.keys.cancel else ():
        if _is_sure(top):
            found.append(top)
            break
        found += _cancellable([top])
    return frozenset(id(step) for step in found)


def _cancellable(steps: Iterable[Step]) -> Iterator[Step]:
    for step in steps:
        waits = step.keys.wait is not None or bool(step.integration and step.integration.waits)
        if step.undo or step.keys.pivot or waits:
            yield step
        for arm in (*step.arms, *step.catches):
            yield from _cancellable(arm.steps)
        far = step.keys.for_each is not None and step.keys.for_each.distributed
        for branch in () if far else step.branches:
            yield from _cancellable(branch.steps)


def _is_sure(top: Step) -> bool:
    return top.keys.pivot and not top.may_be_skipped


def _is_whole(step: Step) -> bool:
    return bool(step.branches or step.arms)


def _outside_loops(steps: Iterable[Step]) -> list[Step]:
    """The steps and what is inside them, but for what loops do: a loop stands for that."""
    found: list[Step] = []
    for step in steps:
        found += [step, *_outside_loops(_inside(step))]
        found += _outside_loops(inner for catch in step.catches for inner in catch.steps)
        found += _outside_loops(step.reminder.steps if step.reminder else ())
    return found


def _inside(step: Step) -> list[Step]:
    """The steps in arms and branches."""
    inside = [inner for arm in step.arms for inner in arm.steps]
    return [*inside, *(inner for branch in step.branches if not branch.each for inner in branch.steps)]


def _undone_by_item(step: Step) -> bool:
    return any(inner.undo for branch in step.branches if branch.each for inner in walk(branch.steps))


def _links(steps: Sequence[Step], asks: bool, depth: int, chain_depth: int) -> Iterator[Link]:
    for step in steps:
        unsure = asks or step.may_be_skipped
        if step.undo:
            asked = unsure or (step.keys.undo_when == "completed" and _may_fail_undone(step))
            yield Link(step, asked, depth, depth > chain_depth)
        for arm in step.arms:
            # A group that takes its errors itself does not tell where it failed.
            taken = bool(step.keys.retry or step.catches or step.may_fail_alone)
            yield from _links(arm.steps, unsure or taken or not step.is_group, depth, chain_depth)
        for branch in step.branches:
            if not branch.each:
                yield from _links(branch.steps, True, depth + 1, chain_depth)
            elif links := tuple(_links(branch.steps, True, depth + 1, depth + 1))[::-1]:
                yield Link(step, False, depth, depth > chain_depth, links)
        for arm in step.catches:
            yield from _links(arm.steps, True, depth, chain_depth)


def _may_fail_undone(step: Step) -> bool:
    """Whether the work of a step may not be done where the flow goes on behind it, to the undo of its result, or to that of
    what is inside.
    """
    if any(inner.undo for inner in walk(step.inside)):
        return True
    given = (text for path, text in strings_of(step) if path[0] != "outputs")
    return bool(step.catches or (step.outputs and not all(map(is_fixed, given))))
