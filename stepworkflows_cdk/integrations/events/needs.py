"""What events need: a bus to send them to, and rules that hand those of one kind to a function."""

from __future__ import annotations

from dataclasses import dataclass

from stepworkflows_cdk.compiler.plan import Need, Text

__all__ = ["BusNeed", "RuleNeed"]


@dataclass(frozen=True, kw_only=True)
class BusNeed(Need):
    """An event bus. Attributes for holes: ``name`` and ``arn``."""

    name: str
    """The name under ``resources`` in the document, which the caller injects by."""


@dataclass(frozen=True, kw_only=True)
class RuleNeed(Need):
    """Hands events of one kind to a function, which is given a JSON object: what stands in ``beside``, and under
    ``event`` the event with its ``detail``.
    """

    bus: str | None
    """The id of the bus's need; None: the account's default bus."""
    source: Text
    detail_type: str
    present: tuple[str, ...]
    """Fields that the detail must have, to be handed on at all: paths with dots."""
    function: str
    """The id of the function's need."""
    beside: str
    """A JSON object."""

    @property
    def refers_to(self) -> frozenset[str]:
        named = {hole.need for hole in self.source.holes}
        return frozenset({self.function, *named, *([self.bus] if self.bus else [])})
