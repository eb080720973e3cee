"""What comes from outside while a flow runs: each at its time, to whoever takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from stepworkflows_cdk.language.coming import (
    Aborted,
    Answered,
    Approved,
    Arrival,
    Coming,
    EventSent,
    MessageCame,
    Requested,
    SignalSent,
)
from stepworkflows_cdk.local.buses import DEFAULT
from stepworkflows_cdk.local.decisions import asked, decide, link_for
from stepworkflows_cdk.local.delivery import deliver, deliver_message, deliver_request
from stepworkflows_cdk.local.events import EventArrived, OtherArrived
from stepworkflows_cdk.local.scheduler import Pause, Scheduler, Work, exhaust
from stepworkflows_cdk.local.tokens import Tokens
from stepworkflows_cdk.local.world import World

__all__ = ["Arrivals"]


class Arrivals:
    """All that comes in one run, in order of time."""

    def __init__(self, arrivals: Iterable[Arrival], tokens: Tokens, world: World, abort: Callable[[], bool]) -> None:
        """``abort`` stops the execution, and says whether it was still running."""
        self._world = world
        self._abort = abort
        self._tokens = tokens
        self._over = False
        """Whether the execution has ended."""
        self._ahead = sorted(arrivals, key=lambda arrival: (arrival.after, arrival.number))

    def start(self, scheduler: Scheduler) -> None:
        """Lets them come while the scheduler runs."""
        for arrival in self._ahead:
            scheduler.start(self._at_its_time(arrival))

    def rest(self) -> None:
        """Lets those come whose time is after the end of the execution; only virtual time passes for that."""
        self._world.start = exhaust
        self._over = True
        for arrival in list(self._ahead):
            self._world.clock.wait_until(arrival.after)
            before = len(self._world.notes)
            self._arrive(arrival)
            if len(self._world.notes) == before and self._late(arrival):
                self._world.notes.append(f"{_entry(arrival)} was not taken: the flow had ended")

    def unused(self) -> tuple[str, ...]:
        """A line for each that did not come."""
        return tuple(f"{_entry(arrival)} did not come: the flow had ended" for arrival in self._ahead)

    def _late(self, arrival: Arrival) -> bool:
        """Whether what came after the end is told nowhere else: answers that nobody waited for are."""
        told = (*self._world.settled, *self._world.kept.values())
        return not isinstance(arrival.what, Answered) and _entry(arrival) not in told

    def _at_its_time(self, arrival: Arrival) -> Work:
        yield Pause(arrival.after)
        self._arrive(arrival)

    def _arrive(self, arrival: Arrival) -> None:
        self._ahead.remove(arrival)
        world, entry = self._world, _entry(arrival)
        if not self._over:
            self._tell(arrival)
        match arrival.what:
            case EventSent() as event:
                self._event(entry, event)
            case SignalSent() as signal:
                self._signal(entry, signal)
            case MessageCame(queue=queue, body=body):
                if not deliver_message(world, queue, body, entry):
                    self._untaken(entry, "no step waits for messages of this queue")
            case Requested(method=method, path=path, body=body):
                if not deliver_request(world, method, path, body, entry=entry):
                    self._untaken(entry, "no step waits for this")
            case Approved() as approved:
                self._decision(entry, approved)
            case Answered() as answered:
                self._tokens.answer_step(arrival, answered)
            case Aborted():
                if not self._abort() and not self._over:
                    self._untaken(entry, "the execution that does the work was not running")

    def _tell(self, arrival: Arrival) -> None:
        at = self._world.clock.elapsed()
        if isinstance(arrival.what, EventSent):
            self._world.tell(EventArrived(at, arrival.what.source, arrival.what.detail_type))
        else:
            self._world.tell(OtherArrived(at, _what(arrival.what)))

    def _untaken(self, entry: str, reason: str) -> None:
        self._world.notes.append(f"{entry} was not taken: {reason}")

    def _event(self, entry: str, event: EventSent) -> None:
        world = self._world
        bus = world.buses.names[event.bus] if event.bus else DEFAULT
        if not deliver(world, bus, event.source, event.detail_type, event.detail, entry):
            on = [str(rule) for rule in world.buses.rules if rule.bus == bus and rule.source not in world.signals]
            waited = "; ".join(dict.fromkeys(on)) or "nothing"
            self._untaken(entry, f"on this bus the flow waits for {waited}")

    def _signal(self, entry: str, signal: SignalSent) -> None:
        world = self._world
        sources = {f"here/{signal.to}"} if signal.to else world.signals
        taken = sum(deliver(world, DEFAULT, source, signal.name, signal.data, entry) for source in sorted(sources))
        if not taken:
            on = [
                f"{rule.detail_type} with {', '.join(rule.present)}"
                for rule in world.buses.rules
                if rule.source in world.signals
            ]
            waited = "; ".join(dict.fromkeys(on)) or "none"
            self._untaken(entry, f"of signals the flow waits for {waited}")

    def _decision(self, entry: str, approved: Approved) -> None:
        step = approved.step[1]
        link = link_for(self._world, approved.step, approved.by, approved.item)
        if link is not None:
            decide(self._world, link, approved.choice, approved.comment, entry)
        elif to := asked(self._world, approved.step, approved.item):
            self._untaken(entry, f"{step} asked {', '.join(to)}, and not {approved.by}")
        else:
            self._untaken(entry, f"{step} had not asked anybody")


def _entry(arrival: Arrival) -> str:
    """Where an entry is written, and what comes."""
    return f"{arrival.place} ({_what(arrival.what)})"


def _what(what: Coming) -> str:
    match what:
        case EventSent(source=source, detail_type=detail_type):
            return f"the event {detail_type} from {source}"
        case SignalSent(name=name):
            return f"the signal {name}"
        case MessageCame(queue=queue):
            return f"a message to the queue {queue}"
        case Requested(method=method, path=path):
            return f"{method} {path}"
        case Approved(choice=choice, step=step, by=by):
            return f"the decision {choice} that {step[1]} asked for{f', by {by}' if by else ''}"
        case Aborted():
            return "an abort"
        case Answered(error=error, step=step):
            return f"{f'the error {error}' if error else 'the answer'} that {step[1]} waits for"
