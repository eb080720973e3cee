"""What answers waits, each function before moto's DynamoDB: requests, links in mails, messages, and what is told of them."""

from __future__ import annotations

import html
import importlib
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
from moto import mock_aws

import stepworkflows_cdk

FOLDER = Path(stepworkflows_cdk.__file__).parent / "integrations" / "waits" / "resolver"
MODULES = ("answers", "approvals", "cancels", "handler", "mailer", "messages", "paths")
WAITS = [{"wait": "shop/paid", "match": ["order.id"], "keep": 3600, "fixed": {}}]
ASKED = {
    "key": "shop/ask/execution",
    "owner": "execution",
    "token": "token-1",
    "round": "2026-01-01T00:00:00Z",
    "lasts": 86_400,
    "from": "desk@example.com",
    "to": ["head@example.com", "deputy@example.com"],
    "subject": "Buy <this>?",
    "text": "It costs 5 & more.",
    "choices": ["yes", "no"],
}


class Gone(Exception):
    pass


class Exceptions:
    TaskDoesNotExist = Gone
    TaskTimedOut = Gone


@dataclass
class Tasks:
    """Step Functions, of which some tokens have ended."""

    ended: set[str] = field(default_factory=set)
    sent: list[tuple[str, Any]] = field(default_factory=list)
    exceptions = Exceptions

    def send_task_success(self, taskToken: str, output: str) -> None:
        self._end(taskToken, json.loads(output))

    def send_task_failure(self, taskToken: str, error: str, cause: str) -> None:
        self._end(taskToken, (error, cause))

    def _end(self, token: str, answer: Any) -> None:
        if token in self.ended:
            raise Gone
        self.ended.add(token)
        self.sent.append((token, answer))


@dataclass
class Resolver:
    """The functions' code, and what is behind it."""

    load: Callable[[str], ModuleType]
    tasks: Tasks

    def wait(self, key: str, token: str) -> None:
        """A step that waits, as the state machine writes it."""
        self.load("answers").claim(key, "execution", token, 86_400)

    def row(self, key: str) -> dict[str, Any]:
        row = self.load("answers").get(key)
        assert row is not None
        return dict(row)

    def post(self, body: Any) -> tuple[int, str]:
        text = body if isinstance(body, str) else json.dumps(body)
        answer = self.load("paths").handler({"httpMethod": "POST", "body": text}, None)
        told = json.loads(answer["body"])
        return answer["statusCode"], told.get("title", told["status"])

    def ask(self, **other: Any) -> None:
        self.load("mailer").handler({**ASKED, **other}, None)

    def page(self, link: tuple[str, str], method: str = "GET", **form: str) -> dict[str, Any]:
        event = {"httpMethod": method, "pathParameters": {"id": link[0]}, "body": urlencode(form)}
        answer: dict[str, Any] = self.load("approvals").handler(event, None)
        return answer

    def decide(self, link: tuple[str, str], choice: str, comment: str = "") -> int:
        answer = self.page(link, "POST", secret=link[1], choice=choice, comment=comment)
        return int(answer["statusCode"])


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("TABLE", "waits")
    monkeypatch.setenv("WAITS", json.dumps(WAITS))
    monkeypatch.setenv("URL", "https://api.example.com/live/approvals/shop")
    monkeypatch.syspath_prepend(str(FOLDER))
    with mock_aws():
        boto3.client("dynamodb").create_table(
            TableName="waits",
            KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        boto3.client("sesv2").create_email_identity(EmailIdentity="example.com")
        for name in MODULES:
            monkeypatch.delitem(sys.modules, name, raising=False)
        tasks = Tasks()
        importlib.import_module("answers").states = tasks  # type: ignore[attr-defined]
        yield Resolver(importlib.import_module, tasks)
        for name in MODULES:
            sys.modules.pop(name, None)


@pytest.fixture
def mails(resolver: Resolver) -> list[dict[str, Any]]:
    """The mails that are sent."""
    sent: list[dict[str, Any]] = []
    module = resolver.load("mailer")

    class Ses:
        def send_email(self, **mail: Any) -> None:
            sent.append(mail)

    module.ses = Ses()  # type: ignore[attr-defined]
    return sent


def link_in(mail: dict[str, Any]) -> tuple[str, str]:
    text = mail["Content"]["Simple"]["Body"]["Text"]["Data"]
    found = re.search(r"https://api\.example\.com/live/approvals/shop/([\w-]+)#([\w-]+)\n", text)
    assert found
    return found[1], found[2]


def test_the_first_request_is_the_answer_and_may_come_again(resolver: Resolver) -> None:
    resolver.wait("shop/paid/7", "token-1")
    assert resolver.post({"order": {"id": 7}, "sum": 5}) == (202, "ACCEPTED")
    assert resolver.post({"order": {"id": 7}, "sum": 5}) == (202, "ACCEPTED")
    assert resolver.post({"order": {"id": 7}, "sum": 6}) == (409, "another answer was first")
    assert resolver.tasks.sent == [("token-1", {"order": {"id": 7}, "sum": 5})]


def test_a_request_that_comes_early_is_kept(resolver: Resolver) -> None:
    assert resolver.post({"order": {"id": "a/b"}}) == (202, "ACCEPTED")
    resolver.load("handler").handler({"take": "shop/paid/a~1b", "owner": "execution", "token": "token-1"}, None)
    assert resolver.tasks.sent == [("token-1", {"order": {"id": "a/b"}})]


def test_a_request_that_comes_too_late_is_told_so(resolver: Resolver) -> None:
    resolver.wait("shop/paid/7", "token-1")
    resolver.tasks.ended.add("token-1")
    assert resolver.post({"order": {"id": "7"}}) == (404, "what waited for this has ended")


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ("{", "the body is no JSON"),
        ("[]", "the body must be a JSON object"),
        ("{}", "nothing waits for what the body has in order.id"),
        ({"order": {"id": 1.5}}, "nothing waits for what the body has in order.id"),
        ({"order": {"id": "1"}, "error": "States.Timeout"}, "the body can be no answer: the error's name or cause"),
        ({"order": {"id": "1"}, "x": "y" * 250_000}, "the body can be no answer: too large"),
    ],
)
def test_what_can_be_no_answer_is_refused(resolver: Resolver, body: Any, title: str) -> None:
    status, told = resolver.post(body)
    assert status == 400
    assert told.startswith(title)


def test_an_error_ends_the_task_by_its_name(resolver: Resolver) -> None:
    resolver.wait("shop/paid/7", "token-1")
    assert resolver.post({"order": {"id": "7"}, "error": "Declined", "cause": "no money"}) == (202, "ACCEPTED")
    assert resolver.tasks.sent == [("token-1", ("Declined", "no money"))]


def test_what_came_early_belongs_to_one_execution(resolver: Resolver) -> None:
    resolver.post({"order": {"id": "7"}, "error": "Declined"})
    take = resolver.load("handler").handler
    take({"take": "shop/paid/7", "owner": "one", "token": "token-1"}, None)
    with pytest.raises(Exception, match="another execution waits") as caught:
        take({"take": "shop/paid/7", "owner": "two", "token": "token-2"}, None)
    assert type(caught.value).__name__ == "WaitTaken"
    assert resolver.tasks.sent == [("token-1", ("Declined", ""))]


def test_messages_that_answer_nobody_are_given_back_alone(resolver: Resolver, caplog: Any) -> None:
    bodies = ['{"order": {"id": "7"}}', "no JSON: secret", '{"other": "secret"}', '{"order": {"id": "8"}}']
    records = [
        {"messageId": str(number), "body": body, "eventSourceARN": "arn:aws:sqs:::jobs"}
        for number, body in enumerate(bodies)
    ]
    failed = resolver.load("messages").handler({"Records": records}, None)["batchItemFailures"]
    assert failed == [{"itemIdentifier": "1"}, {"itemIdentifier": "2"}]
    assert "answer" in resolver.row("shop/paid/7")
    assert "answer" in resolver.row("shop/paid/8")
    assert "secret" not in caplog.text


def test_everybody_gets_a_link_of_their_own_and_the_table_has_no_secret(resolver: Resolver, mails: Any) -> None:
    resolver.ask()
    assert [mail["Destination"]["ToAddresses"] for mail in mails] == [["head@example.com"], ["deputy@example.com"]]
    links = [link_in(mail) for mail in mails]
    assert len({part for link in links for part in link}) == 4
    rows = json.dumps(boto3.client("dynamodb").scan(TableName="waits")["Items"])
    assert all(page in rows and secret not in rows for page, secret in links)


def test_opening_a_link_decides_nothing(resolver: Resolver, mails: Any) -> None:
    resolver.ask()
    page, secret = link_in(mails[0])
    answer = resolver.page((page, secret))
    assert answer["statusCode"] == 200
    assert "<h1>Buy &lt;this&gt;?</h1><pre>It costs 5 &amp; more.</pre>" in answer["body"]
    assert re.findall(r'name="choice" value="(\w+)"', answer["body"]) == ["yes", "no"]
    assert answer["headers"]["Cache-Control"] == "no-store"
    assert resolver.tasks.sent == []


def test_scripts_of_others_do_not_run_in_the_page(resolver: Resolver, mails: Any) -> None:
    resolver.ask(subject='</title><script>alert("1")</script>', choices=['"><script>alert(2)</script>'])
    body = resolver.page(link_in(mails[0]))["body"]
    assert "<script>alert" not in body
    assert html.escape('"><script>alert(2)</script>') in body
    allowed = resolver.page(link_in(mails[0]))["headers"]["Content-Security-Policy"]
    assert "default-src 'none'" in allowed
    assert "unsafe" not in allowed


def test_the_first_decision_counts_and_others_are_told_so(resolver: Resolver, mails: Any) -> None:
    resolver.ask()
    head, deputy = map(link_in, mails)
    assert resolver.decide(deputy, "yes", "fine") == 200
    assert resolver.decide(deputy, "yes", "fine") == 200
    assert resolver.decide(head, "no") == 409
    decision = {"approved": True, "choice": "yes", "by": "deputy@example.com", "comment": "fine"}
    assert resolver.tasks.sent == [("token-1", decision)]


def test_without_the_secret_nobody_decides(resolver: Resolver, mails: Any) -> None:
    resolver.ask()
    head, deputy = map(link_in, mails)
    assert resolver.decide((head[0], deputy[1]), "yes") == 403
    assert resolver.decide((head[0], ""), "yes") == 403
    assert resolver.decide(("nothing", head[1]), "yes") == 404
    assert resolver.decide(head, "perhaps") == 400
    assert resolver.tasks.sent == []


def test_a_decision_after_the_end_is_told_so(resolver: Resolver, mails: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    resolver.ask()
    resolver.tasks.ended.add("token-1")
    assert resolver.decide(link_in(mails[0]), "yes") == 404
    later = time.time() + 100_000
    monkeypatch.setattr(time, "time", lambda: later)
    assert resolver.page(link_in(mails[1]))["statusCode"] == 404


def test_a_call_that_is_made_again_mails_nobody_twice(resolver: Resolver, mails: Any) -> None:
    resolver.ask()
    resolver.ask(token="token-2")
    assert len(mails) == 2
    resolver.ask(token="token-3", round="2026-01-02T00:00:00Z")  # behind a reminder
    assert len(mails) == 4
    assert resolver.decide(link_in(mails[0]), "no") == 200
    assert [token for token, _ in resolver.tasks.sent] == ["token-3"]


def test_a_decision_that_came_meanwhile_is_found(resolver: Resolver, mails: Any) -> None:
    resolver.ask()
    resolver.tasks.ended.add("token-1")  # a reminder is at work
    resolver.decide(link_in(mails[0]), "yes")
    resolver.ask(token="token-2", round="2026-01-02T00:00:00Z")
    assert [token for token, _ in resolver.tasks.sent] == ["token-2"]
    assert len(mails) == 2


def request(resolver: Resolver, **detail: Any) -> None:
    """A request to cancel comes, as a rule hands it on."""
    told = {"wait": "shop/~cancel", "match": ["id"], "keep": 3600, "cancel": True}
    resolver.load("handler").handler({**told, "event": {"detail": {"id": "7", **detail}}}, None)


def note(**values: Any) -> None:
    """What a flow writes into the row of requests."""
    boto3.client("dynamodb").put_item(TableName="waits", Item={"key": {"S": "shop/~cancel/7"}, **values})


def test_a_request_ends_each_wait_that_is_known_once(resolver: Resolver) -> None:
    resolver.wait("shop/paid/7", "token-1")
    note(waiting={"SS": ["shop/paid/7", "shop/packed/7"]})
    request(resolver, cause="called")
    request(resolver, cause="called again")
    assert resolver.tasks.sent == [("token-1", ("Cancelled", "called"))]
    assert json.loads(resolver.row("shop/~cancel/7")["answer"]["S"])["cause"] == "called"
    resolver.wait("shop/packed/7", "token-2")
    assert resolver.tasks.sent[1:] == [("token-2", ("Cancelled", "called"))]


def test_a_request_behind_the_point_of_no_return_changes_nothing(resolver: Resolver) -> None:
    resolver.wait("shop/paid/7", "token-1")
    note(waiting={"SS": ["shop/paid/7"]}, passed={"S": "execution"})
    request(resolver)
    assert resolver.tasks.sent == []
    assert "answer" not in resolver.row("shop/~cancel/7")
