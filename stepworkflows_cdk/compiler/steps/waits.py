"""A `wait`: for a time, or until one."""

from __future__ import annotations

from stepworkflows_cdk.compiler.fences import guarded
from stepworkflows_cdk.compiler.lanes import Lane
from stepworkflows_cdk.compiler.plan import Data, Jsonata, State, Wait
from stepworkflows_cdk.compiler.steps.cancel import ended_wait
from stepworkflows_cdk.compiler.steps.context import Context
from stepworkflows_cdk.compiler.values import Values
from stepworkflows_cdk.language.model import UntilKeys
from stepworkflows_cdk.language.workflow import Step

__all__ = ["wait_states"]


def wait_states(context: Context, step: Step, wait: int | UntilKeys, lane: Lane, next_: str) -> list[State]:
    """The state that waits."""
    values = context.values(step)
    done = context.exports.finished(step)
    ahead = context.ahead(step)
    if ahead and ahead.wait:
        return [ended_wait(context, step, ahead, ahead.wait, _seconds(wait, values), lane, next_)]
    if isinstance(wait, int):
        return [Wait(step.name, step.mark, next_, seconds=wait, assign=done)]
    failed = context.failed(step, lane)
    until: Data = values.data(wait.until)
    if not isinstance(until, str):
        # A text in any other form than RFC 3339's would end the execution in a way that nothing catches.
        until = Jsonata(f"$fromMillis($toMillis({values.expression(wait.until).code}))")
    if failed.next == lane.ended or isinstance(until, str):
        return [Wait(step.name, step.mark, next_, timestamp=until, assign=done)]
    inside = Wait(context.namer.unique(f"{step.name}: until"), step.mark, None, timestamp=until)
    return [guarded(step.name, step.mark, (inside,), done, next_, failed)]


def _seconds(wait: int | UntilKeys, values: Values) -> int | Jsonata:
    """How long a wait is as a time-out, which is a second at least."""
    if isinstance(wait, int):
        return max(1, wait)
    left = f"$ceil(($toMillis({values.expression(wait.until).code}) - $millis()) / 1000)"
    return Jsonata(f"$max([1, {left}])")
