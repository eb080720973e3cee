"""Requests become executions, and executions answers.

``POST`` writes who starts the execution of a name, where nobody has it, and then starts it. So a repeat, also one after a crash
between the two, comes to the same end, and is answered alike: new, running, closed, and somebody else's. ``GET`` tells how an
execution goes, and ``DELETE`` stops it, for its owner; to all others it is not there.

Given the requests of an API with Lambda proxy integration:
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import time
import uuid
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger(__name__)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
_LARGEST = 262_144
# Seconds by which two clocks of AWS may differ. What began earlier than it was claimed was started by somebody else.
_SKEW = 5

dynamodb = boto3.client("dynamodb")
states = boto3.client("stepfunctions")


class Refused(Exception):
    """A request that is answered with a problem (RFC 9457)."""

    def __init__(self, status: int, title: str, detail: str = "") -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    try:
        owner = _owner(event["requestContext"])
        name = (event.get("pathParameters") or {}).get("id")
        if event["httpMethod"] == "POST":
            return _started(event, owner)
        if name is None or not _NAME.fullmatch(name):
            raise Refused(404, "there is no such execution")
        return _told(event, name, owner) if event["httpMethod"] == "GET" else _stopped(event, name, owner)
    except Refused as refused:
        problem = {"type": "about:blank", "title": refused.title, "status": refused.status}
        if refused.detail:
            problem["detail"] = refused.detail
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'} if refused.status == 401 else {}
        return _answer(event, refused.status, problem, "application/problem+json", challenge)
    except (BotoCoreError, ClientError) as error:
        log.error("%s", type(error).__name__)
        problem = {"type": "about:blank", "title": "this cannot be done now; try again", "status": 503}
        return _answer(event, 503, problem, "application/problem+json", {"Retry-After": "5"})


def _owner(request: dict[str, Any]) -> str:
    """Who calls: a user of the pool, whom the authorizer named (of a token its issuer and subject), an identity of an identity
    pool, or an IAM user or role.

    Of a role it is the role, whichever session: who may assume a role chooses the names of sessions.
    """
    authorizer, identity = request.get("authorizer") or {}, request.get("identity") or {}
    match os.environ["AUTH"]:
        case "cognito":
            found = (authorizer.get("claims") or {}).get("sub")
        case "function":
            found = authorizer.get("principalId")
        case "jwt":
            # The gateway keeps what the authorizer said for longer than a token may hold.
            if int(authorizer.get("until") or 0) <= time.time():
                raise Refused(401, "the token has expired")
            found = authorizer.get("principalId")
        case _:
            found = identity.get("cognitoIdentityId") or (identity.get("caller") or "").partition(":")[0]
    if not found or not isinstance(found, str):
        raise Refused(403, "nobody is known to be calling")
    return f"{os.environ['AUTHORITY']}:{found}"


def _started(event: dict[str, Any], owner: str) -> dict[str, Any]:
    body = event.get("body") or ""
    # So come the bodies of an API that takes binary ones.
    value, text = _input(base64.b64decode(body) if event.get("isBase64Encoded") else body)
    name = _name(value)
    if _claimed(name, owner):
        try:
            states.start_execution(stateMachineArn=os.environ["MACHINE"], name=name, input=text)
        except states.exceptions.ExecutionAlreadyExists:
            log.info("started before")
    href = f"{event['requestContext']['path'].rstrip('/')}/{name}"
    return _answer(event, 202, {"id": name, "href": href}, headers={"Location": href})


def _input(body: str | bytes) -> tuple[dict[str, Any], str]:
    """The body, and the text of it that was understood here, so that the execution cannot read it otherwise."""
    try:
        value = json.loads(body)
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except (ValueError, RecursionError):
        raise Refused(400, "the body is no JSON") from None
    if not isinstance(value, dict):
        raise Refused(400, "the body must be a JSON object")
    if size > _LARGEST:
        raise Refused(413, f"the body must have at most {_LARGEST} bytes")
    return value, text


def _name(value: Any) -> str:
    """The execution's name: what stands at the place of the key, or a new one."""
    path: list[str] = json.loads(os.environ["KEY"])
    if not path:
        return str(uuid.uuid4())
    for field in path:
        value = value.get(field) if isinstance(value, dict) else None
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        detail = f"{'.'.join(path)} must have 1 to 80 letters, digits, _ or -"
        raise Refused(400, "the idempotency key is missing or wrong", detail)
    return value


def _key(name: str) -> dict[str, Any]:
    return {"key": {"S": f"{os.environ['FLOW']}/{name}"}}


def _claimed(name: str, owner: str) -> bool:
    """Whether the execution of that name is the caller's to start: nobody has it, or the caller."""
    now = time.time()
    try:
        dynamodb.update_item(
            TableName=os.environ["TABLE"],
            Key=_key(name),
            UpdateExpression="SET #owner = :owner, #claimed = if_not_exists(#claimed, :now), #expires = :until",
            ConditionExpression="attribute_not_exists(#owner) OR #owner = :owner",
            ExpressionAttributeNames={"#owner": "owner", "#claimed": "claimed", "#expires": "expires"},
            ExpressionAttributeValues={
                ":owner": {"S": owner},
                ":now": {"N": str(int(now))},
                ":until": {"N": str(int(now) + int(os.environ["KEEP"]))},
            },
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True


def _told(event: dict[str, Any], name: str, owner: str) -> dict[str, Any]:
    return _answer(event, 200, _state(name, _execution(name, owner)))


def _stopped(event: dict[str, Any], name: str, owner: str) -> dict[str, Any]:
    found = _execution(name, owner)
    if found["status"] != "RUNNING":
        return _answer(event, 200, _state(name, found))
    stopped = f"{os.environ['STOPPED']}{name}"
    states.stop_execution(executionArn=stopped, error="Cancelled", cause="by whoever started it")
    return _answer(event, 202, {"id": name, "status": "ABORTED"})


def _execution(name: str, owner: str) -> dict[str, Any]:
    """The execution as Step Functions describes it, where it is the caller's."""
    row = dynamodb.get_item(TableName=os.environ["TABLE"], Key=_key(name), ConsistentRead=True).get("Item")
    missing = Refused(404, "there is no such execution")
    if row is None or row["owner"]["S"] != owner:
        raise missing
    try:
        found: dict[str, Any] = states.describe_execution(executionArn=f"{os.environ['EXECUTIONS']}{name}")
    except states.exceptions.ExecutionDoesNotExist:
        raise missing from None
    if found["startDate"].timestamp() < int(row["claimed"]["N"]) - _SKEW:
        raise missing
    return found


def _state(name: str, found: dict[str, Any]) -> dict[str, Any]:
    state = {"id": name, "status": found["status"], "started": found["startDate"].isoformat()}
    if found.get("stopDate"):
        state["stopped"] = found["stopDate"].isoformat()
    if found["status"] == "SUCCEEDED" and found.get("output") is not None:
        state["output"] = json.loads(found["output"])
    if found.get("error"):
        state["error"] = found["error"]
        if found["error"] in json.loads(os.environ["TOLD"]):
            state["message"] = found.get("cause", "")
    return state


def _answer(
    event: dict[str, Any],
    status: int,
    body: dict[str, Any],
    type_: str = "application/json",
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    sent = {"Content-Type": type_, "Cache-Control": "no-store", **(headers or {})}
    given = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    if given.get("origin") in json.loads(os.environ["ORIGINS"]):
        sent |= {"Access-Control-Allow-Origin": given["origin"], "Access-Control-Expose-Headers": "Location"}
    if os.environ["ORIGINS"] != "[]":
        sent["Vary"] = "Origin"
    return {"statusCode": status, "headers": sent, "body": json.dumps(body, ensure_ascii=False)}
