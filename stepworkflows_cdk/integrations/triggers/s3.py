"""``triggers: {s3: {bucket: uploads, prefix: in/}}``: an execution for each object that comes into a bucket."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from stepworkflows_cdk.compiler.integration import Integration, Start, TriggerScope
from stepworkflows_cdk.compiler.plan import Data, Grant, Hole, Text
from stepworkflows_cdk.compiler.texts import json_text
from stepworkflows_cdk.integrations.triggers.needs import StartRuleNeed
from stepworkflows_cdk.integrations.triggers.promised import missing_inputs
from stepworkflows_cdk.language.checks.triggers import deployed_strings, resource_problems
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.sent import Sent, can_begin, can_end
from stepworkflows_cdk.language.workflow import Trigger, Workflow

__all__ = ["S3Trigger", "S3TriggerKeys"]

_TYPES = {"created": "Object Created", "deleted": "Object Deleted"}
_GIVEN = frozenset({"version", "bucket", "object", "request-id", "requester", "source-ip-address", "reason"})
"""What both kinds have: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html"""


class S3TriggerKeys(Keys):
    """Starts the flow for each object of a bucket, at least once. Its input is the detail of S3's event: `{bucket.name}`,
    `{object.key}`, `{object.size}`. A bucket of your own has to send its events to EventBridge.
    """

    bucket: str = Field(description="The name of a bucket under `resources`.")
    prefix: str | None = Field(None, min_length=1, description="What the object's key begins with.")
    suffix: str | None = Field(None, min_length=1, description="What the object's key ends with.")
    events: Literal["created", "deleted"] = Field("created", description="What happened to the object.")


class S3Trigger(Integration):
    """S3 by EventBridge: https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html."""

    triggers = {"s3": S3TriggerKeys}

    def trigger_id(self, trigger: Trigger) -> str:
        keys = _keys(trigger)
        return " ".join(part for part in (keys.bucket, keys.events, keys.prefix, "*", keys.suffix) if part)

    def check_trigger(self, trigger: Trigger, workflow: Workflow) -> Iterable[Problem]:
        yield from resource_problems(trigger, "bucket", _keys(trigger).bucket, "bucket", workflow)
        for key in ("prefix", "suffix"):
            yield from deployed_strings(trigger, workflow, key)
        yield from missing_inputs(trigger, workflow, _GIVEN, "declare what S3 gives, such as `object: {type: object}`")

    def started_by(self, trigger: Trigger, sent: Sent) -> bool:
        keys = _keys(trigger)
        return (
            (sent.kind, sent.to, keys.events) == ("s3", keys.bucket, "created")
            and can_begin(sent.words["key"], keys.prefix or "")
            and can_end(sent.words["key"], keys.suffix or "")
        )

    def plan_trigger(self, trigger: Trigger, scope: TriggerScope) -> Start:
        keys = _keys(trigger)
        bucket = scope.resource(keys.bucket)
        detail: dict[str, Data] = {"bucket": {"name": [Text((Hole(bucket.id, "name"),))]}}
        if key := _key(scope.text(keys.prefix or ""), scope.text(keys.suffix or "")):
            detail["object"] = {"key": [key]}
        pattern: dict[str, Data] = {"source": ["aws.s3"], "detail-type": [_TYPES[keys.events]], "detail": detail}
        rule = StartRuleNeed(
            id=scope.id,
            mark=trigger.mark,
            bus=None,
            pattern=json_text(pattern),
            input="detail",
            machine=scope.machine,
            bucket=bucket.id,
        )
        return Start(
            (rule,),
            (Grant(rule.id, ("states:StartExecution",), Text((Hole(scope.machine, "machine_arn"),)), trigger.mark),),
        )


def _keys(trigger: Trigger) -> S3TriggerKeys:
    assert isinstance(trigger.keys, S3TriggerKeys)
    return trigger.keys


def _key(prefix: Text, suffix: Text) -> dict[str, Data] | None:
    """The pattern of an object's key. Two in one list would mean either, so both together are one with a wildcard.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
    """
    if prefix.parts and suffix.parts and any(prefix.parts) and any(suffix.parts):
        return {"wildcard": Text((*_escaped(prefix), "*", *_escaped(suffix)))}
    if any(prefix.parts):
        return {"prefix": prefix}
    return {"suffix": suffix} if any(suffix.parts) else None


def _escaped(text: Text) -> tuple[str | Hole, ...]:
    return tuple(
        part.replace("\\", "\\\\").replace("*", "\\*") if isinstance(part, str) else part for part in text.parts
    )
