"""``guard: true``: a flow becomes two machines, one that does its work, and one that waits for its end.

What ends an execution and cannot be caught inside of it, an abort, its time-out, too much data, the other machine hears of,
and runs what the flow has to run at its end. Where the flow has failed by an error of its own, it has done that itself.

Outside, the flow is the one that waits: triggers start it, and steps use it. The execution that does the work has the same
name, and its ARN is ``{execution.id}`` in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from stepworkflows_cdk.compiler.deploy import deploy_plan
from stepworkflows_cdk.compiler.executions import (
    DESCRIBE_ERRORS,
    FAILED,
    FAILED_CAUSE,
    FAILED_ERROR,
    START_ERRORS,
    start_grants,
)
from stepworkflows_cdk.compiler.plan import (
    Catch,
    Choice,
    Data,
    Grant,
    Hole,
    Jsonata,
    MachinePlan,
    Rule,
    State,
    Task,
    Text,
    machine_key,
)
from stepworkflows_cdk.compiler.planner import FlowStates
from stepworkflows_cdk.compiler.retries import ALL, default_retry
from stepworkflows_cdk.compiler.states import reachable
from stepworkflows_cdk.compiler.steps.context import Planned
from stepworkflows_cdk.compiler.texts import executions_arn
from stepworkflows_cdk.compiler.values import Names, Values
from stepworkflows_cdk.language.ids import guarded_id
from stepworkflows_cdk.language.model import DeployKeys
from stepworkflows_cdk.language.scope import View
from stepworkflows_cdk.language.workflow import Step, Workflow, walk

__all__ = ["GUARDED_EXECUTION", "guard_grants", "parts", "plan_guard"]

_NAME = "$states.context.Execution.Name"
GUARDED_EXECUTION = f"($guarded & {_NAME})"
"""JSONata for the ARN of the execution that does the work, where the other one speaks of it."""
_UNCATCHABLE = "['States.DataLimitExceeded', 'States.Runtime']"
"""https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html"""
_INPUT = Jsonata("$states.input")


def parts(workflow: Workflow) -> Iterator[tuple[Workflow, Workflow | None]]:
    """The flows that are made of one: each with the one that it guards, if it is a guard."""
    if not workflow.keys.guard:
        yield workflow, None
        return
    guarded = replace(workflow, id=guarded_id(workflow.id), triggers=(), guard_id=workflow.id)
    # Each machine has steps of its own, though they are the same ones at the end.
    yield (
        replace(workflow, on_failure=_copies(workflow.on_failure), finally_=_copies(workflow.finally_)),
        guarded,
    )
    yield guarded, None


def guard_grants(guard: Workflow, guarded: Workflow) -> Iterator[Grant]:
    """The guard starts the other machine, and follows its executions."""
    mark = guard.document.key_mark(("guard",))
    yield from start_grants(machine_key(guard.id), machine_key(guarded.id), mark, waited=True)


def plan_guard(
    guarded: Workflow,
    workflow: Workflow,
    calls: Mapping[int, Planned],
    values: Callable[[View], Values],
    names: Names,
) -> MachinePlan:
    """The machine that waits. Its new versions come into use at once: those of the other one do as the flow says."""
    flow = FlowStates(workflow, calls, values, names, guard=True)
    states = reachable(_states(flow, machine_key(guarded.id)))
    deploy = deploy_plan(DeployKeys(alias=(workflow.keys.deploy or DeployKeys()).alias))
    return MachinePlan(
        workflow.id,
        workflow.mark,
        f"{workflow.keys.description or workflow.name} (guard)",
        states,
        comments={step.name: step.keys.description for step in walk(workflow.ending) if step.keys.description},
        deploy=deploy,
    )


def _states(flow: FlowStates, guarded: str) -> list[State]:
    mark = flow.workflow.document.key_mark(("guard",))
    work, look, handled = (flow.namer.unique(name) for name in ("Guarded", "How it ended", "Handled itself?"))
    at_end = flow.ending_states()
    caught: dict[str, Data] = {"type": Jsonata(FAILED_ERROR), "cause": Jsonata(FAILED_CAUSE)}
    before: dict[str, Data] = {"guarded": executions_arn(guarded, ""), "failure": caught, "handled": False}
    start: dict[str, Data] = {
        "StateMachineArn": Text((Hole(guarded, "arn"),)),
        "Name": Jsonata(_NAME),
        "Input": _INPUT,
    }
    # Without its data, which together with what else is told may be more than a state takes.
    described: dict[str, Data] = {"ExecutionArn": Jsonata(GUARDED_EXECUTION), "IncludedData": "METADATA_ONLY"}
    return [
        Task(
            work,
            mark,
            "states:startExecution.sync:2",
            start,
            None,
            output=Jsonata("$states.result.Output"),
            retry=(default_retry(START_ERRORS),),
            catch=(Catch((ALL,), look, before, _INPUT),),
        ),
        Task(
            look,
            mark,
            "aws-sdk:sfn:describeExecution",
            described,
            handled,
            _told(),
            _INPUT,
            60,
            retry=(default_retry(DESCRIBE_ERRORS),),
            catch=(Catch((ALL,), handled, {}, _INPUT),),
        ),
        Choice(handled, mark, (Rule(Jsonata("$handled"), flow.ended),), flow.failure, _unknown(flow)),
        *at_end,
    ]


def _unknown(flow: FlowStates) -> dict[str, Data]:
    """What the steps at the end read of the others: that nothing is known, also not how they ended."""
    return {name: "unknown" if value == "skipped" else value for name, value in flow.first_values().items()}


def _told() -> dict[str, Data]:
    """What is known once the execution is described: of a long cause, the status is cut off."""
    status, type_ = "$states.result.Status", "$failure.type"
    name = (
        f"{status} = 'TIMED_OUT' ? 'States.Timeout'"
        f" : {status} = 'ABORTED' and {type_} = '{FAILED}' ? 'ExecutionAborted' : {type_}"
    )
    return {
        "failure": {"type": Jsonata(name), "cause": Jsonata("$failure.cause")},
        "handled": Jsonata(f"{status} = 'FAILED' and $not({type_} in {_UNCATCHABLE})"),
    }


def _copies(steps: Sequence[Step]) -> tuple[Step, ...]:
    return tuple(
        replace(
            step,
            arms=tuple(replace(arm, steps=_copies(arm.steps)) for arm in step.arms),
            branches=tuple(replace(branch, steps=_copies(branch.steps)) for branch in step.branches),
            catches=tuple(replace(catch, steps=_copies(catch.steps)) for catch in step.catches),
        )
        for step in steps
    )
