"""What steps send that may start flows, and whether texts that are known in part can be the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stepworkflows_cdk.language.document import Path_
from stepworkflows_cdk.language.references import Template, WrongValue, parse_value

__all__ = ["Sent", "can_be", "can_begin", "can_end"]


@dataclass(frozen=True)
class Sent:
    """Something that a step sends: ``kind`` is that of the triggers which it may set off (``event``, ``queue``, ``s3``).

    ``to`` is the name of the bus, queue or bucket under ``resources``, None for the account's bus; ``path`` leads to the place
    in the step. ``words`` are the texts that tell it from others (``source``, ``key``), as written; ``data`` what is in it,
    None where nobody can tell.
    """

    kind: str
    to: str | None
    path: Path_
    words: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Any] | None = None


def can_be(one: str, other: str) -> bool:
    """Whether two texts of documents can be the same, whatever the references in them are."""
    (head, tail, fixed), (other_head, other_tail, other_fixed) = _ends(one), _ends(other)
    if fixed and other_fixed:
        return head == other_head
    return _alike(head, other_head) and _alike(tail[::-1], other_tail[::-1])


def can_begin(text: str, prefix: str) -> bool:
    """Whether a text can begin with a prefix."""
    head, _, fixed = _ends(text)
    begins, _, whole = _ends(prefix)
    return _alike(head, begins) and not (fixed and whole and len(head) < len(begins))


def can_end(text: str, suffix: str) -> bool:
    """Whether a text can end with a suffix."""
    _, tail, fixed = _ends(text)
    _, ends, whole = _ends(suffix)
    return _alike(tail[::-1], ends[::-1]) and not (fixed and whole and len(tail) < len(ends))


def _ends(text: str) -> tuple[str, str, bool]:
    """What the text begins with and ends with up to the first and from the last reference, and whether it has none."""
    try:
        value = parse_value(text)
    except WrongValue:
        return "", "", False  # reported as what it is
    if isinstance(value, str):
        return value, value, True
    if not isinstance(value, Template):
        return "", "", False
    first, last = value.parts[0], value.parts[-1]
    return first if isinstance(first, str) else "", last if isinstance(last, str) else "", False


def _alike(one: str, other: str) -> bool:
    size = min(len(one), len(other))
    return one[:size] == other[:size]
