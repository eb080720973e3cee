"""The steps of a flow, walked forward as a person would: what each of them does, what it gives, and where its error goes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from oracle.going import Failed, Going, Stopped, Undecided, pause, rest
from oracle.graphs import graph
from oracle.knowing import Knowledge
from oracle.lanes import Lane, Run, Said
from oracle.service import Refused
from oracle.traces import Act, Together
from oracle.tries import Tries, named
from oracle.values import MISSING
from oracle.waiting import answer, cancelled, time_passes
from oracle.wholes import loop, parallel, race
from stepworkflows_cdk.language.workflow import Arm, Step, walk

__all__ = ["Walk"]

Flow = Callable[["Walk", Step, Any, Lane], Going[Any]]
"""Runs the flow that a step uses, with that input, in a lane of its own; gives its output."""


class Walk:
    """One execution, walked."""

    def __init__(self, run: Run, flow: Flow) -> None:
        self.run = run
        self.known = Knowledge(run)
        self._flow = flow

    def steps(self, steps: Sequence[Step], lane: Lane) -> Going[None]:
        """The steps of one list."""
        if any(step.waits for step in steps):
            yield from graph(self, steps, lane)
            return
        for step in steps:
            yield from self.step(step, lane)

    def step(self, step: Step, lane: Lane) -> Going[None]:
        """One step, with what it says of itself: whether it runs, what becomes of its error."""
        try:
            if self._is_skipped(step, lane):
                lane.said[step.id] = Said("skipped")
                return
            cancelled(self, step, lane)
        except Failed as failed:
            raise failed.of(step.title) from None
        try:
            yield from self._tried(step, lane)
            self.attempt(step, lane)
            self.run.passed = self.run.passed or step.keys.pivot
        except Failed as failed:
            if step.keys.undo_when == "attempted":
                self.attempt(step, lane)
            last = lane.said.get(step.id)
            lane.said[step.id] = Said("failed")
            if failed.reminded == step.id:
                raise failed.of(failed.step) from None
            if step.may_fail_alone or (yield from self._caught(step, failed, lane)):
                return
            if step.keys.repeat and last:
                lane.said[step.id] = Said("failed", last.outputs)  # of the last round
            passes_on = step.arms and not step.keys.retry
            raise failed.of(failed.step if passes_on else step.title) from None

    def attempt(self, step: Step, lane: Lane) -> None:
        """Notes that the step has to be undone where the flow fails."""
        self.run.attempted.add((step.id, lane.place))

    def failed(self, error: str, cause: str | None) -> Failed:
        """An error that arises now."""
        return Failed(error, cause, self.run.time.now)

    def call(self, step: Step, lane: Lane) -> Any:
        """One call of the service."""
        event = self.known.value(step.keys.inputs or {}, lane)
        self.run.time.act()
        try:
            result = self.run.service.call(event)
        except Refused as refused:
            lane.trace.append(Act(event, refused.effect))
            cause = json.dumps({"errorMessage": refused.message, "errorType": refused.error})
            raise self.failed(refused.error, cause) from None
        lane.trace.append(Act(event, True))
        return result

    def _is_skipped(self, step: Step, lane: Lane) -> bool:
        if step.waits and any(lane.said[needed].status == "skipped" for needed in step.waits.skips):
            return True
        return step.keys.if_ is not None and not self.known.holds(step.keys.if_, lane)

    def _caught(self, step: Step, failed: Failed, lane: Lane) -> Going[bool]:
        """Whether the flow goes on behind the step, after the steps of one of its catches."""
        for catch in step.catches:
            handling = replace(lane, error=failed)
            if named(catch.errors, failed.error) and (catch.when is None or self.known.holds(catch.when, handling)):
                yield from self.steps(catch.steps, handling)
                return True
        return False

    def _tried(self, step: Step, lane: Lane) -> Going[None]:
        """The step, with the further tries of a whole: those of work are the work's own matter."""
        tries = Tries(step.keys.retry or ())
        while True:
            try:
                return (yield from self._rounds(step, lane))
            except Failed as failed:
                if step.integration:
                    raise
                yield from tries.next(self, failed, lane)
                self._forget(step, lane)

    def _rounds(self, step: Step, lane: Lane) -> Going[None]:
        repeat = step.keys.repeat
        if repeat is None:
            return (yield from self._body(step, lane))
        lane.said.pop(step.id, None)
        for number in range(repeat.max):
            if number and repeat.every:
                yield repeat.every
            self._forget(step, lane)
            yield from self._body(step, lane)
            if self.known.holds(repeat.until, lane, lane.results[step.id]):
                return None
        raise self.failed("RepeatExhausted", f"after {repeat.max} rounds the end of {step.title} is not reached")

    def _forget(self, step: Step, lane: Lane) -> None:
        for inner in walk(step.inside):
            lane.said.pop(inner.id, None)

    def _body(self, step: Step, lane: Lane) -> Going[None]:
        keys = step.keys
        if step.integration is not None:
            yield from self._work(step, lane)
            return
        given: Any = MISSING
        if keys.require:
            if not self.known.holds(keys.require.that, lane):
                raise self.failed(keys.require.error, self.known.told(keys.require.message, lane))
        elif keys.fail:
            raise self.failed(keys.fail.error, self.known.told(keys.fail.message, lane))
        elif keys.wait is not None:
            yield from time_passes(self, keys.wait, lane)
        elif keys.stop:
            raise Stopped(self.known.value(keys.stop.outputs, lane))
        elif step.is_group:
            yield from self.steps(step.arms[0].steps, lane)
        elif step.arms:
            yield from self.steps(arm.steps if (arm := self._arm(step, lane)) else (), lane)
        elif keys.for_each:
            yield from loop(self, step, keys.for_each, lane)
        elif step.is_race:
            given = yield from race(self, step, lane)
        elif step.branches:
            yield from parallel(self, step, lane)
        if given is MISSING and (step.arms or step.branches):
            given = self._result(step, lane)
        lane.results[step.id] = given
        own = [output for output in step.outputs if "outputs" in output.path[len(step.path) :]]
        outputs = self.known.outputs(step, own, lane, given)
        collected = lane.said[step.id].outputs if keys.for_each and step.id in lane.said else {}
        lane.said[step.id] = Said("done", {**collected, **outputs})

    def _arm(self, step: Step, lane: Lane) -> Arm | None:
        return next((arm for arm in step.arms if arm.when is None or self.known.holds(arm.when, lane)), None)

    def _result(self, step: Step, lane: Lane) -> dict[str, Any]:
        """What a whole gives: of a `parallel` an object for each branch, else one of all outputs inside."""
        if step.branches and not step.keys.for_each:
            return {branch.name: dict(self.known.inside(branch.steps, lane)) for branch in step.branches}
        return dict(self.known.inside(step.inside, lane))

    def _work(self, step: Step, lane: Lane) -> Going[None]:
        tries = Tries(step.keys.retry or (), calls=step.flow is None and step.get("wait-for") is None)
        while True:
            try:
                result = yield from self._done(step, lane)
                outputs = self._read(step, lane, result)
            except Failed as failed:
                if failed.reminded == step.id:
                    raise
                yield from tries.next(self, failed, lane)
                continue
            lane.results[step.id] = result
            lane.said[step.id] = Said("done", outputs)
            return

    def _read(self, step: Step, lane: Lane, result: Any) -> dict[str, Any]:
        try:
            return self.known.outputs(step, step.outputs, lane, result)
        except Failed:
            # The work is done, where only its result cannot be read.
            self.attempt(step, lane)
            raise

    def _done(self, step: Step, lane: Lane) -> Going[Any]:
        """The work: a call, a wait, or another flow; its result."""
        if step.get("wait-for") is not None:
            return (yield from answer(self, step, lane))
        if step.flow is None:
            return self.call(step, lane)
        given, inside = self.known.value(step.keys.inputs or {}, lane), Lane()
        detached = bool(step.get("detached"))
        going = self.run.time.start(self._flow(self, step, given, inside), apart=detached)
        lane.trace.append(Together([inside.trace], joined=not detached))
        if detached:
            return {}
        if step.keys.timeout:
            late = self.run.time.start(pause(step.keys.timeout))
            yield (going, late)
            if not going.ended:
                if self.run.time.moves_now(going):
                    raise Undecided
                going.abort()
                raise self.failed("States.Timeout", None)
            late.abort()
        yield from rest([going])
        if isinstance(going.error, Failed):
            raise self.failed(going.error.error, going.error.cause)
        return going.result
