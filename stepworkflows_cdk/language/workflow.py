"""The workflow: what documents mean. Steps in order, each with its keys read and its place in the text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.document import Document, Path_
from stepworkflows_cdk.language.model import ConfigKeys, FlowKeys, SecretKeys, StepKeys
from stepworkflows_cdk.language.work_key import WorkKey

__all__ = [
    "EACH",
    "RECORDED",
    "Arm",
    "Branch",
    "Output",
    "Resource",
    "Secret",
    "Step",
    "Trigger",
    "Waits",
    "Workflow",
    "recorded_outputs",
    "walk",
]

EACH = "[]"
"""The end of the name of a loop's scope."""

OutputType = Literal["string", "number", "integer", "boolean", "object", "array"]


@dataclass(frozen=True)
class Output:
    """One name under ``outputs``. ``path`` leads to its value in the document."""

    name: str
    path: Path_
    type: OutputType | None = None
    has_default: bool = False
    default: Any = None


@dataclass(frozen=True)
class Arm:
    """Steps in the same scope: an arm of a ``switch`` (``when`` None: its else), all of a group, or a ``catch`` of a step,
    which may have none. ``path`` leads to it in the document.
    """

    path: Path_
    steps: tuple[Step, ...]
    when: str | None = None
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Branch:
    """Steps in a scope of their own: one branch of a ``parallel``, or what a ``for-each`` does with each item."""

    name: str
    steps: tuple[Step, ...]
    each: bool = False

    def scope(self, step: Step) -> str:
        """What tells the scope from all others; ``step`` is the fork or loop."""
        return f"{step.id}{EACH}" if self.each else f"{step.id}/{self.name}"


@dataclass(frozen=True)
class Waits:
    """What a step of a list waits for, where `needs` stands in the list: ids of steps beside it.

    ``after``: all that have ended when it begins. ``ran``: those of them that surely were not skipped, since it would be
    skipped with them. ``skips``: those that it names and that may be skipped.
    """

    after: frozenset[str]
    ran: frozenset[str]
    skips: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One step. ``work`` holds the keys that belong to ``integration``; a step without one only sets values or
    refuses.
    """

    id: str
    name: str
    document: Document
    path: Path_
    keys: StepKeys
    outputs: tuple[Output, ...]
    integration: WorkKey | None = None
    work: BaseModel | None = None
    undo: Step | None = None
    arms: tuple[Arm, ...] = ()
    """Of a ``switch``, the else last; of a group the one with its steps."""
    branches: tuple[Branch, ...] = ()
    """Of a ``parallel``; of a ``for-each`` the one that is done with each item."""
    catches: tuple[Arm, ...] = ()
    reminder: Arm | None = None
    """What is done while it waits."""
    whole_input: bool = False
    """Whether it is the code of the flow itself, which is given the whole input."""
    flow: Workflow | None = field(default=None, repr=False)
    """The other flow that it starts."""
    written_id: str = ""
    """The id in the document, where it is another: a step that does its work for each item becomes a loop, which has an
    id of its own, and the work inside."""
    waits: Waits | None = None
    """None: it waits for all steps before it in its list, as the others there do."""
    scheduled: bool = False
    """Whether it is no step of a document: a fork of steps that may run at the same time by their `needs`."""
    flow_id: str = ""
    """The id of the flow that it is a step of."""

    @property
    def title(self) -> str:
        """The id as its author knows it; empty where nobody wrote one."""
        return "" if self.scheduled else self.written_id or self.id

    @property
    def named_inputs(self) -> Mapping[str, Any]:
        """Its `inputs` by their names; none where one value gives all of them."""
        return self.keys.inputs if isinstance(self.keys.inputs, dict) else {}

    @property
    def given_whole(self) -> bool:
        """Whether one value gives all of its `inputs`, so that nobody knows their names before a run."""
        return isinstance(self.keys.inputs, str)

    @property
    def may_be_skipped(self) -> bool:
        """Whether the flow may go on behind it without it."""
        return self.keys.if_ is not None or bool(self.waits and self.waits.skips)

    @property
    def aside(self) -> tuple[Arm, ...]:
        """All that may run beside or instead of its work, in its own scope."""
        return (*self.arms, *self.catches, *((self.reminder,) if self.reminder else ()))

    @property
    def mark(self) -> Mark:
        return self.mark_of()

    def mark_of(self, *path: str | int) -> Mark:
        """Where the value at ``path`` inside the step stands."""
        mark = self.document.mark((*self.path, *path))
        return Mark(mark.file, mark.line, mark.column, self.title, self.flow_id)

    def key_mark(self, *path: str | int) -> Mark:
        """Where the key of that value stands."""
        mark = self.document.key_mark((*self.path, *path))
        return Mark(mark.file, mark.line, mark.column, self.title, self.flow_id)

    @property
    def laid(self) -> tuple[Mark, ...]:
        """Where those of its keys are written that its flow says once for many steps."""
        found = self.document.laid.get(self.path)
        if found is None and self.path[-2:] == ("steps", 0):  # the work of a loop, which stands where the loop does
            found = self.document.laid.get(self.path[:-2])
        return tuple(Mark(mark.file, mark.line, mark.column, self.title) for mark in found or ())

    def get(self, *path: str | int) -> Any:
        """The value at ``path`` inside the step, as written."""
        return self.document.get((*self.path, *path))

    def rule(self, key: str, index: int) -> Path_:
        """Where one of its rules for errors stands, under `retry` or `catch`: in a list, or alone."""
        return (key, index) if isinstance(self.get(key), list) else (key,)

    def output(self, name: str) -> Output | None:
        """The output of that name."""
        return next((output for output in self.outputs if output.name == name), None)

    @property
    def inside(self) -> tuple[Step, ...]:
        """The steps directly inside it: in arms and branches."""
        return (
            *(inner for arm in self.arms for inner in arm.steps),
            *(inner for branch in self.branches for inner in branch.steps),
        )

    @property
    def is_race(self) -> bool:
        """Whether it goes on before all of its branches have ended."""
        return self.keys.join is not None

    @property
    def is_group(self) -> bool:
        """Whether it is steps that are one."""
        return self.keys.steps is not None and self.keys.for_each is None

    @property
    def may_fail_alone(self) -> bool:
        """Whether the flow goes on behind it also where it failed."""
        return self.keys.on_error == "continue"


def walk(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps and all that are inside them, in the order of the text."""
    for step in steps:
        yield step
        yield from walk(inner for arm in step.arms for inner in arm.steps)
        yield from walk(inner for branch in step.branches for inner in branch.steps)
        yield from walk(inner for catch in step.catches for inner in catch.steps)
        yield from walk(step.reminder.steps if step.reminder else ())


RECORDED = "DATABASE_"


def recorded_outputs(step: Step) -> dict[str, str]:
    """The outputs that are also written into the flow's output table: attribute there -> output."""
    return {
        output.name.removeprefix(RECORDED): output.name for output in step.outputs if output.name.startswith(RECORDED)
    }


@dataclass(frozen=True)
class Resource:
    """One name under ``resources``."""

    name: str
    type: str
    keys: BaseModel
    integration: WorkKey
    mark: Mark


@dataclass(frozen=True)
class Trigger:
    """One thing under ``triggers`` that starts the flow; ``path`` leads to its keys."""

    kind: str
    keys: BaseModel
    integration: WorkKey
    document: Document
    path: Path_

    @property
    def id(self) -> str:
        """What tells it from others of its kind."""
        return self.integration.trigger_id(self)

    @property
    def mark(self) -> Mark:
        """Where its kind stands, or in a list its keys."""
        return self.mark_of() if isinstance(self.path[-1], int) else self.document.key_mark(self.path)

    def mark_of(self, *path: str | int) -> Mark:
        """Where the value at ``path`` inside it stands."""
        return self.document.mark((*self.path, *path))

    def key_mark(self, *path: str | int) -> Mark:
        """Where the key of that value stands."""
        return self.document.key_mark((*self.path, *path))


@dataclass(frozen=True)
class Secret:
    """One name under ``secrets``."""

    name: str
    keys: SecretKeys
    mark: Mark


@dataclass(frozen=True)
class Workflow:
    """One flow: a RunnableStep with its steps."""

    id: str
    name: str
    document: Document
    keys: FlowKeys
    steps: tuple[Step, ...]
    on_failure: tuple[Step, ...] = ()
    finally_: tuple[Step, ...] = ()
    undo_steps: Mapping[str, Step] = field(default_factory=dict)
    """All of ``undo-steps``, used or not."""
    outputs: tuple[Output, ...] = ()
    resources: Mapping[str, Resource] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    config: Mapping[str, ConfigKeys] = field(default_factory=dict)
    used: bool = False
    """Whether a step of another flow starts it."""
    triggers: tuple[Trigger, ...] = ()
    guard_id: str = ""
    """The id of the flow that this one does the work of."""

    @property
    def known_as(self) -> str:
        """The id by which others know the flow."""
        return self.guard_id or self.id

    @property
    def mark(self) -> Mark:
        return self.document.mark(())

    @property
    def own_code(self) -> Step | None:
        """The step that is the flow's own code, if it has any."""
        return self.steps[0] if self.steps and self.steps[0].whole_input else None

    @property
    def forward(self) -> tuple[Step, ...]:
        """All steps that run forward, at any depth, in the order of the text."""
        return tuple(walk(self.steps))

    @property
    def undos(self) -> tuple[Step, ...]:
        """The undo step of each step that has one, in the order of the steps."""
        return tuple(step.undo for step in self.forward if step.undo)

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """Every step that can run: forward, undo and at the end; each undo step once, however many steps name it."""
        undos = {(step.document.file, step.path): step for step in (*self.undos, *self.undo_steps.values())}
        return (*self.forward, *undos.values(), *self.ending)

    @property
    def ending(self) -> tuple[Step, ...]:
        """All steps of ``on-failure`` and ``finally``, at any depth."""
        return tuple(walk((*self.on_failure, *self.finally_)))

    @property
    def express(self) -> bool:
        """Whether its executions are of the short kind."""
        return self.keys.mode == "express"

    @property
    def open(self) -> bool:
        """Whether the flow takes any input."""
        return not self.keys.inputs
