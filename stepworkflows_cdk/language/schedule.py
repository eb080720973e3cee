"""Steps with `needs` become steps in sequence and forks, which is what Step Functions can run.

A list is taken apart: what no `needs` connects runs side by side, what all steps of one part wait for comes before
another part. Where that leads on to single steps, every step begins as early as its needs allow. Where it does not (as
in ``c`` needs ``a`` and ``b``, ``d`` needs ``b``), the list is cut between two levels of the graph, where the cut makes the
fewest steps wait for what they do not need.

Forks are named after steps that they hold, never after positions: a list in another order makes the same forks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from stepworkflows_cdk.language.model import StepKeys
from stepworkflows_cdk.language.needs import has_needs, in_order
from stepworkflows_cdk.language.workflow import Branch, Step, Workflow

__all__ = ["lost", "scheduled"]

_LONGEST_ID, _LONGEST_NAME = 63, 80


@dataclass(frozen=True)
class _Group:
    """Parts that run side by side, or one after the other; a part that is a number is a step, by its place."""

    side_by_side: bool
    parts: tuple[_Part, ...]


_Part = int | _Group


def scheduled(workflow: Workflow) -> Workflow:
    """The flow without a list that is more than a sequence: forks stand where steps may run at the same time."""
    every = workflow.all_steps
    forks = _Forks({step.id for step in every}, {step.name for step in every})
    return replace(
        workflow,
        steps=forks.in_sequence(workflow.steps),
        on_failure=forks.in_sequence(workflow.on_failure),
        finally_=tuple(forks.inside(step) for step in workflow.finally_),
    )


def lost(steps: Sequence[Step]) -> list[tuple[Step, list[Step]]]:
    """The steps that begin later than their needs allow, each with those that it then also waits for."""
    ordered = in_order(steps)
    order = _Order.of(ordered)
    behind = [0] * len(ordered)
    for first, then in _pairs(_taken_apart(order, order.all)):
        behind[then] |= 1 << first
    found: list[tuple[Step, list[Step]]] = []
    for number, step in enumerate(ordered):
        extra = behind[number] & ~order.before[number]
        # Not those that are waited for because another of them is.
        last = [one for one in _numbers(extra) if not any(behind[other] >> one & 1 for other in _numbers(extra))]
        needed = [one for one in last if not any(behind[other] >> one & 1 for other in _numbers(order.before[number]))]
        if needed:
            found.append((step, [ordered[one] for one in needed]))
    return found


@dataclass(frozen=True)
class _Order:
    """What comes before and behind each step, as sets of places in the bits of a number."""

    before: tuple[int, ...]
    behind: tuple[int, ...]

    @classmethod
    def of(cls, steps: Sequence[Step]) -> _Order:
        place = {step.id: number for number, step in enumerate(steps)}
        after = [step.waits.after if step.waits else frozenset[str]() for step in steps]
        before = [sum(1 << place[id_] for id_ in ids) for ids in after]
        behind = [0] * len(steps)
        for number, ids in enumerate(after):
            for id_ in ids:
                behind[place[id_]] |= 1 << number
        return cls(tuple(before), tuple(behind))

    @property
    def all(self) -> int:
        return (1 << len(self.before)) - 1

    def related(self, number: int) -> int:
        return self.before[number] | self.behind[number]


def _taken_apart(order: _Order, among: int) -> _Part:
    """The parts of some steps."""
    first = next(_numbers(among))
    if among == 1 << first:
        return first
    apart = _components(among, order.related)
    if len(apart) > 1:
        return _Group(True, tuple(_taken_apart(order, part) for part in apart))
    in_line = _components(among, lambda number: among & ~order.related(number))
    if len(in_line) > 1:
        in_line.sort(key=lambda part: (order.before[next(_numbers(part))] & among & ~part).bit_count())
    else:
        in_line = _cut(order, among)
    parts = (_taken_apart(order, part) for part in in_line)
    flat = (part.parts if isinstance(part, _Group) and not part.side_by_side else (part,) for part in parts)
    return _Group(False, tuple(inner for part in flat for inner in part))


def _components(among: int, neighbours: Callable[[int], int]) -> list[int]:
    """The steps, grouped by what is connected, in the order of their first."""
    found: list[int] = []
    while among:
        group, ahead = 0, among & -among
        while ahead:
            group |= ahead
            reached = 0
            for number in _numbers(ahead):
                reached |= neighbours(number)
            ahead = reached & among & ~group
        found.append(group)
        among &= ~group
    return found


def _cut(order: _Order, among: int) -> list[int]:
    """Two parts, between two levels of the graph, so that few steps wait for what they do not need."""
    best, least, upper = 0, -1, 0
    while True:
        rest = among & ~upper
        level = sum(1 << number for number in _numbers(rest) if not order.before[number] & rest)
        upper |= level
        lower = among & ~upper
        if not lower:
            return [best, among & ~best]
        waits = sum((lower & ~order.behind[number]).bit_count() for number in _numbers(upper))
        if least < 0 or waits < least:
            best, least = upper, waits


def _pairs(part: _Part) -> Iterator[tuple[int, int]]:
    """Which step comes before which, by the parts."""
    if isinstance(part, int):
        return
    for number, inner in enumerate(part.parts):
        yield from _pairs(inner)
        for later in part.parts[number + 1 :] if not part.side_by_side else ():
            yield from ((first, then) for first in _steps_of(inner) for then in _steps_of(later))


def _steps_of(part: _Part) -> Iterator[int]:
    if isinstance(part, int):
        yield part
    else:
        for inner in part.parts:
            yield from _steps_of(inner)


def _numbers(bits: int) -> Iterator[int]:
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits &= ~lowest


@dataclass(frozen=True)
class _Forks:
    """Makes forks, whose ids and names are none of those taken."""

    ids: set[str]
    names: set[str]

    def in_sequence(self, steps: Sequence[Step]) -> tuple[Step, ...]:
        """The steps of a list as a plain sequence."""
        inside = [self.inside(step) for step in steps]
        if not has_needs(inside):
            return tuple(inside)
        ordered = in_order(inside)
        order = _Order.of(ordered)
        return self._made(_taken_apart(order, order.all), ordered)

    def inside(self, step: Step) -> Step:
        """The step with the lists in it made plain."""
        arms = tuple(replace(arm, steps=self.in_sequence(arm.steps)) for arm in step.arms)
        branches = tuple(replace(branch, steps=self.in_sequence(branch.steps)) for branch in step.branches)
        catches = tuple(replace(catch, steps=self.in_sequence(catch.steps)) for catch in step.catches)
        reminder = step.reminder and replace(step.reminder, steps=self.in_sequence(step.reminder.steps))
        if not (arms or branches or catches or reminder):
            return step
        return replace(step, arms=arms, branches=branches, catches=catches, reminder=reminder)

    def _made(self, part: _Part, steps: Sequence[Step]) -> tuple[Step, ...]:
        if isinstance(part, int):
            return (steps[part],)
        if not part.side_by_side:
            return tuple(step for inner in part.parts for step in self._made(inner, steps))
        named = {min(steps[number].title for number in _steps_of(inner)): inner for inner in part.parts}
        first, second = sorted(named)[:2]
        # The last of them waits for less than all before it: it has the `needs` that the fork comes from.
        cause = next(
            steps[number] for number in reversed(list(_steps_of(part))) if steps[number].keys.needs is not None
        )
        branches = tuple(Branch(name, self._made(inner, steps)) for name, inner in named.items())
        id_ = _unique(f"{first}-beside-{second}", _LONGEST_ID, self.ids)
        name = _unique(f"{first} beside {second}", _LONGEST_NAME, self.names)
        path = (*cause.path, "needs")
        return (
            Step(
                id_,
                name,
                cause.document,
                path,
                StepKeys(),
                (),
                branches=branches,
                scheduled=True,
                flow_id=cause.flow_id,
            ),
        )


def _unique(wanted: str, longest: int, taken: set[str]) -> str:
    """The name, shortened where it is too long, and another where it is taken."""
    digest = hashlib.sha256(wanted.encode()).hexdigest()[:6]
    shortened = f"{wanted[: longest - 7]}-{digest}"
    found = wanted if len(wanted) <= longest and wanted not in taken else shortened
    taken.add(found)
    return found
