"""What is known while a flow runs: of its execution as a whole, and in each lane of it that goes on beside others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from oracle.going import Failed, Time
from oracle.outside import Outside
from oracle.service import Service
from oracle.traces import Trace
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["Lane", "Run", "Said", "loops_around"]

Place = tuple[int, ...]
"""The index of each item that a lane is inside of."""


@dataclass
class Said:
    """What is known of a step that was come by: its status, and its outputs as far as they are there."""

    status: Any
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Lane:
    """One thing going on: its calls, what it knows of steps; ``items`` is what loops around call theirs."""

    trace: Trace = field(default_factory=list)
    said: dict[str, Said] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    """What each step gave last, as a whole."""
    items: dict[str, Any] = field(default_factory=dict)
    """What loops call their items, ``index`` among them."""
    loops: tuple[str, ...] = ()
    place: Place = ()
    error: Failed | None = None
    """The error that is being handled."""

    def inside(self) -> Lane:
        """A lane in a scope of its own, that knows what this one knows."""
        return replace(self, trace=[], said=dict(self.said), items=dict(self.items), results={})

    def beside(self, trace: Trace) -> Lane:
        """A lane in the same scope."""
        return replace(self, trace=trace)


@dataclass
class Run:
    """One execution. ``attempted`` are the steps that may have to be undone, each with its place."""

    workflow: Workflow
    input: Mapping[str, Any]
    service: Service
    outside: Outside
    time: Time
    attempted: set[tuple[str, Place]] = field(default_factory=set)
    lanes: dict[tuple[str, Place], list[Lane]] = field(default_factory=dict)
    """Of each loop that was run, and the place where it was, the lane of each item."""
    passed: bool = False
    """Whether the point of no return is behind it."""
    cancelling: bool = True
    """Whether requests to cancel are still looked for."""

    def __post_init__(self) -> None:
        self.loops = dict(loops_around((*self.workflow.steps, *self.workflow.on_failure, *self.workflow.finally_), ()))
        distributed = (step.id for step in self.workflow.forward if (each := step.keys.for_each) and each.distributed)
        self.far = frozenset(distributed)
        """The loops each of whose items is an execution of its own."""


def loops_around(steps: Sequence[Step], around: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each step, with the ids of the loops around it."""
    for step in steps:
        yield step.id, around
        for arm in step.aside:
            yield from loops_around(arm.steps, around)
        for branch in step.branches:
            yield from loops_around(branch.steps, (*around, step.id) if branch.each else around)
