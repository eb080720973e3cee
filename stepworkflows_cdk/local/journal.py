"""What happened in executions: the states entered, their attempts, billed transitions and the length of a
history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from stepworkflows_cdk.local.errors import StateFailed
from stepworkflows_cdk.local.events import (
    AttemptBegan,
    AttemptFailed,
    Lane,
    LaneEnded,
    Nothing,
    StateEntered,
    StateLeft,
)
from stepworkflows_cdk.local.limits import EVENTS
from stepworkflows_cdk.local.world import World

__all__ = ["Journal", "Record"]

_OPENING = {"Map": 1, "Parallel": 1}
"""Events between the entering of a state and its first attempt: MapStateStarted, ParallelStateStarted."""
_ATTEMPT = {"Task": 3}
"""Events of an attempt: TaskScheduled, TaskStarted, TaskSucceeded (or TaskFailed)."""
_CLOSING = {"Map": 1, "Parallel": 1}
"""Events before the leaving of a state: MapStateSucceeded, ParallelStateSucceeded."""


@dataclass
class Record:
    """What happened in all executions of a run."""

    transitions: int = 0
    """State transitions that AWS bills: each state entered, and each retry
    (https://aws.amazon.com/step-functions/pricing/)."""
    entered: list[str] = field(default_factory=list)
    attempts: dict[str, int] = field(default_factory=dict)
    lanes: int = 0


@dataclass
class Journal:
    """Of one execution. ``events`` is an estimate of the length of its history, by which event ids in causes are counted
    too; ``prefix`` stands before the names of its states where others are told of them.
    """

    world: World
    record: Record
    prefix: str = ""
    events: int = 1

    def lane(self, around: Lane) -> Lane:
        """A new lane inside another one."""
        self.record.lanes += 1
        return (*around, self.record.lanes)

    def enter(self, name: str, step: str, type_: str, lane: Lane) -> int:
        """A state begins; the id of that event in the history."""
        self._count(1)
        number = self.events
        self._count(_OPENING.get(type_, 0))
        self.record.transitions += 1
        self.record.entered.append(self.prefix + name)
        self.world.tell(StateEntered(self.prefix + name, step, self.world.clock.elapsed(), lane))
        return number

    def attempt(self, name: str, step: str, type_: str, lane: Lane) -> None:
        """A state is tried."""
        self._count(_ATTEMPT.get(type_, 0))
        name = self.prefix + name
        self.record.attempts[name] = self.record.attempts.get(name, 0) + 1
        self.world.tell(AttemptBegan(name, step, self.world.clock.elapsed(), lane))

    def fail(
        self, name: str, step: str, attempt: int, failure: StateFailed, retry_in: float | None, lane: Lane
    ) -> None:
        """An attempt failed, and is or is not tried again."""
        if retry_in is not None:
            self.record.transitions += 1
        at = self.world.clock.elapsed()
        self.world.tell(
            AttemptFailed(
                self.prefix + name,
                step,
                at,
                attempt,
                *failure.meant,
                retry_in,
                lane,
                failure.code,
                self._nothing(failure),
            )
        )

    def iteration(self) -> None:
        """An iteration of a Map begins (MapIterationStarted, MapIterationSucceeded)."""
        self._count(2)

    def leave(self, name: str, step: str, type_: str, lane: Lane, assigned: Mapping[str, Any]) -> None:
        """A state ends well, or its error was caught; what it assigned."""
        self._count(1 + _CLOSING.get(type_, 0))
        told = {name: _error_in(value) for name, value in assigned.items() if value is not None}
        self.world.tell(StateLeft(self.prefix + name, step, self.world.clock.elapsed(), lane, told))

    def end(self, lane: Lane, failure: StateFailed | None) -> None:
        """A lane comes to its end."""
        at = self.world.clock.elapsed()
        failed = failure and LaneEnded(at, lane, "failed", *failure.meant, self._nothing(failure))
        self.world.tell(failed or LaneEnded(at, lane, "well"))

    def stop(self, lane: Lane) -> None:
        """A lane is stopped from outside."""
        self.world.tell(LaneEnded(self.world.clock.elapsed(), lane, "stopped"))

    def _nothing(self, failure: StateFailed) -> Nothing | None:
        found = failure.nothing
        return found and replace(found, state=self.prefix + found.state)

    def _count(self, events: int) -> None:
        self.events += events
        if self.events >= EVENTS:
            raise StateFailed(
                "States.Runtime", f"The execution reached the maximum number of history events ({EVENTS})."
            )


def _error_in(value: Any) -> tuple[str, str] | None:
    """The error that a variable holds: its name and its cause."""
    if isinstance(value, Mapping) and isinstance(value.get("type"), str) and isinstance(value.get("cause"), str):
        return value["type"], value["cause"]
    return None
