"""Waits: for a time, for an answer from outside; and what a request to cancel does to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from oracle.going import Failed, Going, Undecided
from oracle.lanes import Lane
from oracle.outside import Answer
from stepworkflows_cdk.language.model import UntilKeys
from stepworkflows_cdk.language.workflow import Step

if TYPE_CHECKING:
    from oracle.walking import Walk

__all__ = ["answer", "cancelled", "time_passes"]

BEGINNING = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
"""When every run here begins."""
TIMEOUT = "States.Timeout"


def cancelled(walk: Walk, step: Step, lane: Lane) -> None:
    """Raises, before a step that could be undone, that waits or is the point of no return, where that was asked for."""
    request = _request(walk, lane)
    looks = step.undo or step.keys.pivot or step.keys.wait is not None or step.get("wait-for") is not None
    if request and looks:
        _certain(walk, request.at)
        if request.at < walk.run.time.now:
            raise walk.failed("Cancelled", f"before {step.title}")


def time_passes(walk: Walk, wait: int | UntilKeys, lane: Lane) -> Going[None]:
    """A wait for a time, or until one."""
    seconds = wait if isinstance(wait, int) else _until(walk, wait, lane)
    request = _request(walk, lane)
    ends = walk.run.time.now + seconds
    if request and request.at < ends:
        yield request.at - walk.run.time.now
        raise walk.failed("Cancelled", request.cause)
    yield seconds
    if request:
        _certain(walk, request.at)


def answer(walk: Walk, step: Step, lane: Lane) -> Going[Any]:
    """A wait for an answer; what it says. Raises an answer that is an error, and what becomes of a wait that nobody ends."""
    time, began = walk.run.time, walk.run.time.now
    assert step.keys.timeout
    coming, request = _coming(walk, step, lane), _request(walk, lane)
    every = step.keys.remind.every if step.keys.remind else step.keys.timeout
    while time.now < began + step.keys.timeout:
        part = min(time.now + every, began + step.keys.timeout)
        if coming:
            _certain(walk, coming.at, part)
        if request:
            _certain(walk, request.at, part, coming.at if coming else -1)
        first = min((each for each in (coming, request) if each), key=lambda each: each.at, default=None)
        if first and first.at < part:
            yield max(0, first.at - time.now)
            if first is request:
                raise walk.failed("Cancelled", first.cause)
            if first.error:
                raise walk.failed(first.error, first.cause)
            return first.result
        yield part - time.now
        if step.reminder and time.now < began + step.keys.timeout:
            try:
                yield from walk.steps(step.reminder.steps, lane)
            except Failed as failed:
                raise failed.of(failed.step, reminded=step.id) from None
    raise walk.failed(TIMEOUT, None)


def _coming(walk: Walk, step: Step, lane: Lane) -> Answer | None:
    """The first answer to the wait."""
    outside, wait = walk.run.outside, step.get("wait-for")
    item = lane.place[-1] if lane.place else None
    match: Mapping[str, Any] = {path: walk.known.value(value, lane) for path, value in wait.get("match", {}).items()}
    found = [outside.told(step.title, item)]
    if "signal" in wait:
        found.append(outside.signal(wait["signal"], match))
    elif "event" in wait:
        found.append(outside.event(wait["event"]["source"], wait["event"]["detail-type"], match))
    else:
        choices = wait["approval"].get("choices", ("approve", "reject"))
        found.append(outside.decision(step.title, choices, item, walk.run.time.now))
    return min((each for each in found if each), key=lambda each: each.at, default=None)


def _request(walk: Walk, lane: Lane) -> Answer | None:
    """The request to cancel, if there ever is one that is not too late. Executions for single items do not know of it."""
    cancel, run = walk.run.workflow.keys.cancel, walk.run
    if cancel is None or run.passed or not run.cancelling or run.far & set(lane.loops):
        return None
    match = {path: walk.known.value(value, Lane()) for path, value in cancel.match.items()}
    return run.outside.signal(cancel.signal, match)


def _until(walk: Walk, wait: UntilKeys, lane: Lane) -> float:
    written = walk.known.value(wait.until, lane)
    if not walk.run.time.exact:
        raise Undecided
    until = (datetime.fromisoformat(str(written)) - BEGINNING).total_seconds()
    return max(0, until - walk.run.time.now)


def _certain(walk: Walk, at: float, *others: float) -> None:
    """Raises :class:`Undecided` where something comes at a time when something else happens, or nobody knows when that is."""
    if at in (walk.run.time.now, *others) or not walk.run.time.exact:
        raise Undecided
