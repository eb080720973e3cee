"""A `repeat`: the step's work, or its steps, again until a condition holds."""

from __future__ import annotations

from collections.abc import Callable

from stepworkflows_cdk.compiler.fences import guarded
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.lanes import Lane
from stepworkflows_cdk.compiler.outputs import defaults
from stepworkflows_cdk.compiler.plan import Choice, Data, Fail, Jsonata, Pass, Rule, State, Wait
from stepworkflows_cdk.compiler.steps.context import Context
from stepworkflows_cdk.compiler.steps.wholes import failure_states, raised
from stepworkflows_cdk.compiler.values import output_variable, variable
from stepworkflows_cdk.language.model import RepeatKeys
from stepworkflows_cdk.language.workflow import Step

__all__ = ["repeat_states"]

_EXHAUSTED = "RepeatExhausted"


def repeat_states(
    context: Context, step: Step, repeat: RepeatKeys, lane: Lane, next_: str, body: Callable[[str], list[State]]
) -> list[State]:
    """The rounds. ``body`` plans one, given the state that looks whether it was the last."""
    namer, round_ = context.namer, variable("round", step.id)
    look, again = namer.unique(f"{step.name}: enough?"), namer.unique(f"{step.name}: once more")
    exhausted = namer.unique(f"{step.name}: exhausted")
    counters = len(lane.tries.names)
    states = body(look)
    fresh: dict[str, Data] = {
        **context.exports.fresh(step.inside, lane),
        **dict.fromkeys(lane.tries.names[counters:], 0),
    }
    own: dict[str, Data] = {output_variable(step.id): defaults(step)} if step.outputs else {}
    first = context.round(step)
    begin = Pass(context.works(step), step.mark, first, {**fresh, **own, round_: 1})
    counted: dict[str, Data] = {**fresh, round_: Jsonata(f"${round_} + 1")}
    waiting: State = Pass(again, step.mark, first, counted)
    if repeat.every:
        waiting = Wait(again, step.mark, first, seconds=repeat.every, assign=counted)
    ends = _end(context, step, repeat, look, lane, next_, (again, exhausted))
    return [begin, *states, *ends, waiting, *_exhausted(context, step, repeat, exhausted, lane, next_)]


def _end(
    context: Context, step: Step, repeat: RepeatKeys, look: str, lane: Lane, next_: str, ways: tuple[str, str]
) -> list[State]:
    """The look whether it was the last round."""
    again, exhausted = ways
    values = context.of_round(step, f"${variable('result', step.id)}")
    condition = values.condition(repeat.until)
    over = Rule(Jsonata(f"${variable('round', step.id)} >= {repeat.max}"), exhausted)
    failed = context.handler(step, lane, next_)
    if failed.next == lane.ended or values.condition_is_certain(repeat.until):
        return [Choice(look, step.mark, (Rule(condition, next_, comment=repeat.until), over), again)]
    held, choice = variable("until", step.id), context.namer.unique(f"{step.name}: enough")
    inside = Pass(context.namer.unique(f"{step.name}: until"), step.mark, None, {}, {"holds": condition})
    fence = guarded(look, step.mark, (inside,), {held: Jsonata("$states.result[0].holds")}, choice, failed)
    return [fence, Choice(choice, step.mark, (Rule(Jsonata(f"${held}"), next_, comment=repeat.until), over), again)]


def _exhausted(context: Context, step: Step, repeat: RepeatKeys, name: str, lane: Lane, next_: str) -> list[State]:
    """The end of the step where no round was the last one."""
    cause = f"after {repeat.max} rounds the end of {step.title} is not reached"
    failed = context.handler(step, lane, next_)
    if step.catches:
        seen = context.namer.unique(f"{step.name}: caught?")
        assign = raised(step, lane, seen).assign(literal(_EXHAUSTED), literal(cause))
        return [Pass(name, step.mark, seen, assign), *failure_states(context, step, seen, lane, next_)]
    if failed.next == lane.ended:
        return [Fail(name, step.mark, _EXHAUSTED, cause)]
    return [Pass(name, step.mark, failed.next, failed.assign(literal(_EXHAUSTED), literal(cause)))]
