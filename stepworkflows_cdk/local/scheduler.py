"""Generators interleaved in virtual time, in an order that is always the same: by time, then by who asked first.

Work is a generator that yields what it waits for, a :class:`Pause` or a :class:`Join`, and returns its result. One
piece of work runs at a time, until it yields; there are no threads.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Union

from stepworkflows_cdk.errors import LocalRunError
from stepworkflows_cdk.local.clock import Clock
from stepworkflows_cdk.local.errors import StateFailed

__all__ = ["Fiber", "Join", "Pause", "Scheduler", "Work", "exhaust"]


@dataclass(frozen=True)
class Pause:
    """Go on after ``seconds``; 0 lets the others that are due now go first."""

    seconds: float


@dataclass(frozen=True)
class Join:
    """Go on when all of ``fibers`` have ended or one has failed; with ``first``, when one has ended either way."""

    fibers: tuple[Fiber, ...]
    first: bool = False

    @property
    def ready(self) -> bool:
        ended = [fiber for fiber in self.fibers if fiber.ended]
        return len(ended) == len(self.fibers) or any(self.first or fiber.failure for fiber in ended)


Work = Generator[Union[Pause, Join], None, Any]


def exhaust(work: Work) -> None:
    """Does the work at once; no time passes for it."""
    for _ in work:
        pass


@dataclass(eq=False)
class Fiber:
    """A piece of work on its way: ``result`` or ``failure`` once it has ended, neither if it was stopped."""

    work: Work
    ended: bool = False
    result: Any = None
    failure: StateFailed | None = None
    waiting: list[tuple[Fiber, Join]] = field(default_factory=list)
    """Who waits for this one."""


class Scheduler:
    """Runs fibers against a clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: list[tuple[float, int, Fiber]] = []
        self._number = itertools.count()
        self._alive: dict[int, Fiber] = {}

    def start(self, work: Work) -> Fiber:
        """Adds a fiber, which begins when those that are due now have had their turn."""
        fiber = Fiber(work)
        self._alive[id(fiber)] = fiber
        self._schedule(fiber, self._clock.elapsed())
        return fiber

    def expect(self) -> Fiber:
        """A fiber that does nothing, and ends when :meth:`fulfil` says so."""
        fiber = Fiber(_nothing())
        self._alive[id(fiber)] = fiber
        return fiber

    def fulfil(self, fiber: Fiber, result: Any, failure: StateFailed | None = None) -> None:
        """Ends an expected fiber, with a result or a failure."""
        fiber.result, fiber.failure = result, failure
        self._end(fiber)

    def stop(self, *fibers: Fiber) -> None:
        """Ends fibers where they stand, and with them all that they wait for. Those that have ended already stay as
        they are."""
        for fiber in fibers:
            if not fiber.ended:
                self._end(fiber)
                fiber.work.close()

    def run(self, work: Work) -> Any:
        """Runs ``work`` to its end and stops what is left then. Gives its result or raises its failure."""
        main = self.start(work)
        try:
            while not main.ended:
                if not self._due:
                    raise LocalRunError("the flow waits, without a time-out, for an answer that nobody sends")
                due, _, fiber = heapq.heappop(self._due)
                if not fiber.ended:
                    self._clock.wait_until(due)
                    self._step(fiber)
        finally:
            self.stop(*self._alive.values())
        if main.failure is not None:
            raise main.failure
        return main.result

    def _step(self, fiber: Fiber) -> None:
        try:
            wanted = next(fiber.work)
        except StopIteration as end:
            fiber.result = end.value
            self._end(fiber)
        except StateFailed as failure:
            fiber.failure = failure
            self._end(fiber)
        else:
            if isinstance(wanted, Pause):
                self._schedule(fiber, self._clock.elapsed() + wanted.seconds)
            elif wanted.ready:
                self._schedule(fiber, self._clock.elapsed())
            else:
                for other in wanted.fibers:
                    other.waiting.append((fiber, wanted))

    def _end(self, fiber: Fiber) -> None:
        fiber.ended = True
        self._alive.pop(id(fiber), None)
        for waiting, join in fiber.waiting:
            # Of several fibers that end together, only the first wakes the one that waits.
            if not waiting.ended and join.ready:
                for other in join.fibers:
                    other.waiting = [entry for entry in other.waiting if entry[1] is not join]
                self._schedule(waiting, self._clock.elapsed())

    def _schedule(self, fiber: Fiber, due: float) -> None:
        heapq.heappush(self._due, (due, next(self._number), fiber))


def _nothing() -> Work:
    yield Pause(0)
