"""What the language must know of whoever owns a work key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import BaseModel

from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.sent import Sent

if TYPE_CHECKING:
    from stepworkflows_cdk.language.workflow import Resource, Step, Trigger, Workflow

__all__ = ["WorkKey"]


class WorkKey(Protocol):
    """What the language must know of an integration."""

    key: ClassVar[str | None]
    runtime: ClassVar[str | None]
    keys: ClassVar[type[BaseModel] | None]
    resource_types: ClassVar[Mapping[str, type[BaseModel]]]
    access: ClassVar[Mapping[str, tuple[str, ...]]]
    triggers: ClassVar[Mapping[str, type[BaseModel]]]
    exclusive: ClassVar[frozenset[str]]
    code_keys: ClassVar[frozenset[str]]
    waits: ClassVar[bool]
    beats: ClassVar[bool]
    starts_flows: ClassVar[bool]
    keeps_time: ClassVar[bool]
    borrows: ClassVar[Mapping[str, tuple[tuple[str, ...], ...]]]
    transient: ClassVar[tuple[str, ...]]
    raises: ClassVar[Mapping[str, str]]
    renamed: ClassVar[Mapping[str, str]]

    def takes_whole(self, step: Step) -> bool:
        """Whether one reference or expression can give all `inputs` of the step."""
        ...

    def variables(self, step: Step) -> frozenset[str]:
        """Variables that expressions under its key may read beside those that they set."""
        ...

    def beyond_express(self, step: Step, workflow: Workflow) -> str:
        """The code of the problem that a flow with ``mode: express`` cannot have the step's work; empty where it can."""
        ...

    def idempotent(self, step: Step) -> bool:
        """Whether the step's work has the same effect where it is done twice."""
        ...

    def takes_default(self, key: str, step: Mapping[str, Any]) -> bool:
        """Whether a step, as it is written, can take a default for one of the keys of its work."""
        ...

    def has_effect(self, step: Step) -> bool:
        """Whether the step's work may change anything outside of the flow."""
        ...

    def gives(self, step: Step) -> frozenset[str] | None:
        """The fields that the step's result can have; None where nobody knows them before a run."""
        ...

    def check(self, step: Step, workflow: Workflow) -> Iterable[Problem]:
        """What is wrong with the step's work keys beyond their shape."""
        ...

    def check_together(self, step: Step, workflow: Workflow, workflows: Sequence[Workflow]) -> Iterable[Problem]:
        """What is wrong with the step's work keys beside the other flows of the definition."""
        ...

    def check_resource(self, resource: Resource, workflow: Workflow) -> Iterable[Problem]:
        """What is wrong with a resource of its types beyond the shape of its keys."""
        ...

    def trigger_id(self, trigger: Trigger) -> str:
        """What tells the trigger from others of its kind, of what was written."""
        ...

    def check_trigger(self, trigger: Trigger, workflow: Workflow) -> Iterable[Problem]:
        """What is wrong with a trigger beyond its shape."""
        ...

    def sends(self, step: Step) -> Iterable[Sent]:
        """What the step sends that may start flows."""
        ...

    def started_by(self, trigger: Trigger, sent: Sent) -> bool:
        """Whether the trigger may start its flow for what a step sends."""
        ...
