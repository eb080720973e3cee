"""What a bundle holds, each behind what it refers to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

__all__ = ["Thing", "in_order"]


class Thing(Protocol):
    """What a bundle holds: a need or a machine."""

    @property
    def key(self) -> str: ...

    @property
    def refers_to(self) -> frozenset[str]: ...


_Thing = TypeVar("_Thing", bound=Thing)


def in_order(things: Iterable[_Thing]) -> tuple[_Thing, ...]:
    """The things, each behind those that it refers to; else as they are. A circle is a ``ValueError``."""
    by_key = {thing.key: thing for thing in things}
    found: dict[str, _Thing] = {}

    def add(thing: _Thing, path: tuple[str, ...]) -> None:
        if thing.key in path:
            raise ValueError(f"a circle: {' -> '.join((*path, thing.key))}")
        if thing.key not in found:
            for key in sorted(thing.refers_to & by_key.keys()):
                add(by_key[key], (*path, thing.key))
            found[thing.key] = thing

    for thing in by_key.values():
        add(thing, ())
    return tuple(found.values())
