"""A step that only has `outputs` sets values."""

from __future__ import annotations

from stepworkflows_cdk.compiler.fences import guarded
from stepworkflows_cdk.compiler.lanes import Lane
from stepworkflows_cdk.compiler.outputs import output_data, output_is_certain
from stepworkflows_cdk.compiler.plan import Data, Jsonata, Pass, State
from stepworkflows_cdk.compiler.steps.context import Context
from stepworkflows_cdk.compiler.steps.work import recording_states
from stepworkflows_cdk.compiler.values import output_variable
from stepworkflows_cdk.language.workflow import Step

__all__ = ["set_states"]


def set_states(context: Context, step: Step, lane: Lane, next_: str) -> list[State]:
    """The state that sets the values, and the call that records them."""
    values, record = context.values(step), context.record(step)
    failed = context.handler(step, lane, next_)
    outputs: dict[str, Data] = {output.name: output_data(output, step.document, values) for output in step.outputs}
    held = output_variable(step.id)
    done = context.exports.finished(step)
    then, recording = next_, list[State]()
    if record:
        then = context.namer.unique(f"{step.name}: record")
        recording = list(recording_states(context, then, step, record, lane, next_, failed))
    certain = all(output_is_certain(output, step.document, values) for output in step.outputs)
    if failed.next == lane.ended or certain:
        return [Pass(step.name, step.mark, then, {held: outputs, **done}), *recording]
    inside = Pass(context.namer.unique(f"{step.name}: values"), step.mark, None, {}, outputs)
    assign = {held: Jsonata("$states.result[0]"), **done}
    return [guarded(step.name, step.mark, (inside,), assign, then, failed), *recording]
