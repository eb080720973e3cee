"""What comes from outside while a flow runs: each at its time, to whoever takes it."""

from __future__ import annotations

from collections.abc import Iterable

from stepworkflows_cdk.local.buses import DEFAULT
from stepworkflows_cdk.local.coming import Answered, Approved, Arrival, EventSent, MessageCame, Requested, SignalSent
from stepworkflows_cdk.local.decisions import decide, link_for
from stepworkflows_cdk.local.delivery import deliver, deliver_message, deliver_request
from stepworkflows_cdk.local.events import EventArrived, OtherArrived
from stepworkflows_cdk.local.scheduler import Pause, Scheduler, Work, exhaust
from stepworkflows_cdk.local.tokens import Tokens
from stepworkflows_cdk.local.world import World

__all__ = ["Arrivals"]


class Arrivals:
    """All that comes in one run, in order of time."""

    def __init__(self, arrivals: Iterable[Arrival], tokens: Tokens, world: World) -> None:
        self._world = world
        self._tokens = tokens
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
        match arrival.what:
            case EventSent() as event:
                self._event(arrival, event)
            case SignalSent() as signal:
                self._tell(f"the signal {signal.name}")
                self._signal(arrival, signal)
            case MessageCame(queue=queue, body=body):
                self._tell(f"a message to the queue {queue}")
                if not deliver_message(self._world, queue, body):
                    self._world.notes.append(f"{arrival.place} was taken by no wait: none is for this queue")
            case Requested(method=method, path=path, body=body):
                self._tell(f"{method} {path}")
                if not deliver_request(self._world, method, path, body):
                    self._world.notes.append(f"{arrival.place} was taken by no wait: none is for {method} {path}")
            case Approved() as approved:
                self._tell(f"the decision {approved.choice} that {approved.step[1]} asked for")
                link = link_for(self._world, approved.step, approved.by, approved.item)
                if link is None:
                    self._world.notes.append(
                        f"{arrival.place} was taken by no wait: {approved.step[1]} had sent no such mail"
                    )
                else:
                    decide(self._world, link, approved.choice, approved.comment)
            case Answered() as answered:
                ends = f"the error {answered.error}" if answered.error else "the answer"
                self._tell(f"{ends} that {answered.step[1]} waits for")
                self._tokens.answer_step(arrival, answered)

    def _tell(self, what: str) -> None:
        self._world.tell(OtherArrived(self._world.clock.elapsed(), what))

    def _event(self, arrival: Arrival, event: EventSent) -> None:
        world = self._world
        world.tell(EventArrived(world.clock.elapsed(), event.source, event.detail_type))
        bus = world.buses.names[event.bus] if event.bus else DEFAULT
        taken = deliver(world, bus, event.source, event.detail_type, event.detail)
        if not taken:
            on = [str(rule) for rule in world.buses.rules if rule.bus == bus and rule.source not in world.signals]
            waited = "; ".join(dict.fromkeys(on)) or "nothing"
            world.notes.append(f"{arrival.place} was taken by no wait: on this bus the flow waits for {waited}")

    def _signal(self, arrival: Arrival, signal: SignalSent) -> None:
        world = self._world
        sources = {f"here/{signal.to}"} if signal.to else world.signals
        taken = sum(deliver(world, DEFAULT, source, signal.name, signal.data) for source in sorted(sources))
        if not taken:
            on = [
                f"{rule.detail_type} with {', '.join(rule.present)}"
                for rule in world.buses.rules
                if rule.source in world.signals
            ]
            waited = "; ".join(dict.fromkeys(on)) or "none"
            world.notes.append(f"{arrival.place} was taken by no wait: of signals the flow waits for {waited}")
