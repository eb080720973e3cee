"""A flow that has a step for every kind of work, which the examples of keys change in one place each."""

from __future__ import annotations

from typing import Any

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
        "other": {"type": "workflow"},
    },
    "triggers": {
        "api": [
            {"path": "/orders", "auth": {"cognito": "users"}, "throttle": {}},
            {"path": "/desk", "auth": {"jwt": {"issuer": "https://login.example.com", "audience": "desk"}}},
        ],
        "schedule": {"every": "1h", "input": {"s": "a", "n": 1, "o": {}, "l": ["a"]}},
        "event": {"source": "s", "detail-type": "t"},
        "queue": {"queue": "jobs"},
    },
    "concurrency": {"key": "{s}"},
    "cancel": {"signal": "stop", "match": {"s": "{s}"}},
    "config": {"stage": {"default": "dev"}},
    "secrets": {"key": {}},
    "policies": {"patient": {"timeout": "20s"}},
    "undo-steps": {"back": {"runs-on": "lambda", "zip-file": "code"}},
    "steps": [
        {"id": "work", "runs-on": {"lambda": {}}, "zip-file": "code", "undo": "back", "policy": "patient"},
        {"id": "write", "record": {"table": "rows", "key": {"id": "x"}, "mode": "update"}, "inputs": {"a": 1}},
        {"id": "read", "fetch": {"table": "rows", "key": {"id": "x"}}, "outputs": {"row": {"value": "{result}"}}},
        {
            "id": "ask",
            "call": {"action": "dynamodb:scan"},
            "permissions": {
                "arn:aws:ec2:REGION:ACCOUNT_ID:instance/*": {"actions": "ec2:StartInstances", "reason": "why"}
            },
            "all-pages": {"field": "Items"},
            "inputs": {"TableName": "{resources.rows}"},
        },
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
        {
            "id": "each",
            "for-each": {"items": "{l}"},
            "steps": [{"id": "one", "outputs": {"x": "{item}"}}, {"id": "sound", "require": {"that": "{n} > 0"}}],
        },
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
        {"id": "raw", "asl": {"Type": "Pass"}},
        {
            "id": "again",
            "repeat": {"until": "{n} = 1", "max": 3},
            "steps": [{"id": "once", "outputs": {"x": 1}}],
        },
        {
            "id": "race",
            "join": {"at-least": 2},
            "parallel": {name: [{"id": f"run-{name}", "outputs": {"x": 1}}] for name in "abcd"},
        },
        {"id": "early", "if": "{n} = 7", "stop": {}},
        {"id": "other", "uses": "{resources.other}"},
        {
            "id": "listen",
            "wait-for": {"signal": "paid", "match": {"a": "x"}},
            "timeout": "1d",
            "remind": {"every": "1h", "steps": [{"id": "nudge", "emit": {"source": "s", "detail-type": "t"}}]},
        },
        {
            "id": "ask-us",
            "wait-for": {
                "approval": {
                    "from": "a@example.com",
                    "to": "b@example.com",
                    "subject": "s",
                    "text": "t",
                    "choices": ["y", "n"],
                }
            },
            "timeout": "1d",
        },
        {
            "id": "answer",
            "wait-for": {"api": {"path": "/answers", "auth": {"function": "gate"}}, "match": {"a": "x"}},
            "timeout": "1d",
        },
        {"id": "speak", "signal": {"to": "flow", "name": "paid"}, "inputs": {"a": "x"}},
        {"id": "over", "fail": {"error": "Over"}},
    ],
}
WORK, WRITE, READ, ASK, RULE, CATCH, MAIL, PAUSE, FORK, TELL, HEAR, ABROAD_ = (("steps", index) for index in range(12))
SAVE, LOAD, KEEP, FILES, SEND, SEND_ON, POST, FILL = (("steps", index) for index in range(12, 20))
BOX, VAN, HAND, PART, EACH, FAR, ALL, RAW, AGAIN, RACE, EARLY, _, LISTEN, ASK_US, ANSWER, SPEAK, OVER = (
    ("steps", index) for index in range(20, 37)
)
API, TOKENS = ("triggers", "api", 0), ("triggers", "api", 1, "auth", "jwt")
SCHEDULE, EVENT = (("triggers", kind) for kind in ("schedule", "event"))
ARN = "arn:aws:lambda:REGION:ACCOUNT_ID:function:theirs"
STEP = {"id": "later", "runs-on": "lambda", "zip-file": "code"}
