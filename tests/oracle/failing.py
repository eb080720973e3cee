"""A flow run once as it is, and then once more for each call that it made, with that call failing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from oracle.comparing import Came, Compiled, told
from oracle.going import Undecided
from oracle.service import Fault

__all__ = ["Call", "calls_of", "check_every_failure", "undone"]

Call = tuple[str, Any, int]
"""The id of a step, the innermost item (None outside of loops), and the number of the call among those for both."""


def calls_of(came: Came) -> list[Call]:
    """Every call of a run."""
    numbers: Counter[str] = Counter()
    found: list[Call] = []
    for call in came.calls:
        at = call.get("at") or [None]
        found.append((call["id"], at[-1], numbers[key := repr((call["id"], at))]))
        numbers[key] += 1
    return list(dict.fromkeys(found))


def check_every_failure(compiled: Compiled) -> int:
    """Holds the flow against its document wherever it may fail: at each call, before its effect and after. How often."""
    try:
        calls = calls_of(compiled.outcome())
    except Undecided:
        return 0
    checked = 0
    for id_, at, number in calls:
        for effect in (False, True):
            fault = Fault(id_, "Boom", "x", effect, number, 99, at)
            try:
                found = compiled.outcome(fault).differences
            except Undecided:
                continue
            assert not found, told([*found, f"where {fault} fails"], compiled.made)
            checked += 1
    return checked


def undone(came: Came) -> Iterator[str]:
    """What was undone, in its order: the ids of the steps, in a loop with the item."""
    for call in came.calls:
        if call["id"].startswith("u-"):
            yield name_of(call)


def name_of(call: Mapping[str, Any]) -> str:
    """``x``, or ``x@b`` for an item, and those around it."""
    return "@".join([call["id"].removeprefix("u-"), *call.get("at", [])])
