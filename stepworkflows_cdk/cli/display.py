"""What a person sees of a run: each step as it goes, then mails, rows, the path, the times and the result."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from stepworkflows_cdk.errors import LocalRunError
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.local import (
    AttemptFailed,
    Event,
    EventArrived,
    EventEmitted,
    LogWritten,
    MailSent,
    RowWritten,
    RunResult,
    StateEntered,
    StateLeft,
)

__all__ = ["Display", "duration"]

_WIDTH = 120


class Display:
    """Prints to standard output: with colours and a line of progress on a terminal, plain lines elsewhere.

    ``marks`` tells for each state the place in the document that it comes from; ``hidden`` are states that the compiler
    added, which show only where something happens in them.
    """

    def __init__(self, flow: str, source: str, marks: Mapping[str, Mark], hidden: Collection[str] = ()) -> None:
        try:
            from rich.console import Console
        except ImportError:
            raise LocalRunError("the display needs rich: pip install 'stepworkflows-cdk[local]'") from None
        # The stream of now: while a step's code runs, the standard output is the step's.
        self._console = Console(file=sys.stdout, highlight=False, soft_wrap=True, markup=False, emoji=False)
        self._status = self._console.status("", spinner="dots") if self._console.is_terminal else None
        self._marks = marks
        self._hidden = hidden
        self._width = max((len(name) for name in marks if name not in hidden), default=0)
        self._notes: dict[str, list[str]] = {}
        self._failed: set[str] = set()
        self._current = ""
        self._print(f"{flow} with {source}\n", "bold")
        if self._status:
            self._status.start()

    def show(self, event: Event) -> None:
        """One event of the run, as it happens."""
        match event:
            case StateEntered(name=name):
                self._current = name
                self._notes[name] = []
                if self._status:
                    self._status.update(name)
            case StateLeft(name=name, step=step, at=at):
                if name in self._failed:
                    self._failed.discard(name)
                elif self._notes.get(name) or (step and name not in self._hidden):
                    self._line(at, name, "ok", "green")
            case AttemptFailed(name=name, at=at, attempt=attempt, error=error, cause=cause, retry_in=retry_in):
                self._current = name
                place = f" ({self._marks[name]})" if retry_in is None and name in self._marks else ""
                again = f"; again in {duration(retry_in)}" if retry_in is not None else place
                self._note(f"attempt {attempt} failed: {error}{_said(cause)}{again}")
                if retry_in is None:
                    self._failed.add(name)
                    self._line(at, name, "failed", "red")
            case MailSent(to=to, subject=subject):
                self._note(f"mail to {', '.join(to)}: {subject}")
            case RowWritten(table=table, key=key, operation=operation):
                self._note(f"{operation} {table}/{'/'.join(str(part) for part in key.values())}")
            case EventEmitted(bus=bus, source=source, detail_type=detail_type):
                self._note(f"event {detail_type} from {source}, on {bus}")
            case EventArrived(at=at, source=source, detail_type=detail_type):
                note = f"{detail_type} from {source} comes from outside"
                self._print(f"  {duration(at):>8}  {'':<{self._width}}  {'event':<6}  {note}", "cyan")
            case LogWritten(text=text):
                self._note(f"log: {text}")

    def end(self, result: RunResult) -> None:
        """What came of the run."""
        if self._status:
            self._status.stop()
        for mail in result.outbox:
            self._print(f"\nmail to {', '.join(mail['to'])} from {mail['from']}: {mail['subject']}", "bold")
            for line in str(mail.get("text") or "").strip().splitlines():
                self._print(f"  {line}")
        for name, rows in result.tables.items():
            self._print(f"\ntable {name}", "bold")
            for line in _lines(rows):
                self._print(f"  {line}")
        self._print("\nstates", "bold")
        self._print(f"  {' > '.join(result.states)}")
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

    def _line(self, at: float, name: str, how: str, style: str) -> None:
        notes = self._notes.pop(name, [])
        first = notes[0] if notes else ""
        self._print(f"  {duration(at):>8}  {name:<{self._width}}  {how:<6}  {first}".rstrip(), style)
        for note in notes[1:]:
            self._print(f"  {'':>8}  {'':<{self._width}}  {'':<6}  {note}", style)

    def _note(self, text: str) -> None:
        self._notes.setdefault(self._current, []).append(text)

    def _print(self, text: str, style: str | None = None) -> None:
        self._console.print(text, style=style)


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
    """The part of a cause that tells a person something: Lambda's is a JSON object."""
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
        for name, value in row.items():
            if isinstance(value, list) and len(_json(value)) > _WIDTH:
                yield f"{name}:"
                yield from (f"  - {_json(item)}" for item in value)
            else:
                yield f"{name}: {_json(value)}"
        yield ""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
