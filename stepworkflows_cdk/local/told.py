"""Calls of other processes of a run: they are told to the run, which sees them as those of its own.

The process writes each call that went well into a file, a line of JSON; the run then has botocore's events come about
once more. The process loads this module by its path, so it imports nothing of this package.
"""

from __future__ import annotations

import email
import json
from collections.abc import Iterable, Mapping
from email.utils import parseaddr
from pathlib import Path
from types import SimpleNamespace
from typing import Any

__all__ = ["hear", "tell"]

_PARAMETERS = "stepworkflows-parameters"
_LONGEST = 1_000_000
"""Bytes of a value that are told: a mail, but not a file."""


def tell(file: Path, calls: Iterable[str]) -> None:
    """From now on, those of ``calls`` (``ses.SendEmail``) that go well are written to the file. Senders of mails count as
    verified, as in the run's own process.
    """
    import boto3

    boto3.setup_default_session()
    events = boto3.DEFAULT_SESSION.events

    def keep(params: Any, context: dict[str, Any], **_: Any) -> None:
        context[_PARAMETERS] = params

    def verify(params: Mapping[str, Any], **_: Any) -> None:
        if sender := parseaddr(_sender(params))[1]:
            boto3.client("ses").verify_email_identity(EmailAddress=sender)

    def done(event_name: str, http_response: Any, parsed: Any, context: Mapping[str, Any], **_: Any) -> None:
        if http_response.status_code < 300:
            line = {"event": event_name, "params": context[_PARAMETERS], "answer": parsed}
            with file.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(line, default=_text) + "\n")

    for call in calls:  # the parameters as they are sent: a table of ``boto3.resource`` is given plain rows
        events.register(f"before-parameter-build.{call}", keep)
        events.register(f"after-call.{call}", done)
        if call.startswith("ses"):
            events.register(f"provide-client-params.{call}", verify)


def hear(file: Path, session: Any) -> None:
    """Has whoever observes the session see the calls in the file, if there are any."""
    for line in file.read_text("utf-8").splitlines() if file.exists() else ():
        call = json.loads(line)
        session.events.emit(
            call["event"],
            http_response=SimpleNamespace(status_code=200),
            model=SimpleNamespace(name=call["event"].rpartition(".")[2]),
            parsed=call["answer"],
            context={_PARAMETERS: call["params"]},
        )


def _sender(params: Mapping[str, Any]) -> str:
    said = params.get("Source") or params.get("FromEmailAddress")
    raw = (params.get("RawMessage") or params.get("Content", {}).get("Raw") or {}).get("Data")
    if said or not isinstance(raw, str | bytes):
        return str(said or "")
    message = email.message_from_string(raw) if isinstance(raw, str) else email.message_from_bytes(raw)
    return str(message["From"] or "")


def _text(value: Any) -> str:
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "replace") if len(value) < _LONGEST else ""
    return str(value)
