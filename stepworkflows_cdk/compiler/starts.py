"""What the planner and an integration say to each other about triggers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from stepworkflows_cdk.compiler.plan import Data, Grant, Need, Text

if TYPE_CHECKING:
    from stepworkflows_cdk.language.workflow import Workflow

__all__ = ["Start", "TriggerScope"]


@dataclass(frozen=True)
class Start:
    """What a trigger becomes: what has to exist for it, and may do what."""

    needs: tuple[Need, ...]
    grants: tuple[Grant, ...]


class TriggerScope(Protocol):
    """What the planner lends an integration while it plans one trigger."""

    @property
    def id(self) -> str:
        """The id for the need that is the trigger itself; ids of others it needs alone begin with it."""
        ...

    @property
    def machine(self) -> str:
        """The key of the machine that is started: its attribute ``arn`` is what to start."""
        ...

    @property
    def workflow(self) -> Workflow:
        """The flow that is started."""
        ...

    def data(self, value: Any) -> Data:
        """A value of the document that is fixed at deployment: JSON, and :class:`Text` where it names resources."""
        ...

    def text(self, value: str) -> Text:
        """A string that is fixed at deployment."""
        ...

    def resource(self, name: str) -> Need:
        """The need behind a name of ``resources``."""
        ...

    def arn(self, need: Need) -> Text:
        """The ARN that permissions on the need are given on."""
        ...
