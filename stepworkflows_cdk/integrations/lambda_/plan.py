"""``runs-on: lambda``: the step's code as a Lambda function, created from a folder or a zip, or imported by its ARN."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from stepworkflows_cdk.compiler.integration import Call, Integration, Scope
from stepworkflows_cdk.compiler.plan import Grant, Hole, Need, Text
from stepworkflows_cdk.integrations.code import DEFAULT_HANDLER, check_code, code_name
from stepworkflows_cdk.integrations.lambda_.needs import FunctionNeed
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.durations import Duration
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.workflow import Step, Workflow

if TYPE_CHECKING:
    from constructs import Construct

    from stepworkflows_cdk.constructs.bound import Bindings, Bound
    from stepworkflows_cdk.local.world import World

__all__ = ["Lambda", "LambdaKeys"]

_MAX_TIMEOUT = 900  # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_DEFAULT_TIMEOUT = 30
_MARGIN = 15  # more than the initialisation of a cold function may take
_NEWEST_PYTHON = "3.14"
# https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html
_TRANSIENT = (
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
)
_ARN = re.compile(
    r"arn:[\w-]+:lambda:(?P<region>[\w-]+):(?P<account>\w+):function:(?P<name>[\w-]{0,64})(?::(?P<version>[\w$-]+))?\Z"
)


class LambdaSettings(Keys):
    """The settings of the function."""

    memory: int = Field(512, ge=128, le=10_240, description="MiB; more memory is more CPU too.")
    timeout: Duration = Field(_DEFAULT_TIMEOUT, description="The function's time-out; default: the step's `timeout`.")
    python: str = Field(_NEWEST_PYTHON, pattern=r"^3\.(9|1\d)$", description="The Python version of the runtime.")
    architecture: Literal["arm64", "x86_64"] = Field("arm64", description="The processor.")


class LambdaRuntime(Keys):
    """The long form of `runs-on`."""

    lambda_: LambdaSettings = Field(description="The settings of the function.")


def _long_form(value: Any) -> Any:
    return {"lambda": {}} if value == "lambda" else value


_RUNS_ON = {"anyOf": [{"const": "lambda"}, {"type": "object"}]}


class LambdaKeys(Keys):
    """The keys of a step that runs on Lambda."""

    runs_on: Annotated[LambdaRuntime, BeforeValidator(_long_form), WithJsonSchema(_RUNS_ON)] = Field(
        description="`lambda`, or `{lambda: {memory: 512, ...}}`."
    )
    zip_file: str | None = Field(
        None, min_length=1, description="A folder or a zip with the code, relative to the document."
    )
    arn: str | None = Field(
        None, description="An existing function; or, ending in `function:`, one to create from `zip-file`."
    )
    handler: str = Field(DEFAULT_HANDLER, description="Module and function, such as `handler.handler`.")

    @property
    def settings(self) -> LambdaSettings:
        return self.runs_on.lambda_


class Lambda(Integration):
    """AWS Lambda by the optimised integration: https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html."""

    key = "runs-on"
    runtime = "lambda"
    code_keys = frozenset({"env", "secrets", "permissions"})
    keys = LambdaKeys
    needs = (FunctionNeed,)
    tasks = ("lambda:invoke",)

    def check(self, step: Step, workflow: Workflow) -> Iterable[Problem]:
        keys = step.work
        assert isinstance(keys, LambdaKeys)
        yield from _check_source(step, keys)
        if keys.arn is not None and not _ARN.match(keys.arn):
            hint = "write arn:aws:lambda:REGION:ACCOUNT_ID:function:NAME; REGION and ACCOUNT_ID may stand as they are"
            yield Problem("SW501", "this is no ARN of a Lambda function", step.mark_of("arn"), hint)
        timeout = step.keys.timeout
        if timeout and timeout > _MAX_TIMEOUT and not step.whole_input:
            yield Problem(
                "SW401",
                "a Lambda function runs 15 minutes at most",
                step.mark_of("timeout"),
                "shorten it, or split the work",
            )
        if keys.settings.timeout > _MAX_TIMEOUT:
            mark = step.mark_of("runs-on", "lambda", "timeout")
            yield Problem("SW401", "a Lambda function runs 15 minutes at most", mark, "shorten it, or split the work")
        if timeout and "timeout" in keys.settings.model_fields_set:
            mark = step.key_mark("runs-on", "lambda", "timeout")
            yield Problem(
                "SW107", "the time-out is set twice, here and as the step's `timeout`", mark, "remove one of them"
            )

    def plan(self, step: Step, scope: Scope) -> Call:
        keys = step.work
        assert isinstance(keys, LambdaKeys)
        need = _function(step, keys, scope)
        function = Text((Hole(need.id, "arn"),))
        grants: tuple[Grant, ...] = (Grant(scope.machine, ("lambda:InvokeFunction",), function, step.mark),)
        if need.code is not None:
            grants += scope.permissions(need.id)
        return Call(
            resource="lambda:invoke",
            arguments={"FunctionName": function, "Payload": scope.inputs()},
            result="$states.result.Payload",
            # How long a function may run that exists already is not known here: as long as any may.
            timeout=(need.timeout if need.code or step.keys.timeout else _MAX_TIMEOUT) + _MARGIN,
            transient=_TRANSIENT,
            needs=(need,),
            grants=grants,
        )

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from stepworkflows_cdk.integrations.lambda_.cdk import bind

        assert isinstance(need, FunctionNeed)
        return bind(scope, need, given, bindings)

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        from stepworkflows_cdk.integrations.lambda_.local import realise

        assert isinstance(need, FunctionNeed)
        return realise(need, world)

    def perform(self, resource: str, arguments: Any, world: World) -> Any:
        from stepworkflows_cdk.integrations.lambda_.local import perform

        return perform(resource, arguments, world)


def _check_source(step: Step, keys: LambdaKeys) -> Iterable[Problem]:
    """Where the function comes from: code, or a function that exists already."""
    if keys.zip_file is not None:
        yield from check_code(step, keys.zip_file, keys.handler)
    elif keys.arn is None:
        yield Problem(
            "SW102",
            "the step's code is missing",
            step.key_mark("runs-on"),
            "add `zip-file`, or the `arn` of a function",
        )
    elif keys.arn.endswith("function:"):
        yield Problem(
            "SW102",
            "an `arn` that ends in `function:` needs code",
            step.mark_of("arn"),
            "add `zip-file`, or a complete ARN",
        )
    else:
        for key in ("env", "secrets", "permissions", "handler"):
            if step.get(key) is not None:
                yield Problem(
                    "SW107", f"`{key}` has no effect on a function that exists already", step.key_mark(key), "remove it"
                )


def _function(step: Step, keys: LambdaKeys, scope: Scope) -> FunctionNeed:
    found = _ARN.match(keys.arn or "")
    name = found["name"] if found and found["name"] else None
    settings = keys.settings
    own_timeout = None if step.whole_input else step.keys.timeout
    code = (step.document.folder / keys.zip_file) if keys.zip_file else None
    base = code_name(keys.zip_file, keys.handler) if keys.zip_file else code_name(name or "", DEFAULT_HANDLER)
    return FunctionNeed(
        id="-".join(part for part in ("function", base, scope.distinct) if part),
        mark=step.mark,
        steps=(step.id,),
        code=code,
        handler=keys.handler,
        env=scope.env() if code else (),
        timeout=own_timeout or settings.timeout,
        memory=settings.memory,
        python=settings.python,
        architecture=settings.architecture,
        arn=scope.complete_arn(keys.arn) if keys.arn and name else None,
        name=name if code else None,
    )
