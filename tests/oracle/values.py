"""What the strings of a document are while a flow runs: text, references, JSONata, evaluated by ``jsonata-python`` as it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonata

from stepworkflows_cdk.language.references import Expression, Reference, parse_condition, parse_value

__all__ = ["MISSING", "QueryFailed", "Unset", "condition", "evaluated", "field_of", "value_of"]


class Unset:
    """What JSONata calls nothing: a field that is not there."""


MISSING = Unset()


class QueryFailed(Exception):
    """An expression gives nothing where a value has to be, or fails."""


Lookup = Callable[[Reference], Any]
"""The value that a reference has here, :data:`MISSING` where it has none."""


def value_of(written: Any, lookup: Lookup) -> Any:
    """A value of a document, all of it there. Raises :class:`QueryFailed`."""
    match written:
        case str():
            found = evaluated(written, lookup)
            if found is MISSING:
                raise QueryFailed(written)
            return found
        case list():
            return [value_of(item, lookup) for item in written]
        case dict():
            return {key: value_of(item, lookup) for key, item in written.items()}
        case _:
            return written


def evaluated(text: str, lookup: Lookup) -> Any:
    """A string of a document, or :data:`MISSING`."""
    parsed = parse_value(text)
    if isinstance(parsed, str):
        return parsed
    if isinstance(parsed, Expression):
        return _jsonata(parsed, lookup)
    if len(parsed.parts) == 1:
        (only,) = parsed.parts
        assert isinstance(only, Reference)
        return lookup(only)
    return "".join(part if isinstance(part, str) else _text(lookup(part)) for part in parsed.parts)


def condition(text: str | bool, lookup: Lookup) -> bool:
    """Whether a condition holds."""
    if isinstance(text, bool):
        return text
    if text.strip() in ("true", '"true"', "'true'"):
        return True
    found = _jsonata(parse_condition(text), lookup, " and true")
    return bool(found is not MISSING and found)


def field_of(value: Any, path: tuple[str | int, ...]) -> Any:
    """What ``path`` leads to. A name leads into every item of a list, as in JSONata."""
    for number, part in enumerate(path):
        if isinstance(part, int):
            value = value[part] if isinstance(value, list) and part < len(value) else MISSING
        elif isinstance(value, list):
            inside = [found for item in value if (found := field_of(item, path[number:])) is not MISSING]
            return inside or MISSING
        else:
            value = value.get(part, MISSING) if isinstance(value, dict) else MISSING
        if value is MISSING:
            return MISSING
    return value


def _text(value: Any) -> str:
    if value is MISSING:
        return ""
    return value if isinstance(value, str) else json.dumps(_rounded(value), separators=(",", ":"), ensure_ascii=False)


def _rounded(value: Any) -> Any:
    """Numbers as JSONata makes text of them: with 15 digits. https://docs.jsonata.org/string-functions#string"""
    match value:
        case bool() | str() | None:
            return value
        case int() | float():
            number = float(f"{value:.15g}")
            return int(number) if number.is_integer() else number
        case list():
            return [_rounded(item) for item in value]
        case _:
            return {key: _rounded(item) for key, item in value.items()}


def _jsonata(expression: Expression, lookup: Lookup, behind: str = "") -> Any:
    null = jsonata.Utils.NULL_VALUE
    code, bindings = "", {}
    for number, part in enumerate(expression.parts):
        code += part if isinstance(part, str) else f"$given{number}"
        if isinstance(part, Reference) and (found := lookup(part)) is not MISSING:
            bindings[f"given{number}"] = _given(found, null)
    compiled = jsonata.Jsonata(f"({code}){behind}")
    compiled.set_validate_input(False)
    compiled.set_output_convert_nulls(False)
    try:
        return _plain(compiled.evaluate(None, bindings), null)
    except Exception as error:  # whatever the library raises, the expression is at fault
        raise QueryFailed(code) from error


def _given(value: Any, null: Any) -> Any:
    match value:
        case None:
            return null
        case list():
            return [_given(item, null) for item in value]
        case dict():
            return {key: _given(item, null) for key, item in value.items()}
        case _:
            return value


def _plain(value: Any, null: Any) -> Any:
    if value is None:
        return MISSING
    if value is null:
        return None
    if isinstance(value, list):
        return [_plain(value[index], null) for index in range(len(value))]
    if isinstance(value, dict):
        return {str(key): _plain(item, null) for key, item in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value
