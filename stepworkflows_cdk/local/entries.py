"""Entries of what comes from outside, read key by key: an unknown key or name is a ``ConfigurationError`` that says where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from stepworkflows_cdk.errors import ConfigurationError

__all__ = ["known", "listed", "only"]


def only(place: str, found: Any, allowed: set[str]) -> Mapping[str, Any]:
    """The mapping, which has no other keys."""
    if not isinstance(found, Mapping):
        raise ConfigurationError(f"{place} must be a mapping with the keys {listed(allowed)}, not {found!r}")
    if unknown := [key for key in found if key not in allowed]:
        raise ConfigurationError(f"{place}: unknown key {unknown[0]}; allowed: {listed(allowed)}")
    return found


def known(place: str, name: str, names: Iterable[str]) -> None:
    """Refuses a name that is not among those that there are."""
    there = sorted(names)
    if name not in there:
        near = get_close_matches(name, there, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ConfigurationError(f"{place}: {name!r} is unknown; known: {listed(there) or 'none'}{hint}")


def listed(names: Iterable[str]) -> str:
    """The names with commas between them."""
    return ", ".join(sorted(map(str, names)))
