"""The time of a run: virtual, so that a fortnight's wait costs nothing, or real.

A virtual run starts at :data:`START` unless told otherwise; what happens takes no time, only waits, retries and sleeps
in step code do.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Protocol

__all__ = ["START", "Clock", "RealClock", "VirtualClock", "timestamp"]

START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Durations are in seconds, ``elapsed`` counts from the start of the run."""

    virtual: bool
    """Whether its time is another than that of the process."""

    def elapsed(self) -> float:
        """Seconds since the start, as the states see it."""
        ...

    def now(self) -> datetime:
        """The time in UTC, as the code at work sees it."""
        ...

    def wait_until(self, elapsed: float) -> None:
        """Lets the time come when ``elapsed`` seconds have passed since the start."""
        ...

    def sleep(self, seconds: float) -> None:
        """A task at work sleeps."""
        ...

    def lap(self) -> float:
        """Seconds that the task at work has used and that have not passed for the other states yet; counts anew."""
        ...

    def shown(self) -> AbstractContextManager[object]:
        """While it lasts, the process sees the time of now as its own, and so do the services in it."""
        ...


class VirtualClock:
    """Jumps from event to event."""

    virtual = True

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._elapsed = 0.0
        self._slept = 0.0

    def elapsed(self) -> float:
        return self._elapsed

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed + self._slept)

    def wait_until(self, elapsed: float) -> None:
        self._elapsed = max(self._elapsed, elapsed)

    def sleep(self, seconds: float) -> None:
        # Other branches go on while this task sleeps: the time is owed, and passes when the scheduler comes to it.
        self._slept += seconds

    def lap(self) -> float:
        slept, self._slept = self._slept, 0.0
        return slept

    def shown(self) -> AbstractContextManager[object]:
        from time_machine import travel

        return travel(self.now(), tick=False)


class RealClock:
    """The clock on the wall. ``sleep`` and ``monotonic`` are as in the module ``time``."""

    virtual = False

    def __init__(
        self,
        start: datetime | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._start = start if start is not None else datetime.now(UTC)
        self._sleep = sleep
        self._monotonic = monotonic
        self._zero = monotonic()

    def elapsed(self) -> float:
        return self._monotonic() - self._zero

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.elapsed())

    def wait_until(self, elapsed: float) -> None:
        while (rest := elapsed - self.elapsed()) > 0:
            self._sleep(rest)

    def sleep(self, seconds: float) -> None:
        self._sleep(seconds)

    def lap(self) -> float:
        return 0.0

    def shown(self) -> AbstractContextManager[object]:
        return nullcontext()


def timestamp(moment: datetime) -> str:
    """As Step Functions writes it: ``2026-01-01T00:00:00.000Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
