"""What a parameter that is written out may be, by AWS's models: one of some words, so long, so many, so large."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepworkflows_cdk.language.shape import nearest

__all__ = ["beyond"]

_UNITS = {"string": "characters", "list": "items"}


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
