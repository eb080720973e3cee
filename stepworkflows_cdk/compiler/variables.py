"""Which variables states read and set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from stepworkflows_cdk.compiler.plan import Data, Jsonata, State
from stepworkflows_cdk.language.expressions import free_variables

__all__ = ["read_from_outside"]

_KINDS = "step|status|tried|item|index|error|failed|stopped|undo|round|result|until"
_VARIABLE = re.compile(rf"input|resources|left|failure\d*|({_KINDS})\d*_\w+")


def read_from_outside(states: Sequence[State]) -> set[str]:
    """The variables of the flow that the states read and none of them sets."""
    held = {name for assign in _assigned(states) for name in assign}
    codes = [value.code for value in _walk(states) if isinstance(value, Jsonata)]
    read = {name for code in codes for name in free_variables(code) if _VARIABLE.fullmatch(name)}
    return read - held


def _assigned(states: Sequence[State]) -> Iterator[Mapping[str, Data]]:
    holders = (each for each in _walk(states) if not isinstance(each, Jsonata))
    yield from (holder.assign for holder in holders if hasattr(holder, "assign"))


def _walk(value: Any) -> Iterator[Any]:
    """All that a plan is made of: states, what is in them, expressions."""
    match value:
        case Jsonata():
            yield value
        case Mapping():
            for item in value.values():
                yield from _walk(item)
        case list() | tuple():
            for item in value:
                yield from _walk(item)
        case _ if is_dataclass(value):
            yield value
            for each in fields(value):
                yield from _walk(getattr(value, each.name))
