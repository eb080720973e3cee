"""A graph of all states becomes the graph of the steps: what the compiler added is taken out, and the edges through it
are joined.

Stays: each step's own state, whatever holds one, and the ends. Goes: the entry, the loops of retries, the states that
fence an expression, records of outputs, the choice between the ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from stepworkflows_cdk.language.ids import slug
from stepworkflows_cdk.pictures.model import ANY_ERROR, Edge, Graph, Node, walk

__all__ = ["auxiliary_states", "steps_only"]

_LONGEST = 80  # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
_STAY = {"Succeed", "Fail", "Machine"}


def steps_only(graph: Graph) -> Graph:
    """The graph without the states that no step is named for. A retry through such states becomes one of
    ``Node.retries``, like those that a retrier does.
    """
    # Two machines may have states of the same name.
    nodes = (
        replace(node, branches=tuple(map(steps_only, node.branches))) if node.kind == "Machine" else node
        for node in graph.nodes
    )
    whole = replace(graph, nodes=tuple(nodes))
    return _Contraction(auxiliary_states(whole)).graph(whole)


def auxiliary_states(graph: Graph) -> frozenset[str]:
    """The names of the states that are not a step's own: those without a step, those named after another state of their
    step (``charge: wait``), and those of a group, which has no state of its own (``both: outputs``).
    """
    states = [node for _, node in walk(graph) if node.kind != "Start"]
    names: dict[str, list[str]] = {}
    for node in states:
        names.setdefault(node.step, []).append(node.name)
    return frozenset(
        node.name
        for node in states
        if not node.step
        or any(_is_named_after(node, name) for name in names[node.step] if name != node.name)
        or _belongs_to_a_group(node)
    )


def _belongs_to_a_group(node: Node) -> bool:
    owner, colon, _ = node.title.partition(": ")
    return bool(colon) and node.kind not in ("Task", "Map") and slug(owner) == node.step


def _is_named_after(node: Node, own: str) -> bool:
    name = re.sub(r" \(\d+\)$", "", node.name)
    # A name is cut at the longest that a state may have. Tasks are not taken for added ones then: rather one too many.
    cut = len(node.title) == _LONGEST and node.kind != "Task"
    return name.startswith(f"{own}: ") or (cut and f"{own}: ".startswith(name))


@dataclass(frozen=True)
class _Contraction:
    added: frozenset[str]

    def graph(self, graph: Graph) -> Graph:
        hidden = {node.name: node for node in graph.nodes if self._is_hidden(node)}
        leaving = {node.name: _leaving(node, graph) for node in graph.nodes}
        begin = [node.name for node in graph.nodes[:1] if node.name in hidden]
        nodes: list[Node] = []
        ways: list[_Way] = []
        for node in graph.nodes:
            if node.name in hidden:
                continue
            found = list(_ways(node.name, leaving, hidden))
            loops = [edge for edge in found if edge.target == node.name and edge not in graph.edges]
            again = (error for edge in loops if edge.kind == "error" for error in _errors(edge.label))
            shown = self._node(node)
            if node.beside:
                works = (other.service for other in graph.nodes if other.step == node.step and not other.beside)
                shown = replace(shown, service=next(filter(None, works), node.service))
            nodes.append(replace(shown, retries=tuple(dict.fromkeys([*node.retries, *again]))))
            ways += _joined(edge for edge in found if edge not in loops)
        if begin:
            # What a hidden first state leads to begins.
            firsts = {edge.target for edge in _ways(begin[0], leaving, hidden)}
            nodes.sort(key=lambda node: node.name not in firsts)
        good = _good_ways(ways)
        edges = (way.edge(way.source not in good or way.target in good[way.source]) for way in ways)
        return Graph(graph.title, tuple(nodes), tuple(edges))

    def _is_hidden(self, node: Node) -> bool:
        return node.name in self.added and node.kind not in _STAY and not self._holds_steps(node)

    def _holds_steps(self, node: Node) -> bool:
        inside = (inner for branch in node.branches for _, inner in walk(branch))
        return any(inner.name not in self.added for inner in inside)

    def _node(self, node: Node) -> Node:
        if node.kind == "Machine":
            return node
        if node.kind in {"Parallel", "Map"} and not self._holds_steps(node):
            inside = [inner for branch in node.branches for _, inner in walk(branch)]
            first = next((inner for inner in inside if inner.kind == "Task"), inside[0])
            fence = node.kind == "Parallel" and len(node.branches) == 1
            kind = first.kind if fence else node.kind
            return replace(node, kind=kind, service=first.service, starts=first.starts, branches=())
        inner = (self.graph(branch) for branch in node.branches)
        return replace(node, branches=tuple(branch for branch in inner if branch.nodes))


def _leaving(node: Node, graph: Graph) -> list[Edge]:
    """The edges from a state. An error of a loop goes where the loop goes, to be told apart there."""
    own = [edge for edge in graph.edges if edge.source == node.name]
    plain = {edge.target for edge in own if edge.kind != "error"}
    return [edge for edge in own if node.kind != "Map" or edge.kind != "error" or edge.target not in plain]


def _ways(source: str, leaving: dict[str, list[Edge]], hidden: dict[str, Node]) -> Iterator[Edge]:
    """The edges from a state to those that stay, through any number of those that go. An edge through them is an error's
    where any part is; it says what its first part says, since conditions behind it are the compiler's. An error that
    leads to a second call of the step is none: what comes of that call counts.
    """
    seen = set()
    ahead = list(reversed(leaving[source]))
    while ahead:
        edge = ahead.pop()
        if edge in seen:
            continue
        seen.add(edge)
        if edge.target not in hidden:
            yield edge
            continue
        for then in reversed(leaving[edge.target]):
            second = edge.kind == "error" and hidden[edge.target].kind == "Task" and bool(hidden[edge.target].step)
            error = then if second or (then.kind == "error" and edge.kind != "error") else edge
            said = error if source or error.kind == "error" else Edge(source, then.target)
            ahead.append(Edge(source, then.target, said.kind, said.label))


@dataclass(frozen=True)
class _Way:
    """All edges from one node to another: whether some are no error's, what these say, and the errors that lead there."""

    source: str
    target: str
    plain: Edge | None
    caught: str

    def edge(self, good: bool) -> Edge:
        """One edge. Where the way is not a ``good`` one, it is an error's: the choices on it are the compiler's, between what
        went well and what did not.
        """
        if self.plain is None or (self.caught and not good):
            return Edge(self.source, self.target, "error", self.caught)
        said = (self.plain.label, f"or {self.caught}" if self.caught else "")
        return replace(self.plain, label=", ".join(part for part in said if part))


def _joined(edges: Iterable[Edge]) -> Iterator[_Way]:
    """One way for each target: its conditions, and the errors that lead there too."""
    ordered = list(edges)
    first = {edge.target: index for index, edge in reversed(list(enumerate(ordered)))}
    for target, group in groupby(sorted(ordered, key=lambda edge: first[edge.target]), key=lambda edge: edge.target):
        alike = list(group)
        caught = _error_label([edge for edge in alike if edge.kind == "error"])
        plain = list(dict.fromkeys(edge for edge in alike if edge.kind != "error"))
        said = plain[0] if plain else None
        if said and len(plain) > 1:
            labels = [edge.label for edge in plain]
            said = replace(said, label=" or ".join(labels)) if all(labels) else Edge(said.source, target)
        yield _Way(alike[0].source, target, said, caught)


def _good_ways(ways: Sequence[_Way]) -> dict[str, set[str]]:
    """Of each node that something follows only where all went well: what can come behind it on such ways."""
    plain: dict[str, list[str]] = {}
    sure: dict[str, list[str]] = {}
    for way in ways:
        if way.plain:
            plain.setdefault(way.source, []).append(way.target)
            if not way.caught:
                sure.setdefault(way.source, []).append(way.target)
    next_ = {**plain, **sure}
    good: dict[str, set[str]] = {}
    for source in sure:
        reached = good[source] = set()
        ahead = list(next_[source])
        while ahead:
            target = ahead.pop()
            if target not in reached:
                reached.add(target)
                ahead += next_.get(target, ())
    return good


def _error_label(edges: Sequence[Edge]) -> str:
    names = list(dict.fromkeys(name for edge in edges for name in _errors(edge.label)))
    if not names or ANY_ERROR in names:
        return ANY_ERROR if names else ""
    return f"error {', '.join(names)}"


def _errors(label: str) -> list[str]:
    return [label] if label == ANY_ERROR else label.removeprefix("error ").split(", ")
