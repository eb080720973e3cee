"""Durations: ``90`` or ``90s``, ``5m``, ``2h``, ``14d``, ``1h30m``; as whole seconds."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

__all__ = ["UNIT_NAMES", "Duration", "parse_duration"]

UNIT_NAMES = ("days", "hours", "minutes", "seconds")
"""What units are called where a duration is a mapping: elsewhere, never here."""
_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PATTERN = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?\Z")
_MAX = 99_999_999  # the largest time-out of Step Functions: https://states-language.net/spec.html#timeouts


def parse_duration(value: Any) -> int:
    """Seconds. Raises ``ValueError`` with what is allowed."""
    seconds = _seconds(value)
    if seconds is None:
        raise ValueError("a duration is a number of seconds or a text such as 30s, 5m, 2h, 14d or 1h30m")
    if not 1 <= seconds <= _MAX:
        raise ValueError(f"a duration is at least 1 second and at most {_MAX} seconds")
    return seconds


def _seconds(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value and (found := _PATTERN.match(value)):
        return sum(int(number) * unit for number, unit in zip(found.groups(), _UNITS.values(), strict=True) if number)
    return None


Duration = Annotated[
    int,
    BeforeValidator(parse_duration),
    Field(strict=True),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": r"^(?=\d)(\d+d)?(\d+h)?(\d+m)?(\d+s)?$", "examples": ["5m"]},
            ]
        }
    ),
]
