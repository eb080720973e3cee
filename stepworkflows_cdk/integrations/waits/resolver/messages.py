"""Messages of a queue become the answers that steps wait for.

Given a batch of SQS, by Lambda. A message answers every wait whose fields to match it has. One that has those of none, or can
be no answer, is given back, alone, and with those behind it where the queue keeps an order:
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

import json
import logging
import os
from typing import Any

from answers import answer_of, give, key_of
from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger(__name__)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    failed: list[str] = []
    for record in event["Records"]:
        ordered = record["eventSourceARN"].endswith(".fifo")
        if (failed and ordered) or not _worked_off(record):
            failed.append(record["messageId"])
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}


def _worked_off(record: dict[str, Any]) -> bool:
    try:
        data = json.loads(record["body"])
        answer = answer_of(data)
        waits = [(key_of(wait, data), wait) for wait in json.loads(os.environ["WAITS"])]
        if all(key is None for key, _ in waits):
            raise ValueError("no step waits for what it has in the fields that are matched")
        for key, wait in waits:
            if key is not None:
                give(key, answer, int(wait["keep"]))
    except (ValueError, BotoCoreError, ClientError) as error:
        # Never the body: it may say what no log should.
        reason = str(error) if type(error) is ValueError else type(error).__name__
        log.error("message %s: %s", record["messageId"], reason)
        return False
    return True
