"""A function need becomes a Lambda function with its own role and log group, or the function that exists already."""

from __future__ import annotations

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stepworkflows_cdk.compiler.plan import Condition, Grant, Hole, Text
from stepworkflows_cdk.constructs import sharing
from stepworkflows_cdk.constructs.bound import Bindings, Bound, via
from stepworkflows_cdk.constructs.network import Network, network
from stepworkflows_cdk.constructs.packaging import package
from stepworkflows_cdk.constructs.release import OF_A_DEPLOYMENT
from stepworkflows_cdk.constructs.wheels import Target
from stepworkflows_cdk.errors import ConfigurationError, PackagingError
from stepworkflows_cdk.integrations.lambda_.needs import FunctionNeed

__all__ = ["bind"]


def bind(scope: Construct, need: FunctionNeed, given: object | None, bindings: Bindings) -> Bound:
    """Attributes: ``arn``. The code is packaged here; code that cannot be is a ``PackagingError``.

    A step's code is published, and ``arn`` is the version's: an execution that began with it goes on with it (see
    ``constructs/release``). A function that does no step's work, such as one that events are handed to, serves old and
    new executions alike, and is called as it is now.
    """
    if given is not None:
        raise ConfigurationError(
            f"{need.mark}: {need.id} takes no construct of the caller; name its `arn` in the document"
        )
    _check_place(scope, need)
    if not need.made:
        return _imported(scope, need, bindings)
    inside = network(scope) if bindings.profile.private_network and need.network is None else None
    vpc = inside.vpc if inside is not None else _vpc(need, bindings)
    code, handler, runtime = _code(need, bindings)
    log_group = sharing.log_group(scope, "Logs", bindings.log_retention)
    dead_letters = sharing.dead_letters(scope)
    key = sharing.key(scope)
    role = iam.Role(
        scope,
        "Role",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        managed_policies=[
            sharing.policy(scope, "tracing"),
            *([sharing.policy(scope, "network-interfaces")] if vpc is not None else []),
        ],
    )
    function = lambda_.Function(
        scope,
        "Function",
        function_name=need.name,
        code=code,
        handler=handler,
        runtime=runtime,
        architecture=_ARCHITECTURES[need.architecture],
        memory_size=need.memory,
        ephemeral_storage_size=cdk.Size.mebibytes(need.ephemeral_storage) if need.ephemeral_storage > 512 else None,
        reserved_concurrent_executions=need.concurrency or bindings.profile.concurrency,
        timeout=cdk.Duration.seconds(need.timeout),
        environment={name: bindings.fill(text) for name, text in need.env} or None,
        environment_encryption=key,
        log_group=log_group,
        role=role,
        vpc=vpc,
        vpc_subnets=_subnets(inside) if vpc is not None else None,
        security_groups=[inside.functions if inside is not None else _security_group(scope, vpc)]
        if vpc is not None
        else None,
        current_version_options=lambda_.VersionOptions(removal_policy=OF_A_DEPLOYMENT),
    )
    _observe(function, dead_letters.queue_arn)
    version = function.current_version if need.steps else None
    attributes = {
        "arn": version.function_arn if version else function.function_arn,
        "log_group_arn": log_group.log_group_arn,
        "dead_letters_arn": dead_letters.queue_arn,
    }
    return Bound(
        construct=function,
        attributes=attributes if key is None else {**attributes, "key_arn": key.key_arn},
        role=role,
        grants=(
            # The group's ARN ends in ":*", its streams; their names are Lambda's to choose.
            _own(need, "log_group_arn", "logs:CreateLogStream", "logs:PutLogEvents"),
            _own(need, "dead_letters_arn", "sqs:SendMessage"),
            *(_on_key(need) if key is not None else ()),
        ),
        version=version,
        in_network=inside is not None,
    )


_ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}


class _Image(lambda_.Code):
    """An image in ECR, as the document names it."""

    def __init__(self, uri: str, command: str) -> None:
        super().__init__()
        self._config = lambda_.CodeImageConfig(image_uri=uri, cmd=[command] if command else None)

    @property
    def is_inline(self) -> bool:
        return False

    def bind(self, scope: Construct) -> lambda_.CodeConfig:
        return lambda_.CodeConfig(image=self._config)


def _check_place(scope: Construct, need: FunctionNeed) -> None:
    """Step Functions calls functions of its own region only, Lambda takes images of its own region only, and a function
    that is made is made in the stack's account.

    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-access-cross-acct-resources.html,
    https://docs.aws.amazon.com/lambda/latest/dg/images-create.html
    """
    stack = cdk.Stack.of(scope)
    found: list[tuple[str, str, str]] = []
    if need.arn is not None:
        fields = _shown(need.arn).split(":")
        found.append(("function", fields[3], stack.region))
        if need.made:
            found.append(("function", fields[4], stack.account))
    if need.image is not None:
        found.append(("image", _shown(need.image).split(".")[3], stack.region))
    for what, theirs, ours in found:
        if theirs not in (_THIS, ours) and not cdk.Token.is_unresolved(ours):
            raise ConfigurationError(
                f"{need.mark}: the {what} is in {theirs}, and this stack in {ours}; name one that is there, or write "
                "`REGION` and `ACCOUNT_ID` for the stack's own"
            )


_THIS = "*"


def _shown(text: Text) -> str:
    return text.fill(lambda _hole: _THIS)


def _imported(scope: Construct, need: FunctionNeed, bindings: Bindings) -> Bound:
    if need.arn is None:
        raise ConfigurationError(f"{need.mark}: {need.id} has neither code nor an ARN")
    arn = bindings.fill(need.arn)
    return Bound(construct=lambda_.Function.from_function_arn(scope, "Function", arn), attributes={"arn": arn})


def _vpc(need: FunctionNeed, bindings: Bindings) -> ec2.IVpc | None:
    if need.network is None:
        return None
    vpc = cast(ec2.IVpc, bindings[need.network].construct)
    if not vpc.private_subnets:
        raise ConfigurationError(
            f"{need.mark}: the network of {need.id} has no private subnets with a way out (to a NAT gateway), which "
            "functions are put in; pass a VPC that has some"
        )
    return vpc


def _code(need: FunctionNeed, bindings: Bindings) -> tuple[lambda_.Code, str, lambda_.Runtime]:
    """The code, and what goes with it: the handler and the runtime."""
    if need.image is not None:
        image = _Image(bindings.fill(need.image), need.handler)
        return image, lambda_.Handler.FROM_IMAGE, lambda_.Runtime.FROM_IMAGE
    # By its name, so that a runtime which this version of the CDK does not list yet works as well.
    runtime = lambda_.Runtime(f"python{need.python}", lambda_.RuntimeFamily.PYTHON, supports_inline_code=True)
    return _asset(need), need.handler, runtime


def _subnets(inside: Network | None) -> ec2.SubnetSelection:
    egress = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)
    return inside.subnets if inside is not None else egress


def _asset(need: FunctionNeed) -> lambda_.Code:
    assert need.code is not None
    try:
        packed = package(need.code, Target(need.python, need.architecture))
    except PackagingError as error:
        raise PackagingError(f"{need.mark}: {', '.join(need.steps) or need.id}: {error}") from None
    if packed.path.is_file():
        return lambda_.Code.from_asset(str(packed.path))
    return lambda_.Code.from_asset(str(packed.path), exclude=list(packed.exclude), ignore_mode=cdk.IgnoreMode.GIT)


def _security_group(scope: Construct, vpc: ec2.IVpc) -> ec2.SecurityGroup:
    """Nothing comes in, and out goes HTTPS. More is the caller's to open: ``steps["x"].function.connections``."""
    group = ec2.SecurityGroup(
        scope,
        "SecurityGroup",
        vpc=vpc,
        allow_all_outbound=False,
        description="Out: HTTPS. In: nothing.",
    )
    group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "HTTPS")
    return group


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


def _on_key(need: FunctionNeed) -> tuple[Grant, ...]:
    """On the key of its variables, which Lambda reads in its name when it starts, and of the queue of dead letters.

    The variables' are tied to the function's ARN, of which only the beginning is known while its role is made:
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
    """
    functions = ("arn:", Hole("aws", "partition"), ":lambda:", Hole("aws", "region"), ":", Hole("aws", "account"))
    of_function = Condition(
        "ArnLike",
        "kms:EncryptionContext:aws:lambda:FunctionArn",
        (Text((*functions, f":function:{need.name or '*'}")),),
    )
    key = Text((Hole(need.id, "key_arn"),))
    return (
        Grant(need.id, ("kms:Decrypt",), key, need.mark, (of_function,)),
        Grant(need.id, ("kms:Decrypt", "kms:GenerateDataKey"), key, need.mark, (via("sqs"),)),
    )
