"""What has to come of a run, read off the document: which calls are made, with what, in which order, and how the flow ends.

The reader walks the steps as a person would, with the language's own rules at hand: a step has what was said of it
before, a branch that fails waits for the others, what was attempted is undone in reverse. Time passes where the document
says so, in waits and between tries.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from oracle.service import Refused, Service
from oracle.values import MISSING, QueryFailed, condition, evaluated, field_of, value_of
from stepworkflows_cdk.language.model import RetryKeys
from stepworkflows_cdk.language.references import Reference
from stepworkflows_cdk.language.workflow import Arm, Branch, Output, Step, Workflow, walk

__all__ = ["Act", "Failed", "Outcome", "Together", "Trace", "read"]

QUERY = "States.QueryEvaluationError"
UNSAID = "?"
"""The cause of errors that the language does not put into words."""
TRANSIENT = frozenset(
    f"Lambda.{name}"
    for name in (
        "ClientExecutionTimeoutException",
        "ServiceException",
        "AWSLambdaException",
        "SdkClientException",
        "TooManyRequestsException",
    )
)
"""What the service of a function calls its passing troubles:
https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html."""
DEFAULT = RetryKeys.model_validate({})
NEVER = RetryKeys.model_validate({"errors": ["States.ALL"], "attempts": 0})


@dataclass(frozen=True)
class Act:
    """One call, with what it was given, and whether it had its effect."""

    inputs: Any
    effect: bool


@dataclass
class Together:
    """Traces of what runs at the same time."""

    traces: list[Trace] = field(default_factory=list)


Trace = list["Act | Together"]
"""Calls one after the other."""


class Stopped(Exception):
    """The flow ends early and well, with those outputs."""

    def __init__(self, outputs: Any) -> None:
        super().__init__()
        self.outputs = outputs


class Failed(Exception):
    """An error on its way; ``at`` is the time when it arose."""

    def __init__(self, error: str, cause: str, at: float) -> None:
        super().__init__(error)
        self.error, self.cause, self.at = error, cause, at


@dataclass(frozen=True)
class Outcome:
    """How a run has to end. ``undone`` are the ids of the steps whose undoing has to be tried, in order."""

    error: str | None
    cause: str | None
    output: Any
    trace: Trace
    undone: tuple[str, ...]
    seconds: float | None
    """None where tries were made at random times."""


@dataclass
class Said:
    """What is known of a step that was come by: its status, and its outputs as far as they are there."""

    status: Any
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Lane:
    """One thing going on: its time, its calls, what it knows of steps; ``items`` are those of the loops around."""

    now: float
    trace: Trace = field(default_factory=list)
    said: dict[str, Said] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    """What each step gave last, as a whole."""
    items: dict[str, Any] = field(default_factory=dict)
    """What loops call their items, ``index`` among them."""
    loops: tuple[str, ...] = ()
    place: tuple[int, ...] = ()
    """The index of each item that it is inside of."""
    error: Failed | None = None
    """The error that is being handled."""

    def inside(self) -> Lane:
        """A lane that begins now and knows what this one knows."""
        return replace(self, trace=[], said=dict(self.said), items=dict(self.items), results={})


def read(workflow: Workflow, input_: Mapping[str, Any], service: Service) -> Outcome:
    """What has to come of a run with that input, which fits the contract."""
    return _Reader(workflow, input_, service).run()


class _Reader:
    def __init__(self, workflow: Workflow, input_: Mapping[str, Any], service: Service) -> None:
        declared = workflow.keys.inputs or {}
        defaults = {name: schema.default for name, schema in declared.items() if schema.has("default")}
        self._workflow = workflow
        self._input = {**defaults, **input_}
        self._service = service
        self._attempted: set[tuple[str, tuple[int, ...]]] = set()
        self._lanes: dict[tuple[str, tuple[int, ...]], list[Lane]] = {}
        """Of each loop that was run, and the place where it was, the lane of each item."""
        self._loops = dict(_loops(workflow.steps, ()))
        self._random = False

    def run(self) -> Outcome:
        lane = Lane(0)
        passed = False
        try:
            for step in self._workflow.steps:
                self._step(step, lane)
                passed = passed or step.keys.pivot
            lookup = self._lookup(lane)
            output = {
                made.name: self._output(made, self._workflow.document.get(made.path), lookup, lane)
                for made in self._workflow.outputs
            }
        except Stopped as stopped:
            output = stopped.outputs
        except Failed as failed:
            return self._fails(failed, lane, passed)
        lane.error = Failed(None, None, 0)  # type: ignore[arg-type]  # there is none
        self._steps(self._workflow.finally_, lane)
        return Outcome(None, None, output, lane.trace, (), None if self._random else lane.now)

    # -- forward ---------------------------------------------------------------------------------------------------------

    def _steps(self, steps: Sequence[Step], lane: Lane) -> None:
        for step in steps:
            self._step(step, lane)

    def _step(self, step: Step, lane: Lane) -> None:
        if step.keys.if_ is not None and not self._holds(step.keys.if_, lane):
            lane.said[step.id] = Said("skipped")
            return
        try:
            self._tried(step, lane)
            self._attempted.add((step.id, lane.place))
        except Failed as failed:
            if step.keys.undo_when == "attempted":
                self._attempted.add((step.id, lane.place))
            last = lane.said.get(step.id)
            lane.said[step.id] = Said("failed")
            if step.may_fail_alone or self._caught(step, failed, lane):
                return
            if step.keys.repeat and last:
                lane.said[step.id] = Said("failed", last.outputs)  # of the last round
            raise

    def _caught(self, step: Step, failed: Failed, lane: Lane) -> bool:
        """Whether the flow goes on behind the step, after the steps of one of its catches."""
        for catch in step.catches:
            handling = replace(lane, error=failed)
            if _names(catch.errors, failed.error) and (catch.when is None or self._holds(catch.when, handling)):
                inside = replace(handling, trace=lane.trace, said=lane.said)
                try:
                    self._steps(catch.steps, inside)
                finally:
                    lane.now = inside.now
                return True
        return False

    def _tried(self, step: Step, lane: Lane) -> None:
        """The step, with the further tries of a whole: those of work are the work's own matter."""
        rules, taken = step.keys.retry or (), [0] * len(step.keys.retry or ())
        while True:
            try:
                return self._rounds(step, lane)
            except Failed as failed:
                number = None if step.integration else self._rule([*rules, NEVER], failed, lane)
                if number is None or number == len(rules) or taken[number] >= rules[number].attempts:
                    raise
                self._pause(rules[number], taken[number], lane)
                taken[number] += 1
                for inner in walk(step.inside):
                    lane.said.pop(inner.id, None)

    def _rounds(self, step: Step, lane: Lane) -> None:
        repeat = step.keys.repeat
        if repeat is None:
            return self._body(step, lane)
        lane.said.pop(step.id, None)
        for number in range(repeat.max):
            if number and repeat.every:
                lane.now += repeat.every
            for inner in walk(step.inside):
                lane.said.pop(inner.id, None)
            self._body(step, lane)
            if self._holds(repeat.until, lane, lane.results[step.id]):
                return None
        raise Failed("RepeatExhausted", f"after {repeat.max} rounds the end of {step.title} is not reached", lane.now)

    def _pause(self, rule: RetryKeys, taken: int, lane: Lane) -> None:
        self._random = self._random or rule.jitter
        pause = rule.interval * rule.backoff**taken
        lane.now += min(pause, rule.max_interval) if rule.max_interval else pause

    def _body(self, step: Step, lane: Lane) -> None:
        keys = step.keys
        if step.integration is not None:
            return self._work(step, lane)
        if keys.require:
            if not self._holds(keys.require.that, lane):
                raise Failed(keys.require.error, self._told(keys.require.message, lane), lane.now)
        elif keys.fail:
            raise Failed(keys.fail.error, self._told(keys.fail.message, lane), lane.now)
        elif keys.wait is not None:
            assert isinstance(keys.wait, int)
            lane.now += keys.wait
        elif keys.stop:
            raise Stopped(self._value(keys.stop.outputs, self._lookup(lane), lane))
        elif step.is_group:
            self._steps(step.arms[0].steps, lane)
        elif step.arms:
            self._switch(step, lane)
        elif keys.for_each:
            self._loop(step, lane)
        elif step.branches:
            self._parallel(step, lane)
        whole = bool(step.arms or step.branches)
        given = self._result(step, lane) if whole else MISSING
        lane.results[step.id] = given
        own = [output for output in step.outputs if "outputs" in output.path[len(step.path) :]]
        outputs = self._outputs(step, self._lookup(lane, given), lane, own)
        collected = lane.said[step.id].outputs if keys.for_each and step.id in lane.said else {}
        lane.said[step.id] = Said("done", {**collected, **outputs})
        return None

    def _result(self, step: Step, lane: Lane) -> dict[str, Any]:
        """What a whole gives: of a `parallel` an object for each branch, else one of all outputs inside."""
        if step.branches and not step.keys.for_each:
            return {branch.name: dict(self._inside(branch.steps, lane)) for branch in step.branches}
        return dict(self._inside(step.inside, lane))

    def _inside(self, steps: Sequence[Step], lane: Lane) -> Iterator[tuple[str, Any]]:
        """The outputs of steps; those of a step inside another one only where that says nothing of its own."""
        for step in steps:
            for output in step.outputs:
                said = lane.said.get(step.id)
                there = bool(said and output.name in said.outputs)
                if there or output.has_default or self._many(step, lane):
                    yield output.name, self._given(step, output, lane)
            if not step.outputs:
                yield from self._inside(step.inside, lane)

    def _work(self, step: Step, lane: Lane) -> None:
        rules = [*(step.keys.retry or ()), DEFAULT]
        taken = [0] * len(rules)
        while True:
            try:
                result = self._call(step, lane)
                outputs = self._outputs(step, self._lookup(lane, result), lane, step.outputs, unread=True)
            except Failed as failed:
                number = self._rule(rules, failed, lane)
                if number is None or taken[number] >= rules[number].attempts:
                    raise
                self._pause(rules[number], taken[number], lane)
                taken[number] += 1
                continue
            lane.results[step.id] = result
            lane.said[step.id] = Said("done", outputs)
            return

    def _call(self, step: Step, lane: Lane) -> Any:
        event = self._value(step.keys.inputs or {}, self._lookup(lane), lane)
        try:
            result = self._service.call(event)
        except Refused as refused:
            lane.trace.append(Act(event, refused.effect))
            cause = json.dumps({"errorMessage": refused.message, "errorType": refused.error})
            raise Failed(refused.error, cause, lane.now) from None
        lane.trace.append(Act(event, True))
        return result

    def _rule(self, rules: Sequence[RetryKeys], failed: Failed, lane: Lane) -> int | None:
        """The rule that says what becomes of the error: the first that names it and whose condition holds. The default one,
        which is the last, says nothing of an error that another one names.
        """
        named = [number for number, rule in enumerate(rules) if _names(rule.errors, failed.error)]
        if len(named) > 1 and named[-1] == len(rules) - 1:
            named.pop()
        for number in named:
            when = rules[number].when
            if when is None or self._holds(when, replace(lane, error=failed)):
                return number
        return None

    def _switch(self, step: Step, lane: Lane) -> None:
        arm = self._arm(step, lane)
        if arm:
            self._steps(arm.steps, lane)

    def _arm(self, step: Step, lane: Lane) -> Arm | None:
        return next((arm for arm in step.arms if arm.when is None or self._holds(arm.when, lane)), None)

    def _parallel(self, step: Step, lane: Lane) -> None:
        together = Together()
        lane.trace.append(together)
        lanes = [lane.inside() for _ in step.branches]
        failures = []
        for branch, inside in zip(step.branches, lanes, strict=True):
            together.traces.append(inside.trace)
            try:
                self._steps(branch.steps, inside)
            except Failed as failed:
                failures.append(failed)
        for branch, inside in zip(step.branches, lanes, strict=True):
            lane.said.update(
                {inner.id: inside.said[inner.id] for inner in walk(branch.steps) if inner.id in inside.said}
            )
        lane.now = max(inside.now for inside in lanes)
        if failures:
            raise min(failures, key=lambda failed: failed.at)

    def _loop(self, step: Step, lane: Lane) -> None:
        each, (branch,) = step.keys.for_each, step.branches
        assert each is not None
        items = self._items(step, lane)
        if each.max_items is not None and len(items) > each.max_items:
            raise Failed("TooManyItems", UNSAID, lane.now)
        together = Together()
        lane.trace.append(together)
        lanes: list[Lane] = []
        errors: list[Failed | None] = []
        free = [lane.now] * (each.concurrency or max(1, len(items)))
        for index, item in enumerate(items):
            free.sort()
            inside = replace(lane.inside(), now=free[0], loops=(*lane.loops, step.id), place=(*lane.place, index))
            inside.items.update({each.as_: item, "index": index})
            lanes.append(inside)
            if each.concurrency == 1 and index:
                inside.trace = lanes[0].trace
            else:
                together.traces.append(inside.trace)
            try:
                self._steps(branch.steps, inside)
                errors.append(None)
            except Failed as failed:
                errors.append(failed)
            free[0] = inside.now
        self._lanes[step.id, lane.place] = lanes
        lane.now = max([lane.now, *(inside.now for inside in lanes)])
        self._columns(branch, lanes, lane)
        failures = [failed for failed in errors if failed]
        if failures and not each.collect:
            raise min(failures, key=lambda failed: failed.at)
        told = [failed and {"type": failed.error, "cause": failed.cause} for failed in errors]
        lane.said[step.id] = Said("done", {"errors": told} if each.collect else {})

    def _items(self, step: Step, lane: Lane) -> list[Any]:
        written = step.keys.for_each.items if step.keys.for_each else None
        lookup = self._lookup(lane)
        if not isinstance(written, str):
            return list(self._value(written, lookup, lane))
        try:
            found = evaluated(written, lookup)
        except QueryFailed:
            raise Failed(QUERY, UNSAID, lane.now) from None
        if written.startswith("{%"):
            return found if isinstance(found, list) else [] if found is MISSING else [found]
        if not isinstance(found, list):
            raise Failed(QUERY, UNSAID, lane.now)
        return found

    def _columns(self, branch: Branch, lanes: Sequence[Lane], lane: Lane) -> None:
        """Of a loop each output is a list, also for none and one; so is each status."""
        for inner in walk(branch.steps):
            columns = {
                output.name: [self._given(inner, output, inside) for inside in lanes] for output in inner.outputs
            }
            lane.said[inner.id] = Said([self._status(inner, inside) for inside in lanes], columns)

    # -- values ----------------------------------------------------------------------------------------------------------

    def _lookup(self, lane: Lane, result: Any = MISSING) -> Any:
        """How references are looked up; ``result`` where they stand in the outputs of a step with that result."""

        def lookup(reference: Reference) -> Any:
            name, parts = reference.root, reference.parts[1:]
            if name == "input":
                return field_of(self._input, parts)
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
            owners = [step for step in self._workflow.forward if step.output(name)]
            if owners:
                return field_of(self._owned(owners, name, lane), parts)
            return field_of(self._input, reference.parts)

        return lookup

    def _long(self, parts: tuple[str | int, ...], lane: Lane) -> Any:
        named = [step for step in self._workflow.forward if step.title == parts[0]]
        if parts[1] == "status":
            return self._status(named[0], lane)
        name = str(parts[2])
        step = next(step for step in named if step.output(name))
        return field_of(self._owned([step], name, lane), parts[3:])

    def _owned(self, owners: Sequence[Step], name: str, lane: Lane) -> Any:
        """Of several steps with that output, that of the one which ran."""
        ran = [step for step in owners if (said := lane.said.get(step.id)) and name in said.outputs]
        step = (ran or owners)[-1 if ran else 0]
        output = step.output(name)
        assert output
        return self._given(step, output, lane)

    def _given(self, step: Step, output: Output, lane: Lane) -> Any:
        said = lane.said.get(step.id)
        if said and output.name in said.outputs:
            return said.outputs[output.name]
        return [] if self._many(step, lane) else output.default

    def _status(self, step: Step, lane: Lane) -> Any:
        said = lane.said.get(step.id)
        return said.status if said else [] if self._many(step, lane) else "skipped"

    def _many(self, step: Step, lane: Lane) -> bool:
        """Whether there are loops around the step that this place is not inside of."""
        return len(self._loops[step.id]) > len(lane.loops)

    def _outputs(
        self, step: Step, lookup: Any, lane: Lane, outputs: Sequence[Output], *, unread: bool = False
    ) -> dict[str, Any]:
        try:
            return {
                output.name: self._output(output, step.document.get(output.path), lookup, lane) for output in outputs
            }
        except Failed:
            if unread:
                # The work is done, where only its result cannot be read.
                self._attempted.add((step.id, lane.place))
            raise

    def _output(self, output: Output, written: Any, lookup: Any, lane: Lane) -> Any:
        try:
            found = evaluated(written, lookup) if isinstance(written, str) else value_of(written, lookup)
        except QueryFailed:
            raise Failed(QUERY, UNSAID, lane.now) from None
        if found is MISSING and output.has_default:
            return output.default
        if found is MISSING or (output.type and not _is(found, output.type)):
            raise Failed(QUERY, UNSAID, lane.now)
        return found

    def _value(self, written: Any, lookup: Any, lane: Lane) -> Any:
        try:
            return value_of(written, lookup)
        except QueryFailed:
            raise Failed(QUERY, UNSAID, lane.now) from None

    def _holds(self, text: str | bool, lane: Lane, result: Any = MISSING) -> bool:
        def lookup(reference: Reference) -> Any:
            return (
                field_of(result, reference.parts[1:]) if reference.root == "result" else self._lookup(lane)(reference)
            )

        try:
            return condition(text, lookup)
        except QueryFailed:
            raise Failed(QUERY, UNSAID, lane.now) from None

    def _told(self, message: str, lane: Lane) -> str:
        found = self._value(message, self._lookup(lane), lane)
        return found if isinstance(found, str) else json.dumps(found, separators=(",", ":"), ensure_ascii=False)

    # -- where the flow fails --------------------------------------------------------------------------------------------

    def _fails(self, failed: Failed, lane: Lane, passed: bool) -> Outcome:
        lane.error = failed
        undone: list[str] = []
        left: list[str] = []
        for step, place in [] if passed else list(self._undoing(self._workflow.steps, lane)):
            undone.append(step.id)
            assert step.undo
            if not self._undone(step.undo, replace(place, error=failed, now=lane.now, trace=lane.trace)):
                left.append(step.id)
        cause = failed.cause
        for step in self._workflow.on_failure:
            try:
                self._step(step, lane)
            except Failed as also:
                cause = f"{cause} (then {step.id} failed: {also.error})"
                break
        lane.error = failed
        self._steps(self._workflow.finally_, lane)
        if left:
            told = f"not undone: {', '.join(left)}; the first error was {failed.error}: {cause}"
            return Outcome("UndoFailed", told, None, lane.trace, tuple(undone), None)
        return Outcome(failed.error, cause, None, lane.trace, tuple(undone), None)

    def _undoing(self, steps: Sequence[Step], lane: Lane) -> Iterator[tuple[Step, Lane]]:
        """What was attempted and can be undone, the last step first, of a loop the last item first."""
        for step in reversed(steps):
            for arm in reversed((*step.arms, *step.catches)):
                yield from self._undoing(arm.steps, lane)
            for branch in reversed(step.branches):
                for inside in reversed(self._lanes.get((step.id, lane.place), [])) if branch.each else [lane]:
                    yield from self._undoing(branch.steps, inside)
            if step.undo and (step.id, lane.place) in self._attempted:
                yield step, lane

    def _undone(self, undo: Step, lane: Lane) -> bool:
        """Whether the undo step worked in the end, or there was nothing to undo. Every error is tried again."""
        for _ in range(1 + DEFAULT.attempts):
            try:
                self._call(undo, lane)
            except Failed as failed:
                if failed.error in (undo.keys.ignore or ()):
                    return True
                continue
            return True
        return False


def _names(errors: Sequence[str], error: str) -> bool:
    """Whether a list of errors has that one in it."""
    groups = {"States.ALL", *(["States.TaskFailed"] if error != "States.Timeout" else [])}
    return bool({error, *groups, *(["transient"] if error in TRANSIENT else [])} & set(errors))


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


def _loops(steps: Sequence[Step], around: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each step, with the ids of the loops around it."""
    for step in steps:
        yield step.id, around
        for arm in (*step.arms, *step.catches):
            yield from _loops(arm.steps, around)
        for branch in step.branches:
            yield from _loops(branch.steps, (*around, step.id) if branch.each else around)
