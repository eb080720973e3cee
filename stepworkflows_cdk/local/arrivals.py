"""Events that come from outside while a flow runs: each at its time, to whichever rules take it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from stepworkflows_cdk.local.buses import DEFAULT
from stepworkflows_cdk.local.clock import timestamp
from stepworkflows_cdk.local.errors import TaskFailed
from stepworkflows_cdk.local.events import EventArrived
from stepworkflows_cdk.local.outside import Arrival
from stepworkflows_cdk.local.scheduler import Pause, Scheduler, Work, exhaust
from stepworkflows_cdk.local.world import ACCOUNT, REGION, World

__all__ = ["Arrivals", "deliver"]

_AGAIN = (60, 120)
"""Seconds before Lambda calls a function again that failed with an event:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"""


class Arrivals:
    """The events of one run, in order of time."""

    def __init__(self, arrivals: Iterable[Arrival], world: World) -> None:
        self._world = world
        self._ahead = sorted(arrivals, key=lambda arrival: (arrival.after, arrival.number))

    def start(self, scheduler: Scheduler) -> None:
        """Lets them come while the scheduler runs."""
        for arrival in self._ahead:
            scheduler.start(self._at_its_time(arrival))

    def rest(self) -> None:
        """Lets those come whose time is after the end of the execution; only virtual time passes for that."""
        self._world.start = exhaust
        for arrival in list(self._ahead):
            self._world.clock.wait_until(arrival.after)
            self._arrive(arrival)

    def unused(self) -> tuple[str, ...]:
        """A line for each that did not come."""
        return tuple(f"{arrival.place} did not come: the execution had ended" for arrival in self._ahead)

    def _at_its_time(self, arrival: Arrival) -> Work:
        yield Pause(arrival.after)
        self._arrive(arrival)

    def _arrive(self, arrival: Arrival) -> None:
        self._ahead.remove(arrival)
        world = self._world
        world.tell(EventArrived(world.clock.elapsed(), arrival.source, arrival.detail_type))
        bus = world.buses.names[arrival.bus] if arrival.bus else DEFAULT
        taken = deliver(world, bus, arrival.source, arrival.detail_type, arrival.detail)
        if not taken:
            on = [str(rule) for rule in world.buses.rules if rule.bus == bus]
            waited = "; ".join(dict.fromkeys(on)) or "nothing"
            world.notes.append(f"{arrival.place} was taken by no wait: on this bus the flow waits for {waited}")


def deliver(world: World, bus: str, source: str, detail_type: str, detail: Mapping[str, Any]) -> int:
    """Hands an event to the functions whose rules take it; how many those are."""
    event = {
        "version": "0",
        "id": world.request_id(),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": timestamp(world.clock.now()).replace(".000Z", "Z"),
        "region": REGION,
        "resources": [],
        "detail": detail,
    }
    calls = world.buses.calls(bus, event)
    for call in calls:
        world.start(_called(call, f"the event {detail_type} from {source}", world))
    return len(calls)


def _called(call: Callable[[], Any], what: str, world: World) -> Work:
    """A function called as Lambda calls one for a rule: where it fails, twice again."""
    failure: TaskFailed | None = None
    for delay in (0, *_AGAIN):
        yield Pause(delay)
        try:
            call()
            return
        except TaskFailed as failed:
            failure = failed
        finally:
            world.clock.lap()  # the time of that function is not the flow's
    assert failure
    world.notes.append(f"{what} was not handled, and is a dead letter: {failure.error}: {failure.cause}")
