"""The events of a run become what it did with each node and edge of a graph.

Events are plain mappings, each with its ``event`` (``StateEntered``, ``AttemptFailed``, ...) and the fields of
``stepworkflows_cdk.local.events``; whatever else is told is left aside.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from stepworkflows_cdk.compiler.plan import RACE_WON
from stepworkflows_cdk.pictures.model import START, Edge, Graph, Node, walk

__all__ = ["Trace", "Visit", "trace"]


@dataclass(frozen=True)
class Visit:
    """What a run did with one state."""

    entered: int
    failed: int
    """Attempts that failed."""
    retried: int
    """Attempts after one that failed, by a retrier or through other states."""
    ended_well: bool
    """Whether the last attempt did not fail."""


@dataclass(frozen=True)
class Trace:
    """The visits by the names of nodes, and the edges that were taken."""

    visits: Mapping[str, Visit]
    edges: frozenset[Edge]

    def status(self, name: str) -> Literal["", "entered", "failed", "retried"]:
        """How a node stands out: it failed for good, it had to be tried again, or it just was entered."""
        visit = self.visits.get(name)
        if visit is None:
            return ""
        if not visit.ended_well:
            return "failed"
        return "retried" if visit.retried else "entered"

    def took(self, edge: Edge) -> bool:
        return edge in self.edges

    def notes(self) -> dict[str, str]:
        """Name of a node -> ``entered once, 2 failed, 2 retried``."""
        return {name: _note(visit) for name, visit in self.visits.items() if name != START}


def trace(graph: Graph, events: Iterable[Mapping[str, Any]], failed: Collection[str] = ()) -> Trace:
    """What the events say of the nodes and edges of the graph. Where states were left out of it, an edge was taken if
    they were passed between its ends. Of a Map, whose items run at the same time, an edge counts where both ends were
    entered. ``failed`` are nodes whose steps did, however their states ended: a fork ends well in which a branch handed
    out an error. A failure that is ``expected`` is none.
    """
    happened = [event for event in events if event.get("error") != RACE_WON and "expected" not in event]
    counts: dict[str, _Count] = {}
    edges: set[Edge] = set()
    for level, is_map in _levels(graph):
        names = {node.name for node in level.nodes}
        own = [event for event in happened if event.get("name") in names]
        _count(own, level, counts)
        if is_map:
            edges |= {edge for edge in level.edges if edge.source in counts and edge.target in counts}
        else:
            edges |= set(_taken(own, level, counts))
    if graph.nodes[0].name == START and counts:
        counts[START] = _Count(entered=1)
    for name in counts.keys() & set(failed):
        counts[name].ended_well = False
    return Trace({name: count.visit() for name, count in counts.items()}, frozenset(edges))


@dataclass
class _Count:
    entered: int = 0
    failed: int = 0
    retried: int = 0
    ended_well: bool = field(default=True)

    def visit(self) -> Visit:
        return Visit(self.entered, self.failed, self.retried, self.ended_well)


def _note(visit: Visit) -> str:
    times = "once" if visit.entered == 1 else f"{visit.entered} times"
    failed = f", {visit.failed} failed" if visit.failed else ""
    return f"entered {times}{failed}" + (f", {visit.retried} retried" if visit.retried else "")


def _levels(graph: Graph) -> Iterator[tuple[Graph, bool]]:
    yield graph, False
    for _, node in walk(graph):
        for branch in node.branches:
            yield branch, node.kind == "Map"


def _count(events: Sequence[Mapping[str, Any]], level: Graph, counts: dict[str, _Count]) -> None:
    """Counts of the states of one level."""
    nodes: dict[str, Node] = {node.name: node for node in level.nodes}
    for event in events:
        count = counts.setdefault(event["name"], _Count())
        match event["event"]:
            case "StateEntered":
                count.entered += 1
                count.ended_well = nodes[event["name"]].kind != "Fail"
            case "AttemptFailed":
                count.failed += 1
                again = event["retry_in"] is not None
                count.retried += again
                count.ended_well = again


def _taken(events: Sequence[Mapping[str, Any]], level: Graph, counts: Mapping[str, _Count]) -> Iterator[Edge]:
    """The edges between states that were entered one after the other."""
    before, failed = "", False
    if level.nodes[0].name == START:
        before = START
    for event in events:
        name = event["name"]
        match event["event"]:
            case "AttemptFailed":
                failed = event["retry_in"] is None
            case "StateEntered":
                between = [edge for edge in level.edges if (edge.source, edge.target) == (before, name)]
                if before == name and not between:
                    # It came back through states that the graph does not show.
                    counts[name].retried += failed
                yield from sorted(between, key=lambda edge: (edge.kind == "error") is not failed)[:1]
                before, failed = name, False
