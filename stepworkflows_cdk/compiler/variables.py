"""Which variables states read and set, and other names for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from stepworkflows_cdk.compiler.plan import Data, Jsonata, State
from stepworkflows_cdk.language.expressions import free_variables, tokens

__all__ = ["read_from_outside", "renamed"]

_KINDS = "in|step|status|tried|item|index|error|failed|stopped|undo|round|result|until"
_VARIABLE = re.compile(rf"input|resources|left|failure\d*|({_KINDS})\d*_\w+")


def read_from_outside(states: Sequence[State]) -> set[str]:
    """The variables of the flow that the states read and none of them sets."""
    held = {name for assign in _assigned(states) for name in assign}
    codes = [value.code for value in _walk(states) if isinstance(value, Jsonata)]
    read = {name for code in codes for name in free_variables(code) if _VARIABLE.fullmatch(name)}
    return read - held


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """A plan, or a part of one, that reads variables by other names."""
    match value:
        case Jsonata(code):
            return replace(value, code=_renamed(code, names))
        case Mapping():
            return {key: renamed(item, names) for key, item in value.items()}
        case list():
            return [renamed(item, names) for item in value]
        case tuple():
            return tuple(renamed(item, names) for item in value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{each.name: renamed(getattr(value, each.name), names) for each in fields(value)})
        case _:
            return value


def _renamed(code: str, names: Mapping[str, str]) -> str:
    parts, end = [], 0
    for token in tokens(code):
        if token.kind == "variable" and token.text[1:] in names:
            parts += [code[end : token.start], "$", names[token.text[1:]]]
            end = token.start + len(token.text)
    return "".join([*parts, code[end:]])


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
