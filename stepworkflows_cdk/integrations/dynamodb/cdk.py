"""A table need becomes a DynamoDB table, or the caller's own table is taken for it."""

from __future__ import annotations

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stepworkflows_cdk.compiler.plan import Grant, Hole, Text
from stepworkflows_cdk.constructs import sharing
from stepworkflows_cdk.constructs.bound import BACKUPS, Bindings, Bound
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.dynamodb.needs import BACKED_UP, TableNeed

__all__ = ["bind"]


def bind(scope: Construct, need: TableNeed, given: object | None, bindings: Bindings) -> Bound:
    """Attributes: ``name``, ``arn``, and ``key_arn`` for a table with a KMS key of its own.

    A table made here is billed by request, can be restored to any second of the last 35 days, is protected
    from deletion and outlives its stack; one whose rows expire serves running executions only, and goes with its
    stack. Where the stack's profile demands it, it has the stack's key and is backed up every day. It is the ``Table``
    construct, whose resource every rule of cdk-nag about tables reads; the newer ``TableV2`` makes a global table, which
    they do not see.
    """
    table = _created(scope, need) if given is None else _adopted(need, given)
    attributes = {"name": table.table_name, "arn": table.table_arn}
    backed_up = given is None and bindings.profile.backups
    grants = (Grant(BACKUPS, BACKED_UP, Text((Hole(need.id, "arn"),)), need.mark),) if backed_up else ()
    key = table.encryption_key
    if key is None:
        return Bound(construct=table, attributes=attributes, grants=grants)
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    return Bound(table, {**attributes, "key_arn": key.key_arn}, grants=grants, key_actions=_KEY_ACTIONS)


_KEY_ACTIONS = {
    "dynamodb:": (
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    )
}


def _created(scope: Construct, need: TableNeed) -> dynamodb.ITable:
    key = sharing.key(scope)
    return dynamodb.Table(
        scope,
        "Table",
        partition_key=_string(need.partition_key),
        sort_key=_string(need.sort_key) if need.sort_key else None,
        encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED if key is not None else None,
        encryption_key=key,
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        time_to_live_attribute=need.expires,
        deletion_protection=need.expires is None,
        removal_policy=cdk.RemovalPolicy.RETAIN if need.expires is None else cdk.RemovalPolicy.DESTROY,
    )


def _string(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)


_TYPES = {"S": "string", "N": "number", "B": "binary"}


def _adopted(need: TableNeed, given: object) -> dynamodb.ITable:
    if not (hasattr(given, "table_arn") and hasattr(given, "table_name")):
        raise ConfigurationError(
            f"resources: {need.name!r} is a table; pass a dynamodb.ITable, not {type(given).__name__}"
        )
    table = cast(dynamodb.ITable, given)
    if isinstance(table, dynamodb.Table | dynamodb.TableV2):
        _check_keys(need, table)
    return table


def _check_keys(need: TableNeed, table: dynamodb.Table | dynamodb.TableV2) -> None:
    """Whether a table of this app has the keys that the document names; what is imported is taken at its word."""
    child = table.node.default_child
    if not isinstance(child, dynamodb.CfnTable | dynamodb.CfnGlobalTable):
        return
    stack = cdk.Stack.of(table)
    types = {found["attributeName"]: found["attributeType"] for found in stack.resolve(child.attribute_definitions)}
    has = [(found["attributeName"], types[found["attributeName"]]) for found in stack.resolve(child.key_schema)]
    wants = [(name, "S") for name in (need.partition_key, need.sort_key) if name]
    if has != wants:
        found_keys = ", ".join(f"{name} ({_TYPES.get(type_, type_)})" for name, type_ in has)
        asked = ", ".join(f"{name} (string)" for name, _ in wants)
        raise ConfigurationError(
            f"resources: table {need.name!r} has the key {found_keys}, and {need.mark} asks for {asked}"
        )
