"""A function need becomes a Lambda function with its own role and log group, or the function that exists already."""

from __future__ import annotations

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from stepworkflows_cdk.compiler.plan import Grant, Hole, Text
from stepworkflows_cdk.constructs import sharing
from stepworkflows_cdk.constructs.bound import Bindings, Bound
from stepworkflows_cdk.constructs.packaging import package
from stepworkflows_cdk.constructs.wheels import Target
from stepworkflows_cdk.errors import ConfigurationError, PackagingError
from stepworkflows_cdk.integrations.lambda_.needs import FunctionNeed

__all__ = ["bind"]


def bind(scope: Construct, need: FunctionNeed, given: object | None, bindings: Bindings) -> Bound:
    """Attributes: ``arn``. The code is packaged here; code that cannot be is a ``PackagingError``."""
    if given is not None:
        raise ConfigurationError(
            f"{need.mark}: {need.id} takes no construct of the caller; name its `arn` in the document"
        )
    if need.code is None:
        return _imported(scope, need, bindings)
    log_group = logs.LogGroup(
        scope,
        "Logs",
        retention=logs.RetentionDays.THREE_MONTHS,
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    dead_letters = sharing.dead_letters(scope)
    role = iam.Role(
        scope,
        "Role",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        managed_policies=[sharing.policy(scope, "tracing")],
    )
    function = lambda_.Function(
        scope,
        "Function",
        function_name=need.name,
        code=_code(need),
        handler=need.handler,
        # By its name, so that a runtime which this version of the CDK does not list yet works as well.
        runtime=lambda_.Runtime(f"python{need.python}", lambda_.RuntimeFamily.PYTHON, supports_inline_code=True),
        architecture=_ARCHITECTURES[need.architecture],
        memory_size=need.memory,
        timeout=cdk.Duration.seconds(need.timeout),
        environment={name: bindings.fill(text) for name, text in need.env} or None,
        log_group=log_group,
        role=role,
    )
    _observe(function, dead_letters.queue_arn)
    return Bound(
        construct=function,
        attributes={
            "arn": function.function_arn,
            "log_group_arn": log_group.log_group_arn,
            "dead_letters_arn": dead_letters.queue_arn,
        },
        role=role,
        grants=(
            # The group's ARN ends in ":*", its streams; their names are Lambda's to choose.
            _own(need, "log_group_arn", "logs:CreateLogStream", "logs:PutLogEvents"),
            _own(need, "dead_letters_arn", "sqs:SendMessage"),
        ),
    )


_ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}


def _imported(scope: Construct, need: FunctionNeed, bindings: Bindings) -> Bound:
    if need.arn is None:
        raise ConfigurationError(f"{need.mark}: {need.id} has neither code nor an ARN")
    function = lambda_.Function.from_function_arn(scope, "Function", bindings.fill(need.arn))
    return Bound(construct=function, attributes={"arn": function.function_arn})


def _code(need: FunctionNeed) -> lambda_.Code:
    assert need.code is not None
    try:
        packed = package(need.code, Target(need.python, need.architecture))
    except PackagingError as error:
        raise PackagingError(f"{need.mark}: {', '.join(need.steps) or need.id}: {error}") from error
    if packed.path.is_file():
        return lambda_.Code.from_asset(str(packed.path))
    return lambda_.Code.from_asset(str(packed.path), exclude=list(packed.exclude), ignore_mode=cdk.IgnoreMode.GIT)


def _observe(function: lambda_.Function, dead_letters_arn: str) -> None:
    """Traces, and keeps events that failed.

    Set on the resource, since the L2 properties would also write statements, one of them on ``*``, into an inline
    policy of each function's role.
    """
    resource = cast(lambda_.CfnFunction, function.node.default_child)
    resource.tracing_config = lambda_.CfnFunction.TracingConfigProperty(mode="Active")
    resource.dead_letter_config = lambda_.CfnFunction.DeadLetterConfigProperty(target_arn=dead_letters_arn)


def _own(need: FunctionNeed, attribute: str, *actions: str) -> Grant:
    return Grant(need.id, actions, Text((Hole(need.id, attribute),)), need.mark)
