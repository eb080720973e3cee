"""Rules of the business: `require`, `fail` and `stop`."""

from __future__ import annotations

from stepworkflows_cdk.compiler.fences import guarded
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.lanes import Lane
from stepworkflows_cdk.compiler.plan import Choice, Fail, Jsonata, Pass, Rule, State, Succeed
from stepworkflows_cdk.compiler.steps.context import Context
from stepworkflows_cdk.compiler.values import Values
from stepworkflows_cdk.language.model import FailKeys, RequireKeys, StopKeys
from stepworkflows_cdk.language.workflow import Step

__all__ = ["fail_states", "require_states", "stop_states"]


def require_states(context: Context, step: Step, require: RequireKeys, lane: Lane, next_: str) -> list[State]:
    """The condition, and the end of the lane where it does not hold."""
    values, namer = context.values(step), context.namer
    failed = context.handler(step, lane, next_)
    refused = namer.unique(f"{step.name}: refused")
    condition = values.condition(require.that)
    fail = Fail(refused, step.mark, require.error, _cause(require.message, values))
    done = context.exports.finished(step)
    if failed.next == lane.ended:
        return [Choice(step.name, step.mark, (Rule(condition, next_, done, require.that),), refused), fail]
    inside = namer.unique(f"{step.name}: holds?")
    holds = namer.unique(f"{step.name}: holds")
    branch = (
        Choice(inside, step.mark, (Rule(condition, holds, comment=require.that),), refused),
        Succeed(holds, step.mark, {}),
        fail,
    )
    return [guarded(step.name, step.mark, branch, done, next_, failed)]


def fail_states(context: Context, step: Step, fail: FailKeys, lane: Lane) -> list[State]:
    """The end of the lane with an error."""
    values = context.values(step)
    failed = context.handler(step, lane, "")
    cause = _cause(fail.message, values)
    if failed.next == lane.ended:
        return [Fail(step.name, step.mark, fail.error, cause)]
    if values.certain(fail.message):
        code = cause.code if isinstance(cause, Jsonata) else literal(cause)
        return [Pass(step.name, step.mark, failed.next, failed.assign(literal(fail.error), code))]
    inside = Fail(context.namer.unique(f"{step.name}: fail"), step.mark, fail.error, cause)
    return [guarded(step.name, step.mark, (inside,), {}, failed.next, failed)]


def stop_states(context: Context, step: Step, stop: StopKeys, lane: Lane) -> list[State]:
    """The end of the flow, early and well."""
    values = context.values(step)
    outputs = values.data(stop.outputs)
    failed = context.handler(step, lane, "")
    if failed.next == lane.ended or values.certain(stop.outputs):
        return [Pass(step.name, step.mark, lane.stop, lane.stops(outputs))]
    inside = Pass(context.namer.unique(f"{step.name}: values"), step.mark, None, {}, outputs)
    return [guarded(step.name, step.mark, (inside,), lane.stops(Jsonata("$states.result[0]")), lane.stop, failed)]


def _cause(message: str, values: Values) -> str | Jsonata:
    """A message as the cause of an error."""
    data = values.data(message)
    return data if isinstance(data, str) else Jsonata(f"$string({values.expression(message).code})")
