"""Requests of an API become the answers that steps wait for.

The body, a JSON object, answers every wait at the path whose fields to match it has. 202: it is the answer, also where it was
sent before; 409: another one was first; 404: what waited for it has ended without an answer.

Given the requests of an API with Lambda proxy integration:
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import base64
import json
import logging
import os
from typing import Any

from answers import answer_of, give, key_of
from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger(__name__)


class Refused(Exception):
    """A request that is answered with a problem (RFC 9457)."""

    def __init__(self, status: int, title: str) -> None:
        super().__init__(title)
        self.status = status
        self.title = title


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    try:
        _answer(event)
    except Refused as refused:
        problem = {"type": "about:blank", "title": refused.title, "status": refused.status}
        return _told(refused.status, problem, {"Content-Type": "application/problem+json"})
    except (BotoCoreError, ClientError) as error:
        log.error("%s", type(error).__name__)
        problem = {"type": "about:blank", "title": "this cannot be done now; try again", "status": 503}
        return _told(503, problem, {"Content-Type": "application/problem+json", "Retry-After": "5"})
    return _told(202, {"status": "ACCEPTED"}, {"Content-Type": "application/json"})


def _answer(event: dict[str, Any]) -> None:
    body = event.get("body") or ""
    try:
        data = json.loads(base64.b64decode(body) if event.get("isBase64Encoded") else body)
    except ValueError:
        raise Refused(400, "the body is no JSON") from None
    if not isinstance(data, dict):
        raise Refused(400, "the body must be a JSON object")
    try:
        answer = answer_of(data)
    except ValueError as error:
        raise Refused(400, f"the body can be no answer: {error}") from None
    waits = [(key_of(wait, data), wait) for wait in json.loads(os.environ["WAITS"])]
    came = [give(key, answer, int(wait["keep"]), told=True) for key, wait in waits if key is not None]
    if not came:
        matched = sorted({path for _, wait in waits for path in wait["match"]})
        raise Refused(400, f"nothing waits for what the body has in {', '.join(matched)}")
    if "other" in came:
        raise Refused(409, "another answer was first")
    if "late" in came:
        raise Refused(404, "what waited for this has ended")


def _told(status: int, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    return {"statusCode": status, "headers": {**headers, "Cache-Control": "no-store"}, "body": json.dumps(body)}
