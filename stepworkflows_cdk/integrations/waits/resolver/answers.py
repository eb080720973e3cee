"""Answers: what is written into a wait's row, and sent to the task that waits.

The answer is written where none is there yet; then whatever answer is stored goes to the token that waits, if one does. So
a second call, after a crash or for a second answer, sends the first answer again, and a task that has ended takes no harm.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3

log = logging.getLogger(__name__)
# What is read back of a row is JSON in a string: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
_LARGEST = 250_000
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskFailure.html
_LONGEST_ERROR, _LONGEST_CAUSE = 256, 32_768
_NAMES = ("#answer", "#expires", "#failed", "#mailed", "#owner", "#sent", "#token")

dynamodb = boto3.client("dynamodb")
states = boto3.client("stepfunctions")


class WaitTaken(Exception):
    """The answer belongs to another execution."""


@dataclass(frozen=True)
class Answer:
    """What a wait ends with, as JSON; ``failed``: an object with an ``error`` and its ``cause``."""

    text: str
    failed: bool = False


def answer_of(data: Any, *, plain: bool = False) -> Answer:
    """The answer that the data is. A text in its field ``error`` makes it an error, unless it is ``plain``.

    What can be no answer is a ``ValueError``, which does not say the data.
    """
    error = data.get("error") if isinstance(data, dict) and not plain else None
    if isinstance(error, str) and error:
        cause = data.get("cause")
        cause = cause if isinstance(cause, str) else ""
        if len(error) > _LONGEST_ERROR or error.startswith("States.") or len(cause) > _LONGEST_CAUSE:
            raise ValueError("the error's name or cause is too long, or the name is one of Step Functions")
        return Answer(json.dumps({"error": error, "cause": cause}, ensure_ascii=False), failed=True)
    text = json.dumps(data, ensure_ascii=False, allow_nan=False)
    if len(json.dumps(text, ensure_ascii=False).encode()) > _LARGEST:
        raise ValueError("too large to be an answer")
    return Answer(text)


def key_of(wait: Mapping[str, Any], data: Any) -> str | None:
    """The key of the row that the data answers: what is matched of it behind the wait, as the state machine writes it. None
    where a field is neither a text nor a whole number, or not what it always has to be.
    """
    texts = [_text(_found(data, path)) for path in wait["match"]]
    fixed = wait.get("fixed", {})
    if any(text is None or text != fixed.get(path, text) for path, text in zip(wait["match"], texts, strict=True)):
        return None
    return "/".join([wait["wait"], *(str(text).replace("~", "~0").replace("/", "~1") for text in texts)])


def give(key: str, answer: Answer, keep: int, *, told: bool = False) -> str:
    """Has the answer be that of the wait, where it is the first: ``first``, also when it comes again, or ``other``; where that
    is ``told``, also ``late``: nobody waited any more.
    """
    row = _answered(key, answer, keep)
    sent = _send(row["token"]["S"], row) if "token" in row else True
    if (row["answer"]["S"], row.get("failed", {}).get("BOOL", False)) != (answer.text, answer.failed):
        return "other"
    if told and sent and "token" in row:
        _update(key, "SET #sent = :sent", "attribute_exists(#answer)", {":sent": {"BOOL": True}})
    return "late" if told and not sent and "sent" not in row else "first"


def take(key: str, owner: str, token: str) -> None:
    """Sends the answer that is there to whoever waits now, and whose it is, or becomes."""
    try:
        row = _update(
            key,
            "SET #owner = :owner, #token = :token",
            "attribute_exists(#answer) AND (attribute_not_exists(#owner) OR #owner = :owner)",
            {":owner": {"S": owner}, ":token": {"S": token}},
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        raise WaitTaken("another execution waits, or waited, for the same") from None
    _send(token, row)


def claim(key: str, owner: str, token: str, lasts: int) -> dict[str, Any]:
    """The row of a wait that nobody else can wait for, with its token; an answer that is there is sent to it."""
    values = {
        ":owner": {"S": owner},
        ":token": {"S": token},
        ":until": {"N": str(int(time.time()) + lasts)},
    }
    row = _update(key, "SET #owner = :owner, #token = :token, #expires = :until", "", values)
    if "answer" in row:
        _send(token, row)
    return row


def noted(key: str, mark: str) -> None:
    """Notes in the row of a wait that a mail has been sent."""
    _update(key, "ADD #mailed :mark", "", {":mark": {"SS": [mark]}})


def put(key: str, expires: str, texts: Mapping[str, str]) -> None:
    """Writes a row of texts."""
    dynamodb.update_item(
        TableName=os.environ["TABLE"],
        Key={"key": {"S": key}},
        UpdateExpression=f"SET #expires = :expires, {', '.join(f'#{name} = :{name}' for name in texts)}",
        ExpressionAttributeNames={f"#{name}": name for name in ("expires", *texts)},
        ExpressionAttributeValues={":expires": {"N": expires}, **{f":{n}": {"S": text} for n, text in texts.items()}},
    )


def get(key: str) -> dict[str, Any] | None:
    """A row as it is."""
    found: dict[str, Any] | None = dynamodb.get_item(
        TableName=os.environ["TABLE"], Key={"key": {"S": key}}, ConsistentRead=True
    ).get("Item")
    return found


def _found(data: Any, path: str) -> Any:
    for name in path.split("."):
        data = data.get(name) if isinstance(data, dict) else None
    return data


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


def _answered(key: str, answer: Answer, keep: int) -> dict[str, Any]:
    """The row with its answer: this one where it is the first, else the one that is there."""
    now = int(time.time())
    values = {
        ":answer": {"S": answer.text},
        ":failed": {"BOOL": answer.failed},
        ":now": {"N": str(now)},
        ":until": {"N": str(now + keep)},
    }
    written = "SET #answer = :answer, #failed = :failed"
    try:
        return _update(
            key,
            f"{written}, #expires = if_not_exists(#expires, :until)",
            "attribute_not_exists(#answer) AND (attribute_not_exists(#expires) OR #expires >= :now)",
            values,
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        pass
    try:
        # What is left of a wait long past is no longer there.
        return _update(key, f"{written}, #expires = :until REMOVE #owner, #token, #sent", "#expires < :now", values)
    except dynamodb.exceptions.ConditionalCheckFailedException:
        pass
    # An answer is there. Written anew as it is, which reads it.
    return _update(key, "SET #answer = #answer", "attribute_exists(#answer)", {})


def _update(key: str, update: str, condition: str, values: dict[str, Any]) -> dict[str, Any]:
    used = f"{update} {condition}"
    given = {name: value for name, value in values.items() if name in used}
    row: dict[str, Any] = dynamodb.update_item(
        TableName=os.environ["TABLE"],
        Key={"key": {"S": key}},
        UpdateExpression=update,
        ExpressionAttributeNames={name: name[1:] for name in _NAMES if name in used},
        **({"ConditionExpression": condition} if condition else {}),
        **({"ExpressionAttributeValues": given} if given else {}),
        ReturnValues="ALL_NEW",
    )["Attributes"]
    return row


def _send(token: str, row: Mapping[str, Any]) -> bool:
    """Whether the task still waited."""
    text = row["answer"]["S"]
    try:
        if row.get("failed", {}).get("BOOL"):
            states.send_task_failure(taskToken=token, **json.loads(text))
        else:
            states.send_task_success(taskToken=token, output=text)
    except (states.exceptions.TaskDoesNotExist, states.exceptions.TaskTimedOut):
        log.info("the task has ended already")
        return False
    return True
