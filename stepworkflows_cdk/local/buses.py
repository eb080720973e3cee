"""Event buses on this machine: an event becomes calls of the functions whose rules take it.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

__all__ = ["DEFAULT", "Buses", "Rule"]

DEFAULT = "default"
"""The physical name of the account's default bus."""


@dataclass(frozen=True)
class Rule:
    """Hands events of one kind on a bus, whose detail has the fields ``present``, to the function with the ARN
    ``function``, with ``beside`` beside them.
    """

    bus: str
    source: str
    detail_type: str
    present: tuple[str, ...]
    function: str
    beside: Mapping[str, Any]

    def takes(self, bus: str, event: Mapping[str, Any]) -> bool:
        """Whether the event is of the rule's kind."""
        kind = (event["source"], event["detail-type"])
        return (bus, *kind) == (self.bus, self.source, self.detail_type) and all(
            _has(event["detail"], path) for path in self.present
        )

    def __str__(self) -> str:
        return f"{self.detail_type} from {self.source} with {', '.join(self.present)}"


@dataclass
class Buses:
    """The buses of a run. ``names`` leads from a name under ``resources`` to the physical one."""

    names: dict[str, str] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    functions: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    """The ARN of a function -> what calls it with an event."""

    def calls(self, bus: str, event: Mapping[str, Any]) -> list[tuple[Rule, Callable[[], Any]]]:
        """Each rule that takes the event, with a call, which raises what the function raises."""
        return [
            (rule, partial(self.functions[rule.function], {**rule.beside, "event": event}))
            for rule in self.rules
            if rule.takes(bus, event)
        ]


def _has(detail: Any, path: str) -> bool:
    """As ``exists`` in a pattern: whether a value stands there, which is no object."""
    for name in path.split("."):
        if not isinstance(detail, Mapping) or name not in detail:
            return False
        detail = detail[name]
    return not isinstance(detail, Mapping)
