"""`needs`: the steps of a list that a step waits for, read as a graph.

A step without `needs` waits for all steps before it in its list. Where no step of a list has any, the list is a plain
sequence, and nothing here concerns it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from stepworkflows_cdk.language.workflow import Step, Waits, Workflow

__all__ = ["Faults", "circle", "direct", "has_needs", "how_to_wait", "in_order", "lists", "waiting"]

Graph = Mapping[str, Sequence[str]]
"""The id of a step -> the ids of those beside it that it waits for by itself."""


class Faults(Exception):
    """The needs of a list make no order; the checks say why."""


def has_needs(steps: Sequence[Step]) -> bool:
    """Whether the steps of a list are more than a plain sequence."""
    return any(step.keys.needs is not None for step in steps)


def direct(steps: Sequence[Step]) -> Graph:
    """What each step waits for by itself. What no step of the list is called is left out."""
    ids = {step.title: step.id for step in steps}
    found: dict[str, list[str]] = {}
    for number, step in enumerate(steps):
        before = [other.id for other in steps[:number] if step.keys.needs is None or other.whole_input]
        found[step.id] = [*before, *(ids[name] for name in step.keys.needs or () if name in ids)]
    return found


def waiting(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps, each with what it waits for. Raises :class:`Faults`."""
    if not has_needs(steps):
        return tuple(steps)
    titles, graph = {step.title for step in steps}, direct(steps)
    unknown = any(name not in titles for step in steps for name in step.keys.needs or ())
    if unknown or len(graph) < len(steps) or circle(graph):
        raise Faults
    by_id = {step.id: step for step in steps}
    found: dict[str, Waits] = {}
    for id_ in _ordered(graph):
        step = by_id[id_]
        named = {by_id[other].title: other for other in graph[id_]}
        written = [named[name] for name in dict.fromkeys(step.keys.needs or ())]
        after = {*graph[id_]}.union(*(found[other].after for other in graph[id_]))
        ran = {*written}.union(*(found[other].ran for other in written))
        skips = tuple(other for other in written if found[other].skips or by_id[other].keys.if_ is not None)
        found[id_] = Waits(frozenset(after), frozenset(ran), skips)
    return tuple(replace(step, waits=found[step.id]) for step in steps)


def circle(graph: Graph) -> tuple[str, ...]:
    """Steps that wait for each other, each for the next and the last for the first; none where there are no such."""
    left = {id_: set(needed) & graph.keys() for id_, needed in graph.items()}
    while free := [id_ for id_, needed in left.items() if not needed]:
        left = {id_: needed - set(free) for id_, needed in left.items() if id_ not in free}
    if not left:
        return ()
    path = [next(iter(left))]
    while True:
        # The order of what is written, not that of a set.
        following = next(id_ for id_ in graph[path[-1]] if id_ in left)
        if following in path:
            return tuple(path[path.index(following) :])
        path.append(following)


def _ordered(graph: Graph) -> Iterator[str]:
    """The ids, each behind those that it waits for."""
    left = {id_: set(needed) for id_, needed in graph.items()}
    while left:
        free = [id_ for id_, needed in left.items() if not needed]
        yield from free
        left = {id_: needed - set(free) for id_, needed in left.items() if id_ not in free}


def in_order(steps: Sequence[Step]) -> list[Step]:
    """The steps, each behind those that it waits for, else as they are written."""
    return sorted(steps, key=lambda step: len(step.waits.after) if step.waits else 0)


def lists(workflow: Workflow) -> Iterator[tuple[Step, ...]]:
    """Every list of steps but those of undo steps and `finally`, which need no order."""
    yield workflow.steps
    yield workflow.on_failure
    for step in (*workflow.forward, *workflow.ending):
        yield from _inside(step)


def _inside(step: Step) -> list[tuple[Step, ...]]:
    arms = [arm.steps for arm in step.aside]
    return [*arms, *(branch.steps for branch in step.branches)]


def how_to_wait(workflow: Workflow, step: Step | None, wanted: Step) -> str:
    """How a step comes to begin only once another has ended."""
    move = f"move this behind `{wanted.title}`"
    if step is None:
        return move
    ours, theirs = _line(workflow.steps, step), _line(workflow.steps, wanted)
    for (around, mine), (beside, other) in zip(ours, theirs, strict=False):
        if mine is other:
            continue
        written = mine.keys.needs
        waits_for_us = other.waits is not None and mine.id in other.waits.after
        if around is not beside or written is None or waits_for_us:
            return move
        where = "" if mine is step else f" to `{mine.title}`"
        return f"add{where} `needs: [{', '.join([*written, other.title])}]`"
    return move


def _line(steps: Sequence[Step], target: Step) -> list[tuple[Sequence[Step], Step]]:
    """The step and those that it is inside of, outermost first, each with its list; none where it is not there."""
    for step in steps:
        if step is target:
            return [(steps, step)]
        for inner in _inside(step):
            if found := _line(inner, target):
                return [(steps, step), *found]
    return []
