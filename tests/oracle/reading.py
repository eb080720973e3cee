"""What has to come of a run, read off the document: which calls are made, with what, in which order, and how the flow ends.

The reader walks the steps as a person would, with the language's own rules at hand: a step has what was said of it
before, a branch that fails waits for the others, what was attempted is undone in reverse. Time passes where the document
says so, in waits and between tries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from oracle.going import Failed, Going, Stopped, Time
from oracle.lanes import Lane, Run
from oracle.outside import Outside
from oracle.service import Service
from oracle.traces import Trace
from oracle.undoing import Undoing
from oracle.walking import Walk
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["Outcome", "read"]


@dataclass(frozen=True)
class Outcome:
    """How a run has to end."""

    error: str | None
    cause: str | None
    output: Any
    trace: Trace
    seconds: float | None
    """None where tries were made at random times."""


def read(
    workflow: Workflow, input_: Mapping[str, Any], service: Service, outside: Sequence[Mapping[str, Any]] = ()
) -> Outcome:
    """What has to come of a run with that input, which fits the contract. Raises :class:`oracle.going.Undecided`."""
    time, lane, lasts = Time(), Lane(), [0.0]

    def whole() -> Going[Any]:
        try:
            return (yield from _execution(_run(workflow, input_, service, Outside(outside), time), lane))
        finally:
            lasts[0] = time.now

    error: Failed | None = None
    output = None
    try:
        output = time.run(whole())
    except Failed as failed:
        error = failed
    seconds = lasts[0] if time.exact else None
    return Outcome(error and error.error, error and error.cause, output, lane.trace, seconds)


def _run(workflow: Workflow, given: Mapping[str, Any], service: Service, outside: Outside, time: Time) -> Run:
    declared = workflow.keys.inputs or {}
    defaults = {name: schema.default for name, schema in declared.items() if schema.has("default")}
    return Run(workflow, {**defaults, **given}, service, outside, time)


def _used(walk: Walk, step: Step, given: Any, lane: Lane) -> Going[Any]:
    """The flow that a step uses."""
    assert step.flow
    run = walk.run
    return (yield from _execution(_run(step.flow, given, run.service, run.outside, run.time), lane))


def _execution(run: Run, lane: Lane) -> Going[Any]:
    """One execution; its output, or its error."""
    walk = Walk(run, _used)
    workflow, failed, output = run.workflow, None, None
    try:
        yield from walk.steps(workflow.steps, lane)
        lookup = walk.known.lookup(lane)
        output = {
            made.name: walk.known.output(made, workflow.document.get(made.path), lookup) for made in workflow.outputs
        }
    except Stopped as stopped:
        output = stopped.outputs
    except Failed as error:
        failed = error
    run.cancelling = False
    undoing = None
    if failed:
        undoing = Undoing(walk, failed)
        if not run.passed:
            undoing.steps(workflow.steps, lane, lane.trace)
        try:
            yield from walk.steps(workflow.on_failure, replace(lane, error=failed))
        except Failed as also:
            failed = _noted(failed, also)
    for step in workflow.finally_:
        none: Any = None
        try:
            yield from walk.step(step, replace(lane, error=failed or Failed(none, None, 0)))
        except Failed as also:
            failed = _noted(failed, also) if failed else also
    if undoing and undoing.left and failed:
        told = f"not undone: {', '.join(undoing.left)}; the first error was {failed.error}: {failed.cause or ''}"
        raise Failed("UndoFailed", told, failed.at)
    if failed:
        raise failed
    return output


def _noted(failed: Failed, also: Failed) -> Failed:
    """The first error, with a note that something at the end failed as well."""
    return Failed(failed.error, f"{failed.cause or ''} (then {also.step} failed: {also.error})", failed.at)
