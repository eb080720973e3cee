"""A container need becomes an ECS task definition with its roles, its log and its security group; a cluster need a cluster.

Code runs in Lambda's public image, for what that has: a Python of every version, and boto3. The container fetches the code
when it starts. It runs as a user without rights, and without any of Linux's capabilities. Its file system can be written,
as far as that user may: a task on Fargate has no other place for files, since a volume belongs to root.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bind-mounts.html
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from stepworkflows_cdk.compiler.plan import Grant, Text
from stepworkflows_cdk.constructs import permissions, sharing
from stepworkflows_cdk.constructs.bound import Bindings, Bound
from stepworkflows_cdk.constructs.network import endpoints, network
from stepworkflows_cdk.constructs.packaging import package
from stepworkflows_cdk.constructs.public_network import cluster, public_network
from stepworkflows_cdk.constructs.wheels import Target
from stepworkflows_cdk.constructs.zipped import zipped
from stepworkflows_cdk.errors import ConfigurationError, PackagingError
from stepworkflows_cdk.integrations.code import IMAGE
from stepworkflows_cdk.integrations.containers.needs import PULL, ClusterNeed, ContainerNeed

__all__ = ["bind", "bind_cluster"]

_RUNNER = Path(__file__).parent / "runner"
_NAME = "code"
_ARCHITECTURES = {"arm64": ecs.CpuArchitecture.ARM64, "x86_64": ecs.CpuArchitecture.X86_64}
_USER = "1000:1000"
_LONGEST_STOP = 120  # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html


def bind(scope: Construct, need: ContainerNeed, given: object | None, bindings: Bindings) -> Bound:
    """Attributes: see the need. The code is packaged here; code that cannot be is a ``PackagingError``."""
    if given is not None:
        raise ConfigurationError(f"{need.mark}: {need.id} takes no construct of the caller")
    place = _place(scope, need, bindings)
    log_group = sharing.log_group(scope, "Logs", bindings.log_retention)
    role, start = _role(scope, "Role"), _role(scope, "StartRole")
    task = _task_definition(scope, need, role, start)
    command, grants = list[str](), list[Grant]()
    if need.code is not None:
        code = _code(need)
        asset = assets.Asset(scope, "Code", path=str(code))
        digest = hashlib.sha256(code.read_bytes()).hexdigest()
        command = [asset.s3_bucket_name, asset.s3_object_key, digest, need.handler]
        location = f"arn:{cdk.Stack.of(scope).partition}:s3:::{asset.s3_bucket_name}/{asset.s3_object_key}"
        grants.append(Grant(need.id, ("s3:GetObject",), Text((location,)), need.mark))
    _container(task, need, command, log_group, bindings)
    starts = _start_grants(scope, need, log_group, bindings)
    permissions.attach(Construct(scope, "Start"), start, starts, bindings)
    if place.isolated:
        endpoints(scope, starts)
    return Bound(
        construct=task,
        attributes={
            "arn": task.task_definition_arn,
            "family": task.family,
            "task_role_arn": role.role_arn,
            "execution_role_arn": start.role_arn,
            "subnets": cdk.Fn.join(",", list(place.subnets)),
            "security_group": place.group.security_group_id,
            "public_ip": "ENABLED" if place.public else "DISABLED",
        },
        role=role,
        grants=tuple(grants),
        in_network=place.isolated,
    )


def bind_cluster(scope: Construct, need: ClusterNeed, given: object | None) -> Bound:
    """Attributes: ``name`` and ``arn``."""
    if given is None and need.name == "containers":
        given = sharing.given(scope, "Cluster")
    if given is None and need.name == "containers":
        made = cluster(scope)
        return Bound(construct=made, attributes={"name": made.ref, "arn": made.attr_arn})
    if given is None:
        raise ConfigurationError(
            f"{need.mark}: the cluster {need.name!r} is not made here, since only you know what it should have for "
            f"instances; pass yours: resources={{{need.name!r}: my_cluster}}"
        )
    if not (hasattr(given, "cluster_arn") and hasattr(given, "cluster_name")):
        raise ConfigurationError(
            f"resources: {need.name!r} is a cluster; pass an ecs.ICluster, not {type(given).__name__}"
        )
    own = cast(ecs.ICluster, given)
    return Bound(construct=own, attributes={"name": own.cluster_name, "arn": own.cluster_arn})


@dataclass(frozen=True)
class _Place:
    """Where the container runs. ``public``: with an address of its own in the internet; ``isolated``: in the stack's network
    without a way there.
    """

    group: ec2.ISecurityGroup
    subnets: tuple[str, ...]
    public: bool = False
    isolated: bool = False


def _place(scope: Construct, need: ContainerNeed, bindings: Bindings) -> _Place:
    """On instances it runs in their network, which is the caller's whatever the profile demands."""
    demanded = bindings.profile.private_network
    if need.private or (demanded and need.launch == "FARGATE" and need.network is None):
        inside = network(scope)
        if not inside.vpc.private_subnets:  # as only a network of the caller's has them, with a way out
            _check_isolated(scope, need)
        subnets = inside.vpc.private_subnets or inside.vpc.isolated_subnets
        return _Place(inside.functions, tuple(each.subnet_id for each in subnets), isolated=True)
    vpc = _network(scope, need, bindings)
    public = need.launch == "FARGATE" and not demanded and not vpc.private_subnets and bool(vpc.public_subnets)
    subnets = vpc.public_subnets if public else vpc.private_subnets or vpc.isolated_subnets
    if not subnets:
        what = "with this profile a container" if need.launch == "FARGATE" else "a container on EC2"
        raise ConfigurationError(
            f"{need.mark}: {what} gets no public address, so its network needs private subnets; pass one that has some"
        )
    return _Place(_security_group(scope, need, vpc), tuple(each.subnet_id for each in subnets), public)


def _check_isolated(scope: Construct, need: ContainerNeed) -> None:
    """Endpoints for ECR lead to the registries of their own region:
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
    """
    if need.image is None:
        raise ConfigurationError(f"{need.mark}: {need.id} runs in a public image, to which its network has no way")
    region, own = need.image.fill(lambda hole: hole.attribute).split(".")[3], cdk.Stack.of(scope).region
    if region not in ("region", own) and not cdk.Token.is_unresolved(own):
        raise ConfigurationError(
            f"{need.mark}: the image is in {region}, and this container's network leads to the registries of {own} only; "
            "name an image that is there"
        )


def _security_group(scope: Construct, need: ContainerNeed, vpc: ec2.IVpc) -> ec2.SecurityGroup:
    group = ec2.SecurityGroup(
        scope,
        "SecurityGroup",
        vpc=vpc,
        description=f"{need.id}: lets nobody in, and out to HTTPS only",
        allow_all_outbound=False,
    )
    group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "AWS, and whatever API the code calls")
    return group


def _network(scope: Construct, need: ContainerNeed, bindings: Bindings) -> ec2.IVpc:
    if need.network:
        return cast(ec2.IVpc, bindings[need.network].construct)
    cluster = bindings[need.cluster].construct
    if isinstance(cluster, ecs.CfnCluster):
        return public_network(scope)
    try:
        return cast(ecs.ICluster, cluster).vpc
    except RuntimeError as error:  # of jsii: a cluster imported by its ARN knows no network
        raise ConfigurationError(
            f"{need.mark}: the cluster was imported without its network; name one: "
            "`vpc: main`, with `resources: {main: {type: network}}`"
        ) from error


def _role(scope: Construct, construct_id: str) -> iam.Role:
    """A role for this account's tasks only: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html"""
    stack = cdk.Stack.of(scope)
    tasks = stack.format_arn(service="ecs", resource="*", arn_format=cdk.ArnFormat.NO_RESOURCE_NAME)
    conditions = {"ArnLike": {"aws:SourceArn": tasks}, "StringEquals": {"aws:SourceAccount": stack.account}}
    principal = iam.ServicePrincipal("ecs-tasks.amazonaws.com", conditions=conditions)
    return iam.Role(scope, construct_id, assumed_by=principal)


def _task_definition(scope: Construct, need: ContainerNeed, role: iam.Role, start: iam.Role) -> ecs.TaskDefinition:
    fargate = need.launch == "FARGATE"
    platform = ecs.RuntimePlatform(
        cpu_architecture=_ARCHITECTURES[need.architecture], operating_system_family=ecs.OperatingSystemFamily.LINUX
    )
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement-constraints.html#attributes
    on_such = ecs.PlacementConstraint.member_of(f"attribute:ecs.cpu-architecture == {need.architecture}")
    return ecs.TaskDefinition(
        scope,
        "Task",
        compatibility=ecs.Compatibility.FARGATE if fargate else ecs.Compatibility.EC2,
        cpu=str(need.cpu),
        memory_mib=str(need.memory),
        network_mode=ecs.NetworkMode.AWS_VPC,
        runtime_platform=platform if fargate else None,
        placement_constraints=None if fargate else [on_such],
        task_role=role,
        # Its permissions are given below; the L2 would write them into an inline policy.
        execution_role=start.without_policy_updates(),
    )


def _code(need: ContainerNeed) -> Path:
    assert need.code is not None
    try:
        packed = package(need.code, Target(need.python, need.architecture))
        return zipped(packed, {"stepworkflows_runner.py": _RUNNER / "stepworkflows_runner.py"})
    except PackagingError as error:
        raise PackagingError(f"{need.mark}: {', '.join(need.steps) or need.id}: {error}") from error


def _container(
    task: ecs.TaskDefinition,
    need: ContainerNeed,
    command: list[str],
    log_group: logs.LogGroup,
    bindings: Bindings,
) -> None:
    linux = ecs.LinuxParameters(task, "Linux", init_process_enabled=True)
    program: list[str] | None = None
    if need.image is None:
        linux.drop_capabilities(ecs.Capability.ALL)
        program = ["/var/lang/bin/python3", "-c", (_RUNNER / "boot.py").read_text(encoding="utf-8")]
    task.add_container(
        _NAME,
        container_name=_NAME,
        image=ecs.ContainerImage.from_registry(_image(need, bindings)),
        entry_point=program,
        command=command or None,
        linux_parameters=linux,
        logging=ecs.LogDriver.aws_logs(stream_prefix=need.id, log_group=log_group),
        stop_timeout=cdk.Duration.seconds(_LONGEST_STOP),
        user=_USER if program else None,
    )


def _image(need: ContainerNeed, bindings: Bindings) -> str:
    """By its tag, so that a deployment takes the image with the newest fixes, as Lambda's runtimes do.
    https://docs.aws.amazon.com/lambda/latest/dg/python-image.html
    """
    if need.image is not None:
        return bindings.fill(need.image)
    return f"public.ecr.aws/lambda/python:{need.python}-{need.architecture}"


def _start_grants(scope: Construct, need: ContainerNeed, log_group: logs.LogGroup, bindings: Bindings) -> list[Grant]:
    """What ECS may do to start the container: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html"""
    holder = f"{need.id}, where ECS starts it"
    own = Text((log_group.log_group_arn,))
    grants = [Grant(holder, ("logs:CreateLogStream", "logs:PutLogEvents"), own, need.mark)]
    if need.image is None:
        return grants
    # The need's image has passed as one in ECR.
    stack = cdk.Stack.of(scope)
    words = {"region": "REGION", "account": "ACCOUNT_ID"}
    found = IMAGE.match(need.image.fill(lambda hole: words[hole.attribute]))
    assert found
    account, region = (stack.account if found["account"] == "ACCOUNT_ID" else found["account"]), found["region"]
    region = stack.region if region == "REGION" else region
    repository = Text((f"arn:{stack.partition}:ecr:{region}:{account}:repository/{found['repository']}",))
    return [
        *grants,
        Grant(holder, PULL, repository, need.mark),
        Grant(holder, ("ecr:GetAuthorizationToken",), Text(("*",)), need.mark),
    ]
