"""What calls send that may start flows: messages to queues, events to buses, files into buckets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stepworkflows_cdk.language.references import given_flow
from stepworkflows_cdk.language.sent import Sent

__all__ = ["sent_by"]

_MESSAGES = ("sqs:sendMessage", "sqs:sendMessageBatch")
_FILES = ("s3:putObject", "s3:copyObject", "s3:completeMultipartUpload")
_EVENTS = "eventbridge:putEvents"
_UNKNOWN = "{unknown}"


def sent_by(call: str, inputs: Mapping[str, Any]) -> Iterator[Sent]:
    """What a call with such parameters sends to resources of the flow, and to the account's bus."""
    given = _spelt(inputs)
    if call in _MESSAGES and (queue := given_flow(given.get("QueueUrl"))):
        yield Sent("queue", queue, ("call",))
    elif call in _FILES and (bucket := given_flow(given.get("Bucket"))):
        yield Sent("s3", bucket, ("call",), {"key": _text(given.get("Key"))})
    elif call == _EVENTS and isinstance(given.get("Entries"), list):
        for entry in given["Entries"]:
            event = _spelt(entry) if isinstance(entry, dict) else {}
            bus = event.get("EventBusName")
            words = {"source": _text(event.get("Source")), "detail-type": _text(event.get("DetailType"))}
            if bus in (None, "default") or given_flow(bus):
                yield Sent("event", given_flow(bus), ("call",), words)


def _spelt(given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters may begin with a small letter."""
    return {name[:1].upper() + name[1:]: value for name, value in given.items()}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _UNKNOWN
