"""Before a step of a flow with `cancel`: the execution ends here where that was asked for."""

from __future__ import annotations

from stepworkflows_cdk.compiler.integration import CAUSE, ERROR
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.lanes import Lane
from stepworkflows_cdk.compiler.plan import Catch, Choice, Jsonata, Rule, State, Task
from stepworkflows_cdk.compiler.retries import ALL, default_retry
from stepworkflows_cdk.compiler.steps.context import Context
from stepworkflows_cdk.language.workflow import Step

__all__ = ["cancel_states"]

_ERROR = literal("Cancelled")


def cancel_states(context: Context, step: Step, lane: Lane) -> list[State]:
    """The call, and the way to where errors go. Nothing of the step has been attempted then."""
    ahead = context.ahead(step)
    if ahead is None:
        return []
    handler = lane.handler(step, False)
    cause = literal(f"before {step.title}")
    name = context.begins(step)
    asked = context.namer.unique(f"{name} so")
    refused = (Catch((ahead.refused,), handler.next, handler.assign(_ERROR, cause)),) if ahead.refused else ()
    others = () if handler.next == lane.ended else (Catch((ALL,), handler.next, handler.assign(ERROR, CAUSE)),)
    call = ahead.call
    return [
        Task(
            name,
            step.mark,
            call.resource,
            call.arguments,
            asked,
            output={"cancelled": Jsonata(call.result)},
            timeout=call.timeout,
            retry=(default_retry(call.transient),),
            catch=(*refused, *others),
            beside=True,
        ),
        Choice(
            asked,
            step.mark,
            (Rule(Jsonata("$states.input.cancelled"), handler.next, handler.assign(_ERROR, cause)),),
            context.works(step),
        ),
    ]
