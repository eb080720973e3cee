"""What has been done: calls one after the other, and side by side; and which of them had to come before which."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Act", "Place", "Together", "Trace", "placed"]


@dataclass(frozen=True)
class Act:
    """One call, with what it was given, and whether it had its effect."""

    inputs: Any
    effect: bool


@dataclass
class Together:
    """Traces of what runs at the same time. ``after``: number of a trace -> the numbers of those that have to be over before
    it; ``joined``: what comes behind waits for all of them.
    """

    traces: list[Trace] = field(default_factory=list)
    after: Mapping[int, Set[int]] = field(default_factory=dict)
    joined: bool = True


Trace = list["Act | Together"]
"""Calls one after the other."""


@dataclass(frozen=True)
class Place:
    """When a call may be made: the number of an entry in a trace, the number of a trace in that entry, and so on."""

    path: tuple[tuple[int, int, Together | None], ...]

    def before(self, other: Place) -> bool:
        """Whether this call has to come before the other one."""
        for depth, (ours, theirs) in enumerate(zip(self.path, other.path, strict=False)):
            if ours[:2] == theirs[:2]:
                continue
            if any(together and not together.joined for *_, together in self.path[depth:]):
                return False
            if ours[0] != theirs[0]:
                return ours[0] < theirs[0]
            return ours[2] is not None and ours[1] in ours[2].after.get(theirs[1], ())
        return False


def placed(trace: Trace, path: tuple[tuple[int, int, Together | None], ...] = ()) -> list[tuple[Act, Place]]:
    """Each call with its place."""
    found: list[tuple[Act, Place]] = []
    for number, entry in enumerate(trace):
        if isinstance(entry, Together):
            for index, inside in enumerate(entry.traces):
                found += placed(inside, (*path, (number, index, entry)))
        else:
            found.append((entry, Place((*path, (number, 0, None)))))
    return found
