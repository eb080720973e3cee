"""A step that does work becomes the task of its call, and the call that records its outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stepworkflows_cdk.compiler.integration import Call
from stepworkflows_cdk.compiler.lanes import Lane
from stepworkflows_cdk.compiler.outputs import output_data
from stepworkflows_cdk.compiler.place import Handler, TaskPlace
from stepworkflows_cdk.compiler.plan import Data, Jsonata, State
from stepworkflows_cdk.compiler.reminders import anew, reminder_of
from stepworkflows_cdk.compiler.steps.context import Context
from stepworkflows_cdk.compiler.tasks import needs_handler, task_states
from stepworkflows_cdk.compiler.tries import Route
from stepworkflows_cdk.compiler.values import output_variable, variable
from stepworkflows_cdk.language.usage import reads_result
from stepworkflows_cdk.language.workflow import RECORDED, Step

__all__ = ["recording_states", "work_states"]


def work_states(context: Context, step: Step, call: Call, lane: Lane, next_: str, looked_at: str = "") -> list[State]:
    """The states of a step whose work is ``call``. Once it is done, it goes on to ``looked_at`` where there is one."""
    record = context.record(step)
    ahead = looked_at or next_
    then = context.namer.unique(f"{step.name}: record") if record else ahead
    unread = None
    if step.outputs and step.keys.undo_when == "completed":
        # The work is done where only its result cannot be read.
        read = lane.handler(step, True)
        failing = context.exports.status(step, "failed")
        unread = Handler(
            read.next,
            lambda error, cause: {**read.assign(error, cause), **context.done_though(step, error, cause), **failing},
        )
    # Where the step failed, and the flow goes on, its defaults are what it gives, and are recorded as well.
    recorded = [output for output in step.outputs if output.name.startswith(RECORDED)]
    on = then if record and not looked_at and all(output.has_default for output in recorded) else next_
    failed = context.handler(step, lane, on)
    routes = context.routes(step, lane.caught, on)

    def done(made: Call) -> Mapping[str, Data]:
        return _done(context, step, made)

    states = [*_task(context, step.name, step, call, lane, done, then, failed, unread, routes)]
    states += context.catches(step, lane, on)
    if step.reminder:  # no handler of the step is for its errors
        reminding = context.around(step, lane, context.attempted(step))
        states += context.states(step.reminder.steps, reminding, step.name)
    if record:
        states += recording_states(context, then, step, record, lane, ahead, context.behind(step, lane, ahead))
    return states


def recording_states(
    context: Context, name: str, step: Step, record: Call, lane: Lane, next_: str, failed: Handler
) -> tuple[State, ...]:
    """The states of the call that records a step's outputs."""
    return _task(context, name, step, record, lane, lambda _: {}, next_, failed)


def _done(context: Context, step: Step, call: Call) -> dict[str, Data]:
    """What is assigned where the call gave its result."""
    own = context.of_outputs(step, call.result)
    outputs: dict[str, Data] = {output.name: output_data(output, step.document, own) for output in step.outputs}
    assign: dict[str, Data] = {output_variable(step.id): outputs} if outputs else {}
    held: dict[str, Data] = {}
    if step.keys.repeat and reads_result(step.keys.repeat.until):
        held[variable("result", step.id)] = Jsonata(call.result)
    return {**assign, **held, **context.exports.finished(step), **context.exports.tried(step), **anew(step)}


def _task(
    context: Context,
    name: str,
    step: Step,
    call: Call,
    lane: Lane,
    done: Callable[[Call], Mapping[str, Data]],
    next_: str,
    failed: Handler,
    unread: Handler | None = None,
    routes: tuple[Route, ...] = (),
) -> tuple[State, ...]:
    retry = step.keys.retry or ()
    plain = (
        failed.next == lane.ended
        and (unread is None or unread.next == lane.ended)
        and not (needs_handler(call, retry, routes) or step.reminder)
    )
    place = TaskPlace(
        name,
        step.mark,
        step.id,
        next_,
        None if plain else failed,
        retry,
        done,
        None if plain else unread,
        routes=routes,
        caught=lane.caught,
        reminder=reminder_of(step, call.timeout, context.first, context.exports.turn(step)),
    )
    return task_states(place, call, context.of_try(step, lane.caught), lane.tries, context.namer.unique)
