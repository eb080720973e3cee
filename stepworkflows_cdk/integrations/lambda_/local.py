"""Functions on this machine: a ``FunctionNeed`` becomes the code behind an ARN, ``lambda:invoke`` a call of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepworkflows_cdk.errors import LocalRunError
from stepworkflows_cdk.integrations.lambda_.needs import FunctionNeed
from stepworkflows_cdk.local.errors import StateFailed, TaskFailed
from stepworkflows_cdk.local.handlers import Function
from stepworkflows_cdk.local.world import World

__all__ = ["answer", "perform", "realise"]

_NEEDS, _FUNCTIONS = "lambda:needs", "lambda:functions"
_ARGUMENTS = frozenset({"FunctionName", "InvocationType", "Payload", "Qualifier", "LogType", "ClientContext"})


def realise(need: FunctionNeed, world: World) -> Mapping[str, str]:
    """Gives the function its ARN. Its code is loaded by the first call."""
    arn = world.fill(need.arn) if need.arn is not None else world.arn("lambda", f"function:{need.name or need.id}")
    world.store.setdefault(_NEEDS, {})[arn] = need
    world.buses.functions[arn] = lambda event: _function(arn, world).invoke(event)
    return {"arn": arn}


def answer(value: Any) -> Any:
    """For code, people write what the code returns; Step Functions wraps it."""
    return {"ExecutedVersion": "$LATEST", "Payload": value, "StatusCode": 200}


def perform(resource: str, arguments: Any, world: World) -> Any:
    """``lambda:invoke``: the result as in https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html."""
    if resource != "lambda:invoke":
        raise LocalRunError(f"{resource} is not supported on this machine; supported: lambda:invoke")
    if unknown := sorted(set(arguments) - _ARGUMENTS):
        raise StateFailed("States.Runtime", f'The field "{unknown[0]}" is not supported by Step Functions')
    if arguments.get("InvocationType", "RequestResponse") != "RequestResponse":
        raise LocalRunError("lambda:invoke on this machine supports the InvocationType RequestResponse only")
    function = _function(str(arguments.get("FunctionName", "")), world)
    payload = function.invoke(arguments.get("Payload", {}))
    return {
        "ExecutedVersion": "$LATEST",
        "Payload": payload,
        "SdkHttpMetadata": {"HttpStatusCode": 200},
        "SdkResponseMetadata": {"RequestId": world.request_id()},
        "StatusCode": 200,
    }


def _function(name: str, world: World) -> Function:
    needs: dict[str, FunctionNeed] = world.store.get(_NEEDS, {})
    functions: dict[str, Function] = world.store.setdefault(_FUNCTIONS, {})
    # A complete ARN, a name, or an ARN with a version or alias behind it: all mean the one function that is here.
    named = (arn for arn in needs if name == arn.split(":")[6] or name.startswith(f"{arn}:"))
    arn = name if name in needs else next(named, None)
    if arn is None:
        raise TaskFailed(
            "Lambda.ResourceNotFoundException",
            f"Function not found: {name} (Service: AWSLambda; Status Code: 404; "
            f"Error Code: ResourceNotFoundException; Request ID: {world.request_id()}; Proxy: null)",
        )
    if arn not in functions:
        functions[arn] = _loaded(arn, needs[arn], world)
    return functions[arn]


def _loaded(arn: str, need: FunctionNeed, world: World) -> Function:
    if need.code is None:
        step = world.call.step if world.call is not None else need.id
        what = f"runs the image {world.fill(need.image)}" if need.image else f"calls {arn}"
        raise LocalRunError(
            f"step {step} {what}, whose code is not on this machine; say what it gives: {{at: {step}, returns: ...}}"
        )
    return Function(
        name=arn.split(":")[6],
        arn=arn,
        code=need.code,
        handler=need.handler,
        timeout=need.timeout,
        memory=need.memory,
        python=need.python,
        variables={name: world.fill(text) for name, text in need.env},
        world=world,
    )
