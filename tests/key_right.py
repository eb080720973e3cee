"""Examples of keys for the reference page, where the one in ``key_examples`` shows what is refused, or needs more beside it.

Each is a document without the key's value, one with it, and where the key stands in that one.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from key_flow import (
    ABROAD_,
    ANSWER,
    API,
    ASK_US,
    BOX,
    EACH,
    EVENT,
    FAR,
    FLOW,
    HAND,
    LISTEN,
    MAIL,
    POST,
    SAVE,
    SCHEDULE,
    SEND,
    VAN,
    WORK,
    WRITE,
)
from pydantic import BaseModel

from stepworkflows_cdk.integrations.activities.plan import ActivityKeys, ActivityRuntime
from stepworkflows_cdk.integrations.api.plan import CallerKeys
from stepworkflows_cdk.integrations.aws_sdk.plan import AllPagesKeys, CallKeys, CallSpec
from stepworkflows_cdk.integrations.callers import Callers
from stepworkflows_cdk.integrations.containers.keys import Ec2Keys, Ec2Settings, FargateKeys, FargateSettings
from stepworkflows_cdk.integrations.dynamodb.fetch import FetchSpec
from stepworkflows_cdk.integrations.dynamodb.record import RecordSpec
from stepworkflows_cdk.integrations.dynamodb.tables import TableKeys
from stepworkflows_cdk.integrations.http.connections import ApiKeyKeys, BasicKeys, OAuthKeys
from stepworkflows_cdk.integrations.lambda_.keys import LambdaKeys, LambdaSettings
from stepworkflows_cdk.integrations.messages.message import MessageSpec
from stepworkflows_cdk.integrations.messages.resources import QueueKeys, TopicKeys
from stepworkflows_cdk.integrations.s3.file import PutSpec
from stepworkflows_cdk.integrations.ses.plan import EmailSpec
from stepworkflows_cdk.integrations.triggers.event import EventTriggerKeys
from stepworkflows_cdk.integrations.triggers.s3 import S3TriggerKeys
from stepworkflows_cdk.integrations.triggers.schedule import ScheduleKeys
from stepworkflows_cdk.integrations.waits.keys import WaitSpec
from stepworkflows_cdk.integrations.waits.signal import SignalKeys, SignalSpec
from stepworkflows_cdk.language.cases import CaseKeys, ExpectKeys
from stepworkflows_cdk.language.contract import Schema
from stepworkflows_cdk.language.model import (
    ConfigKeys,
    DefaultKeys,
    DeployKeys,
    FlowKeys,
    ForEachKeys,
    OutputKeys,
    RemindKeys,
    StepKeys,
)

Path_ = Sequence[str | int]
Change = tuple[Path_, Any]
GONE = object()


def changed(document: dict[str, Any], *changes: Change) -> dict[str, Any]:
    """The document with other values at paths; ``GONE`` where there is to be none."""
    made = copy.deepcopy(document)
    for path, value in changes:
        *around, last = path
        place: Any = made
        for part in around:
            place = place.setdefault(part, {}) if isinstance(place, dict) else place[part]
        if isinstance(place, list):
            place.append(value) if last == len(place) else place.__setitem__(last, value)
        elif value is GONE:
            place.pop(last, None)
        else:
            place[last] = value
    return made


CODE = {"id": "work", "runs-on": "lambda", "zip-file": "code"}
SMALL: dict[str, Any] = {
    "name": "flow",
    "inputs": {"n": "integer"},
    "config": {"stage": {"default": "dev"}},
    "secrets": {"key": {}},
    "resources": {"rows": {"type": "table", "key": "id"}, "uploads": {"type": "bucket"}, "docs": {"type": "bucket"}},
    "steps": [{**CODE, "env": {"STAGE": "{config.stage}"}, "secrets": {"KEY": "{secrets.key}"}}],
}
OWN = {"name": "flow", "runs-on": "lambda", "zip-file": "code", "resources": {"rows": {"type": "table", "key": "id"}}}
UNDONE = changed(SMALL, (("undo-steps",), {"back": {**CODE, "id": "back"}}), (("steps", 0, "undo"), "back"))
PAGES = changed(
    SMALL,
    (
        ("steps", 1),
        {
            "id": "read",
            "call": "dynamodb:scan",
            "inputs": {"TableName": "{resources.rows}"},
            "all-pages": {"field": "Items"},
        },
    ),
)
TOLD = changed(
    SMALL,
    (("steps", 1), {"id": "listen", "wait-for": {"signal": "paid", "match": {"n": "{n}"}}, "timeout": "1d"}),
    (("steps", 2), {"id": "speak", "signal": {"to": "flow", "name": "paid"}, "inputs": {"n": "{n}"}}),
)
ARM = [{"id": "many", "outputs": {"size": "large"}}]
CANARY = changed(SMALL, (("deploy",), {"strategy": "canary"}))
IMAGE = "ACCOUNT_ID.dkr.ecr.REGION.amazonaws.com/work:1"
THEIRS = "arn:aws:iam::444455556666:role/caller"
ABROAD = changed(
    PAGES,
    (("steps", 1, "call"), {"action": "dynamodb:scan", "account": "444455556666", "role": THEIRS}),
    (("steps", 1, "inputs", "TableName"), "theirs"),
)
OPEN = changed(SMALL, (("inputs",), GONE))
S3 = changed(OPEN, (("triggers", "s3"), {"bucket": "uploads"}))
HANDLED = "other.handler"
Right = tuple[dict[str, Any], dict[str, Any], Path_]


def at(document: dict[str, Any], path: Path_, value: Any, *more: Change) -> Right:
    """The document, and the same with a value, and what that needs beside it."""
    return document, changed(document, *more, (path, value)), path


def step(**keys: Any) -> Right:
    """One more step; the last key is the one that is shown."""
    path = ("steps", 1)
    return SMALL, changed(SMALL, (path, {"id": "it", **keys})), (*path, list(keys)[-1])


EXPECT: dict[str, Any] = {
    "status": "FAILED",
    "error": "Busy",
    "output": {"n": 1},
    "lasts": "1h",
    "mails": [{"to": ["ada@example.com"]}],
    "events": [{"detail-type": "Sent"}],
    "messages": [{"queue": "jobs"}],
    "tables": {"rows": [{"id": "1"}]},
    "files": {"docs": {"a.txt": "a"}},
}
CASE: dict[str, Any] = {
    "description": "with one of them",
    "input": {"n": 1},
    "events": [{"at": "work", "returns": {}}],
    "config": {"stage": "test"},
    "expect": EXPECT,
}
TESTED = changed(SMALL, (("resources", "jobs"), {"type": "queue"}), (("tests",), {"one": CASE}))

RIGHT: dict[tuple[type[BaseModel], str], Right] = {
    (FlowKeys, "id"): at(SMALL, ("id",), "shop"),
    (FlowKeys, "name"): at(SMALL, ("name",), "The shop"),
    (FlowKeys, "version"): at(SMALL, ("version",), 1),
    (FlowKeys, "type"): at(SMALL, ("type",), "RunnableStep"),
    (FlowKeys, "mode"): at(SMALL, ("mode",), "express"),
    (FlowKeys, "inputs"): at(SMALL, ("inputs",), {"n": "integer", "email": {"type": "string", "format": "email"}}),
    (FlowKeys, "outputs"): at(SMALL, ("outputs",), {"double": "{% {n} * 2 %}"}),
    (FlowKeys, "triggers"): at(OPEN, ("triggers",), {"schedule": {"every": "1h"}}),
    (FlowKeys, "steps"): at(SMALL, ("steps",), [*SMALL["steps"], {"id": "then", "wait": "1h"}]),
    (FlowKeys, "resources"): at(SMALL, ("resources",), {**SMALL["resources"], "jobs": {"type": "queue"}}),
    (FlowKeys, "config"): at(SMALL, ("config",), {"stage": {"default": "prod"}}),
    (FlowKeys, "secrets"): at(SMALL, ("secrets",), {"key": {"description": "key of the provider"}}),
    (FlowKeys, "undo-steps"): (SMALL, UNDONE, ("undo-steps",)),
    (FlowKeys, "on-failure"): at(SMALL, ("on-failure",), [{**CODE, "id": "tell"}]),
    (FlowKeys, "guard"): at(changed(SMALL, (("on-failure",), [{**CODE, "id": "tell"}])), ("guard",), True),
    (FlowKeys, "tests"): at(SMALL, ("tests",), {"one": {"input": {"n": 1}, "expect": {"status": "SUCCEEDED"}}}),
    (FlowKeys, "env"): at(OWN, ("env",), {"STAGE": "dev"}),
    (FlowKeys, "retry"): at(OWN, ("retry",), {"errors": ["Busy"], "attempts": 2}),
    (FlowKeys, "permissions"): at(OWN, ("permissions",), {"rows": ["read"]}),
    (StepKeys, "version"): at(SMALL, ("steps", 0, "version"), 1),
    (StepKeys, "id"): at(SMALL, ("steps", 0, "id"), "pay"),
    (StepKeys, "name"): at(SMALL, ("steps", 0, "name"), "Does the work"),
    (StepKeys, "type"): at(SMALL, ("steps", 0, "type"), "ActorStep"),
    (StepKeys, "inputs"): at(SMALL, ("steps", 0, "inputs"), {"number": "{n}"}),
    (StepKeys, "env"): at(SMALL, ("steps", 0, "env"), {"STAGE": "{config.stage}", "REGION_OF": "here"}),
    (StepKeys, "undo"): at(SMALL, ("steps", 0, "undo"), {"runs-on": "lambda", "zip-file": "code"}),
    (StepKeys, "undo-when"): at(UNDONE, ("steps", 0, "undo-when"), "completed"),
    (StepKeys, "pivot"): at(
        changed(UNDONE, (("steps", 1), {**CODE, "id": "ship"}), (("steps", 2), {**CODE, "id": "tell"})),
        ("steps", 1, "pivot"),
        True,
    ),
    (StepKeys, "for-each"): at(SMALL, ("steps", 0, "for-each"), {"items": [1, 2], "concurrency": 1}),
    (StepKeys, "catch"): at(
        SMALL, ("steps", 0, "catch"), [{"errors": ["Busy"], "steps": [{"id": "rest", "wait": "1h"}]}]
    ),
    (StepKeys, "policy"): at(SMALL, ("steps", 0, "policy"), "patient", (("policies",), {"patient": {"timeout": "2m"}})),
    (StepKeys, "steps"): step(**{"for-each": {"items": [1, 2]}, "steps": [{**CODE, "id": "one"}]}),
    (StepKeys, "switch"): step(switch=[{"when": "{n} > 9", "steps": ARM}]),
    (StepKeys, "parallel"): step(parallel={"a": [{**CODE, "id": "one"}], "b": [{"id": "two", "wait": 5}]}),
    (StepKeys, "wait"): step(wait="2h"),
    (StepKeys, "require"): step(require={"that": "{n} > 0", "error": "TooFew"}),
    (StepKeys, "stop"): step(**{"if": "{n} < 0", "stop": {"outputs": {"n": 0}}}),
    (StepKeys, "fail"): step(**{"if": "{n} < 0", "fail": {"error": "Negative"}}),
    (RemindKeys, "steps"): at(
        FLOW, (*LISTEN, "remind", "steps"), [{"id": "again-to", "emit": {"source": "s", "detail-type": "t"}}]
    ),
    (WaitSpec, "signal"): (SMALL, TOLD, ("steps", 1, "wait-for", "signal")),
    (WaitSpec, "queue"): (
        SMALL,
        changed(
            SMALL,
            (("resources", "jobs"), {"type": "queue"}),
            (("steps", 1), {"id": "listen", "wait-for": {"queue": "jobs", "match": {"n": "{n}"}}, "timeout": "1d"}),
        ),
        ("steps", 1, "wait-for", "queue"),
    ),
    (WaitSpec, "approval"): at(
        FLOW,
        (*ASK_US, "wait-for", "approval"),
        {"from": "a@example.com", "to": "c@example.com", "subject": "May we?", "text": "May we?"},
    ),
    (SignalSpec, "to"): (SMALL, TOLD, ("steps", 2, "signal", "to")),
    (SignalSpec, "name"): (SMALL, TOLD, ("steps", 2, "signal", "name")),
    (SignalKeys, "signal"): (SMALL, TOLD, ("steps", 2, "signal")),
    (Callers, "cognito"): at(
        FLOW, (*ANSWER, "wait-for", "api", "auth", "cognito"), "users", ((*ANSWER, "wait-for", "api", "auth"), {})
    ),
    (Callers, "function"): at(
        FLOW, (*ANSWER, "wait-for", "api", "auth", "function"), "door", (("resources", "door"), {"type": "function"})
    ),
    (DefaultKeys, "retry"): at(SMALL, ("defaults", "retry"), {"attempts": 2}),
    **{(CallSpec, key): (PAGES, ABROAD, ("steps", 1, "call", key)) for key in ("account", "role")},
    (CallKeys, "all-pages"): (SMALL, PAGES, ("steps", 1, "all-pages")),
    (AllPagesKeys, "field"): (SMALL, PAGES, ("steps", 1, "all-pages", "field")),
    **{(CaseKeys, key): (TESTED, TESTED, ("tests", "one", key)) for key in CASE},
    **{(ExpectKeys, key): (TESTED, TESTED, ("tests", "one", "expect", key)) for key in EXPECT},
    (ConfigKeys, "type"): at(SMALL, ("config", "stage", "type"), "integer", (("config", "stage", "default"), 5)),
    (ConfigKeys, "default"): at(SMALL, ("config", "stage", "default"), "prod"),
    (ConfigKeys, "allowed"): at(SMALL, ("config", "stage", "allowed"), ["dev", "prod"]),
    (ConfigKeys, "description"): at(SMALL, ("config", "stage", "description"), "where it runs"),
    (Schema, "description"): at(
        SMALL, ("inputs", "n", "description"), "how many", (("inputs", "n"), {"type": "integer"})
    ),
    (DeployKeys, "percentage"): at(CANARY, ("deploy", "percentage"), 20),
    (DeployKeys, "interval"): at(CANARY, ("deploy", "interval"), "1h"),
    (OutputKeys, "value"): at(SMALL, ("steps", 0, "outputs", "id", "value"), "{result.id}"),
    (ForEachKeys, "results"): at(FLOW, (*FAR, "for-each", "results"), {"bucket": "out", "prefix": "q"}),
    (ForEachKeys, "as"): at(FLOW, (*EACH, "for-each", "as"), "row", ((*EACH, "steps", 0, "outputs"), {"x": "{row}"})),
    (LambdaSettings, "account"): at(
        FLOW,
        (*ABROAD_, "runs-on", "lambda", "account"),
        "444455556666",
        ((*ABROAD_, "runs-on", "lambda", "role"), THEIRS),
        ((*ABROAD_, "arn"), "arn:aws:lambda:REGION:444455556666:function:theirs"),
    ),
    (FargateSettings, "network"): at(
        FLOW, (*BOX, "runs-on", "fargate", "network"), "private", ((*BOX, "image"), IMAGE), ((*BOX, "zip-file"), GONE)
    ),
    (Ec2Settings, "cluster"): at(
        FLOW, (*VAN, "runs-on", "ec2", "cluster"), "big", (("resources", "big"), {"type": "cluster"})
    ),
    (ActivityRuntime, "activity"): at(FLOW, (*HAND, "runs-on", "activity"), {}),
    (RecordSpec, "table"): at(
        FLOW, (*WRITE, "record", "table"), "more", (("resources", "more"), {"type": "table", "key": "id"})
    ),
    (FetchSpec, "table"): at(
        FLOW, ("steps", 2, "fetch", "table"), "more", (("resources", "more"), {"type": "table", "key": "id"})
    ),
    (EmailSpec, "template"): at(
        FLOW,
        (*MAIL, "email", "template"),
        "hello",
        ((*MAIL, "email", "subject"), GONE),
        ((*MAIL, "email", "text"), GONE),
    ),
    (PutSpec, "text"): at(FLOW, (*SAVE, "file", "put", "text"), "Dear {s}", ((*SAVE, "inputs"), GONE)),
    (MessageSpec, "queue"): at(FLOW, (*SEND, "message", "queue"), "more", (("resources", "more"), {"type": "queue"})),
    (MessageSpec, "topic"): at(FLOW, (*POST, "message", "topic"), "more", (("resources", "more"), {"type": "topic"})),
    **{
        (model, "secret"): at(FLOW, path, "{secrets.other}", (("secrets", "other"), {}))
        for model, path in (
            (ApiKeyKeys, ("resources", "api", "auth", "api-key", "secret")),
            (BasicKeys, ("resources", "old-api", "auth", "basic", "secret")),
            (OAuthKeys, ("resources", "new-api", "auth", "oauth", "secret")),
        )
    },
    (CallerKeys, "cognito"): at(
        FLOW, (*API, "auth", "cognito"), "staff", (("resources", "staff"), {"type": "user-pool"})
    ),
    (CallerKeys, "function"): at(FLOW, (*API, "auth", "function"), "gate", ((*API, "auth"), {})),
    (CallerKeys, "jwt"): at(
        FLOW, (*API, "auth", "jwt"), {"issuer": "https://login.example.com", "audience": "orders"}, ((*API, "auth"), {})
    ),
    (ScheduleKeys, "cron"): at(FLOW, (*SCHEDULE, "cron"), "0 6 * * ? *", ((*SCHEDULE, "every"), GONE)),
    (ScheduleKeys, "timezone"): at(
        changed(FLOW, ((*SCHEDULE, "every"), GONE), ((*SCHEDULE, "cron"), "0 6 * * ? *")),
        (*SCHEDULE, "timezone"),
        "Europe/Vienna",
    ),
    (EventTriggerKeys, "input"): at(
        changed(OPEN, (("triggers", "event"), {"source": "s", "detail-type": "t"})), (*EVENT, "input"), "event"
    ),
    (S3TriggerKeys, "bucket"): at(S3, ("triggers", "s3", "bucket"), "docs"),
    (S3TriggerKeys, "prefix"): at(S3, ("triggers", "s3", "prefix"), "in/"),
    (S3TriggerKeys, "suffix"): at(S3, ("triggers", "s3", "suffix"), ".csv"),
    (S3TriggerKeys, "events"): at(S3, ("triggers", "s3", "events"), "deleted"),
    (LambdaKeys, "runs-on"): at(FLOW, (*WORK, "runs-on"), {"lambda": {"memory": 1024}}),
    (LambdaKeys, "zip-file"): at(FLOW, (*WORK, "zip-file"), "more"),
    (LambdaKeys, "image"): at(FLOW, (*WORK, "image"), IMAGE, ((*WORK, "zip-file"), GONE)),
    (LambdaKeys, "handler"): at(FLOW, (*WORK, "handler"), HANDLED),
    (FargateKeys, "runs-on"): at(FLOW, (*BOX, "runs-on"), {"fargate": {"cpu": 512}}),
    (FargateKeys, "zip-file"): at(FLOW, (*BOX, "zip-file"), "more"),
    (FargateKeys, "image"): at(FLOW, (*BOX, "image"), IMAGE, ((*BOX, "zip-file"), GONE)),
    (FargateKeys, "handler"): at(FLOW, (*BOX, "handler"), HANDLED),
    (Ec2Keys, "runs-on"): at(FLOW, (*VAN, "runs-on"), {"ec2": {"cluster": "pool", "cpu": 512}}),
    (Ec2Keys, "zip-file"): at(FLOW, (*VAN, "zip-file"), "more"),
    (Ec2Keys, "image"): at(FLOW, (*VAN, "image"), IMAGE, ((*VAN, "zip-file"), GONE)),
    (Ec2Keys, "handler"): at(FLOW, (*VAN, "handler"), HANDLED),
    (ActivityKeys, "runs-on"): at(FLOW, (*HAND, "runs-on"), "activity"),
    (ActivityKeys, "zip-file"): at(FLOW, (*HAND, "zip-file"), "more"),
    (ActivityKeys, "handler"): at(FLOW, (*HAND, "handler"), HANDLED),
    (TableKeys, "key"): at(
        SMALL, ("resources", "rows", "key"), ["id", "sort"], (("steps", 0, "permissions"), {"rows": ["read"]})
    ),
    (QueueKeys, "fifo"): at(FLOW, ("resources", "jobs", "fifo"), True, ((*SEND, "message", "group"), "g")),
    (TopicKeys, "fifo"): at(FLOW, ("resources", "posts", "fifo"), True, ((*POST, "message", "group"), "g")),
}
