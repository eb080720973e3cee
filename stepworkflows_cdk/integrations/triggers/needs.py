"""What starts a flow without a function of its own: schedules, rules, and the source of the function that reads a queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stepworkflows_cdk.compiler.plan import Need, Text

__all__ = ["QueueSourceNeed", "ScheduleNeed", "StartRuleNeed"]


@dataclass(frozen=True, kw_only=True)
class ScheduleNeed(Need):
    """Starts a machine at certain times. It has a role of its own."""

    expression: str
    """``rate(5 minutes)`` or ``cron(0 6 * * ? *)``."""
    timezone: str | None
    """For ``cron``: a name of the IANA database; None is UTC."""
    enabled: bool
    input: Text
    """The input of each execution, as JSON."""
    machine: str
    """The key of the machine."""

    @property
    def refers_to(self) -> frozenset[str]:
        return frozenset({self.machine, *(hole.need for hole in self.input.holes)})


@dataclass(frozen=True, kw_only=True)
class StartRuleNeed(Need):
    """Starts a machine for each event that fits. It has a role of its own."""

    bus: str | None
    """The id of the bus's need; None: the account's default bus."""
    pattern: Text
    """The pattern of the events, as JSON."""
    input: Literal["detail", "event"]
    """What the execution is given: the event's detail, or the whole event."""
    machine: str
    bucket: str | None = None
    """The id of a bucket's need whose events these are: it has to send them."""

    @property
    def refers_to(self) -> frozenset[str]:
        named = {hole.need for hole in self.pattern.holes}
        return frozenset({self.machine, *named, *(each for each in (self.bus, self.bucket) if each)})


@dataclass(frozen=True, kw_only=True)
class QueueSourceNeed(Need):
    """Has a function called with the messages of a queue, several at a time."""

    queue: str
    """The id of the queue's need."""
    function: str
    batch: int
    waited_for: bool = False
    """Whether the messages are answers to steps that wait, and start nothing."""

    @property
    def refers_to(self) -> frozenset[str]:
        return frozenset({self.queue, self.function})
