"""Before a step of a flow with `cancel`: the execution ends here where that was asked for."""

from __future__ import annotations

from stepworkflows_cdk.compiler.ahead import Ahead
from stepworkflows_cdk.compiler.integration import CAUSE, ERROR, Call
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.lanes import Lane
from stepworkflows_cdk.compiler.plan import Catch, Choice, Jsonata, Rule, State, Task
from stepworkflows_cdk.compiler.retries import ALL, default_retry
from stepworkflows_cdk.compiler.steps.context import Context
from stepworkflows_cdk.language.workflow import Step

__all__ = ["cancel_states", "ended_wait"]

_ERROR = literal("Cancelled")


def ended_wait(
    context: Context, step: Step, ahead: Ahead, wait: Call, seconds: int | Jsonata, lane: Lane, next_: str
) -> Task:
    """A wait for a time that a request can end: nobody else answers it."""
    failed = context.failed(step, lane)
    done = context.exports.finished(step)
    cancelled = failed.assign(_ERROR, literal(f"at {step.title}"))
    return Task(
        step.name,
        step.mark,
        wait.resource,
        wait.arguments,
        next_,
        done,
        timeout=seconds,
        retry=(default_retry(wait.transient),),
        catch=(
            Catch(("States.Timeout",), next_, done),
            Catch((ahead.refused,), failed.next, cancelled),
            Catch((ALL,), failed.next, failed.assign(ERROR, CAUSE)),
        ),
        beside=True,
    )


def cancel_states(context: Context, step: Step, lane: Lane) -> list[State]:
    """The call, and the way to where errors go. Nothing of the step has been attempted then."""
    ahead = context.ahead(step)
    if ahead is None:
        return []
    handler = lane.handler(step, False)
    cause = literal(f"before {step.title}")
    name = context.begins(step)
    asked = context.namer.unique(f"{name} so")
    named = ahead.refused and not ahead.wait
    refused = (Catch((ahead.refused,), handler.next, handler.assign(_ERROR, cause)),) if named else ()
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
