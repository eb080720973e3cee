"""Steps inside a step: a group, in the scope that it is in."""

from __future__ import annotations

from stepworkflows_cdk.compiler.lanes import Lane
from stepworkflows_cdk.compiler.plan import Data, Jsonata, Pass, State
from stepworkflows_cdk.compiler.steps.context import Context
from stepworkflows_cdk.compiler.steps.wholes import failure_states, given_states, raised, result_of
from stepworkflows_cdk.compiler.values import variable
from stepworkflows_cdk.language.usage import reads_result
from stepworkflows_cdk.language.workflow import Step

__all__ = ["group_states"]


def group_states(context: Context, step: Step, lane: Lane, next_: str, looked_at: str = "") -> list[State]:
    """The states of the steps. Once they are done, it goes on to ``looked_at`` where there is one."""
    (arm,) = step.arms
    ahead, failure, ending, inside = looked_at or next_, list[State](), list[State](), context.around(step, lane, {})
    if step.keys.retry or step.catches or step.may_fail_alone:
        look = context.namer.unique(f"{step.name}: failed?")
        failure = failure_states(context, step, look, lane, next_, step.keys.retry or ())
        failure += context.catches(step, lane, next_)
        inside = lane.inside(raised(step, lane, look))
    if step.outputs:
        name = context.namer.unique(f"{step.name}: outputs")
        ending = given_states(context, step, name, lane, ahead)
    elif done := context.exports.finished(step):
        ending = [Pass(context.namer.unique(f"{step.name}: done"), step.mark, ahead, done)]
    if step.keys.repeat and reads_result(step.keys.repeat.until):
        name, then = context.namer.unique(f"{step.name}: result"), ending[0].name if ending else ahead
        held: dict[str, Data] = {variable("result", step.id): Jsonata(result_of(context, step, lane))}
        ending = [Pass(name, step.mark, then, held), *ending]
    counters = len(lane.tries.names)
    body = context.states(arm.steps, inside, ending[0].name if ending else ahead)
    begin: list[State] = []
    if context.has_entry(step):
        fresh: dict[str, Data] = {}
        if step.keys.retry:
            fresh = {**context.exports.fresh(arm.steps, lane), **dict.fromkeys(lane.tries.names[counters:], 0)}
        first = context.first(arm.steps[0])
        begin = [Pass(step.name, step.mark, first, {**fresh, **context.attempted(step)})]
    return [*begin, *body, *ending, *failure]
