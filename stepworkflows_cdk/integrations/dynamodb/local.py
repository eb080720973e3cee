"""Tables on this machine: a ``TableNeed`` becomes a table of moto's, with the rows that are given; the optimised tasks
on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepworkflows_cdk.errors import ConfigurationError, LocalRunError
from stepworkflows_cdk.integrations.dynamodb.needs import TURNS, TableNeed
from stepworkflows_cdk.local.errors import TaskFailed
from stepworkflows_cdk.local.rows import dynamodb_row
from stepworkflows_cdk.local.services import ServiceError, call
from stepworkflows_cdk.local.world import Table, World

__all__ = ["perform", "realise"]

_ACTIONS = ("getItem", "putItem", "updateItem", "deleteItem")


def realise(need: TableNeed, world: World) -> Mapping[str, str]:
    """Creates the table and puts the given rows into it."""
    client = world.client("dynamodb")
    keys = tuple(key for key in (need.partition_key, need.sort_key) if key is not None)
    created = client.create_table(
        TableName=need.id,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    for row in world.outside.tables.get(need.name, ()):
        for key in keys:
            if not isinstance(row.get(key), str) or not row[key]:
                raise ConfigurationError(
                    f"a given row of table {need.name} has no text as its key {key}: {dict(row)!r}"
                )
        client.put_item(TableName=need.id, Item=dynamodb_row(row))
    if need.id == TURNS:
        for number, (key, turn) in enumerate(world.outside.turns.items(), 1):
            for machine in [found["name"] for found in world.attributes.values() if "machine_arn" in found]:
                holder = world.arn("states", f"execution:{machine}:another-{number}")
                world.holders[holder] = turn
                client.put_item(TableName=need.id, Item=dynamodb_row({"key": f"{machine}/{key}", "execution": holder}))
    if need.expires is None:
        # Known from here on: rows that were there before are not told of as written.
        world.tables[need.name] = Table(need.id, keys)
    return {"name": need.id, "arn": created["TableDescription"]["TableArn"]}


def perform(resource: str, arguments: Any, world: World) -> Any:
    """``dynamodb:putItem`` and its like: https://docs.aws.amazon.com/step-functions/latest/dg/connect-ddb.html."""
    action = resource.partition(":")[2]
    if action not in _ACTIONS:
        raise LocalRunError(
            f"{resource} is no task of Step Functions; there are dynamodb:{', dynamodb:'.join(_ACTIONS)}"
        )
    result = call(world, "dynamodb", action, arguments, _failure)
    return {
        **result,
        "SdkHttpMetadata": {"HttpStatusCode": 200},
        "SdkResponseMetadata": {"RequestId": world.request_id()},
    }


def _failure(error: ServiceError) -> TaskFailed:
    """Errors of an optimised integration have the names and the text of the first AWS SDK for Java."""
    return TaskFailed(
        f"DynamoDB.{error.exception or 'AmazonDynamoDBException'}",
        f"{error.message} (Service: AmazonDynamoDBv2; Status Code: {error.status}; Error Code: {error.code}; "
        f"Request ID: {error.request_id}; Proxy: null)",
    )
