"""``runs-on: fargate`` and ``runs-on: ec2``: the step's code in a container of its own, with the contract of a function.

What a container is started with has to fit into 8,192 characters, and how it ends is a number. So the inputs go through
a table: the step's first state writes them into a row of their own, the second runs the container and waits for its end,
and the third reads what the container has written into the row. Where it failed, another reads the error that the code
raised, or finds in what ECS says why there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stepworkflows_cdk.compiler.added import OWN_LOG, Added
from stepworkflows_cdk.compiler.integration import Blame, Call, Integration, Part, Scope
from stepworkflows_cdk.compiler.plan import Condition, Data, Grant, Hole, Jsonata, Need, Text, need_id
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.code import code_name, fits_code, image_problems, image_text
from stepworkflows_cdk.integrations.containers.keys import (
    ROOM,
    ContainerKeys,
    Ec2Keys,
    Ec2Settings,
    FargateKeys,
    FargateSettings,
    check_container,
    check_isolated,
    memory_of,
    room_of,
)
from stepworkflows_cdk.integrations.containers.needs import PULL, ClusterNeed, ContainerNeed
from stepworkflows_cdk.integrations.containers.text import json_text
from stepworkflows_cdk.integrations.dynamodb.needs import TableNeed
from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.workflow import Step, Workflow

if TYPE_CHECKING:
    from constructs import Construct

    from stepworkflows_cdk.constructs.bound import Bindings, Bound
    from stepworkflows_cdk.local.world import World

__all__ = ["ClusterKeys", "Containers", "Ec2", "Fargate"]

# Ids that no document can give: `work` and `containers` are no names for resources.
_TABLE, _CLUSTER = "table-work", "cluster-containers"
_DAY = 86_400
_LONGEST_NAME = 256
"""Characters of what CloudFormation makes up: an ARN, the URL of a queue."""
_CONTAINER = "code"
"""The container's name inside its task."""
# How long a container may take to start, beside its own time: an image is fetched, an instance may have to come first.
_MARGINS = {"FARGATE": 300, "EC2": 900}
_ROW_TRANSIENT = (
    "DynamoDB.InternalServerErrorException",
    "DynamoDB.ProvisionedThroughputExceededException",
    "DynamoDB.RequestLimitExceededException",
    "DynamoDB.SdkClientException",
    "DynamoDB.ThrottlingException",
)
# Failures to start a container. What stops one that runs is never here: the code may have had its effect.
# https://repost.aws/knowledge-center/ecs-fargate-runtask-capacity, and
# https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html for AmazonECS.Unknown
_TRANSIENT = (
    "AmazonECS.Unknown",
    "Container.NotStarted",
    "DynamoDB.ConditionalCheckFailedException",  # a second try of a row that had been written
    "ECS.AccessDeniedException",  # for a moment of a deployment, between a new revision and the permission to run it
    "ECS.AmazonECSException",
    "ECS.SdkClientException",
    "ECS.ServerException",
)
_RAISES = {
    "Container.NotStarted": "ECS could not start the container: no image, no address, no capacity; tried again by default",
    "Container.OutOfMemory": "the container took more memory than it has",
    "Container.Exited": "the process ended without a word: it was killed, or called `exit`",
    "Container.Stopped": "somebody, or AWS, stopped the container",
}
_KEY = "$states.context.Execution.Id & '/' & $states.context.State.Name & '/' & $states.context.State.EnteredTime"
# What ECS says of a stopped task: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
_BLAME = (
    "($e := $states.result.Item.error.S; $c := $caught.cause; $exists($e) ? $parse($e) : {"
    "'type': $caught.type != 'States.TaskFailed' ? $caught.type"
    ' : $contains($c, /"StopCode":\\s*"TaskFailedToStart"/) ? \'Container.NotStarted\''
    ' : $contains($c, /"Reason":\\s*"OutOfMemoryError/) ? \'Container.OutOfMemory\''
    ' : $contains($c, /"StopCode":\\s*"EssentialContainerExited"/) ? \'Container.Exited\''
    " : $contains($c, /\"StopCode\":/) ? 'Container.Stopped' : $caught.type, 'cause': $c})"
)


class _Container(Integration):
    """ECS by the optimised integration: https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html."""

    key = "runs-on"
    code_keys = frozenset({"env", "secrets", "permissions"})
    transient = _TRANSIENT

    def takes_whole(self, step: Step) -> bool:
        return True

    def takes_default(self, key: str, step: Mapping[str, Any]) -> bool:
        return fits_code(key, step)

    def check(self, step: Step, workflow: Workflow) -> Iterable[Problem]:
        return check_container(step, _settings(step), workflow)

    def beyond_express(self, step: Step, workflow: Workflow) -> str:
        return "SW411"

    def check_isolated(self, step: Step) -> Iterable[Problem]:
        return check_isolated(step, _settings(step))

    def plan(self, step: Step, scope: Scope) -> Call:
        need, lasts = _container(step, scope), _timeout(step)
        key = Jsonata(f"{_KEY}{scope.turn}", "string")
        margin = lasts + _MARGINS[need.launch]
        row = {"TableName": Text((Hole(_TABLE, "name"),))}
        return Call(
            resource="dynamodb:putItem",
            arguments={
                **row,
                "Item": {
                    "key": {"S": key},
                    "inputs": {"S": json_text(step, scope)},
                    "expires": {"N": Jsonata(f"$string($floor($millis() / 1000) + {margin + _DAY})")},
                },
                "ConditionExpression": "attribute_not_exists(#key)",
                "ExpressionAttributeNames": {"#key": "key"},
            },
            output={"key": key, "subnets": Text((Hole(need.id, "subnets"),))},
            transient=_ROW_TRANSIENT,
            needs=(*_shared(need, step.mark), need),
            grants=(*_grants(step, scope, need), *scope.permissions(need.id)),
            beside=True,
            then=Part(
                "container",
                Call(
                    resource="ecs:runTask.sync",
                    arguments=_run(need, _environment(step, scope, need, lasts)),
                    output={"key": Jsonata("$states.input.key")},
                    timeout=margin,
                    transient=_TRANSIENT,
                    blame=Blame("error", _read(row, "error"), _BLAME),
                    then=Part("result", _read(row, "result")),
                ),
            ),
        )


class Fargate(_Container):
    """A container without a machine to look after: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AWS_Fargate.html."""

    runtime = "fargate"
    keys = FargateKeys
    raises = _RAISES


class Ec2(_Container):
    """A container on EC2 instances of a cluster of the caller's."""

    runtime = "ec2"
    keys = Ec2Keys


class ClusterKeys(Keys):
    """An ECS cluster of yours: `StepWorkflow(..., resources={"workers": my_cluster})`. For `runs-on: {ec2: ...}` it has
    instances, or capacity that brings them.
    """


class Containers(Integration):
    """What steps in containers need: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/clusters.html."""

    resource_types = {"cluster": ClusterKeys}
    needs = (ContainerNeed, ClusterNeed)
    tasks = ("ecs:runTask.sync",)

    def plan_resource(self, name: str, type_: str, keys: Any, mark: Mark) -> Need:
        return ClusterNeed(id=need_id("cluster", name), mark=mark, name=name)

    def identity(self, need: Need) -> Text:
        return Text((Hole(need.id, "name"),))

    def arn(self, need: Need) -> Text:
        return Text((Hole(need.id, "arn"),))

    def added(self, need: Need) -> Iterable[Added]:
        if not isinstance(need, ContainerNeed):
            return
        starts = f"{need.id}, where ECS starts it"
        yield replace(OWN_LOG, holder=starts)
        if need.code is not None:
            yield Added(("s3:GetObject",), "its code")
        else:
            yield Added(PULL, "its image", starts)
            yield Added(("ecr:GetAuthorizationToken",), "*", starts)

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from stepworkflows_cdk.integrations.containers.cdk import bind, bind_cluster

        if isinstance(need, ClusterNeed):
            return bind_cluster(scope, need, given)
        assert isinstance(need, ContainerNeed)
        return bind(scope, need, given, bindings)

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        from stepworkflows_cdk.integrations.containers.local import realise

        if isinstance(need, ClusterNeed):
            return {"name": need.id, "arn": world.arn("ecs", f"cluster/{need.id}")}
        assert isinstance(need, ContainerNeed)
        return realise(need, world)

    def answer(self, resource: str, value: Any, arguments: Any, world: World) -> Any:
        from stepworkflows_cdk.integrations.containers.local import answer

        return answer(value, arguments, world)

    def perform(self, resource: str, arguments: Any, world: World) -> Any:
        from stepworkflows_cdk.integrations.containers.local import perform

        return perform(arguments, world)


def _settings(step: Step) -> FargateSettings | Ec2Settings:
    match step.work:
        case FargateKeys(runs_on=runtime):
            return runtime.fargate
        case Ec2Keys(runs_on=runtime):
            return runtime.ec2
    raise AssertionError(step.work)


def _container(step: Step, scope: Scope) -> ContainerNeed:
    keys, settings = step.work, _settings(step)
    assert isinstance(keys, ContainerKeys)
    name = code_name(keys.zip_file, keys.handler) if keys.zip_file else step.id
    return ContainerNeed(
        id="-".join(part for part in ("container", name, scope.distinct) if part),
        mark=step.mark,
        steps=(step.id,),
        code=(step.document.folder / keys.zip_file) if keys.zip_file else None,
        image=_image(step, keys.image, scope) if keys.image else None,
        handler=keys.handler,
        cpu=settings.cpu,
        memory=memory_of(settings),
        python=settings.python,
        architecture=settings.architecture,
        launch="FARGATE" if isinstance(settings, FargateSettings) else "EC2",
        capacity=settings.capacity if isinstance(settings, Ec2Settings) else None,
        private=isinstance(settings, FargateSettings) and settings.network == "private",
        network=scope.resource(settings.vpc).id if settings.vpc else None,
        cluster=scope.resource(settings.cluster).id if settings.cluster else _CLUSTER,
    )


def _timeout(step: Step) -> int:
    """Seconds that the code may take."""
    return (None if step.whole_input else step.keys.timeout) or _settings(step).timeout


def _environment(step: Step, scope: Scope, need: ContainerNeed, timeout: int) -> dict[str, Data]:
    """What the container is told. It comes with the run, since whoever may read task definitions reads their variables:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security-tasks-containers.html
    """
    own = dict(scope.env())
    taken = room_of({name: text.fill(lambda hole: "x" * _LONGEST_NAME) for name, text in own.items()})
    if taken > ROOM:
        raise ConfigurationError(
            f"{step.mark}: with this config the variables of {step.id} may have {taken:,} characters in the overrides of a "
            f"task, which take {ROOM:,}; pass data in `inputs`"
        )
    region = Text((Hole("aws", "region"),))
    return {
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "STEPWORKFLOWS_KEY": Jsonata("$states.input.key"),
        "STEPWORKFLOWS_MEMORY": str(need.memory),
        "STEPWORKFLOWS_NAME": need.id,
        "STEPWORKFLOWS_TABLE": Text((Hole(_TABLE, "name"),)),
        "STEPWORKFLOWS_TIMEOUT": str(timeout),
        **own,
    }


def _image(step: Step, written: str, scope: Scope) -> Text:
    image = "".join(map(str, scope.text(written).parts))
    for problem in image_problems(step, image):
        raise ConfigurationError(f"{problem.mark}: with this config {problem.message}; {problem.hint}")
    return image_text(image)


def _shared(need: ContainerNeed, mark: Mark) -> Iterator[Need]:
    """What all steps in containers share, where the document has nothing else."""
    yield TableNeed(id=_TABLE, mark=mark, name="work", partition_key="key", sort_key=None, expires="expires")
    if need.cluster == _CLUSTER:
        yield ClusterNeed(id=_CLUSTER, mark=mark, name="containers")


def _run(need: ContainerNeed, environment: Mapping[str, Data]) -> dict[str, Data]:
    """The parameters of the call: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html.

    The task is named by its family, which means the newest revision: an execution that has begun before a deployment would
    ask for a revision that is gone, with code that its role may no longer fetch. So where the code is comes with the
    revision, and not with the run.
    """
    network: dict[str, Data] = {
        "Subnets": Jsonata("$split($states.input.subnets, ',')"),
        "SecurityGroups": [Text((Hole(need.id, "security_group"),))],
        "AssignPublicIp": Text((Hole(need.id, "public_ip"),)),
    }
    where: dict[str, Data] = {"LaunchType": need.launch}
    if need.capacity:
        where = {"CapacityProviderStrategy": [{"CapacityProvider": need.capacity}]}
    return {
        "Cluster": Text((Hole(need.cluster, "arn"),)),
        "TaskDefinition": Text((Hole(need.id, "family"),)),
        **where,
        "NetworkConfiguration": {"AwsvpcConfiguration": network},
        "Overrides": {
            "ContainerOverrides": [
                {
                    "Name": _CONTAINER,
                    "Environment": [{"Name": name, "Value": value} for name, value in environment.items()],
                }
            ]
        },
    }


def _read(row: Mapping[str, Data], attribute: str) -> Call:
    return Call(
        resource="dynamodb:getItem",
        arguments={
            **row,
            "Key": {"key": {"S": Jsonata("$states.input.key")}},
            "ConsistentRead": True,
            "ProjectionExpression": f"#{attribute}",
            "ExpressionAttributeNames": {f"#{attribute}": attribute},
        },
        result=f"$states.result.Item.{attribute}.S ? $parse($states.result.Item.{attribute}.S) : null",
        transient=_ROW_TRANSIENT,
        beside=True,
    )


def _grants(step: Step, scope: Scope, need: ContainerNeed) -> tuple[Grant, ...]:
    """What the machine may do to run the container, and the container to read its inputs and write its result.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html#ecs-iam; the conditions of
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
    """
    machine, mark = scope.machine, step.mark
    place = (":", Hole("aws", "region"), ":", Hole("aws", "account"), ":")
    partition = ("arn:", Hole("aws", "partition"))
    cluster = Text((Hole(need.cluster, "arn"),))
    table = Text((Hole(_TABLE, "arn"),))
    tasks = Text((*partition, ":ecs", *place, "task/", Hole(need.cluster, "name"), "/*"))
    rule = Text((*partition, ":events", *place, "rule/StepFunctionsGetEventsForECSTaskRule"))
    in_cluster = (Condition("ArnEquals", "ecs:cluster", (cluster,)),)
    to_ecs = (Condition("StringEquals", "iam:PassedToService", (Text(("ecs-tasks.amazonaws.com",)),)),)
    roles = (Text((Hole(need.id, attribute),)) for attribute in ("task_role_arn", "execution_role_arn"))
    return (
        Grant(machine, ("dynamodb:GetItem", "dynamodb:PutItem"), table, mark),
        Grant(machine, ("ecs:RunTask",), Text((Hole(need.id, "arn"),)), mark, in_cluster),
        Grant(machine, ("ecs:DescribeTasks", "ecs:StopTask"), tasks, mark),
        Grant(machine, ("events:DescribeRule", "events:PutRule", "events:PutTargets"), rule, mark),
        *(Grant(machine, ("iam:PassRole",), role, mark, to_ecs) for role in roles),
        Grant(need.id, ("dynamodb:GetItem", "dynamodb:UpdateItem"), table, mark),
    )
