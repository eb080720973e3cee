"""The states of a bundle's machines become nodes: the step that each state works for, and the steps around that.

A state is named after its step, alone or with a part behind it (``charge``, ``charge: again?``); what undoes a step is a node
of its own, and so is the waiting for a turn. States of the flow as a whole have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from stepworkflows_cdk.compiler.bundle import Bundle, Machine
from stepworkflows_cdk.compiler.guard import parts
from stepworkflows_cdk.compiler.values import variable
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.schedule import scheduled
from stepworkflows_cdk.language.workflow import Step, Workflow
from stepworkflows_cdk.pictures.model import Graph, read_machine, walk
from stepworkflows_cdk.pictures.model import Node as Drawn

__all__ = ["Node", "Place", "nodes_of"]

TURN = "its turn"
_LONGEST = 80  # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html


@dataclass(frozen=True, eq=False)
class Node:
    """A step of one machine, or what stands for one. ``name`` is that of the state that it begins with, with the names of the
    states that started the machine before it. ``around`` is the step that it is inside of.
    """

    name: str
    mark: Mark
    step: Step | None = None
    around: Node | None = None
    undo: bool = False
    reminds: bool = False
    """Whether it is one of the steps of a reminder of the step around it."""

    @property
    def shown(self) -> bool:
        """Whether somebody wrote it."""
        return self.step is None or bool(self.step.title)

    @property
    def path(self) -> tuple[Node, ...]:
        """The nodes around it, outermost first, and itself."""
        return (*(self.around.path if self.around else ()), self)


@dataclass(frozen=True)
class Place:
    """What a state is for: its node, None where that is the flow, and the state itself. ``holders`` are the nodes whose errors
    variables of the machine hold: ``failed_x``, ``error_x``.
    """

    node: Node | None
    state: Drawn
    flow: Workflow = field(repr=False)
    own: bool
    """Whether the state has the node's name: with it, the work begins."""
    holders: Mapping[str, Node] = field(repr=False)


def nodes_of(workflows: Iterable[Workflow], bundle: Bundle) -> dict[str, Place]:
    """The states that a run can enter, by the names that it tells."""
    flows = [flow for workflow in workflows for flow, _ in parts(scheduled(workflow))]
    machines = {machine.key: (machine, flow) for machine, flow in zip(bundle.machines, flows, strict=True)}
    found: dict[str, Place] = {}
    ahead = [("", bundle.main.key)]
    while ahead:
        prefix, key = ahead.pop(0)
        machine, flow = machines[key]
        graph = read_machine(machine)
        found |= _places(prefix, flow, machine, graph)
        ahead += [(f"{prefix}{node.name}/", node.starts) for _, node in walk(graph) if node.starts in machines]
    return found


def _places(prefix: str, flow: Workflow, machine: Machine, graph: Graph) -> Iterator[tuple[str, Place]]:
    nodes: dict[str, Node] = {}
    for node in _nodes(prefix, (*flow.steps, *flow.on_failure, *flow.finally_), None):
        nodes[node.name] = node
    holders = {
        variable(kind, node.step.id): node for node in nodes.values() if node.step for kind in ("failed", "error")
    }
    nodes |= {node.name: node for node in _undoing(prefix, nodes.values())}
    turn = None
    if flow.keys.concurrency:
        turn = Node(prefix + TURN, flow.document.key_mark(("concurrency",)))
    for _, drawn in walk(graph):
        if drawn.kind != "Start":
            name = prefix + drawn.name
            owner = _owner(name, nodes, len(prefix))
            if owner is None and turn and machine.states.get(drawn.name) == turn.mark:
                owner = turn
            yield name, Place(owner, drawn, flow, owner is not None and owner.name == name, holders)


def _nodes(prefix: str, steps: Iterable[Step], around: Node | None, reminds: bool = False) -> Iterator[Node]:
    for step in steps:
        node = Node(prefix + step.name, step.mark, step, around, reminds=reminds)
        yield node
        yield from _nodes(prefix, step.inside, node)
        if step.reminder:
            yield from _nodes(prefix, step.reminder.steps, node, reminds=True)
        for catch in step.catches:  # they run when the step is over
            yield from _nodes(prefix, catch.steps, around)


def _undoing(prefix: str, nodes: Iterable[Node]) -> Iterator[Node]:
    for node in list(nodes):
        step = node.step
        if step and step.undo:
            yield Node(prefix + step.undo.name, step.undo.mark, step.undo, undo=True)
            yield Node(f"{prefix}{step.undo.name} ({step.id})", step.undo.mark, step.undo, undo=True)
        elif step and step.branches:
            yield Node(f"{node.name}: undo", step.mark, undo=True)


def _owner(name: str, nodes: Mapping[str, Node], start: int) -> Node | None:
    """The node that a state is named after: the longest name counts. Names of states are cut at their longest."""
    if name in nodes:
        return nodes[name]
    parts = name.split(": ")
    for count in range(len(parts) - 1, 0, -1):
        own = ": ".join(parts[:count])
        if own in nodes:
            return nodes[own]
    if len(name) - start == _LONGEST:
        return next((node for own, node in nodes.items() if f"{own}: ".startswith(name[:-4])), None)
    return None
