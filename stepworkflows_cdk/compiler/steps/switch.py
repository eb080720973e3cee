"""A `switch`: the first arm that holds."""

from __future__ import annotations

from stepworkflows_cdk.compiler.fences import guarded
from stepworkflows_cdk.compiler.lanes import Lane
from stepworkflows_cdk.compiler.plan import Choice, Jsonata, Pass, Rule, State
from stepworkflows_cdk.compiler.steps.context import Context
from stepworkflows_cdk.compiler.steps.wholes import given_states
from stepworkflows_cdk.compiler.values import variable
from stepworkflows_cdk.language.workflow import Step

__all__ = ["switch_states"]


def switch_states(context: Context, step: Step, lane: Lane, next_: str) -> list[State]:
    """The choice, and the states of all arms."""
    values, namer = context.values(step), context.namer
    ending: list[State] = []
    if step.outputs:
        ending = given_states(context, step, namer.unique(f"{step.name}: outputs"), lane, next_)
        next_ = ending[0].name
    default = next_
    done = context.exports.finished(step)
    rules: list[Rule] = []
    texts: list[str] = []
    for arm in step.arms:
        target = context.first(arm.steps[0]) if arm.steps else next_
        if arm.when is None:
            default = target
        else:
            rules.append(Rule(values.condition(arm.when), target, done, arm.when))
            texts.append(arm.when)
    failed = context.failed(step, lane)
    of_arms = context.around(step, lane, {})
    inside = [state for arm in step.arms for state in context.states(arm.steps, of_arms, next_)]
    if failed.next == lane.ended or all(values.condition_is_certain(text) for text in texts):
        return [Choice(step.name, step.mark, tuple(rules), default, done), *inside, *ending]
    taken = variable("arm", step.id)
    number = "".join(f"({rule.condition.code}) ? {index} : " for index, rule in enumerate(rules, 1)) + "0"
    found = Pass(namer.unique(f"{step.name}: which?"), step.mark, None, {}, {"arm": Jsonata(number)})
    choice = namer.unique(f"{step.name}: arm")
    fence = guarded(step.name, step.mark, (found,), {taken: Jsonata("$states.result[0].arm")}, choice, failed)
    chosen = tuple(
        Rule(Jsonata(f"${taken} = {index}"), rule.next, done, rule.comment) for index, rule in enumerate(rules, 1)
    )
    return [fence, Choice(choice, step.mark, chosen, default, done), *inside, *ending]
