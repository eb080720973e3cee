"""What comes from outside a run: what tables and secrets hold before it, and what single calls give back or how they
fail.

Entries are one-key mappings with companions, as people write them in YAML::

    - given: {tables: {orders: [{order_id: "1"}]}, secrets: {payment: "abc"}}
    - {at: charge, throws: {error: Lambda.TooManyRequestsException}}
    - {at: charge, throws: {error: States.Timeout}, after-effect: true}
    - {at: charge, returns: {charge_id: "c-1"}}

An ``at`` entry is for one call of that step, in order: here the first fails, the second works but its answer is lost,
the third is answered without a call, and all further ones are real.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Union

from stepworkflows_cdk.errors import ConfigurationError

__all__ = ["Outside", "Returns", "Throws", "parse"]


@dataclass(frozen=True)
class Returns:
    """The call gives ``value`` without being made: for code what it returns, for a service its response."""

    number: int
    value: Any


@dataclass(frozen=True)
class Throws:
    """The call fails; with ``after_effect`` it is made first."""

    number: int
    error: str
    cause: str
    after_effect: bool


class Outside:
    """The entries of one run. Calls take theirs one by one."""

    def __init__(
        self,
        tables: Mapping[str, Sequence[Mapping[str, Any]]],
        secrets: Mapping[str, Any],
        calls: Mapping[str, Sequence[Union[Returns, Throws]]],
        places: Mapping[tuple[str, str], str],
    ) -> None:
        self.tables = tables
        """Resource name -> plain rows."""
        self.secrets = secrets
        """Secret name -> its value, a string or an object."""
        self._places = places
        self._calls = {step: deque(entries) for step, entries in calls.items()}

    def check(self, *, tables: Iterable[str], secrets: Iterable[str]) -> None:
        """Refuses what is given for a table or a secret that the run has not."""
        known = {"tables": list(tables), "secrets": list(secrets)}
        for (kind, name), place in self._places.items():
            _known(f"{place}, key {kind}", name, known[kind])

    def answers(self, step: str) -> bool:
        """Whether a call of ``step`` is still to be answered by an entry."""
        return bool(self._calls.get(step))

    def take(self, step: str) -> Returns | Throws | None:
        """The entry for the next call of ``step``."""
        return self._calls[step].popleft() if self.answers(step) else None

    def unused(self) -> tuple[str, ...]:
        """A line for each entry that no call took."""
        left = sorted((entry.number, step) for step, entries in self._calls.items() for entry in entries)
        return tuple(
            f"entry {number} of what comes from outside was never used: no such call of {step}" for number, step in left
        )


def parse(entries: Sequence[Mapping[str, Any]], *, steps: Iterable[str]) -> Outside:
    """The entries, for a flow with ``steps``. A wrong one is a ``ConfigurationError`` that names its number and key."""
    tables: dict[str, list[Mapping[str, Any]]] = {}
    secrets: dict[str, Any] = {}
    calls: dict[str, list[Union[Returns, Throws]]] = {}
    places: dict[tuple[str, str], str] = {}
    for number, entry in enumerate(entries, 1):
        place = f"entry {number} of what comes from outside"
        if not isinstance(entry, Mapping):
            raise ConfigurationError(f"{place} must be a mapping with the key given or at, not {entry!r}")
        if "after" in entry:
            raise ConfigurationError(f"{place}: events (entries with the key after) are not supported yet")
        if "given" in entry:
            given = _keys(f"{place}, key given", _keys(place, entry, {"given"})["given"], {"tables", "secrets"})
            for kind, found in given.items():
                places.update({(kind, name): place for name in _mapping(place, found)})
            _add_tables(place, given.get("tables", {}), tables)
            _add_secrets(place, given.get("secrets", {}), secrets)
        elif "at" in entry:
            _keys(place, entry, {"at", "returns", "throws", "after-effect"})
            step = str(entry["at"])
            _known(f"{place}, key at", step, steps)
            calls.setdefault(step, []).append(_call(place, number, entry))
        else:
            raise ConfigurationError(f"{place} has the keys {_list(entry)}; it must have given or at")
    return Outside(tables, secrets, calls, places)


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


def _call(place: str, number: int, entry: Mapping[str, Any]) -> Returns | Throws:
    if ("returns" in entry) == ("throws" in entry):
        raise ConfigurationError(f"{place}: beside at, exactly one of the keys returns and throws must be given")
    after = entry.get("after-effect", False)
    if not isinstance(after, bool) or (after and "returns" in entry):
        raise ConfigurationError(f"{place}: key after-effect goes with throws, and is true or false")
    if "returns" in entry:
        return Returns(number, entry["returns"])
    throws = _keys(f"{place}, key throws", entry["throws"], {"error", "cause"})
    error, cause = throws.get("error"), throws.get("cause", "")
    if not isinstance(error, str) or not error or not isinstance(cause, str):
        raise ConfigurationError(f"{place}, key throws: error must be an error's name, and cause, if given, a text")
    return Throws(number, error, cause, after)


def _keys(place: str, found: Any, allowed: set[str]) -> Mapping[str, Any]:
    if not isinstance(found, Mapping):
        raise ConfigurationError(f"{place} must be a mapping with the keys {_list(allowed)}, not {found!r}")
    if unknown := [key for key in found if key not in allowed]:
        raise ConfigurationError(f"{place}: unknown key {unknown[0]}; allowed: {_list(allowed)}")
    return found


def _mapping(place: str, found: Any) -> Mapping[str, Any]:
    if not isinstance(found, Mapping):
        raise ConfigurationError(f"{place}: tables and secrets must be mappings from names, not {found!r}")
    return found


def _known(place: str, name: str, known: Iterable[str]) -> None:
    names = sorted(known)
    if name not in names:
        near = get_close_matches(name, names, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ConfigurationError(f"{place}: {name!r} is unknown; known: {_list(names) or 'none'}{hint}")


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(map(str, names)))
