"""Messages of a queue become executions: the body of each is the input, and its id the execution's name.

Given a batch of SQS, by Lambda. A message that was delivered before finds its execution there, and is done. One that cannot be
started is given back, alone, and with those behind it where the queue keeps an order.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

import json
import logging
import os
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger(__name__)
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
_LARGEST = 262_144

states = boto3.client("stepfunctions")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    failed: list[str] = []
    for record in event["Records"]:
        ordered = record["eventSourceARN"].endswith(".fifo")
        if (failed and ordered) or not _started(record):
            failed.append(record["messageId"])
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}


def _started(record: dict[str, Any]) -> bool:
    try:
        states.start_execution(
            stateMachineArn=os.environ["MACHINE"], name=record["messageId"], input=_input(record["body"])
        )
    except states.exceptions.ExecutionAlreadyExists:
        return True
    except (ValueError, BotoCoreError, ClientError) as error:
        # Never the body: it may say what no log should.
        reason = str(error) if isinstance(error, ValueError) else type(error).__name__
        log.error("message %s: %s", record["messageId"], reason)
        return False
    return True


def _input(body: str) -> str:
    """The body as it was understood here, so that the execution cannot read it otherwise."""
    try:
        value = json.loads(body)
    except ValueError:
        raise ValueError("the body is no JSON") from None
    if not isinstance(value, dict):
        raise ValueError("the body is no JSON object")
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise ValueError("the body has a number that JSON has not") from None
    if len(text.encode()) > _LARGEST:
        raise ValueError("the body is larger than the input of an execution may be")
    return text
