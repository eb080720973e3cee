"""What references, conditions and outputs of a document are in a lane."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from oracle.going import Failed
from oracle.lanes import Lane, Run
from oracle.values import MISSING, Lookup, QueryFailed, condition, evaluated, field_of, value_of
from stepworkflows_cdk.language.references import Reference
from stepworkflows_cdk.language.workflow import Output, Step

__all__ = ["UNSAID", "Knowledge"]

QUERY = "States.QueryEvaluationError"
UNSAID = "?"
"""The cause of errors that the language does not put into words."""


class Knowledge:
    """How the values of one execution are read."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def lookup(self, lane: Lane, result: Any = MISSING) -> Lookup:
        """How references are looked up; ``result`` where they stand in the outputs of a step with that result."""

        def found(reference: Reference) -> Any:
            name, parts = reference.root, reference.parts[1:]
            if name == "input":
                return field_of(self._run.input, parts)
            if name == "error" and lane.error:
                return getattr(lane.error, "error" if parts[0] == "type" else "cause")
            if name == "steps":
                return self._long(parts, lane)
            if name == "result":
                return field_of(result, parts)
            if name == "index":
                return lane.items["index"]
            if result is not MISSING:
                return field_of(result, reference.parts)
            if name in lane.items:
                return field_of(lane.items[name], parts)
            owners = [step for step in self._run.workflow.forward if step.output(name)]
            if owners:
                return field_of(self._owned(owners, name, lane), parts)
            return field_of(self._run.input, reference.parts)

        return found

    def value(self, written: Any, lane: Lane) -> Any:
        """A value of the document, all of it there."""
        try:
            return value_of(written, self.lookup(lane))
        except QueryFailed:
            raise self._unread() from None

    def items(self, written: Any, lane: Lane) -> list[Any]:
        """The list of a loop. An expression may give nothing, or one value."""
        if not isinstance(written, str):
            return list(self.value(written, lane))
        try:
            found = evaluated(written, self.lookup(lane))
        except QueryFailed:
            raise self._unread() from None
        if written.startswith("{%"):
            return found if isinstance(found, list) else [] if found is MISSING else [found]
        if not isinstance(found, list):
            raise self._unread()
        return found

    def holds(self, text: str | bool, lane: Lane, result: Any = MISSING) -> bool:
        """Whether a condition does, which may also name the ``result``."""

        def lookup(reference: Reference) -> Any:
            own = reference.root == "result"
            return field_of(result, reference.parts[1:]) if own else self.lookup(lane)(reference)

        try:
            return condition(text, lookup)
        except QueryFailed:
            raise self._unread() from None

    def told(self, message: str, lane: Lane) -> str:
        """A message to whoever reads the error."""
        found = self.value(message, lane)
        return found if isinstance(found, str) else json.dumps(found, separators=(",", ":"), ensure_ascii=False)

    def outputs(self, step: Step, outputs: Sequence[Output], lane: Lane, result: Any) -> dict[str, Any]:
        """What a step gives, of its ``result``."""
        lookup = self.lookup(lane, result)
        return {output.name: self.output(output, step.document.get(output.path), lookup) for output in outputs}

    def output(self, output: Output, written: Any, lookup: Lookup) -> Any:
        """One value under ``outputs``."""
        try:
            found = evaluated(written, lookup) if isinstance(written, str) else value_of(written, lookup)
        except QueryFailed:
            raise self._unread() from None
        if found is MISSING and output.has_default:
            return output.default
        if found is MISSING or (output.type and not _is(found, output.type)):
            raise self._unread()
        return found

    def inside(self, steps: Sequence[Step], lane: Lane) -> Iterator[tuple[str, Any]]:
        """The outputs of steps; those of a step inside another one only where that says nothing of its own."""
        for step in steps:
            for output in step.outputs:
                said = lane.said.get(step.id)
                there = bool(said and output.name in said.outputs)
                if there or output.has_default or self._many(step, lane):
                    yield output.name, self.given(step, output, lane)
            if not (step.outputs or step.is_race):
                yield from self.inside(step.inside, lane)

    def given(self, step: Step, output: Output, lane: Lane) -> Any:
        """What a step gave, or would by default."""
        said = lane.said.get(step.id)
        if said and output.name in said.outputs:
            return said.outputs[output.name]
        return [] if self._many(step, lane) else output.default

    def status(self, step: Step, lane: Lane) -> Any:
        """``done``, ``skipped`` or ``failed``; of a step inside a loop a list."""
        said = lane.said.get(step.id)
        return said.status if said else [] if self._many(step, lane) else "skipped"

    def _long(self, parts: tuple[str | int, ...], lane: Lane) -> Any:
        named = [step for step in self._run.workflow.forward if step.title == parts[0]]
        if parts[1] == "status":
            return self.status(named[-1], lane)  # where it does its own work for each item, of that
        name = str(parts[2])
        step = next(step for step in named if step.output(name))
        return field_of(self._owned([step], name, lane), parts[3:])

    def _owned(self, owners: Sequence[Step], name: str, lane: Lane) -> Any:
        """Of several steps with that output, that of the one which ran."""
        ran = [step for step in owners if (said := lane.said.get(step.id)) and name in said.outputs]
        step = (ran or owners)[-1 if ran else 0]
        output = step.output(name)
        assert output
        return self.given(step, output, lane)

    def _many(self, step: Step, lane: Lane) -> bool:
        """Whether there are loops around the step that this place is not inside of."""
        around = self._run.loops[step.id]
        return lane.loops[: len(around)] != around

    def _unread(self) -> Failed:
        return Failed(QUERY, UNSAID, self._run.time.now)


def _is(value: Any, type_: str) -> bool:
    match value:
        case bool():
            return type_ == "boolean"
        case int() | float():
            return type_ == "number" or (type_ == "integer" and float(value).is_integer())
        case str():
            return type_ == "string"
        case list():
            return type_ == "array"
        case dict():
            return type_ == "object"
        case _:
            return False
