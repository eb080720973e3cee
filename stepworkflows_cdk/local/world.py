"""What the steps of a run on this machine share: the clock, the services, values for holes, what was observed."""

from __future__ import annotations

import hashlib
import json
import random
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepworkflows_cdk.compiler.plan import Hole, Text
from stepworkflows_cdk.errors import LocalRunError
from stepworkflows_cdk.language.ids import StepId
from stepworkflows_cdk.language.outside import Outside, Turn
from stepworkflows_cdk.local.buses import Buses
from stepworkflows_cdk.local.clock import Clock, timestamp
from stepworkflows_cdk.local.events import Event, LogWritten
from stepworkflows_cdk.local.scheduler import Work, exhaust

if TYPE_CHECKING:
    from stepworkflows_cdk.local.fates import Fate

__all__ = ["ACCOUNT", "PARTITION", "REGION", "LogLine", "Queue", "Table", "TaskCall", "World"]

PARTITION, REGION, ACCOUNT = "aws", "us-east-1", "123456789012"


@dataclass(frozen=True)
class Table:
    """A table of the run. ``physical`` is its name in DynamoDB, ``keys`` its partition key and any sort key."""

    physical: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Queue:
    """A queue of the run. A message that is not worked off comes again after ``hidden`` seconds, ``tries`` times in all."""

    arn: str
    hidden: int
    tries: int


@dataclass(frozen=True)
class TaskCall:
    """The call that is being made: by which state, for which step, which attempt (from 1)."""

    state: str
    step: str
    attempt: int
    item: int | None = None
    """The index of the item that the innermost loop around the step is at work for."""
    id: StepId = ("", "")
    """The step, by its flow and its id."""


@dataclass(frozen=True)
class LogLine:
    """One line that step code printed or logged. ``time`` is that of the run's clock."""

    time: str
    state: str
    text: str


@dataclass
class World:
    """One for each run. Integrations get it in ``realise`` and ``perform``."""

    clock: Clock
    seed: int
    outside: Outside
    session: Any
    """The boto3 session that all clients come from; every service behind it is moto's."""
    listener: Callable[[Event], None] | None = None
    attributes: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """Need id -> what ``realise`` gave for it."""
    tables: dict[str, Table] = field(default_factory=dict)
    """Resource name -> table; what ``RunResult.tables`` shows at the end."""
    buckets: dict[str, str] = field(default_factory=dict)
    """Resource name -> bucket; what ``RunResult.files`` shows at the end."""
    destinations: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """URL of a queue, ARN of a topic -> ``{"queue": name}`` or ``{"topic": name}``, by its resource name."""
    secrets: dict[str, str] = field(default_factory=dict)
    """Secret's name in the document -> its ARN."""
    hidden: dict[str, str] = field(default_factory=dict)
    """The value of a secret, or a text in it -> the secret's name. None of them may be seen: see ``watch``."""
    store: dict[str, Any] = field(default_factory=dict)
    """What an integration keeps between ``realise`` and ``perform``, under its own name."""
    call: TaskCall | None = None
    fate: Fate | None = None
    """Of the entry from outside that is being handled."""
    settled: set[str] = field(default_factory=set)
    """Entries from outside of which nothing more is to be said: taken, second, or late."""
    kept: dict[str, str] = field(default_factory=dict)
    """The key of a row of a wait -> the entry from outside that was written into it first."""
    buses: Buses = field(default_factory=Buses)
    start: Callable[[Work], object] = exhaust
    """Has something done beside the execution, as soon as whoever is at work now has come to rest."""
    queues: dict[str, Queue] = field(default_factory=dict)
    """Resource name -> queue."""
    takers: dict[str, str] = field(default_factory=dict)
    """Resource name of a queue -> the ARN of the function that is given its messages."""
    paths: dict[tuple[str, str], str] = field(default_factory=dict)
    """Method and path of the API -> the ARN of the function that answers."""
    signals: set[str] = field(default_factory=set)
    """Sources of the events that are signals to flows of this run: ``here/FLOW``."""
    holders: dict[str, Turn] = field(default_factory=dict)
    """ARNs of executions that are none of this run, and have the turn of a key."""
    elsewhere: set[str] = field(default_factory=set)
    """ARNs of machines that are not on this machine."""
    emitted: list[dict[str, Any]] = field(default_factory=list)
    """Events of the flow: ``bus``, ``source``, ``detail-type``, ``detail``, ``time``."""
    messages: list[dict[str, Any]] = field(default_factory=list)
    """Messages: ``queue`` or ``topic``, ``body``, what else was given of ``subject``, ``group``, ``delay`` and
    ``attributes``, and ``time``."""
    notes: list[str] = field(default_factory=list)
    outbox: list[dict[str, Any]] = field(default_factory=list)
    """Mails: ``from``, ``to``, ``subject``, ``text``, ``html``, ``time``."""
    mailed: list[tuple[TaskCall, Mapping[str, Any]]] = field(default_factory=list)
    """The mails that were sent while a call was made, with it."""
    logs: list[LogLine] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    """Calls of tasks, whoever answers them, as ``RunResult.calls`` has them."""
    _clients: dict[str, Any] = field(default_factory=dict)
    ends: ExitStack = field(default_factory=ExitStack)
    """What is left to do when the run ends."""

    def __post_init__(self) -> None:
        self._requests = random.Random(f"{self.seed}:requests")

    @property
    def state(self) -> str:
        """The state at work, empty where none is."""
        return self.call.state if self.call is not None else ""

    def client(self, service: str) -> Any:
        """The boto3 client of a service, by boto3's name for it (``events``, not ``eventbridge``)."""
        if service not in self._clients:
            self._clients[service] = self.session.client(service)
        return self._clients[service]

    def value(self, hole: Hole) -> str:
        """What a hole is filled with."""
        if hole.need == "aws":
            return {"partition": PARTITION, "region": REGION, "account": ACCOUNT}[hole.attribute]
        attributes = self.attributes.get(hole.need, {})
        if hole.attribute not in attributes:
            raise LocalRunError(f"nothing on this machine gives the attribute {hole.attribute} of {hole.need}")
        return attributes[hole.attribute]

    def fill(self, text: Text) -> str:
        """The text with every hole filled."""
        return text.fill(self.value)

    def arn(self, service: str, resource: str) -> str:
        """The ARN of something in the run's account and region."""
        return f"arn:{PARTITION}:{service}:{REGION}:{ACCOUNT}:{resource}"

    def request_id(self) -> str:
        """The next id for a request to a service, the same in each run with the same seed."""
        return str(uuid.UUID(int=self._requests.getrandbits(128), version=4))

    def placeholder(self, purpose: str) -> str:
        """A value that looks random, made from the seed and ``purpose`` alone."""
        return hashlib.sha256(f"{self.seed}:{purpose}".encode()).hexdigest()[:32]

    def folder(self) -> Path:
        """A new temporary folder, which goes when the run ends."""
        return Path(self.ends.enter_context(tempfile.TemporaryDirectory(prefix="stepworkflows-"))).resolve()

    def log(self, text: str) -> None:
        """Keeps what step code printed, line by line."""
        time = timestamp(self.clock.now())
        for line in text.splitlines():
            self.logs.append(LogLine(time, self.state, line))
            self.watch(f"a log line of {self.state}", line)
            self.tell(LogWritten(self.clock.elapsed(), self.state, line))

    def watch(self, where: str, text: str) -> None:
        """Notes, once, each secret whose value stands in ``text``."""
        self.notes.extend(note for note in self.leaks(where, text) if note not in self.notes)

    def leaks(self, where: str, text: str) -> Iterator[str]:
        """A line for each secret whose value stands in ``text``, plain or as JSON has it. It does not say the value."""
        for name in dict.fromkeys(
            name for value, name in self.hidden.items() if value in text or json.dumps(value)[1:-1] in text
        ):
            yield f"the value of the secret {name} stands in {where}, for all to see who may look there"

    def tell(self, event: Event) -> None:
        """Passes an event to the listener, if there is one."""
        if self.listener is not None:
            self.listener(event)

    def close(self) -> None:
        """Does what is left to do, such as removing the temporary folders."""
        self.ends.close()
