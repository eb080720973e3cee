"""What comes from outside, and when: answers to steps that wait, and requests to cancel.

The entries are those that a run here is given; the first answer that fits counts, also where it came before anybody waited.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepworkflows_cdk.language.durations import parse_duration

__all__ = ["Answer", "Outside"]

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """What comes ``at`` a time: a result, or an error."""

    at: float
    result: Any = None
    error: str = ""
    cause: str = ""


class Outside:
    """The entries of one run."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = [entry for entry in entries if "after" in entry]
        self._files = {
            name: text for entry in entries for name, text in entry.get("given", {}).get("files", {}).items()
        }

    def items(self, name: str) -> list[Any]:
        """The items in a file, ``bucket/key``."""
        content = self._files[name]
        if name.endswith(".jsonl"):
            return [json.loads(line) for line in content.splitlines() if line]
        return list(json.loads(content) if isinstance(content, str) else content)

    def signal(self, name: str, match: Mapping[str, Any]) -> Answer | None:
        """The first signal of that name with those values."""
        return _first(
            Answer(at, data, str(data.get("error", "")), data.get("cause", ""))
            for at, entry in self._coming("signal", name)
            if _fits(data := _laid(entry.get("data", {}), entry.get("match", {})), match)
        )

    def event(self, source: str, kind: str, match: Mapping[str, Any]) -> Answer | None:
        """The first event of that kind with those values in its detail."""
        return _first(
            Answer(at, event)
            for at, entry in self._coming("event")
            if ((event := entry["event"])["source"], event["detail-type"]) == (source, kind)
            and _fits(event["detail"], match)
        )

    def decision(self, step: str, choices: Sequence[str], item: int | None, since: float) -> Answer | None:
        """The first decision by a link in a mail, which there has to be before."""
        return _first(
            Answer(
                at,
                {
                    "approved": entry["choice"] == choices[0],
                    "choice": entry["choice"],
                    "by": entry["by"],
                    "comment": entry["comment"],
                },
            )
            for at, entry in self._coming("approve", step, item)
            if at >= since
        )

    def told(self, step: str, item: int | None) -> Answer | None:
        """The first answer, or error, that was meant for the step itself."""
        answers = (Answer(at, entry.get("data")) for at, entry in self._coming("answer", step, item))
        errors = (
            Answer(at, None, entry["error"], entry.get("cause", "")) for at, entry in self._coming("fail", step, item)
        )
        return _first([*answers, *errors])

    def _coming(self, key: str, name: Any = None, item: int | None = None) -> Iterator[tuple[float, Entry]]:
        for entry in self._entries:
            if key in entry and name in (None, entry[key]) and entry.get("item") in (None, item):
                yield float(parse_duration(entry["after"])), entry


def _first(answers: Any) -> Answer | None:
    return min(answers, key=lambda answer: answer.at, default=None)


def _laid(data: Mapping[str, Any], match: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a signal, with what it says to match at its place."""
    found = dict(data)
    for path, value in match.items():
        name, _, rest = path.partition(".")
        found[name] = _laid(found.get(name, {}), {rest: value}) if rest else value
    return found


def _fits(data: Mapping[str, Any], match: Mapping[str, Any]) -> bool:
    for path, wanted in match.items():
        value: Any = data
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is None or str(value) != str(wanted):
            return False
    return True
