"""Lists of steps with `needs`: each step begins once those that it waits for have ended, and not where one of them failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from oracle.going import Failed, Going, Task, Undecided, rest
from oracle.lanes import Lane
from oracle.traces import Together, Trace
from stepworkflows_cdk.language.workflow import Step

if TYPE_CHECKING:
    from oracle.walking import Walk

__all__ = ["before", "graph"]


def graph(walk: Walk, steps: Sequence[Step], lane: Lane) -> Going[None]:
    """The steps of one list, side by side as far as they can be."""
    time, began = walk.run.time, walk.run.time.now
    tasks: dict[str, Task] = {}
    together = Together(after=before(steps))
    lane.trace.append(together)
    for step in steps:
        together.traces.append([])
        tasks[step.id] = time.start(_one(walk, step, lane, together.traces[-1], tasks))
    yield from rest(list(tasks.values()))
    ended = [task.error for task in tasks.values() if task.error]
    if (ended or time.now > began) and not _is_series_parallel(steps):
        raise Undecided  # then some of them may have waited for more
    failures = sorted((error for error in ended if isinstance(error, Failed)), key=lambda failed: failed.at)
    if len(failures or ended) > 1 and (not failures or failures[0].at == failures[1].at):
        raise Undecided
    if ended:
        raise (failures or ended)[0]


def before(steps: Sequence[Step]) -> dict[int, set[int]]:
    """Number of a step -> the numbers of those that it waits for."""
    numbers = {step.id: number for number, step in enumerate(steps)}
    return {numbers[step.id]: {numbers[id_] for id_ in step.waits.after} for step in steps if step.waits}


def _one(walk: Walk, step: Step, lane: Lane, trace: Trace, tasks: Mapping[str, Task]) -> Going[bool]:
    """A step in its turn; whether it began."""
    assert step.waits
    needed = [tasks[id_] for id_ in step.waits.after]
    yield from rest(needed)
    if not all(task.result for task in needed):
        return False
    yield from walk.step(step, lane.beside(trace))
    return True


def _is_series_parallel(steps: Sequence[Step]) -> bool:
    """Whether forks in forks can keep exactly this order. They cannot where ``c`` waits for ``a`` and ``b``, ``d`` only for
    ``b``, and nothing else is said of the four.
    """
    after = {step.id: step.waits.after for step in steps if step.waits}

    def apart(one: str, other: str) -> bool:
        return one not in after[other] and other not in after[one]

    for a, b in combinations(after, 2):
        if apart(a, b):
            for first, second in ((a, b), (b, a)):
                both = [id_ for id_ in after if {first, second} <= after[id_]]
                only = [id_ for id_ in after if second in after[id_] and apart(first, id_)]
                if any(apart(c, d) for c in both for d in only):
                    return False
    return True
