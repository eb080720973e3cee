"""``uses: other.yaml``: a step that is another flow, in a state machine of its own.

The step starts an execution of the other machine and waits for its end; its result is the other flow's output, and where
that flow fails, the step fails with its error. ``detached: true`` only starts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import Field

from stepworkflows_cdk.compiler.executions import (
    FAILED,
    FAILED_CAUSE,
    FAILED_ERROR,
    START_ERRORS,
    UNLISTED,
    start_grants,
)
from stepworkflows_cdk.compiler.integration import ROUND, STATE, Call, Integration, Scope
from stepworkflows_cdk.compiler.plan import (
    Choice,
    Data,
    Fail,
    Grant,
    Hole,
    Jsonata,
    Pass,
    Rule,
    Task,
    Text,
    machine_key,
)
from stepworkflows_cdk.integrations.subflows.resources import WorkflowKeys
from stepworkflows_cdk.language.checks.contract import breaks, literal
from stepworkflows_cdk.language.checks.modes import LONGEST
from stepworkflows_cdk.language.checks.resources import undeclared
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.references import WrongValue, given_flow, parse_value, references_in, strings_in
from stepworkflows_cdk.language.scope import Unresolved, View, resolve
from stepworkflows_cdk.language.shape import nearest
from stepworkflows_cdk.language.targets import ResultTarget
from stepworkflows_cdk.language.usage import inferred_inputs
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["Uses", "UsesKeys"]

_STARTED = ("ExecutionArn", "StartDate")
"""What a detached step gives: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html"""
_BEGAN_NOTHING = {UNLISTED: "$contains($cause, /Status Code: 429|Throttl/)"}
"""A start that began nothing. An answer that was lost is none: a name does not keep an express flow from running twice."""
# An execution's name has 80 characters at most, and singles it out for 90 days: a second start under it does nothing
# while the first runs. So a start whose answer was lost is not made twice, and a call that is made anew has another name.
_EXECUTION = (
    "$substring($states.context.Execution.Name, 0, 40) & '-' & $substring($hash($join([$states.context.Execution.Id, "
    f"{STATE}TURN, $string({ROUND}), $string($states.context.Execution.RedriveCount)], '/'), 'SHA-256'), 0, 32)"
)


class UsesKeys(Keys):
    """The keys of a step that is another flow. Its `inputs` are that flow's input, its result that flow's output."""

    uses: str = Field(
        min_length=1,
        description="The other flow's document, by its path from this document. Where that document is a step, or the path "
        "ends in `#id` of one of a flow's steps, the step here is that step, with the keys written here laid over its own. "
        '`"{resources.x}"` is a flow that the caller gives.',
    )
    detached: bool = Field(
        False,
        description="`true`: the step only starts the other flow, and goes on; its result is `ExecutionArn` and "
        "`StartDate`.",
    )


class Uses(Integration):
    """Executions started from a state: https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html."""

    key = "uses"
    keys = UsesKeys
    transient = START_ERRORS
    starts_flows = True

    def takes_whole(self, step: Step) -> bool:
        return True

    def beyond_express(self, step: Step, workflow: Workflow) -> str:
        return "" if _keys(step).detached or _express(step, workflow) else "SW414"

    def check(self, step: Step, workflow: Workflow) -> Iterable[Problem]:
        flow = step.flow
        if given := given_flow(_keys(step).uses):
            yield from undeclared(step, ("uses",), given, "workflow", workflow)
        if flow is None:
            return
        if step.whole_input:
            message = "another flow is no code of this flow"
            yield Problem("SW112", message, step.key_mark("uses"), "move it under `steps`")
            return
        if _keys(step).detached and step.keys.timeout:
            message = "a detached flow is not waited for; only its own `timeout` ends it"
            yield Problem("SW107", message, step.key_mark("timeout"), f"write it in {flow.document.file}")
        yield from _inputs(step, flow)
        yield from _results(step, workflow, _STARTED if _keys(step).detached else [o.name for o in flow.outputs], flow)

    def plan(self, step: Step, scope: Scope) -> Call:
        given = given_flow(_keys(step).uses)
        assert given or step.flow
        key = scope.resource(given).id if given else machine_key(step.flow.id) if step.flow else ""
        machine = Text((Hole(key, "arn"),))
        arguments: dict[str, Data] = {
            "StateMachineArn": machine,
            "Name": Jsonata(_EXECUTION.replace("TURN", scope.turn), "string"),
            "Input": scope.inputs(),
        }
        mark = step.key_mark("uses")
        grants = tuple(start_grants(scope.machine, key, mark, waited=not _keys(step).detached))
        if _keys(step).detached:
            return Call("states:startExecution", arguments, transient=START_ERRORS, grants=grants)
        if _express(step, scope.workflow):
            return _in_sync(
                step, arguments, Grant(scope.machine, ("states:StartSyncExecution",), grants[0].resource, mark)
            )
        return Call(
            resource="states:startExecution.sync:2",
            arguments=arguments,
            result="$states.result.Output",
            timeout=step.keys.timeout,
            transient=START_ERRORS,
            error=FAILED_ERROR,
            cause=FAILED_CAUSE,
            envelope=FAILED,
            grants=grants,
        )


def _keys(step: Step) -> UsesKeys:
    assert isinstance(step.work, UsesKeys)
    return step.work


def _express(step: Step, workflow: Workflow) -> bool:
    """Whether the other flow is of the short kind, which is waited for by another action of the API."""
    given = workflow.resources.get(given_flow(_keys(step).uses) or "")
    if given:
        return isinstance(given.keys, WorkflowKeys) and given.keys.mode == "express"
    return bool(step.flow and step.flow.express)


def _in_sync(step: Step, arguments: Mapping[str, Data], grant: Grant) -> Call:
    """The answer tells how the execution ended, also where it did not end well: what is asked for is its output, or its
    error. https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartSyncExecution.html
    """
    mark = step.mark
    machine, name = arguments["StateMachineArn"], arguments["Name"]
    text: dict[str, Data] = {"StateMachineArn": machine, "Name": name, "Input": Jsonata("$string($states.input)")}
    ended, output, failed = "ended well?", "output", "failed"
    late = "$states.input.Status = 'TIMED_OUT' ? 'States.Timeout' : 'States.TaskFailed'"
    error = f"($exists($states.input.Error) ? $states.input.Error : {late})"
    cause = "($exists($states.input.Cause) ? $states.input.Cause : '')"
    return Call(
        resource="",
        arguments=arguments["Input"],
        result="$states.result[0]",
        transient_when=_BEGAN_NOTHING,
        branch=(
            Task(
                "execution",
                mark,
                "aws-sdk:sfn:startSyncExecution",
                text,
                ended,
                output=Jsonata("$states.result"),
                timeout=min(step.keys.timeout or LONGEST, LONGEST),
            ),
            Choice(ended, mark, (Rule(Jsonata("$states.input.Status = 'SUCCEEDED'"), output),), failed),
            Pass(output, mark, None, {}, Jsonata("$parse($states.input.Output)")),
            Fail(failed, mark, Jsonata(error), Jsonata(cause)),
        ),
        grants=(grant,),
    )


def _inputs(step: Step, flow: Workflow) -> Iterator[Problem]:
    """Whether what the step gives is what the other flow's contract asks for."""
    if step.given_whole:
        return  # a run tells: the other flow checks its own input
    given, contract = step.named_inputs, flow.keys.inputs or {}
    if flow.open:
        yield from _read(step, flow, given)
        return
    for name, value in given.items():
        if name not in contract:
            known = ", ".join(f"`{known}`" for known in contract)
            hint = nearest(name, contract) or f"its inputs are {known}"
            yield Problem("SW229", f"the flow `{flow.id}` has no input `{name}`", step.key_mark("inputs", name), hint)
        elif literal(value) and (fault := breaks(value, contract[name])):
            mark = step.mark_of("inputs", name)
            yield Problem("SW229", f"the flow `{flow.id}` does not take this: it {fault}", mark, "mend the value")
    for name, schema in contract.items():
        if name not in given and not schema.optional:
            mark = step.key_mark("inputs") if step.keys.inputs else step.key_mark("uses")
            yield Problem("SW229", f"the flow `{flow.id}` needs the input `{name}`", mark, f"add `{name}` to `inputs`")


def _read(step: Step, flow: Workflow, given: Mapping[str, Any]) -> Iterator[Problem]:
    """What a flow that takes any input reads of it, and is not given."""
    mark = step.key_mark("inputs") if step.keys.inputs else step.key_mark("uses")
    for name, fails in inferred_inputs(flow).items():
        if name not in given:
            message = f"the flow `{flow.id}` reads the input `{name}`, which this step does not give"
            fix = (
                f"add `{name}` to `inputs`; what may be missing, a contract in {flow.document.file} can give a default"
            )
            yield Problem("SW229", message, mark, fix, "error" if fails else "warning")


def _results(step: Step, workflow: Workflow, known: Iterable[str], flow: Workflow) -> Iterator[Problem]:
    """Whether what the step's outputs read is something that the other flow gives."""
    names = list(known)
    view = View(workflow, step=step, own_result=True)
    for output in step.outputs:
        for path, text in strings_in(step.document.get(output.path), output.path):
            for name in _fields(text, view):
                if name not in names:
                    gives = ", ".join(f"`{known}`" for known in names) or "nothing"
                    hint = nearest(name, names) or f"it gives {gives}"
                    mark = step.mark_of(*path[len(step.path) :])
                    yield Problem("SW230", f"the flow `{flow.id}` has no output `{name}`", mark, hint)


def _fields(text: str, view: View) -> Iterator[str]:
    """The fields of the result that a value reads."""
    try:
        references: Iterable[Any] = references_in(parse_value(text))
    except WrongValue:
        return
    for reference in references:
        try:
            target = resolve(reference, view)
        except Unresolved:
            continue
        if isinstance(target, ResultTarget) and target.path:
            yield str(target.path[0])
