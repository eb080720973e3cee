"""What goes on at the same time, by a clock of its own: generators that let time pass, and wait for each other."""

from __future__ import annotations

import heapq
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar, Union

__all__ = ["Failed", "Going", "Stopped", "Task", "Time", "Undecided", "pause", "rest"]

T = TypeVar("T")


class Failed(Exception):
    """An error on its way; ``at`` is the time when it arose, ``step`` the one that it comes from. ``reminded`` is the id of
    the step that was reminded of when it arose, whose handlers are not for it.
    """

    def __init__(self, error: str, cause: str | None, at: float, step: str = "", reminded: str = "") -> None:
        super().__init__(error)
        self.error, self.cause, self.at, self.step, self.reminded = error, cause, at, step, reminded

    def of(self, step: str, reminded: str = "") -> Failed:
        """The same, from that step."""
        return Failed(self.error, self.cause, self.at, step, reminded)


class Stopped(Exception):
    """The flow ends early and well, with those outputs."""

    def __init__(self, outputs: Any) -> None:
        super().__init__()
        self.outputs = outputs


class Undecided(Exception):
    """The document leaves open what comes of it, such as who wins where two are there at the same moment."""


Moment = Union[float, "tuple[Task, ...]"]
"""What a generator goes on after: so many seconds, or the end of one of those tasks."""
Going = Generator[Moment, None, T]


@dataclass(eq=False)
class Task:
    """One thing going on. ``moved`` is when anything in it last was done, ``turn`` counts what it was resumed for."""

    going: Going[Any]
    inside: list[Task] = field(default_factory=list)
    waiting: list[tuple[Task, int]] = field(default_factory=list)
    around: Task | None = None
    ended: bool = False
    result: Any = None
    error: Failed | Stopped | None = None
    moved: float = -1
    turn: int = 0

    def all(self) -> list[Task]:
        """The task, and those that it has begun."""
        return [self, *(task for inner in self.inside for task in inner.all())]

    def abort(self) -> None:
        """Ends it where it is."""
        for task in self.all():
            if not task.ended:
                task.ended = True
                task.going.close()


class Time:
    """The clock, in seconds since the beginning, and all tasks."""

    def __init__(self) -> None:
        self.now: float = 0
        self.exact = True
        """Whether no time was random."""
        self._queue: list[tuple[float, int, Task, int]] = []
        self._numbers = count()
        self._running: Task | None = None

    def start(self, going: Going[Any], *, apart: bool = False) -> Task:
        """Something that goes on beside what runs now, and is a part of it unless it is ``apart``."""
        task = Task(going, around=None if apart else self._running)
        if task.around:
            task.around.inside.append(task)
        self._wake(task, 0)
        return task

    def act(self) -> None:
        """Notes that something is done now."""
        task = self._running
        while task:
            task.moved, task = self.now, task.around

    def moves_now(self, task: Task) -> bool:
        """Whether in this moment anything is done in the task, or is about to be."""
        inside = task.all()
        return task.moved == self.now or any(
            when <= self.now and waking in inside and turn == waking.turn and not waking.ended
            for when, _, waking, turn in self._queue
        )

    def run(self, going: Going[T]) -> T:
        """What comes of it, once all tasks are at their end."""
        main = self.start(going)
        while self._queue:
            when, _, task, turn = heapq.heappop(self._queue)
            if not task.ended and turn == task.turn:
                self.now = when
                self._resume(task)
        assert main.ended, "tasks wait for each other"
        if main.error:
            raise main.error
        return main.result  # type: ignore[no-any-return]

    def _wake(self, task: Task, seconds: float) -> None:
        heapq.heappush(self._queue, (self.now + seconds, next(self._numbers), task, task.turn))

    def _resume(self, task: Task) -> None:
        self._running = task
        task.turn += 1
        try:
            moment = next(task.going)
        except StopIteration as stop:
            task.result = stop.value
        except (Failed, Stopped) as error:
            task.error = error
        else:
            if isinstance(moment, tuple):
                for other in moment:
                    other.waiting.append((task, task.turn))
            if not isinstance(moment, tuple) or any(other.ended for other in moment):
                self._wake(task, 0 if isinstance(moment, tuple) else moment)
            return
        self.act()
        task.ended = True
        for other, turn in task.waiting:
            if turn == other.turn and not other.ended:
                self._wake(other, 0)


def pause(seconds: float) -> Going[None]:
    """Some time."""
    yield seconds


def rest(tasks: Sequence[Task]) -> Going[None]:
    """Until all of them have ended."""
    for task in tasks:
        if not task.ended:
            yield (task,)
