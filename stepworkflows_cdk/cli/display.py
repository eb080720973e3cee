"""What a person sees of a run: each step as it goes, then mails, rows, messages, files, the path, the times and the result."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stepworkflows_cdk.compiler.plan import RACE_WON
from stepworkflows_cdk.errors import LocalRunError
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.local import (
    AttemptFailed,
    Event,
    EventArrived,
    EventEmitted,
    FileWritten,
    LogWritten,
    MailSent,
    MessageSent,
    OtherArrived,
    RowWritten,
    RunResult,
    StateEntered,
    StateLeft,
)

__all__ = ["Display", "duration"]

_WIDTH = 120
_LINES, _LONGEST = 20, 1000
"""Lines of a file that are shown, and characters of one."""
_EXPRESSION = re.compile(
    r"The JSONata expression '.*' specified for the field '(?P<field>[^']*)' (?P<fault>.*)", re.DOTALL
)
_IF = re.compile(r": if\b[^:]*\Z")
_STYLES = {"skipped": "dim", "ok": "green", "caught": "yellow", "failed": "red", "fails": "red", "event": "cyan"}


@dataclass
class _Stay:
    """What happened in a step so far: ``how`` is empty while it is at work."""

    at: float = 0
    how: str = ""
    notes: list[str] = field(default_factory=list)


class Display:
    """Prints to standard output: with colours and a line of progress on a terminal, plain lines elsewhere.

    ``marks`` tells for each state the place in the document that it comes from; ``hidden`` are states that the compiler
    added, which belong to the state that they are named after, and ``calls`` those of them that make a call; ``fails`` are
    the states whose work is to fail.
    """

    def __init__(
        self,
        flow: str,
        source: str,
        marks: Mapping[str, Mark],
        *,
        hidden: Collection[str] = (),
        calls: Collection[str] = (),
        fails: Collection[str] = (),
    ) -> None:
        try:
            from rich.console import Console
        except ImportError:
            raise LocalRunError("the display needs rich: pip install 'stepworkflows-cdk[local]'") from None
        # The stream of now: while a step's code runs, the standard output is the step's.
        self._console = Console(file=sys.stdout, highlight=False, soft_wrap=True, markup=False, emoji=False)
        self._status = self._console.status("", spinner="dots") if self._console.is_terminal else None
        self._title = f"{flow} with {source}\n"
        self._marks, self._hidden, self._calls, self._fails = marks, hidden, calls, fails
        self._width = max((len(name) for name in marks if name not in hidden), default=0)
        self._stays: dict[str, _Stay] = {}
        self._open: set[str] = set()

    def show(self, event: Event) -> None:
        """One event of the run, as it happens."""
        self._begin()
        match event:
            case StateEntered(name=name):
                self._enter(name)
            case StateLeft(name=name, at=at):
                self._leave(name, at)
            case AttemptFailed(name=name, error=error, cause=cause) if error == RACE_WON:
                self._note(name, _won(cause))
            case AttemptFailed(name=name, at=at, attempt=attempt, error=error, cause=cause, retry_in=retry_in):
                place = f" ({self._marks[name]})" if retry_in is None and name in self._marks else ""
                again = f"; again in {duration(retry_in)}" if retry_in is not None else place
                self._note(name, f"attempt {attempt} failed: {error}{_said(cause)}{again}")
                if retry_in is None:
                    stay = self._stays.setdefault(self._owner(name), _Stay())
                    stay.at, stay.how = at, "failed"
            case MailSent(state=state, to=to, subject=subject):
                self._note(state, f"mail to {', '.join(to)}: {subject}")
            case RowWritten(state=state, table=table, key=key, operation=operation):
                self._note(state, f"{operation} {table}/{'/'.join(str(part) for part in key.values())}")
            case FileWritten(state=state, bucket=bucket, key=key, operation=operation):
                self._note(state, f"{operation} {bucket}/{key}")
            case MessageSent(state=state, kind=kind, to=to):
                self._note(state, f"message to {kind} {to}")
            case EventEmitted(state=state, bus=bus, source=source, detail_type=detail_type):
                self._note(state, f"event {detail_type} from {source}, on {bus}")
            case EventArrived(at=at, source=source, detail_type=detail_type):
                self._line(at, "", "event", [f"{detail_type} from {source} comes from outside"])
            case OtherArrived(at=at, what=what):
                self._line(at, "", "event", [f"{what} comes from outside"])
            case LogWritten(state=state, text=text):
                self._note(state, f"log: {text}")

    def _begin(self) -> None:
        if self._title:
            self._print(self._title, "bold")
            self._title = ""
            if self._status:
                self._status.start()

    def _enter(self, name: str) -> None:
        owner = self._owner(name)
        self._ended(except_=owner)
        self._stays.setdefault(owner, _Stay())
        if name == owner:
            self._open.add(name)
        if self._status:
            self._status.update(owner)

    def _leave(self, name: str, at: float) -> None:
        owner = self._owner(name)
        self._open.discard(name)
        stay = self._stays.setdefault(owner, _Stay())  # of several items of a loop, another one may have ended it
        stay.at = at
        if stay.how == "failed":
            stay.how = "caught"
        elif stay.how != "caught" or name == owner or name in self._calls:
            stay.how = "fails" if name in self._fails else "ok"
        if _IF.search(name) and name in self._hidden:
            stay.how = "skipped"  # unless a state of its own follows

    def _owner(self, name: str) -> str:
        """The step's state that an added one is named after, unless that is still at work around it."""
        if name in self._hidden:
            parts = name.split(": ")
            for count in range(len(parts) - 1, 0, -1):
                own = ": ".join(parts[:count])
                if own in self._marks and own not in self._hidden and own not in self._open:
                    return own
        return name

    def _ended(self, except_: str = "") -> None:
        """Prints the steps that have come to their end, and which nothing of their own follows."""
        for name in [name for name, stay in self._stays.items() if stay.how and name != except_]:
            stay = self._stays.pop(name)
            mark = self._marks.get(name)
            if stay.notes or (name not in self._hidden and mark is not None and mark.step):
                self._line(stay.at, name, stay.how, stay.notes)
        if except_ in self._stays:
            self._stays[except_].how = "caught" if self._stays[except_].how == "caught" else ""

    def end(self, result: RunResult) -> None:
        """What came of the run."""
        self._begin()
        self._ended()
        if self._status:
            self._status.stop()
        for mail in result.outbox:
            self._print(f"\nmail to {', '.join(mail['to'])} from {mail['from']}: {mail['subject']}", "bold")
            for line in str(mail.get("text") or "").strip().splitlines():
                self._print(f"  {line}".rstrip())
        for name, rows in result.tables.items():
            self._print(f"\ntable {name}", "bold")
            for line in _lines(rows):
                self._print(f"  {line}".rstrip())
        for event in result.emitted:
            kind = f"{event['detail-type']} from {event['source']}, on {event['bus']}"
            self._print(f"\nevent {kind}", "bold")
            self._print(f"  {_json(event['detail'])}")
        for message in result.messages:
            self._message(message)
        for bucket, files in result.files.items():
            for key, content in files.items():
                self._file(bucket, key, content)
        self._print("\nsteps", "bold")
        self._print(f"  {' > '.join(name for name in result.states if name not in self._hidden)}")
        times = f"{duration(result.simulated_seconds)} simulated, {result.real_seconds:.1f}s real"
        self._print("\ntime", "bold")
        self._print(f"  {times}, {result.transitions} state transitions")
        for note in result.notes:
            self._print(f"  note: {note}")
        self._print("")
        good = result.status == "SUCCEEDED"
        self._print(result.status, "bold green" if good else "bold red")
        if good:
            self._print(json.dumps(result.output, ensure_ascii=False, indent=2))
        else:
            self._print(f"  {result.error}{_said(result.cause or '')}")

    def _message(self, message: Mapping[str, Any]) -> None:
        kind = "queue" if "queue" in message else "topic"
        about = f": {message['subject']}" if "subject" in message else ""
        self._print(f"\nmessage to {kind} {message[kind]}{about}", "bold")
        body = message["body"]
        self._print(f"  {body if isinstance(body, str) else _json(body)}")
        beside = {name: value for name, value in message.items() if name in ("group", "delay", "attributes")}
        if beside:
            self._print(f"  {', '.join(f'{name}: {_json(value)}' for name, value in beside.items())}")

    def _file(self, bucket: str, key: str, content: Any) -> None:
        self._print(f"\nfile {bucket}/{key}", "bold")
        lines = content.splitlines() if isinstance(content, str) else [f"{content['size']} bytes"]
        for line in lines[:_LINES]:
            self._print(f"  {line[:_LONGEST]}".rstrip())
        if len(lines) > _LINES:
            self._print(f"  ... {len(lines) - _LINES} more lines")

    def _line(self, at: float, name: str, how: str, notes: Sequence[str]) -> None:
        first = notes[0] if notes else ""
        self._print(f"  {duration(at):>8}  {name:<{self._width}}  {how:<6}  {first}".rstrip(), _STYLES[how])
        for note in notes[1:]:
            self._print(f"  {'':>8}  {'':<{self._width}}  {'':<6}  {note}", _STYLES[how])

    def _note(self, state: str, text: str) -> None:
        stay = self._stays.get(self._owner(state))
        if stay is None:  # what does the work has no state: it was called from outside
            self._print(f"  {'':>8}  {'':<{self._width}}  {'':<6}  {text}", _STYLES["event"])
        else:
            stay.notes.append(text)

    def _print(self, text: str, style: str | None = None) -> None:
        self._console.print(text, style=style)


def _won(cause: str) -> str:
    """Who won a race, by its result."""
    result = json.loads(cause)
    return f"won by {result.get('winner') or ' and '.join(result['winners'])}"


def duration(seconds: float) -> str:
    """``1209600`` -> ``14d``, ``90`` -> ``1m30s``, ``0.5`` -> ``0.5s``."""
    whole = int(seconds)
    if seconds != whole and seconds < 60:
        return f"{seconds:.1f}s"
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _said(cause: str) -> str:
    """The part of a cause that tells a person something: Lambda's is a JSON object, an expression's repeats its code."""
    if found := _EXPRESSION.search(cause):
        return f": the expression for {found['field']} {found['fault']}"[:300]
    try:
        parsed = json.loads(cause)
    except ValueError:
        parsed = None
    message = str(parsed["errorMessage"]) if isinstance(parsed, Mapping) and "errorMessage" in parsed else cause
    return f": {message.splitlines()[0][:300]}" if message.strip() else ""


def _lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A row a line; where one is too long for that, an attribute a line, and of a long list an item."""
    for row in rows:
        if len(_json(row)) <= _WIDTH:
            yield _json(row)
            continue
        if row is not rows[0]:
            yield ""
        for name, value in row.items():
            if isinstance(value, list) and len(_json(value)) > _WIDTH:
                yield f"{name}:"
                yield from (f"  - {_json(item)}" for item in value)
            else:
                yield f"{name}: {_json(value)}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
