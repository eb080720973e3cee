"""Which retrier or catcher takes an error, and how long to wait before the next try.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Retries", "catcher_for", "matches"]

_TERMINAL = frozenset({"States.DataLimitExceeded", "States.Runtime"})
"""Errors that no wildcard takes."""


def matches(names: Sequence[str], error: str) -> bool:
    """Whether a retrier or catcher for ``names`` takes ``error``.

    ``States.ALL`` takes all but ``States.DataLimitExceeded`` and ``States.Runtime``, ``States.TaskFailed`` all of
    those but ``States.Timeout``; ``States.Timeout`` takes a missed heartbeat too. Nothing takes ``States.Runtime``.
    """
    if error == "States.Runtime":
        return False
    if error in names or (error == "States.HeartbeatTimeout" and "States.Timeout" in names):
        return True
    if error in _TERMINAL:
        return False
    return "States.ALL" in names or ("States.TaskFailed" in names and error != "States.Timeout")


def catcher_for(catchers: Sequence[Mapping[str, Any]], error: str) -> tuple[int, Mapping[str, Any]] | None:
    """The first catcher that takes ``error``, with its number."""
    return next(((n, entry) for n, entry in enumerate(catchers) if matches(entry["ErrorEquals"], error)), None)


class Retries:
    """The retriers of one visit of a state; each counts for itself, and anew when the state is entered again."""

    def __init__(self, retriers: Sequence[Mapping[str, Any]], rng: random.Random) -> None:
        self._retriers = retriers
        self._used = [0] * len(retriers)
        self._rng = rng

    def delay(self, error: str) -> float | None:
        """Seconds until the next try, or None where no retrier takes the error or the one that does is used up."""
        for number, retrier in enumerate(self._retriers):
            if matches(retrier["ErrorEquals"], error):
                if self._used[number] >= retrier.get("MaxAttempts", 3):
                    return None
                seconds = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** self._used[number]
                seconds = min(seconds, retrier.get("MaxDelaySeconds", seconds))
                self._used[number] += 1
                return (
                    self._rng.uniform(0, seconds) if retrier.get("JitterStrategy", "NONE") == "FULL" else float(seconds)
                )
        return None
