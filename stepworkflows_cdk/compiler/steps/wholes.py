"""Steps that are one: what becomes of an error inside them, and what they give.

An error comes as the variable ``failed_x`` of the step: from a group as soon as it arises, from the branches of a fork
and the items of a loop once all of them rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stepworkflows_cdk.compiler.fences import guarded
from stepworkflows_cdk.compiler.integration import Call
from stepworkflows_cdk.compiler.jsonata import literal, path
from stepworkflows_cdk.compiler.lanes import Lane
from stepworkflows_cdk.compiler.outputs import output_data
from stepworkflows_cdk.compiler.place import Handler
from stepworkflows_cdk.compiler.plan import Data, Jsonata, Pass, State
from stepworkflows_cdk.compiler.retries import retries
from stepworkflows_cdk.compiler.steps.context import Context
from stepworkflows_cdk.compiler.tries import Loops, loop_states
from stepworkflows_cdk.compiler.values import output_variable, variable
from stepworkflows_cdk.language.model import RetryKeys
from stepworkflows_cdk.language.workflow import Output, Step

__all__ = ["failure_states", "given_states", "object_given", "raised", "result_of"]

_WORK = Call("", None)


def raised(step: Step, lane: Lane, look: str) -> Handler:
    """Where the errors of steps inside a group go: to the look at the whole."""
    return Handler(look, lambda error, cause: {variable("failed", step.id): lane.error(error, cause)})


def failure_states(
    context: Context, step: Step, look: str, lane: Lane, next_: str, retry: Iterable[RetryKeys] = ()
) -> list[State]:
    """The states from ``look`` on, which looks at the error of a whole: another try, the step's catches, or the end."""
    failed = variable("failed", step.id)
    caught = context.of_try(step, failed)
    plan = retries(tuple(retry), _WORK, caught, (), undo=False, whole=True)
    routes = context.routes(step, failed, next_)
    back, turn = context.round(step), context.exports.turn(step)
    loops = Loops(look, step.name, step.mark, step.id, next_, plan, _WORK, routes, failed, back, turn)
    handler = Handler(next_, lambda _error, _cause: context.gone(step))
    if not step.may_fail_alone:
        handler = context.failed(step, lane, completed=True)
    assign = handler.assign(f"${failed}.type", f"${failed}.cause")
    if handler.next == lane.ended:
        assign = lane.fails(f"${failed}.type", f"${failed}.cause")
    return loop_states(loops, (handler.next, assign), lane.tries, context.namer.unique)


def given_states(context: Context, step: Step, name: str, lane: Lane, next_: str) -> list[State]:
    """The state that sets what a whole gives, by its `outputs`, of what is inside it."""
    values = context.of_outputs(step, result_of(context, step, lane))
    outputs: dict[str, Data] = {
        output.name: output_data(output, step.document, values) for output in step.outputs if _is_written(step, output)
    }
    held, done = output_variable(step.id), context.exports.finished(step)
    failed = context.handler(step, lane, next_)
    beside = any(not _is_written(step, output) for output in step.outputs)
    if failed.next == lane.ended and not beside:
        return [Pass(name, step.mark, next_, {held: outputs, **done})]
    inside = Pass(context.namer.unique(f"{name}?"), step.mark, None, {}, outputs)
    result = f"$merge([${held}, $states.result[0]])" if beside else "$states.result[0]"
    return [guarded(name, step.mark, (inside,), {held: Jsonata(result), **done}, next_, failed)]


def _is_written(step: Step, output: Output) -> bool:
    return output.path[len(step.path)] == "outputs"


def result_of(context: Context, step: Step, lane: Lane) -> str:
    """JSONata for the result of a whole: of a `parallel` an object for each branch, else one of all outputs inside."""
    if step.is_race:
        return f"${variable('won', step.id)}"
    if step.branches and not step.keys.for_each:
        branches = (
            f"{literal(branch.name)}: {object_given(context, branch.steps, lane, fork=True)}"
            for branch in step.branches
        )
        return f"{{{', '.join(branches)}}}"
    inside = [inner for branch in step.branches for inner in branch.steps]
    inside += [inner for arm in step.arms for inner in arm.steps]
    return object_given(context, inside, lane, fork=bool(step.branches))


def object_given(context: Context, steps: Iterable[Step], lane: Lane, *, fork: bool) -> str:
    """JSONata for an object of the outputs of steps; with ``fork`` they are in scopes inside that of ``lane``."""
    ways: dict[str, list[str]] = {}
    for name, code in _given(context, steps, lane, fork):
        ways.setdefault(name, []).append(code)
    fields = []
    for name, codes in ways.items():
        tries = "".join(f"$exists({code}) ? {code} : " for code in codes[:-1])
        fields.append(f"{literal(name)}: ({tries}{codes[-1]})")
    return f"{{{', '.join(fields)}}}"


def _given(
    context: Context, steps: Iterable[Step], lane: Lane, fork: bool, listed: bool = False
) -> Iterator[tuple[str, str]]:
    """What the steps give: names, and JSONata. A step that says what it gives stands for those inside it. ``listed``: in a
    loop, of which it is a list also where that did not run.
    """
    for step in steps:
        context.exports.names.uncertain[step.id] = None
        held = f"${variable('step', step.id, lane.depth if fork else None)}"
        for output in step.outputs:
            code = path(held, (output.name,))
            missing = f"($exists({code}) ? {code} : {'[]' if listed else literal(output.default)})"
            yield output.name, missing if output.has_default or listed else code
        if not (step.outputs or step.is_race):
            yield from _given(context, (inner for arm in step.arms for inner in arm.steps), lane, fork, listed)
            inside = (inner for branch in step.branches for inner in branch.steps)
            yield from _given(context, inside, lane, True, listed or step.keys.for_each is not None)
