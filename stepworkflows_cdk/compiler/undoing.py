"""The chain of undo steps becomes states, in the order of undoing; what a loop did is undone by a map, item by item.

An undo that fails for good does not end the chain: its step is noted in the variable ``left``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.lanes import Lane
from stepworkflows_cdk.compiler.place import Handler, TaskPlace
from stepworkflows_cdk.compiler.plan import Catch, Choice, Data, Jsonata, Map, Pass, Rule, State
from stepworkflows_cdk.compiler.retries import ALL
from stepworkflows_cdk.compiler.saga import Link, all_links
from stepworkflows_cdk.compiler.states import reachable
from stepworkflows_cdk.compiler.steps.context import Context
from stepworkflows_cdk.compiler.tasks import task_states
from stepworkflows_cdk.compiler.values import variable
from stepworkflows_cdk.compiler.variables import read_from_outside
from stepworkflows_cdk.language.workflow import EACH, Step, walk

__all__ = ["Undoing"]


@dataclass
class Undoing:
    """Plans the undo chain of one machine.

    Each loop's map is planned before the loop: what it reads of an item, each iteration of the loop has to hand out.
    """

    context: Context
    links: Sequence[Link]
    _names: dict[tuple[int, bool], str] = field(default_factory=dict)
    _maps: dict[int, Map] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shared = [link.step.undo.id for link in all_links(self.links) if link.step.undo and not link.links]
        for link in all_links(self.links):
            step = link.step
            name = f"{step.name}: undo"
            if step.undo and not link.links:
                several = shared.count(step.undo.id) > 1
                name = f"{step.undo.name} ({step.id})" if several else step.undo.name
            self._names[_key(link)] = self.context.namer.unique(name)
        self._asked = {
            _key(link): self.context.namer.unique(f"{self._names[_key(link)]}: needed?")
            for link in all_links(self.links)
            if link.asks
        }
        for link in self.links:
            self._plan_loop(link)

    def name(self, step: Step) -> str:
        """The state by which what a step did is undone."""
        return self._names[id(step), False]

    def first(self, step: Step) -> str:
        """Where the chain is entered at a step: its undo, or the question whether it is needed."""
        key = (id(step), True) if (id(step), True) in self._names else (id(step), False)
        return self._asked.get(key) or self._names[key]

    def states(self, lane: Lane, next_: str) -> list[State]:
        """The states of the chain."""
        return self._chain(self.links, lane, next_)

    def _chain(self, links: Sequence[Link], lane: Lane, next_: str) -> list[State]:
        found: list[State] = []
        first = [self._asked.get(_key(link)) or self._names[_key(link)] for link in links]
        for link, after in zip(links, [*first, next_][1:], strict=True):
            found += self._link(link, lane, after)
        return found

    def _link(self, link: Link, lane: Lane, next_: str) -> list[State]:
        step, name = link.step, self._names[_key(link)]
        found: list[State] = []
        if link.asks:
            assert step.undo
            tried = variable("tried", step.id, lane.depth if link.joined else None)
            found.append(Choice(self._asked[_key(link)], step.undo.mark, (Rule(Jsonata(f"${tried}"), name),), next_))
        if link.links:
            return [*found, self._map(link, lane, next_)]
        undo = step.undo
        assert undo
        call = self.context.calls[id(undo)].call
        assert call
        left = _noted(lane, _what(step, lane))
        failed = Handler(next_, lambda _error, _cause: left)
        retry, ignore = undo.keys.retry or (), undo.keys.ignore or ()
        place = TaskPlace(name, undo.mark, undo.id, next_, failed, retry, ignore=ignore, undo=True, caught=lane.caught)
        caught = self.context.of_try(undo, lane.caught)
        return [*found, *task_states(place, call, caught, lane.tries, self.context.namer.unique)]

    def _map(self, link: Link, lane: Lane, next_: str) -> Map:
        planned = self._maps[id(link.step)]
        items = variable("undo", link.step.id, lane.depth if link.joined else None)
        left = _left(lane)
        found = "$r := $states.result[left != ''].left"
        more = f"(${left} = '' ? '' : ${left} & ', ') & $join($append([], $r), ', ')"
        assign: dict[str, Data] = {left: Jsonata(f"({found}; $exists($r) ? {more} : ${left})")}
        gone = _noted(lane, _what(link.step, lane))
        return Map(
            planned.name,
            planned.mark,
            Jsonata(f"${items}"),
            None,
            planned.body,
            next_,
            1,
            assign,
            catch=(Catch((ALL,), next_, gone),),
        )

    def _plan_loop(self, link: Link) -> None:
        """The map for one loop, and what each iteration of the loop has to hand out for it."""
        for inner in link.links:
            self._plan_loop(inner)
        if not link.links:
            return
        step, name = link.step, self._names[_key(link)]
        mark = next(inner.undo.mark for inner in walk(step.inside) if inner.undo)
        (body,) = step.branches
        frame = (*self.context.views[id(step)].frame, body.scope(step))
        lane = Lane(frame, lambda _step, _completed: Handler(end, lambda _error, _cause: {}), "")
        lane.tries.lane = f"_at{lane.depth}"
        end = self.context.namer.unique(f"{name}: done")
        self.context.exports.names.items.add((step.id, "index"))
        states = self._chain(link.links, lane, end)
        states.append(Pass(end, mark, None, {}, {"left": Jsonata(f"${_left(lane)}")}))
        own = _variables_of(step, lane.depth)
        kept = tuple(sorted(name for name in read_from_outside(states) if name in own))
        self.context.kept[id(step)] = kept
        begin: dict[str, Data] = {name: Jsonata(f"$states.input.{name}") for name in kept}
        begin |= {_left(lane): "", **dict.fromkeys(lane.tries.names, 0)}
        first = states[0].name
        start = Pass(self.context.namer.unique(f"{name}: begins"), mark, first, begin)
        self._maps[id(step)] = Map(name, mark, None, None, reachable([start, *states]), None)


def _key(link: Link) -> tuple[int, bool]:
    return id(link.step), bool(link.links)


def _left(lane: Lane) -> str:
    return f"left{lane.depth or ''}"


def _what(step: Step, lane: Lane) -> str:
    """JSONata for what is left undone."""
    if not lane.frame:
        return literal(step.title)
    return f"{literal(f'{step.title} of item ')} & $string(${_index(lane)})"


def _index(lane: Lane) -> str:
    return variable("index", lane.frame[-1].removesuffix(EACH))


def _noted(lane: Lane, what: str) -> Mapping[str, Data]:
    left = _left(lane)
    return {left: Jsonata(f"${left} = '' ? {what} : ${left} & ', ' & {what}")}


def _variables_of(loop: Step, depth: int) -> frozenset[str]:
    """The variables that an iteration of a loop may set, in its own scope."""
    inside = [inner.id for branch in loop.branches for inner in walk(branch.steps)]
    found = {variable(what, loop.id) for what in ("item", "index")}
    found |= {
        variable(kind, id_, level)
        for id_ in inside
        for kind in ("step", "status", "tried", "undo", "error", "round", "result")
        for level in (None, depth)
    }
    return frozenset(found)
