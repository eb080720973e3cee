"""Causes in the words of the author: where an expression gave nothing, which output that is, and what it lacks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from stepworkflows_cdk.cli.nodes import Place
from stepworkflows_cdk.cli.wording import said
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.shape import nearest
from stepworkflows_cdk.language.workflow import Output
from stepworkflows_cdk.local import AttemptFailed, Event, LaneEnded, Nothing

__all__ = ["Causes"]

_OF_STEP = re.compile(r"Assign/(?:step|result)_\w+/(?P<name>[^/\[]+)")
_OF_FLOW = re.compile(r"Output/(?P<name>[^/\[]+)")
_REFERENCE = re.compile(r"\{([\w.-]+)\}")
_TYPES = {"array": "a list", "string": "a text", "number": "a number", "boolean": "true or false", "null": "null"}
_MOST = 10
_LONGEST = 40


class Causes:
    """The causes that a run has told of. ``places`` tell for each state what it is for."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        self._places = places
        self._lacking: dict[str, tuple[str, Mark]] = {}

    def hear(self, event: Event) -> None:
        """One event of the run, as it happens."""
        if isinstance(event, AttemptFailed | LaneEnded) and event.nothing:
            place = self._places.get(event.nothing.state)
            if place and (found := _lacking(event.nothing, place)):
                self._lacking[event.cause] = found

    def said(self, cause: str) -> str:
        """What a cause tells a person, behind the name of its error."""
        for known, (words, _) in self._lacking.items():
            cause = cause.replace(known, words)
        return said(cause)

    def mark(self, cause: str, otherwise: Mark) -> Mark:
        """Where that is written, if not at the step."""
        return self._lacking[cause][1] if cause in self._lacking else otherwise


def _lacking(nothing: Nothing, place: Place) -> tuple[str, Mark] | None:
    """Which output gave nothing and why, and where it is written; None where it is the expression of no output."""
    step = place.node.step if place.node else None
    field = (_OF_STEP if step else _OF_FLOW).match(nothing.field)
    outputs = step.outputs if step else place.flow.outputs
    output = next((output for output in outputs if field and output.name == field["name"]), None)
    if output is None:
        return None
    document = step.document if step else place.flow.document
    holder = _holder(nothing, output, document.get(output.path)) or ("the result" if step else "what it reads")
    mark, why = document.mark(output.path), _why(nothing, holder)
    return f"`{output.name}` of `{step.title}`: {why}" if step else f"`{output.name}` of the flow: {why} ({mark})", mark


def _holder(nothing: Nothing, output: Output, written: object) -> str:
    """What its author calls the value in which a name was looked for; empty where the output names none."""
    for reference in _REFERENCE.findall(json.dumps(written, ensure_ascii=False)):
        names = reference.split(".")
        if nothing.name in names[1:]:
            return f"`{'.'.join(names[: names.index(nothing.name, 1)])}`"
    return ""


def _why(nothing: Nothing, holder: str) -> str:
    if not nothing.name:
        return "its expression gives nothing"
    if nothing.found != "object":
        return f"{holder} is {_TYPES[nothing.found]}, and has no `{nothing.name}`"
    keys = [f"`{key[:_LONGEST]}`" for key in nothing.keys]
    more = f" and {len(keys) - _MOST} more" if len(keys) > _MOST else ""
    near = nearest(nothing.name, nothing.keys)
    there = f"it has {', '.join(keys[:_MOST])}{more}" if keys else "it is empty"
    return f"{holder} has no `{nothing.name}`; {there}{near and f'; {near}'}"
