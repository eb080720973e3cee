"""A step that waits for a decision asks for it: everybody who may decide gets a mail with a link of their own.

Given ``{"key", "owner", "token", "round", "lasts", "from", "to", "subject", "text", "choices"}`` by a state machine, which waits
for an answer to the token. A call that is made again sends each mail once more at the most: what was sent in this round is noted
behind each mail.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from typing import Any

import boto3
from answers import claim, noted, put
from botocore.exceptions import BotoCoreError, ClientError

ses = boto3.client("sesv2")
_FOR_NOW = ("Throttling", "ThrottlingException", "TooManyRequestsException", "LimitExceededException")


class MailNotSent(Exception):
    """It could not be done now; another try may."""


def handler(given: dict[str, Any], context: object) -> None:
    try:
        _asked(given)
    except BotoCoreError as error:
        raise MailNotSent(type(error).__name__) from error
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status >= 500 or error.response["Error"]["Code"] in _FOR_NOW:
            raise MailNotSent(error.response["Error"]["Code"]) from error
        raise


def _asked(given: dict[str, Any]) -> None:
    row = claim(given["key"], given["owner"], given["token"], int(given["lasts"]))
    if "answer" in row:
        return  # decided while the step did something else; the answer has been sent
    to = [given["to"]] if isinstance(given["to"], str) else given["to"]
    done = row.get("mailed", {}).get("SS", [])
    for address in dict.fromkeys(to):
        mark = hashlib.sha256(f"{given['round']} {address}".encode()).hexdigest()[:16]
        if mark not in done:
            _mail(given, address, row["expires"]["N"])
            noted(given["key"], mark)


def _mail(given: dict[str, Any], address: str, expires: str) -> None:
    # The first names the page, and may be seen by whoever sees addresses of requests; the second decides.
    page, secret = secrets.token_urlsafe(16), secrets.token_urlsafe(32)
    put(
        f"approval/{page}",
        expires,
        {
            "wait": given["key"],
            "by": address,
            "secret": hashlib.sha256(secret.encode()).hexdigest(),
            "subject": given["subject"],
            "text": given["text"],
            "choices": json.dumps(given["choices"]),
        },
    )
    text = f"{given['text']}\n\nDecide here, once: {os.environ['URL']}/{page}#{secret}\n"
    ses.send_email(
        FromEmailAddress=given["from"],
        Destination={"ToAddresses": [address]},
        Content={"Simple": {"Subject": {"Data": given["subject"]}, "Body": {"Text": {"Data": text}}}},
    )
