"""The work of all steps: one service that does what a table says, once as the code of a Lambda function, once for the reader.

A step calls it with ``{"id": ..., "at": [...], "data": ...}``: its id, what singles the call out among those of loops
around it, and any value. The table says which calls fail, and whether they have their effect before; all others give
back what they were given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

HANDLER = """
import json
from pathlib import Path

table = json.loads((Path(__file__).parent / "table.json").read_text(encoding="utf-8"))
calls = {}


def handler(event, context):
    key = json.dumps([event["id"], event.get("at", [])])
    number = calls[key] = calls.get(key, -1) + 1
    at = event.get("at") or [None]
    for fault in table:
        fits = fault["at"] is None or fault["at"] == at[-1]
        if fault["id"] == event["id"] and fits and fault["first"] <= number < fault["first"] + fault["times"]:
            print(json.dumps({"call": event, "effect": fault["effect"]}))
            raise type(fault["error"], (Exception,), {})(fault["message"])
    print(json.dumps({"call": event, "effect": True}))
    return {"id": event["id"], "back": event.get("data"), "number": number}
"""


@dataclass(frozen=True)
class Fault:
    """Calls of a step that fail: ``times`` of them, from number ``first`` on, for each item apart."""

    id: str
    error: str
    message: str = ""
    effect: bool = False
    first: int = 0
    times: int = 1
    at: Any = None
    """The innermost item that it is for; None: for all."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Refused(Exception):
    """The service reports an error."""

    def __init__(self, error: str, message: str, *, effect: bool) -> None:
        super().__init__(error)
        self.error, self.message, self.effect = error, message, effect


class Service:
    """The same for the reader. One for each run, since it counts calls."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = faults
        self._calls: Counter[str] = Counter()

    def call(self, event: dict[str, Any]) -> Any:
        """What a call gives. Raises :class:`Refused`."""
        at = event.get("at", [])
        key = repr((event["id"], at))
        number = self._calls[key]
        self._calls[key] += 1
        for fault in self._faults:
            fits = fault.at is None or fault.at == (at or [None])[-1]
            if fault.id == event["id"] and fits and fault.first <= number < fault.first + fault.times:
                raise Refused(fault.error, fault.message, effect=fault.effect)
        return {"id": event["id"], "back": event.get("data"), "number": number}
