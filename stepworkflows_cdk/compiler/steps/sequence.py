"""A list of steps becomes states, in one lane, each step going on to the next."""

from __future__ import annotations

from collections.abc import Sequence

from stepworkflows_cdk.compiler.fences import guarded
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.lanes import Lane
from stepworkflows_cdk.compiler.place import Handler
from stepworkflows_cdk.compiler.plan import Choice, Jsonata, Pass, Rule, State
from stepworkflows_cdk.compiler.steps.cancel import cancel_states
from stepworkflows_cdk.compiler.steps.context import Context
from stepworkflows_cdk.compiler.steps.forks import parallel_states
from stepworkflows_cdk.compiler.steps.groups import group_states
from stepworkflows_cdk.compiler.steps.loops import for_each_states
from stepworkflows_cdk.compiler.steps.races import race_states
from stepworkflows_cdk.compiler.steps.rounds import repeat_states
from stepworkflows_cdk.compiler.steps.rules import fail_states, require_states, stop_states
from stepworkflows_cdk.compiler.steps.settings import set_states
from stepworkflows_cdk.compiler.steps.switch import switch_states
from stepworkflows_cdk.compiler.steps.waits import wait_states
from stepworkflows_cdk.compiler.steps.work import work_states
from stepworkflows_cdk.compiler.values import variable
from stepworkflows_cdk.language.usage import skipping
from stepworkflows_cdk.language.workflow import Step

__all__ = ["sequence_states"]


def sequence_states(context: Context, steps: Sequence[Step], lane: Lane, next_: str) -> list[State]:
    """The states of the steps, the last going on to ``next_``."""
    following = [*(context.first(step) for step in steps), next_][1:]
    found: list[State] = []
    for step, then in zip(steps, following, strict=True):
        body = _body(context, step, lane, then)
        found += [*_if(context, step, lane, then), *cancel_states(context, step, lane), *body]
    return found


def _body(context: Context, step: Step, lane: Lane, next_: str) -> list[State]:
    if step.keys.repeat is None:
        return _once(context, step, lane, next_, "")
    return repeat_states(
        context, step, step.keys.repeat, lane, next_, lambda look: _once(context, step, lane, next_, look)
    )


def _once(context: Context, step: Step, lane: Lane, next_: str, looked_at: str) -> list[State]:
    """The states of a step, or of one round, which goes on to ``looked_at``."""
    planned = context.calls.get(id(step))
    keys = step.keys
    if planned and planned.call:
        return work_states(context, step, planned.call, lane, next_, looked_at)
    if step.is_group:
        return group_states(context, step, lane, next_, looked_at)
    if keys.require:
        return require_states(context, step, keys.require, lane, next_)
    if keys.fail:
        return fail_states(context, step, keys.fail, lane)
    if keys.stop:
        return stop_states(context, step, keys.stop, lane)
    if keys.wait is not None:
        return wait_states(context, step, keys.wait, lane, next_)
    if step.arms:
        return switch_states(context, step, lane, next_)
    if keys.for_each:
        return for_each_states(context, step, keys.for_each, lane, next_)
    if step.is_race:
        return race_states(context, step, lane, next_)
    if step.branches:
        return parallel_states(context, step, lane, next_)
    return set_states(context, step, lane, next_)


def _if(context: Context, step: Step, lane: Lane, next_: str) -> list[State]:
    if not step.may_be_skipped:
        return []
    name = context.first(step)
    skips = _skips(context, step, next_)
    if step.keys.if_ is None:
        return [Choice(name, step.mark, skips, context.begins(step))]
    values = context.values(step)
    text = step.keys.if_ if isinstance(step.keys.if_, str) else literal(step.keys.if_)
    condition = values.condition(text)
    handler = lane.handler(step, False)
    if values.condition_is_certain(text) or handler.next == lane.ended:
        return [Choice(name, step.mark, (*skips, Rule(condition, context.begins(step), comment=text)), next_)]
    if skips:
        fence = context.namer.unique(f"{name} needed")
        return [Choice(name, step.mark, skips, fence), *_fenced(context, step, fence, text, handler, next_)]
    return _fenced(context, step, name, text, handler, next_)


def _skips(context: Context, step: Step, next_: str) -> tuple[Rule, ...]:
    """The way past a step one of whose `needs` was skipped."""
    values = context.values(step)
    skipped = [f"{values.status(known)} = 'skipped'" for known in skipping(step, values.view)]
    names = ", ".join(known.step.title for known in skipping(step, values.view))
    return (Rule(Jsonata(" or ".join(skipped)), next_, comment=f"skipped: {names}"),) if skipped else ()


def _fenced(context: Context, step: Step, name: str, text: str, handler: Handler, next_: str) -> list[State]:
    """The condition of a step, where its errors can be caught."""
    condition = context.values(step).condition(text)
    held = variable("if", step.id)
    inside = Pass(context.namer.unique(f"{name}?"), step.mark, None, {}, {"holds": condition})
    choice = context.namer.unique(f"{name} so")
    assign = {held: Jsonata("$states.result[0].holds")}
    fence = guarded(name, step.mark, (inside,), assign, choice, handler)
    return [fence, Choice(choice, step.mark, (Rule(Jsonata(f"${held}"), context.begins(step), comment=text),), next_)]
