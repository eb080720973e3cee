"""What a run tells a listener while it goes on, for a display of its progress. ``at`` is virtual time, in seconds
since the start; ``state`` is the one at work, empty where none was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Union

__all__ = [
    "AttemptBegan",
    "AttemptFailed",
    "CodeLine",
    "Event",
    "EventArrived",
    "EventEmitted",
    "FileWritten",
    "Lane",
    "LaneEnded",
    "LogWritten",
    "MailSent",
    "MessageSent",
    "Nothing",
    "OtherArrived",
    "RowWritten",
    "StateEntered",
    "StateLeft",
]


Lane = tuple[int, ...]
"""States that run one after the other: empty for those of the first machine, and for each branch, item or execution inside a
lane a number more, which no other has."""


@dataclass(frozen=True)
class CodeLine:
    """A line of a user's code: ``file`` as its author knows it, the name of the function, and the text of the line, empty
    where it may not be shown."""

    file: str
    line: int
    function: str
    text: str


@dataclass(frozen=True)
class Nothing:
    """What was missing where the expression in a state's ``field`` gave nothing. No value is told."""

    state: str
    field: str
    """Its path: ``Assign/step_charge/id``."""
    name: str = ""
    """What was looked for; empty where that is not known."""
    found: str = ""
    """The type of the value in which it was looked for: ``object``, ``null``."""
    keys: tuple[str, ...] = ()
    """The names that are there instead, of an object."""


@dataclass(frozen=True)
class StateEntered:
    """A state begins. ``step`` is the id of the step that caused it, empty where none did."""

    name: str
    step: str
    at: float
    lane: Lane = ()


@dataclass(frozen=True)
class StateLeft:
    """A state ended well, or its error was caught."""

    name: str
    step: str
    at: float
    lane: Lane = ()
    assigned: Mapping[str, tuple[str, str] | None] = field(default_factory=dict)
    """The variables that it set to something, each with the error that it holds, name and cause, if it holds one."""


@dataclass(frozen=True)
class LaneEnded:
    """Nothing more comes in a lane: it came to its end, failed with an error, or was stopped from outside."""

    at: float
    lane: Lane
    how: Literal["well", "failed", "stopped"]
    error: str = ""
    cause: str = ""
    nothing: Nothing | None = None
    """Where an expression that gave nothing is the reason: what was missing."""


@dataclass(frozen=True)
class AttemptBegan:
    """A state is tried: what is told next of a ``state`` of that name happens in that lane."""

    name: str
    step: str
    at: float
    lane: Lane = ()


@dataclass(frozen=True)
class AttemptFailed:
    """One attempt of a state failed. It is tried again in ``retry_in`` seconds; None: no retrier wants it again. The error is
    that of the step's work, also where it comes wrapped in one of Step Functions'.
    """

    name: str
    step: str
    at: float
    attempt: int
    """Counts from 1."""
    error: str
    cause: str
    retry_in: float | None
    lane: Lane = ()
    code: CodeLine | None = None
    """Where in the user's code it arose, if it did in one."""
    nothing: Nothing | None = None
    """Where an expression that gave nothing is the reason: what was missing."""


@dataclass(frozen=True)
class MailSent:
    """SES accepted a mail."""

    at: float
    state: str
    sender: str
    to: tuple[str, ...]
    subject: str


@dataclass(frozen=True)
class RowWritten:
    """A row of a table was put, updated or deleted."""

    at: float
    state: str
    table: str
    """The table's name under ``resources``."""
    key: Mapping[str, object]
    operation: str
    """``put``, ``update`` or ``delete``."""


@dataclass(frozen=True)
class FileWritten:
    """A file in a bucket was put, copied or deleted."""

    at: float
    state: str
    bucket: str
    """The bucket's name under ``resources``."""
    key: str
    operation: str
    """``put``, ``copy`` or ``delete``."""


@dataclass(frozen=True)
class MessageSent:
    """A queue or a topic accepted a message."""

    at: float
    state: str
    kind: str
    """``queue`` or ``topic``."""
    to: str
    """Its name under ``resources``."""


@dataclass(frozen=True)
class EventEmitted:
    """EventBridge accepted an event of the flow."""

    at: float
    state: str
    bus: str
    """The bus's name under ``resources``; ``default`` for the account's default bus."""
    source: str
    detail_type: str


@dataclass(frozen=True)
class EventArrived:
    """An event came from outside."""

    at: float
    source: str
    detail_type: str


@dataclass(frozen=True)
class OtherArrived:
    """Something else came from outside: a signal, a message, an answer."""

    at: float
    what: str


@dataclass(frozen=True)
class LogWritten:
    """Step code printed or logged a line."""

    at: float
    state: str
    text: str


Event = Union[
    StateEntered,
    StateLeft,
    LaneEnded,
    AttemptBegan,
    AttemptFailed,
    MailSent,
    RowWritten,
    FileWritten,
    MessageSent,
    EventEmitted,
    EventArrived,
    OtherArrived,
    LogWritten,
]
