"""What a machine may do for the tasks of a state under ``asl``, by their ``Resource`` and ``Arguments``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stepworkflows_cdk.compiler.executions import start_grants
from stepworkflows_cdk.compiler.integration import Scope
from stepworkflows_cdk.compiler.plan import Grant, Hole, Text
from stepworkflows_cdk.integrations.aws_sdk.grants import derived_grants, derives_grants
from stepworkflows_cdk.integrations.aws_sdk.models import Operation, Service, service_model
from stepworkflows_cdk.integrations.aws_sdk.raw import Written
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.references import given_flow, is_fixed
from stepworkflows_cdk.language.workflow import Workflow

__all__ = ["Api", "api_of", "derives", "task_grants"]

_RESOURCE = re.compile(r"arn:[\w-]+:states:::(?P<task>[\w:-]+?)(?P<pattern>\.sync(?::2)?|\.waitForTaskToken)?")
_FUNCTION = re.compile(r"arn:[\w-]+:lambda:[\w-]+:\w+:function:[\w-]+(?::[\w$-]+)?")
_NAME = re.compile(r"[\w-]+")
_OPTIMISED = {
    "dynamodb": "dynamodb",
    "events": "eventbridge",
    "lambda": "lambda",
    "sns": "sns",
    "sqs": "sqs",
    "states": "sfn",
}
"""Services of the optimised integrations whose parameters are those of the API -> its name among the SDK's:
https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html"""


@dataclass(frozen=True)
class Api:
    """The action of an API that a task calls, and how it waits for the end of what that begins: ``.sync``."""

    service: Service
    operation: Operation
    pattern: str


def api_of(resource: Any) -> Api | None:
    """The action behind the ``Resource`` of a task; None where there is none, or none that is known here."""
    found = _RESOURCE.fullmatch(resource) if isinstance(resource, str) else None
    if found is None:
        return None
    prefix, _, action = found["task"].rpartition(":")
    name = prefix.removeprefix("aws-sdk:") if prefix.startswith("aws-sdk:") else _OPTIMISED.get(prefix)
    service = service_model(name) if name else None
    operation = service.operation(action) if service else None
    return Api(service, operation, found["pattern"] or "") if service and operation else None


def derives(state: Written, workflow: Workflow) -> bool:
    """Whether what a task may do follows from what is written in it."""
    if "Credentials" in state.body:
        role = _at(state.body["Credentials"], "RoleArn")
        return isinstance(role, str) and is_fixed(role)
    arguments, api = state.body.get("Arguments"), api_of(state.body.get("Resource"))
    if _function(state):
        return True
    if api is None:
        return False
    if _is_start(api):
        return bool(_flow(arguments, workflow))
    return not api.pattern.startswith(".sync") and derives_grants(arguments, workflow, api.service, api.operation)


def task_grants(state: Written, mark: Mark, scope: Scope) -> Iterator[Grant]:
    """One grant for each thing that the task names."""
    arguments, api = state.body.get("Arguments"), api_of(state.body.get("Resource"))
    role = _at(state.body.get("Credentials"), "RoleArn")
    if isinstance(role, str) and is_fixed(role):
        yield Grant(scope.machine, ("sts:AssumeRole",), scope.complete_arn(role), mark)
    elif function := _function(state):
        yield Grant(scope.machine, ("lambda:InvokeFunction",), _function_arn(function, scope), mark)
    elif api is None or "Credentials" in state.body:
        return
    elif _is_start(api):
        if given := _flow(arguments, scope.workflow):
            yield from start_grants(scope.machine, scope.resource(given).id, mark, waited=bool(api.pattern))
    elif derives_grants(arguments, scope.workflow, api.service, api.operation):
        yield from derived_grants(arguments, mark, api.service, api.operation, scope)


def _is_start(api: Api) -> bool:
    return api.service.name == "sfn" and api.operation.name == "StartExecution"


def _flow(arguments: Any, workflow: Workflow) -> str:
    """The flow that a task starts, by its name under ``resources``."""
    given = given_flow(_at(arguments, "StateMachineArn"))
    resource = workflow.resources.get(given) if given else None
    return resource.name if resource and resource.type == "workflow" else ""


def _function(state: Written) -> str | None:
    """The function that a task calls, where it is written out: a whole ARN, or a name in this account."""
    resource = str(state.body.get("Resource"))
    if _FUNCTION.fullmatch(resource):
        return resource
    api = api_of(resource)
    arguments = state.body.get("Arguments")
    if api is None or (api.service.name, api.operation.name) != ("lambda", "Invoke") or _at(arguments, "Qualifier"):
        return None
    name = _at(arguments, "FunctionName")
    known = isinstance(name, str) and (_FUNCTION.fullmatch(name) or _NAME.fullmatch(name))
    return str(name) if known else None


def _function_arn(function: str, scope: Scope) -> Text:
    if function.startswith("arn:"):
        return scope.complete_arn(function)
    return Text(
        (
            *("arn:", Hole("aws", "partition"), ":lambda:", Hole("aws", "region"), ":", Hole("aws", "account")),
            f":function:{function}",
        )
    )


def _at(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None
