"""An example for every key of the language: where it stands in a flow that is right, and a value that changes something."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from stepworkflows_cdk.integrations.activities.plan import ActivityKeys, ActivityRuntime
from stepworkflows_cdk.integrations.api.plan import ApiKeys, CallerKeys, ThrottleKeys
from stepworkflows_cdk.integrations.containers.keys import (
    Ec2Keys,
    Ec2Runtime,
    Ec2Settings,
    FargateKeys,
    FargateRuntime,
    FargateSettings,
)
from stepworkflows_cdk.integrations.dynamodb.fetch import FetchSpec
from stepworkflows_cdk.integrations.dynamodb.record import RecordSpec
from stepworkflows_cdk.integrations.events.emit import EmitSpec
from stepworkflows_cdk.integrations.http.connections import ApiKeyKeys, AuthKeys, BasicKeys, OAuthKeys
from stepworkflows_cdk.integrations.http.request import HttpSpec
from stepworkflows_cdk.integrations.lambda_.keys import LambdaRuntime, LambdaSettings
from stepworkflows_cdk.integrations.messages.message import MessageSpec
from stepworkflows_cdk.integrations.s3.file import CopySpec, FileSpec, GetSpec, ListSpec, PlaceSpec, PutSpec
from stepworkflows_cdk.integrations.ses.plan import EmailSpec
from stepworkflows_cdk.integrations.triggers.event import EventTriggerKeys
from stepworkflows_cdk.integrations.triggers.queue import QueueTriggerKeys
from stepworkflows_cdk.integrations.triggers.s3 import S3TriggerKeys
from stepworkflows_cdk.integrations.triggers.schedule import ScheduleKeys
from stepworkflows_cdk.integrations.waits.plan import EventSpec, WaitSpec
from stepworkflows_cdk.language.contract import Schema
from stepworkflows_cdk.language.model import (
    ArmKeys,
    CatchKeys,
    ConfigKeys,
    DeployKeys,
    FailKeys,
    FlowKeys,
    ForEachKeys,
    OutputKeys,
    RequireKeys,
    ResultsKeys,
    RetryKeys,
    SecretKeys,
    SourceKeys,
    StepKeys,
    UntilKeys,
)

ROLE = "arn:aws:iam::111122223333:role/caller"
ABROAD = "arn:aws:lambda:REGION:111122223333:function:theirs"
FLOW: dict[str, Any] = {
    "name": "flow",
    "inputs": {"s": "string", "n": {"type": "integer"}, "o": {"type": "object"}, "l": {"type": "array"}},
    "resources": {
        "rows": {"type": "table", "key": "id"},
        "news": {"type": "bus"},
        "main": {"type": "network"},
        "users": {"type": "user-pool"},
        "gate": {"type": "function"},
        "in": {"type": "bucket"},
        "out": {"type": "bucket"},
        "jobs": {"type": "queue"},
        "ledger": {"type": "queue", "fifo": True},
        "posts": {"type": "topic"},
        "api": {"type": "connection", "auth": {"api-key": {"secret": "{secrets.key}"}}},
        "old-api": {"type": "connection", "auth": {"basic": {"user": "me", "secret": "{secrets.key}"}}},
        "new-api": {
            "type": "connection",
            "auth": {"oauth": {"url": "https://example.com", "client-id": "me", "secret": "{secrets.key}"}},
        },
        "pool": {"type": "cluster"},
    },
    "triggers": {
        "api": {"path": "/orders", "auth": {"cognito": "users"}, "throttle": {}},
        "schedule": {"every": "1h", "input": {"s": "x", "n": 1, "o": {}, "l": []}},
        "event": {"source": "s", "detail-type": "t"},
        "queue": {"queue": "jobs"},
    },
    "config": {"stage": {"default": "dev"}},
    "secrets": {"key": {}},
    "undo-steps": {"back": {"runs-on": "lambda", "zip-file": "code"}},
    "steps": [
        {"id": "work", "runs-on": {"lambda": {}}, "zip-file": "code", "undo": "back"},
        {"id": "write", "record": {"table": "rows", "key": {"id": "x"}, "mode": "update"}, "inputs": {"a": 1}},
        {"id": "read", "fetch": {"table": "rows", "key": {"id": "x"}}, "outputs": {"row": {"value": "{result}"}}},
        {"id": "ask", "call": "dynamodb:describeTable", "inputs": {"TableName": "{resources.rows}"}},
        {"id": "rule", "require": {"that": "{n} > 0"}},
        {
            "id": "guarded",
            "runs-on": "lambda",
            "zip-file": "code",
            "catch": [{"steps": [{"id": "c", "outputs": {"x": 1}}]}],
        },
        {"id": "mail", "email": {"from": "a@example.com", "to": "{s}", "subject": "s", "text": "t"}},
        {"id": "pause", "wait": {"until": "2026-01-01T00:00:00Z"}},
        {
            "id": "fork",
            "switch": [
                {"when": "{n} = 1", "steps": [{"id": "arm-1", "outputs": {"x": 1}}]},
                {"else": [{"id": "arm-3", "outputs": {"x": 3}}]},
            ],
        },
        {"id": "tell", "emit": {"source": "s", "detail-type": "t"}},
        {
            "id": "hear",
            "wait-for": {"event": {"source": "s", "detail-type": "t"}, "match": {"a": "x"}},
            "timeout": "1d",
        },
        {"id": "abroad", "runs-on": {"lambda": {"account": "111122223333", "role": ROLE}}, "arn": ABROAD},
        {"id": "save", "file": {"put": {"bucket": "in", "key": "a"}}, "inputs": {"a": 1}},
        {"id": "load", "file": {"get": {"bucket": "in", "key": "a"}}, "outputs": {"loaded": "{result}"}},
        {"id": "keep", "file": {"copy": {"from": {"bucket": "in", "key": "a"}, "to": {"bucket": "out", "key": "a"}}}},
        {"id": "files", "file": {"list": {"bucket": "in"}}},
        {"id": "send", "message": {"queue": "jobs", "text": "t"}},
        {"id": "send-on", "message": {"queue": "ledger", "group": "g", "text": "t"}},
        {"id": "post", "message": {"topic": "posts", "text": "t"}},
        {
            "id": "fill",
            "http": {"method": "POST", "url": "https://example.com", "auth": "api"},
            "inputs": {"a": 1},
            "outputs": {"filled": "{result}"},
        },
        {"id": "box", "runs-on": {"fargate": {}}, "zip-file": "code"},
        {"id": "van", "runs-on": {"ec2": {"cluster": "pool"}}, "zip-file": "code"},
        {"id": "hand", "runs-on": {"activity": {}}, "zip-file": "code", "timeout": "1d"},
        {"id": "part", "uses": "part.json"},
        {"id": "each", "for-each": {"items": "{l}"}, "steps": [{"id": "one", "outputs": {"x": "{item}"}}]},
        {
            "id": "far",
            "for-each": {"source": {"bucket": "in", "key": "a.json"}, "results": {"bucket": "in", "prefix": "p"}},
            "steps": [{"id": "near", "outputs": {"y": "{item}"}}],
        },
        {
            "id": "all",
            "for-each": {"source": {"bucket": "in", "prefix": "p"}},
            "steps": [{"id": "some", "outputs": {"z": "{item}"}}],
        },
        {"id": "over", "fail": {"error": "Over"}},
    ],
}
WORK, WRITE, READ, ASK, RULE, CATCH, MAIL, PAUSE, FORK, TELL, HEAR, ABROAD_ = (("steps", index) for index in range(12))
SAVE, LOAD, KEEP, FILES, SEND, SEND_ON, POST, FILL = (("steps", index) for index in range(12, 20))
BOX, VAN, HAND, PART, EACH, FAR, ALL, OVER = (("steps", index) for index in range(20, 28))
API, SCHEDULE, EVENT = (("triggers", kind) for kind in ("api", "schedule", "event"))
ARN = "arn:aws:lambda:REGION:ACCOUNT_ID:function:theirs"
STEP = {"id": "later", "runs-on": "lambda", "zip-file": "code"}

EXAMPLES: dict[tuple[type[BaseModel], str], tuple[tuple[str | int, ...], Any]] = {
    (FlowKeys, "id"): ((), "other"),
    (FlowKeys, "name"): ((), "another"),
    (FlowKeys, "description"): ((), "what it is for"),
    (FlowKeys, "type"): ((), "ActorStep"),
    (FlowKeys, "inputs"): ((), {}),
    (FlowKeys, "outputs"): ((), {"n": "{n}"}),
    (FlowKeys, "triggers"): ((), {"event": {"source": "s", "detail-type": "t"}}),
    (FlowKeys, "steps"): ((), [STEP]),
    (FlowKeys, "resources"): ((), {"rows": {"type": "table", "key": "other"}}),
    (FlowKeys, "config"): ((), {"more": {"type": "integer", "default": "x"}}),
    (FlowKeys, "secrets"): ((), {"other": {}}),
    (FlowKeys, "undo-steps"): ((), {}),
    (FlowKeys, "on-failure"): ((), [STEP]),
    (FlowKeys, "timeout"): ((), "1h"),
    (FlowKeys, "deploy"): ((), {"alias": "prod"}),
    (DeployKeys, "alias"): (("deploy",), "prod"),
    (DeployKeys, "strategy"): (("deploy",), "linear"),
    (DeployKeys, "percentage"): (("deploy",), 20),
    (DeployKeys, "interval"): (("deploy",), "1h"),
    (DeployKeys, "alarms"): (("deploy",), ["shop-errors"]),
    (FlowKeys, "env"): ((), {"A": "b"}),
    (FlowKeys, "retry"): ((), {"errors": ["Busy"]}),
    (FlowKeys, "permissions"): ((), {"rows": ["read"]}),
    (StepKeys, "id"): (WORK, "other"),
    (StepKeys, "name"): (WORK, "Another name"),
    (StepKeys, "description"): (WORK, "what it does"),
    (StepKeys, "type"): (WORK, "RunnableStep"),
    (StepKeys, "inputs"): (WORK, {"a": 1}),
    (StepKeys, "outputs"): (WORK, {"a": "{a}"}),
    (StepKeys, "env"): (WORK, {"A": "b"}),
    (StepKeys, "timeout"): (WORK, "2m"),
    (StepKeys, "heartbeat"): (HAND, "2m"),
    (StepKeys, "retry"): (WORK, {"errors": ["Busy"]}),
    (StepKeys, "on-error"): (WORK, "continue"),
    (StepKeys, "undo"): (WORK, "nobody"),
    (StepKeys, "undo-when"): (WORK, "completed"),
    (StepKeys, "pivot"): (WORK, True),
    (StepKeys, "ignore"): (("undo-steps", "back"), ["Gone"]),
    (StepKeys, "secrets"): (WORK, {"KEY": "{secrets.key}"}),
    (StepKeys, "permissions"): (WORK, {"rows": ["read"]}),
    (StepKeys, "require"): (WORK, {"that": "true"}),
    (StepKeys, "fail"): (WORK, {"error": "X"}),
    (StepKeys, "if"): (WORK, "{n} > 1"),
    (StepKeys, "catch"): (WORK, [{"steps": [STEP]}]),
    (StepKeys, "switch"): (WORK, []),
    (StepKeys, "for-each"): (WORK, {"items": [1]}),
    (StepKeys, "steps"): (EACH, [{"id": "two", "outputs": {"x": 2}}]),
    (StepKeys, "on-timeout"): (HEAR, "continue"),
    (StepKeys, "parallel"): (WORK, {"a": [STEP]}),
    (StepKeys, "wait"): (WORK, "2h"),
    (CatchKeys, "errors"): ((*CATCH, "catch", 0), ["Busy"]),
    (CatchKeys, "when"): ((*CATCH, "catch", 0), "{error.cause} = 'x'"),
    (CatchKeys, "steps"): ((*CATCH, "catch", 0), [STEP, {**STEP, "id": "later-2"}]),
    (ArmKeys, "when"): ((*FORK, "switch", 0), "{n} = 2"),
    (ArmKeys, "steps"): ((*FORK, "switch", 0), [{"id": "arm-2", "outputs": {"x": 2}}]),
    (ArmKeys, "else"): ((*FORK, "switch", 1), [{"id": "arm-4", "outputs": {"x": 4}}]),
    (ForEachKeys, "items"): ((*EACH, "for-each"), [1]),
    (ForEachKeys, "as"): ((*EACH, "for-each"), "other"),
    (ForEachKeys, "concurrency"): ((*EACH, "for-each"), 2),
    (ForEachKeys, "max-items"): ((*EACH, "for-each"), 2),
    (ForEachKeys, "collect"): ((*EACH, "for-each"), True),
    (ForEachKeys, "source"): ((*FAR, "for-each"), {"bucket": "in", "key": "a.csv"}),
    (ForEachKeys, "batch"): ((*EACH, "for-each"), 2),
    (ForEachKeys, "tolerate"): ((*EACH, "for-each"), "5%"),
    (ForEachKeys, "results"): ((*FAR, "for-each"), None),
    (SourceKeys, "bucket"): ((*FAR, "for-each", "source"), "out"),
    (SourceKeys, "key"): ((*FAR, "for-each", "source"), "b.json"),
    (SourceKeys, "prefix"): ((*ALL, "for-each", "source"), "q"),
    (ResultsKeys, "bucket"): ((*FAR, "for-each", "results"), "out"),
    (ResultsKeys, "prefix"): ((*FAR, "for-each", "results"), "q"),
    (UntilKeys, "until"): ((*PAUSE, "wait"), "2027-01-01T00:00:00Z"),
    **{
        (RetryKeys, key): ((*WORK, "retry"), value)
        for key, value in {
            "errors": ["Busy"],
            "when": "{error.type} = 'Busy'",
            "attempts": 2,
            "interval": "9s",
            "backoff": 3,
            "max-interval": "5m",
            "jitter": False,
        }.items()
    },
    (RequireKeys, "that"): ((*RULE, "require"), "{n} > 1"),
    (RequireKeys, "error"): ((*RULE, "require"), "TooFew"),
    (RequireKeys, "message"): ((*RULE, "require"), "too few"),
    (FailKeys, "error"): ((*OVER, "fail"), "Under"),
    (FailKeys, "message"): ((*OVER, "fail"), "that is all"),
    (OutputKeys, "value"): ((*READ, "outputs", "row"), "{result.a}"),
    (OutputKeys, "type"): ((*READ, "outputs", "row"), "object"),
    (OutputKeys, "default"): ((*READ, "outputs", "row"), {}),
    (ConfigKeys, "type"): (("config", "stage"), "integer"),
    (ConfigKeys, "default"): (("config", "stage"), 5),
    (ConfigKeys, "allowed"): (("config", "stage"), ["prod"]),
    (SecretKeys, "description"): (("secrets", "key"), "a key"),
    (Schema, "type"): (("inputs", "s"), "boolean"),
    (Schema, "required"): (("inputs", "s"), False),
    (Schema, "default"): (("inputs", "s"), "x"),
    (Schema, "properties"): (("inputs", "o"), {"a": "string"}),
    (Schema, "items"): (("inputs", "l"), "string"),
    (Schema, "enum"): (("inputs", "s"), ["a"]),
    (Schema, "const"): (("inputs", "s"), None),
    (Schema, "minLength"): (("inputs", "s"), 1),
    (Schema, "maxLength"): (("inputs", "s"), 1),
    (Schema, "minItems"): (("inputs", "l"), 1),
    (Schema, "maxItems"): (("inputs", "l"), 1),
    (Schema, "minimum"): (("inputs", "n"), 1),
    (Schema, "maximum"): (("inputs", "n"), 1),
    (Schema, "pattern"): (("inputs", "s"), "a"),
    (Schema, "format"): (("inputs", "s"), "email"),
    (LambdaRuntime, "lambda"): ((*WORK, "runs-on"), {"memory": 1024}),
    (LambdaSettings, "memory"): ((*WORK, "runs-on", "lambda"), 1024),
    (LambdaSettings, "timeout"): ((*WORK, "runs-on", "lambda"), "1m"),
    (LambdaSettings, "python"): ((*WORK, "runs-on", "lambda"), "3.12"),
    (LambdaSettings, "architecture"): ((*WORK, "runs-on", "lambda"), "x86_64"),
    (LambdaSettings, "ephemeral-storage"): ((*WORK, "runs-on", "lambda"), 1024),
    (LambdaSettings, "concurrency"): ((*WORK, "runs-on", "lambda"), 5),
    (LambdaSettings, "vpc"): ((*WORK, "runs-on", "lambda"), "main"),
    (LambdaSettings, "account"): ((*ABROAD_, "runs-on", "lambda"), "444455556666"),
    (LambdaSettings, "role"): ((*ABROAD_, "runs-on", "lambda"), f"{ROLE}-2"),
    **{
        (model, key): (place, value)
        for model, place in ((FargateSettings, (*BOX, "runs-on", "fargate")), (Ec2Settings, (*VAN, "runs-on", "ec2")))
        for key, value in {
            "cpu": 1024,
            "memory": 1024,
            "timeout": "1m",
            "python": "3.12",
            "architecture": "x86_64",
            "vpc": "main",
            **({"network": "private"} if model is FargateSettings else {}),
            "cluster": "pool" if model is FargateSettings else "other",
            "capacity": "gpus",
        }.items()
    },
    (FargateRuntime, "fargate"): ((*BOX, "runs-on"), {"cpu": 512}),
    (Ec2Runtime, "ec2"): ((*VAN, "runs-on"), {"cluster": "pool", "cpu": 512}),
    (ActivityRuntime, "activity"): ((*HAND, "runs-on"), {"more": 1}),
    (FargateKeys, "runs-on"): (BOX, "lambda"),
    (FargateKeys, "zip-file"): (BOX, "nowhere"),
    (FargateKeys, "image"): (BOX, "ACCOUNT_ID.dkr.ecr.REGION.amazonaws.com/a:1"),
    (FargateKeys, "handler"): (BOX, "handler.other"),
    (Ec2Keys, "runs-on"): (VAN, "fargate"),
    (Ec2Keys, "zip-file"): (VAN, "nowhere"),
    (Ec2Keys, "image"): (VAN, "ACCOUNT_ID.dkr.ecr.REGION.amazonaws.com/a:1"),
    (Ec2Keys, "handler"): (VAN, "handler.other"),
    (ActivityKeys, "runs-on"): (HAND, "fargate"),
    (ActivityKeys, "zip-file"): (HAND, "nowhere"),
    (ActivityKeys, "handler"): (HAND, "handler.other"),
    (RecordSpec, "table"): ((*WRITE, "record"), "nobody"),
    (RecordSpec, "key"): ((*WRITE, "record"), {"id": "y"}),
    (RecordSpec, "mode"): ((*WRITE, "record"), "once"),
    (RecordSpec, "add"): ((*WRITE, "record"), {"n": 1}),
    (RecordSpec, "append"): ((*WRITE, "record"), {"l": 1}),
    (RecordSpec, "condition"): ((*WRITE, "record"), {"a": [1, None]}),
    (FetchSpec, "table"): ((*READ, "fetch"), "nobody"),
    (FetchSpec, "key"): ((*READ, "fetch"), {"id": "y"}),
}
EXAMPLES |= {
    (EmailSpec, "from"): ((*MAIL, "email"), "b@example.com"),
    (EmailSpec, "to"): ((*MAIL, "email"), ["c@example.com"]),
    (EmailSpec, "subject"): ((*MAIL, "email"), "other"),
    (EmailSpec, "text"): ((*MAIL, "email"), "other"),
    (EmailSpec, "html"): ((*MAIL, "email"), "<p>{s}</p>"),
    (EmailSpec, "template"): ((*MAIL, "email"), "nowhere"),
    (EmailSpec, "identity"): ((*MAIL, "email"), "a@example.com"),
}
EXAMPLES |= {
    (EmitSpec, "source"): ((*TELL, "emit"), "u"),
    (EmitSpec, "detail-type"): ((*TELL, "emit"), "u"),
    (EmitSpec, "bus"): ((*TELL, "emit"), "news"),
    (EventSpec, "source"): ((*HEAR, "wait-for", "event"), "u"),
    (EventSpec, "detail-type"): ((*HEAR, "wait-for", "event"), "u"),
    (EventSpec, "bus"): ((*HEAR, "wait-for", "event"), "news"),
    (WaitSpec, "event"): ((*HEAR, "wait-for"), {"source": "u", "detail-type": "t"}),
    (WaitSpec, "match"): ((*HEAR, "wait-for"), {"b": "x"}),
}


def _each(
    model: type[BaseModel], place: tuple[str | int, ...], values: dict[str, Any]
) -> dict[tuple[type[BaseModel], str], tuple[tuple[str | int, ...], Any]]:
    return {(model, key): (place, value) for key, value in values.items()}


_B = {"bucket": "in", "key": "b"}
_OTHER = {"secret": "{secrets.other}", "field": "f"}
EXAMPLES |= {
    (FileSpec, "put"): ((*SAVE, "file"), _B),
    (FileSpec, "get"): ((*LOAD, "file"), _B),
    (FileSpec, "copy"): ((*KEEP, "file"), {"from": _B, "to": {**_B, "bucket": "out"}}),
    (FileSpec, "list"): ((*FILES, "file"), {"bucket": "out"}),
    (MessageSpec, "queue"): ((*SEND, "message"), "ledger"),
    (MessageSpec, "topic"): ((*POST, "message"), "nobody"),
    (MessageSpec, "text"): ((*SEND, "message"), "u"),
    (MessageSpec, "subject"): ((*POST, "message"), "s"),
    (MessageSpec, "delay"): ((*SEND, "message"), "1m"),
    (MessageSpec, "group"): ((*SEND_ON, "message"), "h"),
    (MessageSpec, "dedup"): ((*SEND_ON, "message"), "d"),
    (MessageSpec, "attributes"): ((*SEND, "message"), {"a": 1}),
    (AuthKeys, "api-key"): (("resources", "api", "auth"), {"name": "X-Key", "secret": "{secrets.key}"}),
    (AuthKeys, "basic"): (("resources", "old-api", "auth"), {"user": "you", "secret": "{secrets.key}"}),
    (AuthKeys, "oauth"): (
        ("resources", "new-api", "auth"),
        {"url": "https://example.com/t", "client-id": "me", "secret": "{secrets.key}"},
    ),
    **_each(PutSpec, (*SAVE, "file", "put"), {"bucket": "out", "key": "b", "text": "t", "content-type": "a/b"}),
    **_each(GetSpec, (*LOAD, "file", "get"), {"bucket": "out", "key": "b", "as": "text"}),
    **_each(CopySpec, (*KEEP, "file", "copy"), {"from": _B, "to": {**_B, "bucket": "out"}}),
    **_each(PlaceSpec, (*KEEP, "file", "copy", "to"), {"bucket": "in", "key": "b"}),
    **_each(ListSpec, (*FILES, "file", "list"), {"bucket": "out", "prefix": "a", "after": "a", "max": 1}),
    **_each(
        HttpSpec,
        (*FILL, "http"),
        {
            "method": "PUT",
            "url": "https://example.com/{s}",
            "auth": "old-api",
            "headers": {"Accept": "text/html"},
            "query": {"a": 1},
            "form": True,
            "response": "all",
        },
    ),
    **_each(ApiKeyKeys, ("resources", "api", "auth", "api-key"), {**_OTHER, "name": "X-Key"}),
    **_each(BasicKeys, ("resources", "old-api", "auth", "basic"), {**_OTHER, "user": "you"}),
    **_each(
        OAuthKeys,
        ("resources", "new-api", "auth", "oauth"),
        {**_OTHER, "url": "https://example.com/t", "client-id": "you", "method": "GET", "parameters": {"scope": "a"}},
    ),
}
EXAMPLES |= {
    (ApiKeys, "path"): (API, "/v2/orders"),
    (ApiKeys, "auth"): (API, "iam"),
    (ApiKeys, "idempotency-key"): (API, "{input.s}"),
    (ApiKeys, "throttle"): (API, {"rate": 5}),
    (ApiKeys, "cancel"): (API, True),
    (ApiKeys, "cors"): (API, ["https://shop.example.com"]),
    (CallerKeys, "cognito"): ((*API, "auth"), "nobody"),
    (CallerKeys, "function"): ((*API, "auth"), "gate"),
    (ThrottleKeys, "rate"): ((*API, "throttle"), 5),
    (ThrottleKeys, "burst"): ((*API, "throttle"), 5),
    (ScheduleKeys, "every"): (SCHEDULE, "2h"),
    (ScheduleKeys, "cron"): (SCHEDULE, "0 6 * * ? *"),
    (ScheduleKeys, "timezone"): (SCHEDULE, "Europe/Vienna"),
    (ScheduleKeys, "input"): (SCHEDULE, {"s": "y", "n": 1, "o": {}, "l": []}),
    (ScheduleKeys, "enabled"): (SCHEDULE, False),
    (EventTriggerKeys, "source"): (EVENT, "u"),
    (EventTriggerKeys, "detail-type"): (EVENT, "u"),
    (EventTriggerKeys, "match"): (EVENT, {"a": 1}),
    (EventTriggerKeys, "bus"): (EVENT, "news"),
    (EventTriggerKeys, "input"): (EVENT, "event"),
    (QueueTriggerKeys, "queue"): (("triggers", "queue"), "ledger"),
    (QueueTriggerKeys, "batch"): (("triggers", "queue"), 5),
    (S3TriggerKeys, "bucket"): (("triggers", "s3"), "uploads"),
    (S3TriggerKeys, "prefix"): (("triggers", "s3"), ""),
    (S3TriggerKeys, "suffix"): (("triggers", "s3"), ""),
    (S3TriggerKeys, "events"): (("triggers", "s3"), "made"),
}
BY_INTEGRATION = {
    "fifo": (("resources", "jobs"), True),
    "keep": (("resources", "jobs"), "1d"),
    "timeout": (("resources", "jobs"), "1m"),
    "tries": (("resources", "jobs"), 1),
    "auth": (("resources", "api"), {"basic": {"user": "me", "secret": "{secrets.key}"}}),
    "revision": (("resources", "api"), 2),
    "file": (FILES, {"list": {"bucket": "out"}}),
    "message": (SEND, {"queue": "jobs", "text": "u"}),
    "http": (FILL, {"method": "PUT", "url": "https://example.com", "auth": "api"}),
    "emit": (TELL, {"source": "u", "detail-type": "t"}),
    "wait-for": (HEAR, {"event": {"source": "u", "detail-type": "t"}, "match": {"a": "x"}}),
    "email": (MAIL, {"from": "b@example.com", "to": "c@example.com", "subject": "s", "text": "t"}),
    "runs-on": (WORK, "lambda2"),
    "zip-file": (WORK, "nowhere"),
    "arn": (WORK, ARN),
    "image": (WORK, "ACCOUNT_ID.dkr.ecr.REGION.amazonaws.com/work:1"),
    "handler": (WORK, "handler.other"),
    "record": (WRITE, {"table": "rows", "key": {"id": "y"}}),
    "fetch": (READ, {"table": "rows", "key": {"id": "y"}}),
    "uses": (PART, "other.json"),
    "detached": (PART, True),
    "call": (ASK, "dynamodb:describeTimeToLive"),
    "key": (("resources", "rows"), ["id", "sort"]),
}
