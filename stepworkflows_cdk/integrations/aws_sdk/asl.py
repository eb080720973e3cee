"""``asl: {...}``: a state in the States Language, kept whole, where the documents have no key for something.

It stands in a branch of its own: so its ``Retry`` and ``Catch`` act first, and those of the step around all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field

from stepworkflows_cdk.compiler.integration import Call, Integration, Scope
from stepworkflows_cdk.compiler.plan import Data, Hole, Jsonata, Pass, Raw, State, Text
from stepworkflows_cdk.integrations.aws_sdk.parameters import check_parameters
from stepworkflows_cdk.integrations.aws_sdk.raw import Written, assigned_in, written_states
from stepworkflows_cdk.integrations.aws_sdk.raw_checks import check_states
from stepworkflows_cdk.integrations.aws_sdk.raw_grants import api_of, derives, task_grants
from stepworkflows_cdk.integrations.aws_sdk.sent import sent_by
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.sent import Sent
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["AslKeys", "RawState"]

_STATES = ":states:::"


class AslKeys(Keys):
    """The key of a step that is a state in the Amazon States Language, with JSONata.

    The state is kept whole, its `Retry` and `Catch` too; the step's own act outside of them. `Next` and `End` are not
    written: the flow goes on by itself, also behind a `Catch`, whose `Output` is then the result. The step's `inputs` are
    `$states.input`, the state's output is the step's `result`; references stand in it as anywhere. What it may do follows
    from `Resource` and `Arguments`; where it does not, the step says it under `permissions`.
    """

    asl: dict[str, Any] = Field(
        description="The state: a `Task`, `Pass`, `Wait`, `Parallel` or `Map` (not a distributed one), with its fields."
    )


class RawState(Integration):
    """https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html"""

    key = "asl"
    keys = AslKeys
    keeps_time = True
    code_keys = frozenset({"permissions"})

    def takes_whole(self, step: Step) -> bool:
        return True

    def variables(self, step: Step) -> frozenset[str]:
        return frozenset({"states", *(str(path[-1]) for state in written_states(step) for path in assigned_in(state))})

    def has_effect(self, step: Step) -> bool:
        return any(state.type == "Task" for state in written_states(step))

    def beyond_express(self, step: Step, workflow: Workflow) -> str:
        resources = [str(state.body.get("Resource")) for state in written_states(step)]
        if any(resource.endswith(".waitForTaskToken") for resource in resources):
            return "SW410"
        if any(resource.endswith((".sync", ".sync:2")) for resource in resources):
            return "SW411"
        return "SW412" if any(":activity:" in resource for resource in resources) else ""

    def check(self, step: Step, workflow: Workflow) -> Iterable[Problem]:
        yield from check_states(step, workflow)
        if step.keys.timeout is not None:
            hint = "write `TimeoutSeconds` in the state"
            yield Problem("SW107", "`timeout` has no effect beside `asl`", step.key_mark("timeout"), hint)
        for index, rule in enumerate(step.keys.retry or ()):
            if "transient" in rule.errors:
                written = step.get("retry")
                place = ("retry",) if isinstance(written, dict) else ("retry", index)
                message = "which errors of a state are transient is not known"
                yield Problem(
                    "SW112", message, step.mark_of(*place), "name the `errors`, or write `Retry` in the state"
                )
        for state in written_states(step):
            if state.type == "Task" and "Resource" in state.body:
                yield from _task(step, state, workflow)

    def sends(self, step: Step) -> Iterable[Sent]:
        for state in written_states(step):
            api, arguments = api_of(state.body.get("Resource")), state.body.get("Arguments")
            if api and isinstance(arguments, dict):
                action = api.operation.name[0].lower() + api.operation.name[1:]
                for sent in sent_by(f"{api.service.name}:{action}", arguments):
                    yield replace(sent, path=state.path)

    def plan(self, step: Step, scope: Scope) -> Call:
        written = tuple(written_states(step))
        own, inner = written[0], written[1:]
        tasks = [state for state in written if state.type == "Task"]
        grants = [grant for state in tasks for grant in task_grants(state, step.mark_of(*state.path), scope)]
        return Call(
            resource="",
            arguments=scope.inputs(),
            result="$states.result[0]",
            branch=_branch(step, own, inner, scope),
            grants=(*grants, *scope.permissions(scope.machine)),
        )


def _branch(step: Step, own: Written, inner: Sequence[Written], scope: Scope) -> tuple[State, ...]:
    """The state; where its own catchers take an error, what they give is its output."""
    inside = tuple(Raw(state.name, step.key_mark(*state.path), {}) for state in inner)
    caught = (Pass("caught", step.mark, None, {}, Jsonata("$states.input")),) if "Catch" in own.body else ()
    body = _compiled(own.body, scope)
    return (Raw("state", step.mark, body, caught[0].name if caught else None, inside), *caught)


def _task(step: Step, state: Written, workflow: Workflow) -> Iterator[Problem]:
    resource, path = state.body["Resource"], state.path
    mark = step.mark_of(*path, "Resource")
    if not isinstance(resource, str) or not resource.startswith("arn:"):
        hint = "write it whole: `arn:aws:states:::sqs:sendMessage`"
        yield Problem("SW603", f"`{resource}` is no complete ARN", mark, hint)
        return
    api = api_of(resource)
    if api is None and ":states:::aws-sdk:" in resource:
        message = f"AWS has no action `{resource.rpartition('aws-sdk:')[2]}`"
        yield Problem(
            "SW223", message, mark, "write it as the AWS SDK for Java spells it, its action with a small letter"
        )
        return
    arguments = state.body.get("Arguments", {})
    if api and isinstance(arguments, dict):
        yield from check_parameters(step, api.service, api.operation, arguments, (*path, "Arguments"), exact=True)
    if not step.keys.permissions and not derives(state, workflow):
        hint = (
            "name a resource in `Arguments` (`{resources.x}`), or write `permissions` beside `asl`, with the ARN and the "
            "IAM action"
        )
        yield Problem("SW606", "on what this task may act is not known", mark, hint)


def _compiled(body: Mapping[str, Any], scope: Scope) -> dict[str, Data]:
    """The state with its references compiled; what names a place in it or a service stays as it is."""
    found: dict[str, Data] = {}
    for field, value in body.items():
        match field, value:
            case "Resource", str():
                found[field] = _resource(value, scope)
            case ("Branches", list()):
                found[field] = [_scope(branch, scope) for branch in value]
            case ("ItemProcessor", dict()):
                found[field] = _scope(value, scope)
            case _:
                found[field] = scope.data(value)
    return found


def _scope(written: Any, scope: Scope) -> Data:
    states = {name: _compiled(body, scope) for name, body in written["States"].items()}
    compiled: dict[str, Data] = {**written, "States": {**states}}
    return compiled


def _resource(written: str, scope: Scope) -> Text:
    if _STATES in written:
        return Text(("arn:", Hole("aws", "partition"), _STATES + written.partition(_STATES)[2]))
    return scope.complete_arn(written)
