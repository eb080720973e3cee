"""What can come from outside while a flow runs, and how people write it: events, signals, messages, answers to a step.

    - {after: 2d, source: carrier, detail-type: Delivered, detail: {order_id: "1"}}
    - {after: 3d, event: {bus: news, source: carrier, detail-type: Returned, detail: {order_id: "1"}}}
    - {after: 1h, signal: paid, match: {order_id: "1"}, data: {sum: 5}}
    - {after: 1h, queue: jobs, message: {order_id: "1", sum: 5}}
    - {after: 1h, api: /orders/confirmed, body: {order_id: "1", sum: 5}}
    - {after: 3d, approve: ask, choice: approve, by: ada@example.com, comment: fine}
    - {after: 5m, answer: ask, data: {sum: 5}}
    - {after: 5m, fail: ask, error: Declined, cause: no money}
    - {after: 5m, abort: true}

`answer` and `fail` end the wait of the step with that id, however it is answered otherwise; where the step does not wait yet,
as soon as it does. `approve` follows the link in the newest mail of the step with that id, to ``by`` where that is said. In a
loop, ``item: 2`` is the index of the item. `abort` stops the execution, as a person does; of a flow with ``guard`` the one
that does the work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Union

from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.language.durations import parse_duration
from stepworkflows_cdk.language.entries import listed, only
from stepworkflows_cdk.language.ids import StepId, WrongId, meant

__all__ = [
    "Aborted",
    "Answered",
    "Approved",
    "Arrival",
    "Coming",
    "EventSent",
    "MessageCame",
    "Requested",
    "SignalSent",
    "read_arrival",
]


@dataclass(frozen=True)
class EventSent:
    """An event. ``bus`` is its name under ``resources``, empty for the default bus."""

    bus: str
    source: str
    detail_type: str
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class SignalSent:
    """A signal; ``to`` is the id of a flow, empty for whichever waits for it."""

    name: str
    to: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class MessageCame:
    """A message in the queue of that name under ``resources``; a body that is no text becomes JSON."""

    queue: str
    body: Any


@dataclass(frozen=True)
class Requested:
    """A request to the API."""

    method: str
    path: str
    body: Any


@dataclass(frozen=True)
class Approved:
    """A decision by the link in a mail; ``by`` is whom the mail was sent to, empty for anybody."""

    step: StepId
    choice: str
    by: str
    comment: str
    item: int | None


@dataclass(frozen=True)
class Answered:
    """An answer to a step that waits: ``data``, or an ``error``."""

    step: StepId
    data: Any
    error: str
    cause: str
    item: int | None


@dataclass(frozen=True)
class Aborted:
    """Somebody stops the execution."""


Coming = Union[EventSent, SignalSent, MessageCame, Requested, Approved, Answered, Aborted]


@dataclass(frozen=True)
class Arrival:
    """Something that comes ``after`` so many seconds; ``place`` is where it is written."""

    number: int
    place: str
    after: float
    what: Coming


def read_arrival(place: str, number: int, entry: Mapping[str, Any], steps: Iterable[StepId]) -> Arrival:
    """An entry with the key ``after``. A wrong one is a ``ConfigurationError``."""
    written = {key: value for key, value in entry.items() if key != "after"}
    kinds = [kind for kind in _KINDS if kind in written]
    if len(kinds) > 1:
        raise ConfigurationError(f"{place}: {listed(kinds)} are different things that come; write an entry for each")
    what: Coming
    if kinds and kinds[0] in ("answer", "fail"):
        what = _answered(place, kinds[0], written, steps)
    elif kinds and kinds[0] == "approve":
        what = _approved(place, written, steps)
    else:
        what = _KINDS[kinds[0]](place, written) if kinds else _event(place, written)
    return Arrival(number, place, _seconds(place, entry["after"]), what)


def _event(place: str, written: Mapping[str, Any]) -> EventSent:
    keys = {"bus", "source", "detail-type", "detail"}
    event = written
    if "event" in written:
        event = only(f"{place}, key event", only(place, written, {"event"})["event"], keys)
    event = only(place, event, keys)
    for key in ("source", "detail-type", "bus"):
        if (key != "bus" or key in event) and not (isinstance(event.get(key), str) and event[key]):
            raise ConfigurationError(f"{place}: the event's {key} must be a text")
    detail = event.get("detail", {})
    if not isinstance(detail, Mapping):
        raise ConfigurationError(f"{place}: the event's detail must be a mapping, not {detail!r}")
    return EventSent(event.get("bus", ""), event["source"], event["detail-type"], detail)


def _signal(place: str, written: Mapping[str, Any]) -> SignalSent:
    only(place, written, {"signal", "to", "match", "data"})
    data, match = written.get("data", {}), written.get("match", {})
    for key, value in (("data", data), ("match", match)):
        if not isinstance(value, Mapping):
            raise ConfigurationError(f"{place}: the signal's {key} must be a mapping, not {value!r}")
    merged = dict(data)
    for path, value in match.items():
        _lay(merged, str(path).split("."), value)
    return SignalSent(_text(place, written, "signal"), str(written.get("to", "")), merged)


def _message(place: str, written: Mapping[str, Any]) -> MessageCame:
    only(place, written, {"queue", "message"})
    if "message" not in written:
        raise ConfigurationError(f"{place}: a message in a queue needs the key message")
    return MessageCame(_text(place, written, "queue"), written["message"])


def _requested(place: str, written: Mapping[str, Any]) -> Requested:
    only(place, written, {"api", "method", "body"})
    return Requested(str(written.get("method", "POST")), _text(place, written, "api"), written.get("body", {}))


def _approved(place: str, written: Mapping[str, Any], steps: Iterable[StepId]) -> Approved:
    only(place, written, {"approve", "choice", "by", "comment", "item"})
    step = _step(place, written, "approve", steps)
    choice, by, comment = written.get("choice", "approve"), written.get("by", ""), written.get("comment", "")
    if not all(isinstance(text, str) for text in (choice, by, comment)):
        raise ConfigurationError(f"{place}: choice, by and comment must be texts")
    return Approved(step, choice, by, comment, _item(place, written))


def _answered(place: str, kind: str, written: Mapping[str, Any], steps: Iterable[StepId]) -> Answered:
    only(place, written, {kind, "item", *({"data"} if kind == "answer" else {"error", "cause"})})
    step, item, cause = _step(place, written, kind, steps), _item(place, written), written.get("cause", "")
    if not isinstance(cause, str):
        raise ConfigurationError(f"{place}: key cause must be a text")
    return Answered(step, written.get("data"), _text(place, written, "error") if kind == "fail" else "", cause, item)


def _aborted(place: str, written: Mapping[str, Any]) -> Aborted:
    if only(place, written, {"abort"})["abort"] is not True:
        raise ConfigurationError(f"{place}: key abort can only be true, not {written['abort']!r}")
    return Aborted()


def _step(place: str, written: Mapping[str, Any], key: str, steps: Iterable[StepId]) -> StepId:
    try:
        return meant(_text(place, written, key), steps)
    except WrongId as error:
        raise ConfigurationError(f"{place}, key {key}: {error}") from None


def _item(place: str, written: Mapping[str, Any]) -> int | None:
    item = written.get("item")
    if item is not None and (not isinstance(item, int) or isinstance(item, bool) or item < 0):
        raise ConfigurationError(f"{place}: key item is the index of an item, from 0, not {item!r}")
    return item


_KINDS: Mapping[str, Callable[..., Coming]] = {
    "event": _event,
    "signal": _signal,
    "queue": _message,
    "api": _requested,
    "approve": _approved,
    "answer": _answered,
    "fail": _answered,
    "abort": _aborted,
}


def _text(place: str, written: Mapping[str, Any], key: str) -> str:
    value = written.get(key)
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{place}: key {key} must be a text, not {value!r}")
    return value


def _lay(data: dict[str, Any], path: list[str], value: Any) -> None:
    """Puts a value at its place, without changing what stands beside it elsewhere."""
    name, *rest = path
    if not rest:
        data[name] = value
        return
    inner = data.get(name)
    data[name] = dict(inner) if isinstance(inner, Mapping) else {}
    _lay(data[name], rest, value)


def _seconds(place: str, after: Any) -> float:
    try:
        return 0 if after == "0s" or (after == 0 and not isinstance(after, bool)) else parse_duration(after)
    except ValueError as error:
        raise ConfigurationError(f"{place}, key after: {error}") from None
