"""A bundle's machines become graphs: states as nodes, what can come next as edges, branches as graphs in their node.

Everything is read from the ASL text, so that a picture shows what deploys; the marks add step, file and line. What the
fields of a state mean: https://states-language.net/spec.html.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from stepworkflows_cdk.compiler.bundle import Bundle, Machine
from stepworkflows_cdk.compiler.plan import RACE_WON
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.ids import guarded_id

__all__ = ["ANY_ERROR", "START", "Edge", "Graph", "Kind", "Node", "read", "read_machine", "read_main", "walk"]

Kind = Literal["Task", "Choice", "Pass", "Wait", "Parallel", "Map", "Succeed", "Fail", "Start", "Machine"]
"""The type of a state; Start is where a machine is entered, Machine stands for a whole one among several, or inside of
another."""

START = ""
"""The name of the node where a machine is entered. No state has it: names of states have 1 to 80 characters."""

ANY_ERROR = "any error"

_NOWHERE = Mark("", 0, 0)

_ALWAYS = "{% true %}"
"""The condition of a rule that stands for the default, where that assigns something."""


@dataclass(frozen=True)
class Node:
    """A state. Its name is unique in its machine."""

    name: str
    kind: Kind
    service: str = ""
    """What a task calls, as in its resource: ``lambda:invoke``, ``dynamodb:putItem``; empty for other states."""
    step: str = ""
    """The id of the step that caused it; empty where none did."""
    file: str = ""
    line: int = 0
    comment: str = ""
    retries: tuple[str, ...] = ()
    """The names of the errors after which it is tried again."""
    beside: bool = False
    """Whether its call is not a step's work, but what that takes."""
    starts: str = ""
    """The key of the machine that a task starts an execution of."""
    branches: tuple[Graph, ...] = ()
    """Of a Parallel or a Map: what runs inside. Names of states do not repeat there either."""
    prefix: str = ""
    """What its name begins with besides the state's own: the state that started the execution, as a run tells it."""

    @property
    def title(self) -> str:
        """The state's own name."""
        return self.name.removeprefix(self.prefix)


@dataclass(frozen=True)
class Edge:
    """From one state to one that can come next."""

    source: str
    target: str
    kind: Literal["next", "condition", "default", "error"] = "next"
    label: str = ""
    """The whole condition, as its author wrote it where that is known; ``error NAME, NAME``, ``any error`` or ``default``;
    empty where a state has one next."""


@dataclass(frozen=True)
class Graph:
    """States that follow each other: a machine's, or a branch's. ``nodes[0]`` is where it begins."""

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def read(bundle: Bundle) -> Graph:
    """The graph of all states of the bundle; where it has several machines, each is a node with its graph inside. A machine
    that a guard waits for stands inside of the guard.
    """
    outer = [one for one in bundle.machines if not one.inner]
    if len(outer) == 1:
        return read_main(bundle)
    nodes = (Node(one.id, "Machine", **_place(one.mark), branches=(_guarding(one, bundle),)) for one in outer)
    return Graph(bundle.main.id, tuple(nodes), ())


def read_main(bundle: Bundle) -> Graph:
    """The graph of all states of the first machine, and of the one that it guards."""
    return _guarding(bundle.main, bundle)


def read_machine(machine: Machine) -> Graph:
    """The graph of all states of one machine, with its start as the first node."""
    definition = json.loads(machine.text)
    inner = _graph(machine.id, definition, machine)
    start = Node(START, "Start", **_place(machine.mark), comment=definition.get("Comment", ""))
    return Graph(machine.id, (start, *inner.nodes), (Edge(START, definition["StartAt"]), *inner.edges))


def walk(graph: Graph) -> Iterator[tuple[Graph, Node]]:
    """Every node with the graph that it is in; a node comes before what is inside it."""
    for node in graph.nodes:
        yield graph, node
        for branch in node.branches:
            yield from walk(branch)


def _guarding(machine: Machine, bundle: Bundle) -> Graph:
    graph = read_machine(machine)
    inner = next((one for one in bundle.machines if one.inner and one.id == guarded_id(machine.id)), None)
    if inner is None:
        return graph
    nodes = (
        replace(node, kind="Machine", branches=(_started_by(node.name, replace(read_machine(inner), title="")),))
        if node.starts == inner.key
        else node
        for node in graph.nodes
    )
    return replace(graph, nodes=tuple(nodes))


def _started_by(state: str, graph: Graph) -> Graph:
    """The graph with the names by which a run tells of the states: behind that of the state that started them."""

    def named(name: str) -> str:
        return f"{state}/{name}" if name != START else START

    nodes = (
        replace(
            node,
            name=named(node.name),
            prefix=f"{state}/",
            branches=tuple(_started_by(state, branch) for branch in node.branches),
        )
        for node in graph.nodes
    )
    edges = (replace(edge, source=named(edge.source), target=named(edge.target)) for edge in graph.edges)
    return replace(graph, nodes=tuple(nodes), edges=tuple(edges))


def _graph(title: str, definition: Mapping[str, Any], machine: Machine) -> Graph:
    states = definition["States"]
    first = definition["StartAt"]
    names = [first, *(name for name in states if name != first)]
    nodes = tuple(_node(name, states[name], machine) for name in names)
    return Graph(title, nodes, tuple(edge for name in names for edge in _edges(name, states[name])))


def _node(name: str, state: Mapping[str, Any], machine: Machine) -> Node:
    mark = machine.states.get(name, _NOWHERE)
    again = (rule["ErrorEquals"] for rule in state.get("Retry", ()) if rule.get("MaxAttempts") != 0)
    # The branch that decides a race ends in an error, so that the others end as well.
    wins = state.get("Error") == RACE_WON
    return Node(
        name,
        "Succeed" if wins else state["Type"],
        _service(state.get("Resource", "")),
        **_place(mark),
        step=mark.step,
        comment=state.get("Comment", ""),
        retries=tuple(dict.fromkeys(error for errors in again for error in errors)),
        beside=name in machine.beside,
        starts=_started(state, machine),
        branches=tuple(_graph(title, inside, machine) for title, inside in _inside(state)),
    )


def _started(state: Mapping[str, Any], machine: Machine) -> str:
    target = state["Arguments"].get("StateMachineArn") if isinstance(state.get("Arguments"), dict) else None
    return next((hole.need for hole in machine.holes if target == f"${{{hole.name}}}"), "")


def _inside(state: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    branches = state.get("Branches", ())
    for number, branch in enumerate(branches, 1):
        yield branch.get("Comment") or (f"branch {number}" if len(branches) > 1 else ""), branch
    processor = state.get("ItemProcessor") or state.get("Iterator")
    if processor:
        yield "each item", processor


def _edges(name: str, state: Mapping[str, Any]) -> Iterator[Edge]:
    if state.get("Next"):
        yield Edge(name, state["Next"])
    for rule in state.get("Choices", ()):
        if rule.get("Condition") != _ALWAYS:
            yield Edge(name, rule["Next"], "condition", rule.get("Comment") or _condition(rule.get("Condition", "")))
    if state.get("Default"):
        yield Edge(name, state["Default"], "default", "default")
    for rule in state.get("Catch", ()):
        if rule["ErrorEquals"] == [RACE_WON]:
            yield Edge(name, rule["Next"], "condition", "won")
        else:
            yield Edge(name, rule["Next"], "error", _error(rule["ErrorEquals"]))


def _condition(condition: Any) -> str:
    if not isinstance(condition, str):
        return json.dumps(condition)
    code = re.fullmatch(r"\{%(.*)%\}", condition.strip(), re.DOTALL)
    return " ".join((code[1] if code else condition).split())


def _error(errors: list[str]) -> str:
    return ANY_ERROR if "States.ALL" in errors else f"error {', '.join(errors)}"


def _service(resource: str) -> str:
    """``arn:${aws_partition}:states:::aws-sdk:sqs:sendMessage`` -> ``sqs:sendMessage``; of an ARN of a function or an
    activity, its service and kind; of one that only the deployment knows, what it is of.
    """
    if resource.startswith("${"):
        return resource[2:].partition("_")[0]
    _, integration, action = resource.partition(":states:::")
    if integration:
        return action.removeprefix("aws-sdk:")
    parts = resource.split(":")
    return f"{parts[2]}:{parts[5]}" if len(parts) > 6 else resource


def _place(mark: Mark) -> dict[str, Any]:
    return {"file": mark.file, "line": mark.line}
