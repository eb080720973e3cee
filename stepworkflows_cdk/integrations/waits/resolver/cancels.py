"""A request to end an execution: written into its row, and given to each of its waits as an error."""

from __future__ import annotations

import json
import logging
import os
import time
from typing import Any

from answers import Answer, dynamodb, give

log = logging.getLogger(__name__)


def cancel(key: str, detail: dict[str, Any], keep: int) -> None:
    """Asks the execution to end, unless its point of no return is passed. Made again, it does the same again."""
    cause = detail.get("cause")
    error = {"error": "Cancelled", "cause": cause if isinstance(cause, str) else ""}
    answer = Answer(json.dumps(error, ensure_ascii=False), failed=True)
    try:
        row = dynamodb.update_item(
            TableName=os.environ["TABLE"],
            Key={"key": {"S": key}},
            UpdateExpression="SET #answer = if_not_exists(#answer, :answer), #expires = if_not_exists(#expires, :until)",
            ConditionExpression="attribute_not_exists(#passed)",
            ExpressionAttributeNames={f"#{name}": name for name in ("answer", "expires", "passed")},
            ExpressionAttributeValues={":answer": {"S": answer.text}, ":until": {"N": str(int(time.time()) + keep)}},
            ReturnValues="ALL_NEW",
        )["Attributes"]
    except dynamodb.exceptions.ConditionalCheckFailedException:
        log.info("the point of no return is passed")
        return
    for wait in sorted(row.get("waiting", {}).get("SS", [])):
        give(wait, answer, keep)
