"""The items of a Map: from its field, or from files in a bucket, and what of an item goes into its iteration."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from stepworkflows_cdk.local.definition import service_of
from stepworkflows_cdk.local.errors import QueryFailed, StateFailed
from stepworkflows_cdk.local.interpreter import Execution, Visit

__all__ = ["items_of", "read_items", "selected"]


def items_of(run: Execution, visit: Visit) -> list[Any]:
    """The field ``Items``, or the state's input."""
    items = run.evaluate(visit, "Items", visit.state["Items"], "array") if "Items" in visit.state else visit.input
    if not isinstance(items, list):
        raise visit.located(QueryFailed("The state's input is no array, and the field 'Items' is not given"))
    return items


def selected(run: Execution, visit: Visit, index: int, value: Any) -> Any:
    """What ``ItemSelector`` makes of an item."""
    if "ItemSelector" not in visit.state:
        return value
    item = {"Index": index, "Value": run.evaluator.data(value)}
    selecting = Visit(
        visit.name,
        visit.step,
        visit.state,
        visit.input,
        visit.event,
        visit.entered,
        visit.scope,
        item,
        visit.retries,
    )
    return run.evaluate(selecting, "ItemSelector", visit.state["ItemSelector"])


def read_items(run: Execution, visit: Visit) -> list[Any]:
    """What ``ItemReader`` reads: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html"""
    reader = visit.state["ItemReader"]
    arguments = run.evaluate(visit, "ItemReader/Arguments", reader["Arguments"])
    config = reader.get("ReaderConfig", {})
    client = run.world.client("s3")
    if service_of(reader["Resource"]) == "s3:listObjectsV2":
        pages = client.get_paginator("list_objects_v2").paginate(**arguments)
        items = [_listed(each) for page in pages for each in page.get("Contents", ())]
    else:
        try:
            text = client.get_object(**arguments)["Body"].read().decode("utf-8-sig")
        except client.exceptions.ClientError as error:
            raise _failed(f"{arguments['Bucket']}/{arguments['Key']}: {error}") from None
        items = _parsed(text, config["InputType"], f"{arguments['Bucket']}/{arguments['Key']}")
    return items[: config.get("MaxItems")]


def _listed(found: Any) -> dict[str, Any]:
    return {
        "Etag": found["ETag"],
        "Key": found["Key"],
        "LastModified": int(found["LastModified"].timestamp()),
        "Size": found["Size"],
        "StorageClass": found.get("StorageClass", "STANDARD"),
    }


def _parsed(text: str, type_: str, place: str) -> list[Any]:
    try:
        match type_:
            case "CSV":
                return [
                    {name: value or "" for name, value in row.items() if name is not None}
                    for row in csv.DictReader(io.StringIO(text))
                ]
            case "JSONL":
                return [json.loads(line) for line in text.splitlines() if line.strip()]
            case _:
                items = json.loads(text)
    except ValueError as error:
        raise _failed(f"{place} cannot be read as {type_}: {error}") from None
    if not isinstance(items, list):
        raise _failed(f"{place} holds no JSON array")
    return items


def _failed(cause: str) -> StateFailed:
    return StateFailed("States.ItemReaderFailed", cause)
