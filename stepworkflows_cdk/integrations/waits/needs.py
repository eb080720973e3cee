"""What signals need: a name for the flow that they are sent to, unlike that of any other flow in the account."""

from __future__ import annotations

from dataclasses import dataclass

from stepworkflows_cdk.compiler.plan import Need

__all__ = ["SignalsNeed"]


@dataclass(frozen=True, kw_only=True)
class SignalsNeed(Need):
    """The source of the events that are a flow's signals. Attributes for holes: ``source``.

    It depends on nothing, so that two flows can send signals to each other.
    """

    flow: str
    """The flow's id."""
    given: str | None = None
    """The id of the need for a flow that the caller gives."""

    @property
    def refers_to(self) -> frozenset[str]:
        return frozenset({self.given} if self.given else set())
