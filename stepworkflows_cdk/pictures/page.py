"""A run becomes one HTML page: the flow with the path that was taken, what happened when, mails, rows and the result.

The page is complete in itself: it loads nothing, and its policy forbids scripts. All that comes from a run is text in
it, whatever it looks like.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from stepworkflows_cdk.compiler.plan import RACE_WON
from stepworkflows_cdk.pictures.model import Graph
from stepworkflows_cdk.pictures.svg import svg
from stepworkflows_cdk.pictures.trace import trace
from stepworkflows_cdk.pictures.words import plain

__all__ = ["run_page"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_FAILED = ("failed", "caught", "continued")
_UNTOLD = ("AttemptBegan", "LaneEnded")
"""Events that other events tell of as well."""
_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem;
background:#fff;color:#111827}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .6rem}
.status{display:inline-block;border-radius:1rem;padding:.1rem .8rem;font-weight:600;background:#fde2e2;color:#991b1b}
.SUCCEEDED{background:#d9f5e3;color:#14532d}
.flow{max-width:100%;height:auto;border:1px solid #d1d5db;border-radius:8px}
table{border-collapse:collapse;font-size:.9rem}th,td{text-align:left;vertical-align:top;padding:.25rem .8rem .25rem 0;
border-bottom:1px solid #e5e7eb;overflow-wrap:anywhere}
td.time{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.bad{color:#b91c1c}.quiet{color:#6b7280}
pre{background:#f3f4f6;border-radius:6px;padding:.7rem;margin:.4rem 0;white-space:pre-wrap;overflow-wrap:anywhere;font-size:.85rem}
.wide{overflow-x:auto}
@media (prefers-color-scheme:dark){body{background:#0f1318;color:#f3f4f6}pre{background:#1d232b}th,td{border-color:#2b333d}
.flow{border-color:#2b333d}.status{background:#4c1d1d;color:#fecaca}.SUCCEEDED{background:#14381f;color:#bbf7d0}
.bad{color:#f87171}.quiet{color:#9ca3af}}
"""


def run_page(
    graph: Graph,
    events: Sequence[Mapping[str, Any]],
    result: Mapping[str, Any],
    *,
    title: str,
    source: str,
    given: Any,
    notes: Sequence[str] = (),
) -> str:
    """The page of one run of the graph's flow.

    ``events`` are as ``trace`` takes them, in the order in which they happened, ``at`` in seconds since the start;
    ``result`` has ``status``, ``output``, ``error``, ``cause``, ``outbox``, ``emitted``, ``messages``, ``files``,
    ``tables``, ``transitions``, ``simulated_seconds``, and under ``steps`` what came of each; ``given`` is the execution's
    input and ``source`` where it came from.
    """
    parts = [
        *_head(title, source, result),
        f'<h2>Path</h2><div class="wide">{svg(graph, trace(graph, events, _failed(result)))}</div>',
        *_result(result, notes),
        *_section("Steps", _steps(result.get("steps", ()))),
        *_section("What happened", _timeline(events)),
        *_section("Mails", _mails(result["outbox"])),
        *_section("Events", _events(result.get("emitted", ()))),
        *_section("Messages", _messages(result.get("messages", ()))),
        *_section("Files", _files(result.get("files", {}))),
        *(part for name, rows in result["tables"].items() for part in _section(f"Table {name}", _rows(rows))),
        f"<h2>Input</h2>{_pre(_json(given, indent=2))}",
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(title)}: {_text(result['status'])}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _head(title: str, source: str, result: Mapping[str, Any]) -> Iterator[str]:
    status = _text(result["status"])
    yield f'<h1>{_text(title)} <span class="status {status}">{status}</span></h1>'
    took = f"{_seconds(result['simulated_seconds'])} simulated, {result['transitions']} state transitions"
    yield f'<p class="quiet">with {_text(source)}: {_text(took)}</p>'


def _result(result: Mapping[str, Any], notes: Sequence[str]) -> Iterator[str]:
    yield "<h2>Result</h2>"
    if result["status"] == "SUCCEEDED":
        yield _pre(_json(result["output"], indent=2))
    else:
        yield f'<p class="bad"><strong>{_text(result["error"] or "")}</strong></p>{_pre(result["cause"] or "")}'
    for note in notes:
        yield f"<p>note: {_text(note)}</p>"


def _section(title: str, body: Iterable[str]) -> Iterator[str]:
    """A heading with what stands below it; nothing where that is empty."""
    found = list(body)
    if found:
        yield f"<h2>{_text(title)}</h2>"
        yield from found


def _failed(result: Mapping[str, Any]) -> set[str]:
    """The steps that failed, also where the error was taken care of."""
    return {step["name"] for step in result.get("steps", ()) if step["how"] in _FAILED}


def _steps(steps: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not steps:
        return
    yield "<table><thead><tr><th>until</th><th>step</th><th>how</th><th>what</th></tr></thead><tbody>"
    for step in steps:
        kind = "bad" if step["how"] in _FAILED else ""
        said = "<br>".join(_text(note) for note in (*step.get("notes", ()), *filter(None, [step.get("hint")])))
        cells = f"<td>{_text(step['name'])}</td><td>{_text(step['how'])}</td><td>{said}</td>"
        yield f'<tr class="{kind}"><td class="time">{_seconds(step["ended"])}</td>{cells}</tr>'
    yield "</tbody></table>"


def _timeline(events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not events:
        return
    yield "<table><thead><tr><th>at</th><th>where</th><th>what</th></tr></thead><tbody>"
    for event in events:
        if event["event"] in _UNTOLD:
            continue
        kind, what = _what(event)
        place, said = _text(event.get("name") or event.get("state", "")), _text(what)
        yield f'<tr class="{kind}"><td class="time">{_seconds(event["at"])}</td><td>{place}</td><td>{said}</td></tr>'
    yield "</tbody></table>"


def _what(event: Mapping[str, Any]) -> tuple[str, str]:
    """What an event says, and how it looks."""
    match event["event"]:
        case "StateEntered":
            return "", "entered"
        case "StateLeft":
            return "quiet", "left"
        case "AttemptFailed" if event["error"] == RACE_WON:
            return "", f"won: {event['cause'][:500]}"
        case "AttemptFailed" if "expected" in event:
            return "", event["expected"]
        case "AttemptFailed":
            again = "" if event["retry_in"] is None else f"; again in {_seconds(event['retry_in'])}"
            cause = f": {event['cause'][:500]}" if event["cause"] else ""
            return "bad", f"attempt {event['attempt']} failed: {event['error']}{cause}{again}"
        case "MailSent":
            return "", f"mail to {', '.join(event['to'])}: {event['subject']}"
        case "RowWritten":
            return "", f"{event['operation']} {event['table']} {_json(event['key'])}"
        case "FileWritten":
            return "", f"{event['operation']} {event['bucket']}/{event['key']}"
        case "MessageSent":
            return "", f"message to {event['kind']} {event['to']}"
        case "EventEmitted":
            return "", f"event {event['detail_type']} from {event['source']}, on {event['bus']}"
        case "EventArrived":
            return "", f"event {event['detail_type']} from {event['source']} comes from outside"
        case "OtherArrived":
            return "", f"{event['what']} comes from outside"
        case "LogWritten":
            return "quiet", f"log: {event['text']}"
        case other:
            rest = {key: value for key, value in event.items() if key not in {"event", "at", "name", "step"}}
            return "", f"{other} {_json(rest)}"


def _mails(mails: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for mail in mails:
        yield f"<p><strong>{_text(mail['subject'])}</strong><br>to {_text(', '.join(mail['to']))} from {_text(mail['from'])}</p>"
        if mail.get("text"):
            yield _pre(mail["text"])
        if mail.get("html"):
            yield f"<details><summary>its HTML</summary>{_pre(mail['html'])}</details>"


def _events(events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for event in events:
        yield f"<p><strong>{_text(event['detail-type'])}</strong><br>from {_text(event['source'])} on {_text(event['bus'])}</p>"
        yield _pre(_json(event["detail"], indent=2))


def _messages(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for message in messages:
        kind = "queue" if "queue" in message else "topic"
        yield f"<p><strong>{_text(message.get('subject', ''))}</strong> to {kind} {_text(message[kind])}</p>"
        body = message["body"]
        yield _pre(body if isinstance(body, str) else _json(body, indent=2))


def _files(buckets: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for bucket, files in buckets.items():
        for key, content in files.items():
            yield f"<p><strong>{_text(f'{bucket}/{key}')}</strong></p>"
            yield _pre(content if isinstance(content, str) else f"{content['size']} bytes")


def _rows(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not names:
        yield '<p class="quiet">no rows</p>'
        return
    yield f"<div class='wide'><table><thead><tr>{''.join(f'<th>{_text(name)}</th>' for name in names)}</tr></thead><tbody>"
    for row in rows:
        cells = (_cell(row[name]) if name in row else "" for name in names)
        yield f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
    yield "</tbody></table></div>"


def _cell(value: Any) -> str:
    return _text(value if isinstance(value, str) else _json(value))


def _seconds(seconds: float) -> str:
    """``0 s``, ``1.25 s``, ``90 s``; from two minutes on as ``2:00:00`` with days before it where there are any."""
    if seconds < 120:
        return f"{round(seconds, 3):g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{f'{days} d ' if days else ''}{hours}:{minutes:02}:{rest:02}"


def _json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent, default=str)


def _pre(text: str) -> str:
    return f"<pre>{chr(10).join(_text(line) for line in text.splitlines())}</pre>"


def _text(text: str) -> str:
    return escape(plain(str(text)))
