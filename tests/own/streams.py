"""``put: {stream: clicks, by: "{user}"}``: sends the step's inputs to a Kinesis stream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from stepworkflows_cdk.extension import (
    Call,
    Grant,
    Hole,
    Integration,
    Jsonata,
    Keys,
    Mark,
    Need,
    Problem,
    Scope,
    Step,
    Text,
    Workflow,
    need_id,
    undeclared,
)

if TYPE_CHECKING:
    from constructs import Construct

    from stepworkflows_cdk.constructs.bound import Bindings, Bound
    from stepworkflows_cdk.local import World


class PutSpec(Keys):
    """A record of a stream."""

    stream: str = Field(description="The name of a stream under `resources`.")
    by: str = Field(description="The partition key.")


class PutKeys(Keys):
    """The key of a step that sends a record."""

    put: PutSpec = Field(description="The record; its data are the step's `inputs`.")


class StreamKeys(Keys):
    """A stream of records."""

    shards: int = Field(1, ge=1, le=10, description="How many shards it has.")


@dataclass(frozen=True, kw_only=True)
class StreamNeed(Need):
    """A stream. Attributes for holes: ``name`` and ``arn``."""

    name: str
    shards: int


class Streams(Integration):
    """Kinesis by its SDK integration: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html."""

    key = "put"
    keys = PutKeys
    resource_types = {"stream": StreamKeys}
    access = {"write": ("kinesis:PutRecord", "kinesis:PutRecords")}
    needs = (StreamNeed,)

    def check(self, step: Step, workflow: Workflow) -> Iterable[Problem]:
        yield from undeclared(step, ("put", "stream"), _spec(step).stream, "stream", workflow)

    def plan(self, step: Step, scope: Scope) -> Call:
        spec = _spec(step)
        stream = scope.resource(spec.stream)
        data = scope.expression(step.keys.inputs or {})
        return Call(
            resource="aws-sdk:kinesis:putRecord",
            arguments={
                "StreamName": Text((Hole(stream.id, "name"),)),
                "PartitionKey": scope.data(spec.by),
                "Data": Jsonata(f"$string({data.code})"),
            },
            timeout=step.keys.timeout or 60,
            transient=("Kinesis.ProvisionedThroughputExceededException", "Kinesis.InternalFailureException"),
            grants=(Grant(scope.machine, ("kinesis:PutRecord",), scope.arn(stream), step.mark),),
        )

    def plan_resource(self, name: str, type_: str, keys: Any, mark: Mark) -> Need:
        return StreamNeed(id=need_id("stream", name), mark=mark, name=name, shards=keys.shards)

    def identity(self, need: Need) -> Text:
        return Text((Hole(need.id, "name"),))

    def arn(self, need: Need) -> Text:
        return Text((Hole(need.id, "arn"),))

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from aws_cdk import RemovalPolicy
        from aws_cdk import aws_kinesis as kinesis

        from stepworkflows_cdk.constructs.bound import Bound

        assert isinstance(need, StreamNeed)
        stream: Any = given or kinesis.Stream(
            scope,
            "Stream",
            shard_count=need.shards,
            encryption=kinesis.StreamEncryption.MANAGED,
            removal_policy=RemovalPolicy.RETAIN,
        )
        return Bound(stream, {"name": stream.stream_name, "arn": stream.stream_arn})

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        assert isinstance(need, StreamNeed)
        kinesis = world.client("kinesis")
        kinesis.create_stream(StreamName=need.name, ShardCount=need.shards)
        described = kinesis.describe_stream_summary(StreamName=need.name)["StreamDescriptionSummary"]
        return {"name": need.name, "arn": described["StreamARN"]}


def _spec(step: Step) -> PutSpec:
    assert isinstance(step.work, PutKeys)
    return step.work.put
