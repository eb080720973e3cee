"""What a reference can mean, and what is known of a step at the place where it stands."""

from __future__ import annotations

from dataclasses import dataclass

from stepworkflows_cdk.language.workflow import Output, Step

__all__ = [
    "ConfigTarget",
    "ErrorTarget",
    "ExecutionTarget",
    "Frame",
    "InputTarget",
    "ItemTarget",
    "Known",
    "Loop",
    "OutputTarget",
    "ResourceTarget",
    "ResultTarget",
    "SecretTarget",
    "StatusTarget",
    "StepTarget",
    "Tail",
    "Target",
    "Way",
]

Tail = tuple[str | int, ...]
Frame = tuple[str, ...]
"""The branches and loops that a step is inside, outermost first, by what ``Branch.scope`` gives for each."""


@dataclass(frozen=True)
class Loop:
    """A loop that a place is inside of: the id of its step, what it calls the item, and how many scopes are around it.
    ``distributed``: each item is an execution of its own, or each ``batch``.
    """

    id: str
    name: str
    depth: int
    distributed: bool = False
    batch: bool = False


@dataclass(frozen=True)
class Turn:
    """Something done again that a place is inside of: by its step's `repeat` (``round``), or by its `retry` or `remind`
    (``turn``); and how many scopes are around it.
    """

    kind: str
    id: str
    depth: int


@dataclass(frozen=True)
class Way:
    """One of ``number`` ways out of a fork: an arm of a `switch`; a step that went well, which is the first, or one of its
    catches.
    """

    fork: str
    index: int
    number: int


@dataclass(frozen=True)
class Known:
    """A step that can be named at a place.

    ``sure``: it surely ran, where the ways that it is in were taken. ``ways``: of the ways out of a fork exactly one is
    taken; for each fork around the step, outermost first.
    """

    step: Step
    frame: Frame = ()
    sure: bool = True
    ways: tuple[Way, ...] = ()
    each: int = 0
    gaps: bool = False
    """``each``: so many loops are around it, which the place is not inside of; an output is then a list, and ``sure`` says
    that the outermost of the loops ran. ``gaps``: it may not have finished for some item."""
    away: str = ""
    """The id of the loop around it that writes the outputs into files, where one does."""
    raced: str = ""
    """The id of the race around it, whose other branches may have been faster."""


@dataclass(frozen=True)
class InputTarget:
    """A field of the flow's input, or all of it. ``inferred``: the input is open, and nobody declared the field."""

    path: Tail
    inferred: bool = False


@dataclass(frozen=True)
class OutputTarget:
    """An output of a step, or of whichever of ``others`` ran instead.

    ``uncertain``: the step may not have finished, and then the output is its default or null.
    """

    known: Known
    output: Output
    path: Tail
    uncertain: bool = False
    others: tuple[Known, ...] = ()


@dataclass(frozen=True)
class StatusTarget:
    """``done``, ``failed`` or ``skipped``."""

    known: Known


@dataclass(frozen=True)
class ItemTarget:
    """The item of a loop, or something in it; its ``index``."""

    loop: Loop
    path: Tail = ()
    index: bool = False


@dataclass(frozen=True)
class ResultTarget:
    """A field of the step's own result, or all of it."""

    path: Tail


@dataclass(frozen=True)
class ErrorTarget:
    """``type`` or ``cause`` of the error that is being handled."""

    field: str


@dataclass(frozen=True)
class ConfigTarget:
    name: str


@dataclass(frozen=True)
class ResourceTarget:
    name: str


@dataclass(frozen=True)
class SecretTarget:
    name: str


@dataclass(frozen=True)
class ExecutionTarget:
    field: str


@dataclass(frozen=True)
class StepTarget:
    field: str


Target = (
    InputTarget
    | OutputTarget
    | StatusTarget
    | ResultTarget
    | ErrorTarget
    | ConfigTarget
    | ResourceTarget
    | SecretTarget
    | ExecutionTarget
    | StepTarget
    | ItemTarget
)
