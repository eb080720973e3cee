"""Files that are written and messages that are sent, seen by botocore's event system as mails are (see ``observers``).

A queue or topic that takes messages in order takes one with the same deduplication id once: a second try is not told of.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from stepworkflows_cdk.local.clock import timestamp
from stepworkflows_cdk.local.delivery import deliver_message
from stepworkflows_cdk.local.events import FileWritten, MessageSent
from stepworkflows_cdk.local.world import World

__all__ = ["OBSERVED", "observe_outgoing"]

_PARAMETERS = "stepworkflows-parameters"
_FILES = {
    "CompleteMultipartUpload": "put",
    "CopyObject": "copy",
    "DeleteObject": "delete",
    "DeleteObjects": "delete",
    "PutObject": "put",
}
_MESSAGES = (("sns", "Publish"), ("sns", "PublishBatch"), ("sqs", "SendMessage"), ("sqs", "SendMessageBatch"))
OBSERVED = (*_MESSAGES, *(("s3", operation) for operation in _FILES))
"""The calls that are seen, as in ``observers``."""


def observe_outgoing(world: World) -> None:
    """From now on, messages come into ``world.messages``, and the listener hears of them and of files."""
    events = world.session.events
    seen: set[tuple[str, str]] = set()

    def keep(params: Any, context: dict[str, Any], **_: Any) -> None:
        context[_PARAMETERS] = params

    def written(http_response: Any, model: Any, context: Mapping[str, Any], **_: Any) -> None:
        params = context[_PARAMETERS]
        name = next((name for name, bucket in world.buckets.items() if bucket == params.get("Bucket")), None)
        if http_response.status_code < 300 and name is not None:
            keys = [params["Key"]] if "Key" in params else [each["Key"] for each in params["Delete"]["Objects"]]
            for key in keys:
                world.tell(FileWritten(world.clock.elapsed(), world.state, name, key, _FILES[model.name]))

    def sent(http_response: Any, parsed: Mapping[str, Any], context: Mapping[str, Any], **_: Any) -> None:
        if http_response.status_code < 300:
            for to, entry in _entries(context[_PARAMETERS], parsed):
                once = (to, str(entry.get("MessageDeduplicationId", "")))
                if not once[1] or once not in seen:
                    seen.add(once)
                    _tell(world, to, entry)

    for operation in _FILES:
        events.register(f"provide-client-params.s3.{operation}", keep)
        events.register(f"after-call.s3.{operation}", written)
    for service, operation in _MESSAGES:
        events.register(f"provide-client-params.{service}.{operation}", keep)
        events.register(f"after-call.{service}.{operation}", sent)


def _entries(params: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each message that was taken, with the URL or the ARN that it was sent to."""
    to = str(params.get("QueueUrl") or params.get("TopicArn") or params.get("TargetArn") or params.get("PhoneNumber"))
    entries = params.get("Entries", params.get("PublishBatchRequestEntries"))
    if entries is None:
        yield to, params
        return
    taken = {each["Id"] for each in answer.get("Successful", ())}
    yield from ((to, entry) for entry in entries if entry["Id"] in taken)


def _tell(world: World, to: str, entry: Mapping[str, Any]) -> None:
    known = world.destinations.get(to) or {"queue" if to.startswith("http") else "topic": to.rpartition("/")[2]}
    body = entry.get("MessageBody", entry.get("Message"))
    message: dict[str, Any] = {**known, "body": _json(body)}
    for name, key in (("subject", "Subject"), ("group", "MessageGroupId"), ("delay", "DelaySeconds")):
        if entry.get(key) is not None:
            message[name] = entry[key]
    if attributes := entry.get("MessageAttributes"):
        message["attributes"] = {name: _attribute(value) for name, value in sorted(attributes.items())}
    world.messages.append({**message, "time": timestamp(world.clock.now())})
    ((kind, name),) = known.items()
    world.tell(MessageSent(world.clock.elapsed(), world.state, kind, name))
    if kind == "queue":
        deliver_message(world, name, body)


def _attribute(value: Mapping[str, Any]) -> Any:
    text = value.get("StringValue")
    return json.loads(text) if text is not None and value.get("DataType", "").startswith("Number") else text


def _json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text
