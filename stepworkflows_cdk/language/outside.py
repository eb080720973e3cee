"""What comes from outside a run: what tables, buckets and secrets hold before it, and what single calls give back or how they
fail.

Entries are one-key mappings with companions, as people write them in YAML::

    - given: {tables: {orders: [{order_id: "1"}]}, secrets: {payment: "abc"}, files: {uploads/1.csv: "a,b"}}
    - given: {turns: {ada@example.com: 1m}}
    - {at: charge, throws: {error: Lambda.TooManyRequestsException}}
    - {at: charge, throws: {error: States.Timeout}, after-effect: true}
    - {at: charge, returns: {charge_id: "c-1"}}

Under ``turns``, another execution has the turn of a key of `concurrency` for so long.

An ``at`` entry is for one call of that step (``flow/step``, where several flows have one), in order: here the first
fails, the second works but its answer is lost, the third is answered without a call, and all further ones are real.
Beside `at`, ``item: 2`` is for the item of a loop whose ``index`` is 2. What comes
at its time, counted from the start of the run, has the key ``after``: see ``coming``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Union

from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.language.coming import Arrival, EventSent, MessageCame, read_arrival
from stepworkflows_cdk.language.durations import parse_duration
from stepworkflows_cdk.language.entries import known, listed, only
from stepworkflows_cdk.language.ids import StepId, WrongId, meant

__all__ = ["Outside", "Returns", "Throws", "Turn", "parse"]

_GIVEN = {"tables", "secrets", "files", "turns"}


@dataclass(frozen=True)
class Returns:
    """The call gives ``value`` without being made: for code what it returns, for a service its response. ``place`` is where
    the entry is written, and ``number`` the how many-th it is.
    """

    number: int
    place: str
    value: Any
    item: int | None = None
    """The index of the item that it is for; None: for whichever comes first."""


@dataclass(frozen=True)
class Throws:
    """The call fails; with ``after_effect`` it is made first."""

    number: int
    place: str
    error: str
    cause: str
    after_effect: bool
    item: int | None = None


@dataclass
class Turn:
    """Another execution has its turn for so many ``seconds``; whether anybody ``asked`` for it."""

    place: str
    seconds: float
    asked: bool = False


class Outside:
    """The entries of one run. Calls take theirs one by one."""

    def __init__(
        self,
        tables: Mapping[str, Sequence[Mapping[str, Any]]],
        secrets: Mapping[str, Any],
        calls: Mapping[StepId, Sequence[Union[Returns, Throws]]],
        places: Mapping[tuple[str, str], str],
        arrivals: Sequence[Arrival] = (),
        files: Mapping[str, Mapping[str, str]] | None = None,
        turns: Mapping[str, Turn] | None = None,
    ) -> None:
        self.tables = tables
        """Resource name -> plain rows."""
        self.secrets = secrets
        """Secret name -> its value, a string or an object."""
        self.arrivals = arrivals
        self.files = files or {}
        """Bucket's resource name -> key -> text."""
        self.turns = turns or {}
        """Key of `concurrency` -> the turn that another execution has."""
        self._places = places
        self._calls = {step: list(entries) for step, entries in calls.items()}

    def check(
        self,
        *,
        tables: Iterable[str],
        secrets: Iterable[str],
        buses: Iterable[str] = (),
        buckets: Iterable[str] = (),
        queues: Iterable[str] = (),
        turns: bool = True,
    ) -> None:
        """Refuses what is given for a table, a secret, a bus, a bucket, a queue or turns that the run has not."""
        for turn in self.turns.values() if not turns else ():
            raise ConfigurationError(f"{turn.place}, key turns: no flow of this run has `concurrency`")
        there = {"tables": list(tables), "secrets": list(secrets), "files": list(buckets)}
        for arrival in self.arrivals:
            match arrival.what:
                case EventSent(bus=bus) if bus:
                    known(f"{arrival.place}, key bus", bus, buses)
                case MessageCame(queue=queue):
                    known(f"{arrival.place}, key queue", queue, queues)
        for (kind, name), place in self._places.items():
            known(f"{place}, key {kind}", name, there[kind])

    def answers(self, step: StepId) -> bool:
        """Whether a call of ``step`` is still to be answered by an entry."""
        return bool(self._calls.get(step))

    def take(self, step: StepId, item: int | None = None) -> Returns | Throws | None:
        """The entry for the next call of ``step``, made for that item of a loop."""
        entries = self._calls.get(step, [])
        found = next((entry for entry in entries if entry.item in (None, item)), None)
        if found is not None:
            entries.remove(found)
        return found

    def unused(self) -> tuple[str, ...]:
        """A line for each entry that no call took, and for each turn that nobody waited for."""
        left = [(entry, step) for (_, step), entries in self._calls.items() for entry in entries]
        left.sort(key=lambda found: found[0].number)
        turns = (
            f"{turn.place} was never used: no execution has asked for the turn of {key}"
            for key, turn in self.turns.items()
            if not turn.asked
        )
        return (*(f"{entry.place} was never used: no such call of {step}" for entry, step in left), *turns)


def parse(entries: Sequence[Mapping[str, Any]], *, steps: Collection[StepId], origins: Sequence[str] = ()) -> Outside:
    """The entries, for a flow with ``steps``. A wrong one is a ``ConfigurationError`` that names its place, one of
    ``origins`` or its number, and its key.
    """
    tables: dict[str, list[Mapping[str, Any]]] = {}
    secrets: dict[str, Any] = {}
    calls: dict[StepId, list[Union[Returns, Throws]]] = {}
    places: dict[tuple[str, str], str] = {}
    arrivals: list[Arrival] = []
    files: dict[str, dict[str, str]] = {}
    turns: dict[str, Turn] = {}
    for number, entry in enumerate(entries, 1):
        place = origins[number - 1] if origins else f"entry {number} of the events"
        if not isinstance(entry, Mapping):
            raise ConfigurationError(f"{place} must be a mapping with the key given, at or after, not {entry!r}")
        if "after" in entry:
            arrivals.append(read_arrival(place, number, entry, steps))
        elif "given" in entry:
            given = only(f"{place}, key given", only(place, entry, {"given"})["given"], _GIVEN)
            for kind, found in given.items():
                if kind == "turns":
                    turns |= {
                        key: Turn(place, _lasts(place, lasts)) for key, lasts in _mapping(place, kind, found).items()
                    }
                    continue
                names = [name.partition("/")[0] if kind == "files" else name for name in _mapping(place, kind, found)]
                places.update({(kind, name): place for name in names})
            _add_tables(place, given.get("tables", {}), tables)
            _add_secrets(place, given.get("secrets", {}), secrets)
            _add_files(place, given.get("files", {}), files)
        elif "at" in entry:
            only(place, entry, {"at", "item", "returns", "throws", "after-effect"})
            try:
                step = meant(str(entry["at"]), steps)
            except WrongId as error:
                raise ConfigurationError(f"{place}, key at: {error}") from None
            calls.setdefault(step, []).append(_call(place, number, entry))
        else:
            raise ConfigurationError(f"{place} has the keys {listed(entry)}; it must have given, at or after")
    return Outside(tables, secrets, calls, places, arrivals, files, turns)


def _lasts(place: str, lasts: Any) -> float:
    try:
        return parse_duration(lasts)
    except ValueError as error:
        raise ConfigurationError(f"{place}, key turns: {error}") from None


def _add_tables(place: str, found: Mapping[str, Any], tables: dict[str, list[Mapping[str, Any]]]) -> None:
    for name, rows in found.items():
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            raise ConfigurationError(f"{place}: table {name} must be a list of rows, each a mapping")
        tables.setdefault(name, []).extend(rows)


def _add_secrets(place: str, found: Mapping[str, Any], secrets: dict[str, Any]) -> None:
    for name, value in found.items():
        if name in secrets or not isinstance(value, str | Mapping):
            raise ConfigurationError(f"{place}: secret {name} must be given once, as a string or a mapping")
        secrets[name] = value


def _add_files(place: str, found: Mapping[str, Any], files: dict[str, dict[str, str]]) -> None:
    for path, content in found.items():
        bucket, _, key = path.partition("/")
        if not key or key in files.get(bucket, {}):
            raise ConfigurationError(f"{place}: file {path} must be given once, as BUCKET/KEY")
        files.setdefault(bucket, {})[key] = content if isinstance(content, str) else json.dumps(content)


def _call(place: str, number: int, entry: Mapping[str, Any]) -> Returns | Throws:
    if ("returns" in entry) == ("throws" in entry):
        raise ConfigurationError(f"{place}: beside at, exactly one of the keys returns and throws must be given")
    item = entry.get("item")
    if item is not None and (not isinstance(item, int) or isinstance(item, bool) or item < 0):
        raise ConfigurationError(f"{place}: key item is the index of an item, from 0, not {item!r}")
    after = entry.get("after-effect", False)
    if not isinstance(after, bool) or (after and "returns" in entry):
        raise ConfigurationError(f"{place}: key after-effect goes with throws, and is true or false")
    if "returns" in entry:
        return Returns(number, place, entry["returns"], item)
    throws = only(f"{place}, key throws", entry["throws"], {"error", "cause"})
    error, cause = throws.get("error"), throws.get("cause", "")
    if not isinstance(error, str) or not error or not isinstance(cause, str):
        raise ConfigurationError(f"{place}, key throws: error must be an error's name, and cause, if given, a text")
    return Throws(number, place, error, cause, after, item)


def _mapping(place: str, kind: str, found: Any) -> Mapping[str, Any]:
    if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
        raise ConfigurationError(f"{place}: {kind} must be a mapping from names, not {found!r}")
    return found
