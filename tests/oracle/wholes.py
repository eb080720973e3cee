"""Steps in lanes of their own: branches, races, loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from oracle.going import Failed, Going, Stopped, Task, Undecided, rest
from oracle.knowing import UNSAID
from oracle.lanes import Lane, Said
from oracle.traces import Together
from stepworkflows_cdk.language.model import ForEachKeys
from stepworkflows_cdk.language.workflow import Branch, Step
from stepworkflows_cdk.language.workflow import walk as all_of

if TYPE_CHECKING:
    from oracle.walking import Walk

__all__ = ["loop", "parallel", "race"]

EXCEEDED = "The specified tolerated failure threshold was exceeded"
"""In the words of the service."""


def parallel(walk: Walk, step: Step, lane: Lane) -> Going[None]:
    """All branches, until they rest; with `fail-fast` until the first error."""
    lanes, tasks = _begun(walk, step, lane)
    if step.keys.fail_fast:
        yield from _fast(walk, tasks)
    yield from rest(tasks)
    for branch, inside in zip(step.branches, lanes, strict=True):
        lane.said.update({inner.id: inside.said[inner.id] for inner in all_of(branch.steps) if inner.id in inside.said})
    _raise([task.error for task in tasks])


def race(walk: Walk, step: Step, lane: Lane) -> Going[dict[str, Any]]:
    """The branches, until so many have succeeded as it takes; what they gave."""
    join = step.keys.join
    lanes, tasks = _begun(walk, step, lane)
    won: list[int] = []
    while len(won) < (1 if join == "any" else join.at_least):  # type: ignore[union-attr]
        running = tuple(task for task in tasks if not task.ended)
        if not running:
            raise walk.failed("AllBranchesFailed" if join == "any" else "TooFewBranches", _nobody(step, tasks))
        yield running
        won = [number for number, task in enumerate(tasks) if task.ended and not task.error]
    for task in tasks:
        last = task.ended and task.moved < walk.run.time.now
        if not last and sum(walk.run.time.moves_now(each) for each in tasks) > 1:
            raise Undecided
        task.abort()
    given = {
        step.branches[number].name: dict(walk.known.inside(step.branches[number].steps, lanes[number]))
        for number in won
    }
    if join == "any":
        ((name, outputs),) = given.items()
        return {**outputs, "winner": name}
    return {**given, "winners": list(given)}


def loop(walk: Walk, step: Step, each: ForEachKeys, lane: Lane) -> Going[None]:
    """The steps for each item, as many at a time as may be; of each output a list is made."""
    (branch,) = step.branches
    items = _items(walk, step, each, lane)
    together = Together()
    lane.trace.append(together)
    lanes = [_of_item(step, each, lane, index, item) for index, item in enumerate(items)]
    alone = each.concurrency == 1
    together.traces += [inside.trace for inside in lanes[: 1 if alone else None]]
    if alone:
        lanes = [replace(inside, trace=lanes[0].trace) for inside in lanes]
    errors: list[Failed | Stopped | None] = [None] * len(items)
    left = iter(range(len(items)))
    may_fail = _tolerated(each, items)

    def worker() -> Going[None]:
        for index in left:
            try:
                yield from walk.steps(branch.steps, lanes[index])
            except (Failed, Stopped) as ended:
                errors[index] = ended
                if step.keys.fail_fast and isinstance(ended, Failed):
                    raise
            if may_fail is not None and sum(_weight(each, items[n]) for n, e in enumerate(errors) if e) > may_fail:
                raise walk.failed("States.ExceedToleratedFailureThreshold", EXCEEDED)

    tasks = [walk.run.time.start(worker()) for _ in range(min(each.concurrency or len(items), len(items)))]
    walk.run.lanes[step.id, lane.place] = lanes
    if step.keys.fail_fast or may_fail is not None:
        yield from _fast(walk, tasks)
    yield from rest(tasks)
    if may_fail is not None:  # of an item that failed nothing is known
        lanes = [replace(inside, said={}) if error else inside for inside, error in zip(lanes, errors, strict=True)]
        errors = []
    _columns(walk, branch, lanes, lane)
    if each.collect:
        told = [{"type": e.error, "cause": e.cause} if isinstance(e, Failed) else None for e in errors]
        lane.said[step.id] = Said("done", {"errors": told})
    else:
        lane.said[step.id] = Said("done")
    _raise([error for error in errors if not (each.collect and isinstance(error, Failed))])


def _begun(walk: Walk, step: Step, lane: Lane) -> tuple[list[Lane], list[Task]]:
    lanes = [lane.inside() for _ in step.branches]
    lane.trace.append(Together([inside.trace for inside in lanes]))
    tasks = [
        walk.run.time.start(walk.steps(branch.steps, inside))
        for branch, inside in zip(step.branches, lanes, strict=True)
    ]
    return lanes, tasks


def _fast(walk: Walk, tasks: Sequence[Task]) -> Going[None]:
    """Until all have ended, or the first has failed, which ends the others."""
    while running := tuple(task for task in tasks if not task.ended):
        yield running
        failed = [task for task in tasks if isinstance(task.error, Failed)]
        if failed:
            if any(walk.run.time.moves_now(task) for task in tasks if task is not failed[0]):
                raise Undecided
            for task in running:
                task.abort()
            raise failed[0].error  # type: ignore[misc]


def _raise(errors: Sequence[Failed | Stopped | None]) -> None:
    """The first error, else the first end that is none, in the order of the text."""
    failures = [error for error in errors if isinstance(error, Failed)]
    if failures:
        raise min(failures, key=lambda failed: failed.at)
    for error in errors:
        if error:
            raise error


def _nobody(step: Step, tasks: Sequence[Task]) -> str:
    told = [
        f"{task.error.error}: {task.error.cause or ''}" if isinstance(task.error, Failed) else "succeeded"
        for task in tasks
    ]
    return "; ".join(f"{branch.name}: {said}" for branch, said in zip(step.branches, told, strict=True))


def _items(walk: Walk, step: Step, each: ForEachKeys, lane: Lane) -> list[Any]:
    if each.source:
        key = walk.known.value(each.source.key, lane)
        items = walk.run.outside.items(f"{each.source.bucket}/{key}")[: each.max_items]
    else:
        items = walk.known.items(each.items, lane)
        if each.max_items is not None and len(items) > each.max_items:
            raise walk.failed("TooManyItems", UNSAID)
    size = each.batch
    return [items[start : start + size] for start in range(0, len(items), size)] if size else items


def _of_item(step: Step, each: ForEachKeys, lane: Lane, index: int, item: Any) -> Lane:
    inside = replace(lane.inside(), loops=(*lane.loops, step.id), place=(*lane.place, index))
    inside.items.update({each.as_: item, "index": index})
    return inside


def _tolerated(each: ForEachKeys, items: Sequence[Any]) -> float | None:
    """How many items may fail, where it is said."""
    if isinstance(each.tolerate, str):
        return sum(_weight(each, item) for item in items) * float(each.tolerate.rstrip("%")) / 100
    return each.tolerate


def _weight(each: ForEachKeys, item: Any) -> int:
    return len(item) if each.batch else 1


def _columns(walk: Walk, branch: Branch, lanes: Sequence[Lane], lane: Lane) -> None:
    """Of a loop each output is a list, also for none and one; so is each status."""
    for inner in all_of(branch.steps):
        columns = {
            output.name: [walk.known.given(inner, output, inside) for inside in lanes] for output in inner.outputs
        }
        lane.said[inner.id] = Said([walk.known.status(inner, inside) for inside in lanes], columns)
