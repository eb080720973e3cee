"""What a person sees of a run: each step as it goes, then mails, rows, messages, files, the path, the times and the result."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from stepworkflows_cdk.cli.nodes import Place
from stepworkflows_cdk.cli.stays import Stay, Stays
from stepworkflows_cdk.cli.wording import duration
from stepworkflows_cdk.errors import LocalRunError
from stepworkflows_cdk.local import (
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
)

__all__ = ["Display"]

_WIDTH = 120
_LINES, _LONGEST = 20, 1000
"""Lines of a file that are shown, and characters of one."""
_LINK = re.compile(r"https://\S+")
_STYLES = {
    "skipped": "dim",
    "stopped": "dim",
    "ok": "green",
    "caught": "yellow",
    "continued": "yellow",
    "failed": "red",
    "event": "cyan",
}
_HOW = max(map(len, _STYLES))


class Display:
    """Prints to standard output: with colours and a line of progress on a terminal, plain lines elsewhere.

    ``stays`` follows the run, and ``places`` tell what its states are for. Each event is heard by ``stays`` first.
    """

    def __init__(self, flow: str, source: str, places: Mapping[str, Place], stays: Stays) -> None:
        try:
            from rich.console import Console
        except ImportError:
            raise LocalRunError("the display needs rich: pip install 'stepworkflows-cdk[local]'") from None
        # The stream of now: while a step's code runs, the standard output is the step's.
        self._console = Console(file=sys.stdout, highlight=False, soft_wrap=True, markup=False, emoji=False)
        self._status = self._console.status("", spinner="dots") if self._console.is_terminal else None
        self._title = f"{flow} with {source}\n"
        self._places, self._stays = places, stays
        self._last: tuple[object, ...] = ()
        self._again = 0
        nodes = {place.node for place in places.values() if place.node and place.node.shown}
        self._width = max((len(node.name) for node in nodes), default=0)
        self._clock = 8
        """Characters of the longest time so far."""

    def show(self, event: Event) -> None:
        """One event of the run, as it happens."""
        match event:
            case StateEntered(name=name):
                place = self._places.get(name)
                if self._status and place and place.node:
                    self._status.update(place.node.name)
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

    def ended(self, stay: Stay) -> None:
        """A stay in a step is over."""
        hint = [stay.hint] if stay.hint else []
        counted = [(note, len(list(same))) for note, same in groupby(stay.notes)]
        notes = [f"{note} ({times} times)" if times > 1 else note for note, times in counted]
        self._line(stay.ended, stay.node.name, stay.how or "", [*notes, *hint])

    def begin(self) -> None:
        """The run begins."""
        if self._title:
            self._print(self._title, "bold")
            self._title = ""
            if self._status:
                self._status.start()

    def refuse(self, faults: Iterable[str]) -> None:
        """The input is not as the flow declares it: nothing else is to be told."""
        self.begin()
        self._rest()
        if self._status:
            self._status.stop()
        self._print("FAILED", "bold red")
        self._print("  InvalidInput: the input is not as the flow declares it")
        for fault in faults:
            self._print(f"    {fault}")

    def end(self, result: RunResult) -> None:
        """What came of the run."""
        self.begin()
        self._rest()
        if self._status:
            self._status.stop()
        self._folded(_mail(mail) for mail in result.outbox)
        for name, rows in result.tables.items():
            self._print(f"\ntable {name}", "bold")
            for line in _lines(rows):
                self._print(f"  {line}".rstrip())
        self._folded(_event(event) for event in result.emitted)
        self._folded(_message(message) for message in result.messages)
        for bucket, files in result.files.items():
            for key, content in files.items():
                self._file(bucket, key, content)
        self._print("\nsteps", "bold")
        self._print(f"  {' > '.join(self._path(result.states))}")
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
        elif result.error:  # an execution that is aborted has none
            self._print(f"  {result.error}{self._stays.causes.said(result.cause or '')}")

    def _path(self, states: Iterable[str]) -> Iterator[str]:
        """The states in which work began, and those that an author wrote in the States Language."""
        for name in states:
            place = self._places.get(name)
            if place and (place.own and place.node.shown if place.node else place.state.step):
                yield name

    def _folded(self, texts: Iterable[Sequence[str]]) -> None:
        """Texts, each a title and its lines; those that are the same, but for the links in them, are shown once."""
        alike: dict[str, list[Sequence[str]]] = {}
        for text in texts:
            alike.setdefault(_LINK.sub("", "\n".join(text)), []).append(text)
        for (title, *lines), *others in alike.values():
            self._print(f"\n{title}", "bold")
            for line in lines:
                self._print(f"  {line}".rstrip())
            if others:
                links = ", with other links" if any([title, *lines] != list(other) for other in others) else ""
                self._print(f"  {_more(len(others), links)}", "dim")

    def _file(self, bucket: str, key: str, content: Any) -> None:
        self._print(f"\nfile {bucket}/{key}", "bold")
        lines = content.splitlines() if isinstance(content, str) else [f"{content['size']} bytes"]
        for line in lines[:_LINES]:
            self._print(f"  {line[:_LONGEST]}".rstrip())
        if len(lines) > _LINES:
            self._print(f"  ... {len(lines) - _LINES} more lines")

    def _line(self, at: float, name: str, how: str, notes: Sequence[str]) -> None:
        self.begin()
        line = (at, name, how, *notes)
        if line == self._last:
            self._again += 1
            return
        self._rest()
        self._last = line
        first = notes[0] if notes else ""
        self._row(duration(at), name, how, first, _STYLES[how])
        for note in notes[1:]:
            self._row("", "", "", note, _STYLES[how])

    def _row(self, time: str, name: str, how: str, text: str, style: str | None) -> None:
        self._clock = max(self._clock, len(time))
        self._print(f"  {time:>{self._clock}}  {name:<{self._width}}  {how:<{_HOW}}  {text}".rstrip(), style)

    def _rest(self) -> None:
        """How often the last line was the same."""
        if self._again:
            self._row("", "", "", _more(self._again), "dim")
        self._last, self._again = (), 0

    def _note(self, state: str, text: str) -> None:
        stay = self._stays.stay_of(state)
        if stay is None:  # what does the work has no state: it was called from outside
            self._rest()
            self._row("", "", "", text, _STYLES["event"])
        else:
            stay.notes.append(text)

    def _print(self, text: str, style: str | None = None) -> None:
        self._console.print(text, style=style)


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


def _more(times: int, but: str = "") -> str:
    return f"(the same {'once' if times == 1 else f'{times} times'} more{but})"


def _mail(mail: Mapping[str, Any]) -> tuple[str, ...]:
    title = f"mail to {', '.join(mail['to'])} from {mail['from']}: {mail['subject']}"
    return (title, *str(mail.get("text") or "").strip().splitlines())


def _event(event: Mapping[str, Any]) -> tuple[str, ...]:
    return f"event {event['detail-type']} from {event['source']}, on {event['bus']}", _json(event["detail"])


def _message(message: Mapping[str, Any]) -> tuple[str, ...]:
    kind = "queue" if "queue" in message else "topic"
    about = f": {message['subject']}" if "subject" in message else ""
    body = message["body"]
    beside = {name: value for name, value in message.items() if name in ("group", "delay", "attributes")}
    told = [", ".join(f"{name}: {_json(value)}" for name, value in beside.items())] if beside else []
    return f"message to {kind} {message[kind]}{about}", body if isinstance(body, str) else _json(body), *told


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
