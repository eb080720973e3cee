"""A state in the States Language, as it is written under ``asl``: the state, and all that are inside it, with their places.

Specification: https://states-language.net/spec.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stepworkflows_cdk.language.document import Path_
from stepworkflows_cdk.language.workflow import Step

__all__ = ["Written", "assigned_in", "scopes_in", "written_states"]


@dataclass(frozen=True)
class Written:
    """One state. ``path`` leads to it inside the step, ``name`` is empty for the one that is the step's own."""

    name: str
    path: Path_
    body: Mapping[str, Any]

    @property
    def type(self) -> str:
        return str(self.body.get("Type"))


def written_states(step: Step) -> Iterator[Written]:
    """The step's own state, and all inside it, in the order of the text; what has no shape of a state is left out."""
    body = step.get("asl")
    if isinstance(body, dict):
        yield from _with_inner(Written("", ("asl",), body))


def scopes_in(state: Written) -> Iterator[tuple[Path_, Mapping[str, Any]]]:
    """The machines inside a state, each with ``StartAt`` and ``States``: branches, and what is done with each item."""
    branches = state.body.get("Branches")
    for index, branch in enumerate(branches if isinstance(branches, list) else ()):
        if isinstance(branch, dict):
            yield (*state.path, "Branches", index), branch
    processor = state.body.get("ItemProcessor")
    if isinstance(processor, dict):
        yield (*state.path, "ItemProcessor"), processor


def assigned_in(state: Written) -> Iterator[Path_]:
    """The variables that a state sets, each as the path to its value."""
    yield from _assign(state.path, state.body)
    for field in ("Choices", "Catch"):
        entries = state.body.get(field)
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            yield from _assign((*state.path, field, index), entry)


def _assign(path: Path_, holder: Any) -> Iterator[Path_]:
    assign = holder.get("Assign") if isinstance(holder, dict) else None
    for name in assign if isinstance(assign, dict) else ():
        yield (*path, "Assign", name)


def _with_inner(state: Written) -> Iterator[Written]:
    yield state
    for path, scope in scopes_in(state):
        states = scope.get("States")
        for name, body in states.items() if isinstance(states, dict) else ():
            if isinstance(body, dict):
                yield from _with_inner(Written(name, (*path, "States", name), body))
