"""What is written at random: a flow, the place of a step in it, and what can be read behind one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from oracle.service import Fault

__all__ = ["ERRORS", "Made", "Name", "Place", "Step", "Written"]

Step = dict[str, Any]

ERRORS = ("Red", "Blue")


@dataclass(frozen=True)
class Made:
    """A flow, what it is given, and the calls that fail."""

    document: dict[str, Any]
    input: dict[str, Any]
    faults: tuple[Fault, ...]
    others: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Documents that it uses, by their files."""
    outside: tuple[dict[str, Any], ...] = ()
    """What comes from outside, and what is there before."""


@dataclass(frozen=True)
class Place:
    """Where a step is written. ``sure``: it runs wherever the flow comes by; ``items``: what the loops around call theirs;
    ``index``: whether an item has one; ``undoable``: it may have an undo; ``alone``: nothing goes on beside it; ``error``:
    one can be named; ``handling``: the flow has failed; ``stops``: the flow may end here; ``once``: it is not done again;
    ``near``: in the execution of the flow; ``whole``: it is not left where it is.
    """

    depth: int
    sure: bool = True
    items: tuple[str, ...] = ()
    index: bool = True
    undoable: bool = True
    alone: bool = True
    error: bool = False
    handling: bool = False
    stops: bool = True
    once: bool = True
    near: bool = True
    whole: bool = True


@dataclass(frozen=True)
class Name:
    """An output that can be read: by its bare name, or with its step."""

    step: str
    name: str
    default: bool
    sure: bool
    listed: bool = False
    long: bool = False
    """It can only be read with its step: where it comes from, another step gives the same name."""

    deep: bool = False
    """What it is inside of does not give it on as a whole: it is in a catch, or that says itself what it gives."""

    @property
    def readable(self) -> bool:
        return self.default or self.sure


@dataclass
class Written:
    """A list of steps on its way, with what is to be read behind it."""

    steps: list[Step] = field(default_factory=list)
    names: list[Name] = field(default_factory=list)
    ends: bool = False
