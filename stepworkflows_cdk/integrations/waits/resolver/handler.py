"""An event becomes the answer that a step waits for.

Given ``{"wait": "flow/step", "match": ["order_id"], "keep": seconds, "event": {...}}``, by a rule. The answer is written
where none is there yet; then whatever answer is stored goes to the token that waits, if one does. So a second call, after
a crash or for a second event, sends the first answer again, and a task that has ended takes no harm.
"""

from __future__ import annotations

import json
import logging
import os
import time
from typing import Any

import boto3

log = logging.getLogger(__name__)
# What is read back of a row is JSON in a string: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
_LARGEST = 250_000

dynamodb = boto3.client("dynamodb")
states = boto3.client("stepfunctions")


def handler(given: dict[str, Any], context: object) -> None:
    values = [_found(given["event"]["detail"], path) for path in given["match"]]
    texts = [text for value in values if (text := _text(value)) is not None]
    if len(texts) < len(values):
        log.warning("%s: an event whose fields to match are neither texts nor whole numbers", given["wait"])
        return
    escaped = [text.replace("~", "~0").replace("/", "~1") for text in texts]
    key = {"key": {"S": "/".join([given["wait"], *escaped])}}
    answer = json.dumps(given["event"], ensure_ascii=False)
    if len(json.dumps(answer, ensure_ascii=False).encode()) > _LARGEST:
        raise ValueError(f"{given['wait']}: the event is too large to be an answer")
    row = _answered(key, answer, int(given["keep"]))
    if "token" in row:
        _send(row["token"]["S"], row["answer"]["S"])


def _found(detail: Any, path: str) -> Any:
    for name in path.split("."):
        detail = detail.get(name) if isinstance(detail, dict) else None
    return detail


def _text(value: Any) -> str | None:
    """As the state machine writes the value that it waits for."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float() if value == int(value) and abs(value) < 1e15:
            return str(int(value))
        case str():
            return value
        case _:
            return None


def _answered(key: dict[str, Any], answer: str, keep: int) -> dict[str, Any]:
    """The row with its answer: this one where it is the first, else the one that is there."""
    now = int(time.time())
    values = {":answer": {"S": answer}, ":now": {"N": str(now)}, ":until": {"N": str(now + keep)}}
    try:
        return _update(
            key,
            "SET #answer = :answer, #expires = if_not_exists(#expires, :until)",
            "attribute_not_exists(#answer) AND (attribute_not_exists(#expires) OR #expires >= :now)",
            values,
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        pass
    try:
        # What is left of a wait long past is no longer there.
        return _update(key, "SET #answer = :answer, #expires = :until REMOVE #owner, #token", "#expires < :now", values)
    except dynamodb.exceptions.ConditionalCheckFailedException:
        pass
    # An answer is there. Written anew as it is, which reads it.
    return _update(key, "SET #answer = #answer", "attribute_exists(#answer)", {})


def _update(key: dict[str, Any], update: str, condition: str, values: dict[str, Any]) -> dict[str, Any]:
    used = f"{update} {condition}"
    given = {name: value for name, value in values.items() if name in used}
    names = {name: name[1:] for name in ("#answer", "#expires", "#owner", "#token") if name in used}
    row: dict[str, Any] = dynamodb.update_item(
        TableName=os.environ["TABLE"],
        Key=key,
        UpdateExpression=update,
        ConditionExpression=condition,
        ExpressionAttributeNames=names,
        **({"ExpressionAttributeValues": given} if given else {}),
        ReturnValues="ALL_NEW",
    )["Attributes"]
    return row


def _send(token: str, answer: str) -> None:
    try:
        states.send_task_success(taskToken=token, output=answer)
    except (states.exceptions.TaskDoesNotExist, states.exceptions.TaskTimedOut):
        log.info("the task has ended already")
