"""Entries of what comes from outside, read key by key: an unknown key or name is a ``ConfigurationError`` that says where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.language.shape import nearest

__all__ = ["UnknownKey", "known", "listed", "only"]


class UnknownKey(ConfigurationError):
    """An entry has a ``key`` that none has; ``meant`` says what can be written instead."""

    def __init__(self, place: str, key: str, allowed: Iterable[str]) -> None:
        near = nearest(key, allowed)
        super().__init__(f"{place}: unknown key {key}; allowed: {listed(allowed)}{near and f'; {near}'}")
        self.key = key
        self.meant = near or f"allowed: {listed(allowed)}"


def only(place: str, found: Any, allowed: set[str]) -> Mapping[str, Any]:
    """The mapping, which has no other keys."""
    if not isinstance(found, Mapping):
        raise ConfigurationError(f"{place} must be a mapping with the keys {listed(allowed)}, not {found!r}")
    if unknown := [key for key in found if key not in allowed]:
        raise UnknownKey(place, str(unknown[0]), allowed)
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
