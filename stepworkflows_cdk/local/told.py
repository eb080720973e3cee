"""What a process tells its run of: the calls that a run sees, such as mails, each a line of JSON in a file.

It is loaded by its path, as ``offline``. As in the run's own process, senders of mails count as verified.
"""

from __future__ import annotations

import email
import json
from collections.abc import Iterable, Mapping
from email.utils import parseaddr
from pathlib import Path
from typing import Any

__all__ = ["tell"]

_PARAMETERS = "stepworkflows-parameters"


def tell(file: Path, calls: Iterable[str]) -> None:
    """From now on, those of ``calls`` (``ses.SendEmail``) that go well are written to the file: ``api``, ``params``,
    ``answer``.
    """
    import boto3

    boto3.setup_default_session()
    events = boto3.DEFAULT_SESSION.events

    def keep(params: Any, context: dict[str, Any], **_: Any) -> None:
        context[_PARAMETERS] = params

    def verify(params: Mapping[str, Any], **_: Any) -> None:
        if sender := parseaddr(_sender(params))[1]:
            boto3.client("ses").verify_email_identity(EmailAddress=sender)

    def done(http_response: Any, model: Any, parsed: Any, context: Mapping[str, Any], **_: Any) -> None:
        if http_response.status_code < 300:
            line = {"api": model.name, "params": context[_PARAMETERS], "answer": parsed}
            with file.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(line, default=_text) + "\n")

    for call in calls:
        events.register(f"provide-client-params.{call}", keep)
        events.register(f"after-call.{call}", done)
        if call.startswith("ses"):
            events.register(f"provide-client-params.{call}", verify)


def _sender(params: Mapping[str, Any]) -> str:
    raw = (params.get("RawMessage") or params.get("Content", {}).get("Raw") or {}).get("Data")
    if isinstance(raw, str | bytes):
        message = email.message_from_string(raw) if isinstance(raw, str) else email.message_from_bytes(raw)
        return str(params.get("Source") or params.get("FromEmailAddress") or message["From"] or "")
    return str(params.get("Source") or params.get("FromEmailAddress") or "")


def _text(value: Any) -> str:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | bytearray) else str(value)
