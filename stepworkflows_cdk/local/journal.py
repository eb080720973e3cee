"""What happened in executions: the states entered, their attempts, billed transitions and the length of a
history."""

from __future__ import annotations

from dataclasses import dataclass, field

from stepworkflows_cdk.local.errors import StateFailed
from stepworkflows_cdk.local.events import AttemptFailed, StateEntered, StateLeft
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


@dataclass
class Journal:
    """Of one execution. ``events`` is an estimate of the length of its history, by which event ids in causes are counted
    too; ``prefix`` stands before the names of its states where others are told of them.
    """

    world: World
    record: Record
    prefix: str = ""
    events: int = 1

    def enter(self, name: str, step: str, type_: str) -> int:
        """A state begins; the id of that event in the history."""
        self._count(1)
        number = self.events
        self._count(_OPENING.get(type_, 0))
        self.record.transitions += 1
        self.record.entered.append(self.prefix + name)
        self.world.tell(StateEntered(self.prefix + name, step, self.world.clock.elapsed()))
        return number

    def attempt(self, name: str, type_: str) -> None:
        """A state is tried."""
        self._count(_ATTEMPT.get(type_, 0))
        name = self.prefix + name
        self.record.attempts[name] = self.record.attempts.get(name, 0) + 1

    def fail(self, name: str, step: str, attempt: int, failure: StateFailed, retry_in: float | None) -> None:
        """An attempt failed, and is or is not tried again."""
        if retry_in is not None:
            self.record.transitions += 1
        at = self.world.clock.elapsed()
        self.world.tell(AttemptFailed(self.prefix + name, step, at, attempt, *failure.meant, retry_in))

    def iteration(self) -> None:
        """An iteration of a Map begins (MapIterationStarted, MapIterationSucceeded)."""
        self._count(2)

    def leave(self, name: str, step: str, type_: str) -> None:
        """A state ends well, or its error was caught."""
        self._count(1 + _CLOSING.get(type_, 0))
        self.world.tell(StateLeft(self.prefix + name, step, self.world.clock.elapsed()))

    def _count(self, events: int) -> None:
        self.events += events
        if self.events >= EVENTS:
            raise StateFailed(
                "States.Runtime", f"The execution reached the maximum number of history events ({EVENTS})."
            )
