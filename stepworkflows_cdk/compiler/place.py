"""Where a call stands in its machine: what surrounds it, where its errors go, and how its arguments are made over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from stepworkflows_cdk.compiler.integration import Call
from stepworkflows_cdk.compiler.plan import Data, Jsonata
from stepworkflows_cdk.compiler.reminders import Reminder
from stepworkflows_cdk.compiler.tries import Route
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.model import RetryKeys

__all__ = ["Handler", "TaskPlace", "reads", "replaced"]


@dataclass(frozen=True)
class Handler:
    """Where an error goes. ``assign`` makes the variables from JSONata for the error's name and for its cause."""

    next: str
    assign: Callable[[str, str], Mapping[str, Data]]


@dataclass(frozen=True)
class TaskPlace:
    """Where a call stands in its machine, and what surrounds it.

    ``failed`` is None where nothing handles an error: then the execution fails with it by itself. ``unread`` handles
    results that could not be read, where that is another matter than failed work. ``ignore`` are errors that lead to
    ``next``. An ``undo`` is tried again on every error.
    """

    name: str
    mark: Mark
    step_id: str
    next: str
    failed: Handler | None
    retry: Sequence[RetryKeys] = ()
    assign: Callable[[Call], Mapping[str, Data]] = lambda _call: {}
    """What is set where a call gave its result."""
    unread: Handler | None = None
    ignore: Sequence[str] = ()
    undo: bool = False
    routes: tuple[Route, ...] = ()
    """The step's own ``catch``, in its order; errors by the names that the document has."""
    caught: str = "caught"
    reminder: Reminder | None = None
    """What interrupts the call, which waits."""


def reads(data: Data, code: str) -> bool:
    """Whether a piece of JSONata stands in one of its expressions."""
    match data:
        case Jsonata():
            return code in data.code
        case list():
            return any(reads(item, code) for item in data)
        case dict():
            return any(reads(item, code) for item in data.values())
        case _:
            return False


def replaced(data: Data, old: str, new: str) -> Data:
    """The data with a piece of JSONata replaced in all its expressions."""
    match data:
        case Jsonata(code):
            return replace(data, code=code.replace(old, new))
        case list():
            return [replaced(item, old, new) for item in data]
        case dict():
            return {key: replaced(item, old, new) for key, item in data.items()}
        case _:
            return data
