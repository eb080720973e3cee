"""What a parameter that is written out may be, by AWS's models: of a type, one of some words, so long, so many, so large."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepworkflows_cdk.language.shape import nearest

__all__ = ["beyond", "not_one", "of_another_type"]

_UNITS = {"string": "characters", "list": "items"}
_WHOLE = ("integer", "long")
_NUMBERS = (*_WHOLE, "float", "double")
_ATTRIBUTE = "AttributeValue"
"""DynamoDB's values with their types: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html"""


def of_another_type(shape: Mapping[str, Any], value: Any) -> tuple[str, str] | None:
    """What the parameter is instead of the literal value, and the fix; None where the value fits, or may be made to fit: times
    and bytes are written in several ways, and objects become texts of JSON.
    """
    match shape["type"], value:
        case _, None:
            return None
        case "structure", str() | int() | float() if {"S", "N", "BOOL"} <= set(shape.get("members", ())):
            return "an object that says the type", f"write `{_typed(value)}`"
        case "structure" | "map", list() | str() | int() | float():
            return "an object", "write an object"
        case "list", dict() | str() | int() | float():
            return "a list", "write a list"
        case "string", bool():
            return "a text", f'write `"{str(value).lower()}"`'
        case "string", int() | float() if not shape.get("jsonvalue"):
            return "a text", f'write `"{value}"`'
        case "boolean", str() | int() | float() | list() | dict() if not isinstance(value, bool):
            return "a truth value", "write `true` or `false`"
        case kind, str() | bool() | list() | dict() if kind in _NUMBERS:
            number = value if isinstance(value, str) and value.lstrip("-").isdecimal() else ""
            return "a number", f"write `{number}`, without quotes" if number else "write a number"
        case kind, float() if kind in _WHOLE and not value.is_integer():
            return "a whole number", f"write `{round(value)}`"
        case _:
            return None


def _typed(value: str | float) -> str:
    """A value as DynamoDB has it."""
    if isinstance(value, bool):
        return f"{{BOOL: {str(value).lower()}}}"
    return f'{{S: "{value}"}}' if isinstance(value, str) else f'{{N: "{value}"}}'


def not_one(name: str, shape: Mapping[str, Any], value: Any) -> tuple[str, str] | None:
    """What is wrong with an object of which exactly one field is there, such as a value of DynamoDB; None where nothing is."""
    if (name != _ATTRIBUTE and not shape.get("union")) or not isinstance(value, dict):
        return None
    if sum(item is not None for item in value.values()) == 1:
        return None
    fields = [field[:1].upper() + field[1:] for field in shape.get("members", ())]
    return "has exactly one field", _some(fields)


def beyond(shape: Mapping[str, Any], value: Any) -> tuple[str, str] | None:
    """What is wrong with the value, and the fix; None where nothing is, or where only a run can tell."""
    kind = shape["type"]
    match kind, value:
        case "string", str() if "{" in value:
            return None
        case "string", str() if "enum" in shape and value not in shape["enum"]:
            return f"is no `{value}`", nearest(value, shape["enum"]) or _some(shape["enum"])
        case ("string", str()) | ("list", list()):
            return _between(shape, len(value), f" {_UNITS[kind]}")
        case ("integer" | "long" | "float" | "double", bool()):
            return None
        case ("integer" | "long" | "float" | "double", int() | float()):
            return _between(shape, value, "")
        case _:
            return None


def _between(shape: Mapping[str, Any], size: float, unit: str) -> tuple[str, str] | None:
    for bound, word, wrong, fix in (
        ("max", "most", size.__gt__, "make it less"),
        ("min", "least", size.__lt__, "make it more"),
    ):
        if bound in shape and wrong(shape[bound]):
            counted = unit[:-1] if shape[bound] == 1 else unit
            return f"{'has' if unit else 'is'} at {word} {shape[bound]:,}{counted}", fix
    return None


def _some(words: list[str]) -> str:
    shown = ", ".join(f"`{word}`" for word in words[:8])
    return f"write one of {shown}{' ...' if len(words) > 8 else ''}"
