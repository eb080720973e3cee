"""Rows of tables as people write them, and as DynamoDB wants them: ``{"qty": 2}`` and ``{"qty": {"N": "2"}}``."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from stepworkflows_cdk.local.surroundings import optional
from stepworkflows_cdk.local.world import Table, World

__all__ = ["dynamodb_row", "plain_row", "table_rows"]


def dynamodb_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A plain row as an item."""
    serialize = optional("boto3.dynamodb.types").TypeSerializer().serialize
    return {str(name): serialize(_decimals(value)) for name, value in row.items()}


def plain_row(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as a plain row, attributes sorted. Sets become sorted lists, bytes base64."""
    deserialize = optional("boto3.dynamodb.types").TypeDeserializer().deserialize
    return {name: _plain(deserialize(item[name])) for name in sorted(item)}


def table_rows(world: World, table: Table) -> list[dict[str, Any]]:
    """All rows of a table, sorted by key."""
    pages = world.client("dynamodb").get_paginator("scan").paginate(TableName=table.physical, ConsistentRead=True)
    rows = [plain_row(item) for page in pages for item in page["Items"]]
    return sorted(rows, key=lambda row: [str(row.get(key)) for key in table.keys])


def _decimals(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, Mapping):
        return {str(key): _decimals(item) for key, item in value.items()}
    return [_decimals(item) for item in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {key: _plain(value[key]) for key in sorted(value)}
    if isinstance(value, set):
        return sorted(_plain(item) for item in value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    # boto3's Binary, or bytes
    binary = getattr(value, "value", value)
    return base64.b64encode(binary).decode() if isinstance(binary, bytes | bytearray) else value
