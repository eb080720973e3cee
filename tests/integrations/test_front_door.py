"""The front door of an API before moto's Step Functions and DynamoDB: who starts an execution owns it, once, whatever crashes."""

from __future__ import annotations

import base64
import importlib.util
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.compiler.plan import Hole
from stepworkflows_cdk.integrations.lambda_.needs import FunctionNeed

DOCUMENT = """
name: shop
inputs: {order: {type: object, properties: {id: string}, required: [id]}, stop: {type: string, required: false}}
resources: {users: {type: user-pool}, gate: {type: function}}
triggers:
  api: {path: /orders, auth: AUTH, idempotency-key: "{input.order.id}", cors: ["https://shop.example.com"], cancel: true}
steps: [{id: rule, require: {that: "{stop} = null", error: Stopped, message: told so}}]
"""
REGION, ACCOUNT = "eu-west-1", "123456789012"
TOKENS = "{jwt: {issuer: 'https://login.example.com', audience: orders}}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/machine"
ALICE, BOB = {"claims": {"sub": "alice"}}, {"claims": {"sub": "bob"}}
ORDER = {"order": {"id": "o-1"}}
WAITS = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 600, "End": True}}}


@dataclass
class Door:
    """The handler in its environment, with what is behind it."""

    module: ModuleType
    machine: str
    table: str

    def ask(self, method: str, name: str | None = None, body: Any = None, **more: Any) -> tuple[int, Any]:
        answer = self.answer(method, name, body, **more)
        return answer["statusCode"], json.loads(answer["body"])

    def answer(
        self, method: str, name: str | None = None, body: Any = None, caller: Any = ALICE, **more: Any
    ) -> dict[str, Any]:
        request: dict[str, Any] = {
            "httpMethod": method,
            "pathParameters": {"id": name} if name else None,
            "headers": more.get("headers", {}),
            "body": body if isinstance(body, str) else json.dumps(body),
            "isBase64Encoded": more.get("base64", False),
            "requestContext": {"path": "/live/orders", "authorizer": caller, "identity": more.get("identity", {})},
        }
        answer: dict[str, Any] = self.module.handler(request, None)
        return answer

    def executions(self) -> list[str]:
        found = boto3.client("stepfunctions").list_executions(stateMachineArn=self.machine)["executions"]
        return sorted(execution["name"] for execution in found)

    def rows(self) -> dict[str, str]:
        items = boto3.client("dynamodb").scan(TableName=self.table)["Items"]
        return {item["key"]["S"]: item["owner"]["S"] for item in items}


Open = Callable[..., Door]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens the door of a flow, in front of a machine with the given definition."""
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):

        def open_door(definition: Any = WAITS, auth: str = "{cognito: users}", document: str = DOCUMENT) -> Door:
            monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
            machine = boto3.client("stepfunctions").create_state_machine(
                name="shop", definition=json.dumps(definition), roleArn=ROLE
            )["stateMachineArn"]
            boto3.client("dynamodb").create_table(
                TableName="starts",
                KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
            return Door(_handler(tmp_path, document.replace("AUTH", auth), machine, monkeypatch), machine, "starts")

        yield open_door


def _handler(folder: Path, document: str, machine: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The handler as the plan of the document makes it: its code, with its variables."""
    path = folder / "workflow.yaml"
    path.write_text(document, encoding="utf-8")
    bundle = compile_workflow(Definition.load(path))
    need = next(need for need in bundle.needs if isinstance(need, FunctionNeed) and need.id.endswith("-front-door"))
    values = {
        ("aws", "partition"): "aws",
        ("aws", "region"): REGION,
        ("aws", "account"): ACCOUNT,
        ("machine-shop", "arn"): machine,
        ("machine-shop", "name"): "shop",
        ("table-starts", "name"): "starts",
    }

    def value(hole: Hole) -> str:
        return values[hole.need, hole.attribute]

    for name, text in need.env:
        monkeypatch.setenv(name, text.fill(value))
    assert need.code is not None
    spec = importlib.util.spec_from_file_location("front_door_handler", need.code / "handler.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ended(door: Door, name: str) -> dict[str, Any]:
    """The status, once the execution has ended."""
    for _ in range(200):
        status, state = door.ask("GET", name)
        if (status, state.get("status")) != (200, "RUNNING"):
            return {"code": status, **state}
        time.sleep(0.02)
    raise AssertionError("it does not end")


def test_a_request_starts_an_execution_whose_input_is_the_body(opened: Open) -> None:
    door = opened()
    answer = door.answer("POST", body={**ORDER, "größe": "ü"}, headers={"X-Secret": "s"})
    assert answer["statusCode"] == 202
    assert json.loads(answer["body"]) == {"id": "o-1", "href": "/live/orders/o-1"}
    assert answer["headers"]["Location"] == "/live/orders/o-1"
    (found,) = boto3.client("stepfunctions").list_executions(stateMachineArn=door.machine)["executions"]
    described = boto3.client("stepfunctions").describe_execution(executionArn=found["executionArn"])
    assert json.loads(described["input"]) == {**ORDER, "größe": "ü"}
    assert door.rows() == {"shop/o-1": "cognito:alice"}


def test_new_running_and_closed_executions_are_answered_alike(opened: Open) -> None:
    door = opened()
    first = door.ask("POST", body=ORDER)
    running = door.ask("POST", body=ORDER)
    other_body = door.ask("POST", body={**ORDER, "more": 1})
    door.ask("DELETE", "o-1")
    closed = door.ask("POST", body=ORDER)
    assert first == running == other_body == closed == (202, {"id": "o-1", "href": "/live/orders/o-1"})
    assert door.executions() == ["o-1"]


def test_somebody_elses_key_is_answered_alike_and_changes_nothing(opened: Open) -> None:
    door = opened()
    mine = door.ask("POST", body=ORDER)
    assert door.ask("POST", body={**ORDER, "evil": True}, caller=BOB) == mine
    assert door.executions() == ["o-1"]
    assert door.rows() == {"shop/o-1": "cognito:alice"}
    absent = door.ask("GET", "o-2", caller=BOB)
    assert door.ask("GET", "o-1", caller=BOB) == door.ask("DELETE", "o-1", caller=BOB) == absent
    assert absent[0] == 404
    assert door.ask("GET", "o-1")[1]["status"] == "RUNNING"


def test_the_owner_is_told_the_output(opened: Open) -> None:
    door = opened({"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": {"paid": 5}, "End": True}}})
    door.ask("POST", body=ORDER)
    state = ended(door, "o-1")
    assert (state["code"], state["status"], state["output"]) == (200, "SUCCEEDED", {"paid": 5})
    assert state["started"] <= state["stopped"]
    assert "error" not in state


@pytest.mark.parametrize(
    ("error", "told"),
    [("Stopped", {"message": "it says why"}), ("InvalidInput", {"message": "it says why"}), ("KeyError", {})],
)
def test_the_owner_is_told_an_error_and_the_authors_own_words(opened: Open, error: str, told: dict[str, str]) -> None:
    door = opened({"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": error, "Cause": "it says why"}}})
    door.ask("POST", body=ORDER)
    state = ended(door, "o-1")
    assert (state["status"], state["error"]) == ("FAILED", error)
    assert {key: value for key, value in state.items() if key == "message"} == told
    assert "output" not in state


def test_the_owner_stops_it_once(opened: Open) -> None:
    door = opened()
    door.ask("POST", body=ORDER)
    assert door.ask("DELETE", "o-1") == (202, {"id": "o-1", "status": "ABORTED"})
    assert ended(door, "o-1")["status"] == "ABORTED"
    status, state = door.ask("DELETE", "o-1")
    assert (status, state["status"]) == (200, "ABORTED")


@pytest.mark.parametrize("call", ["UpdateItem", "StartExecution"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_repeat_heals_a_crash(opened: Open, call: str, when: str) -> None:
    door = opened()
    client = door.module.dynamodb if call == "UpdateItem" else door.module.states
    crashes = [ConnectionError("crash")]

    def crash(**_: Any) -> None:
        if crashes:
            raise crashes.pop()

    client.meta.events.register(f"{when}-call.*.{call}", crash)
    with pytest.raises(ConnectionError):
        door.ask("POST", body=ORDER)
    assert door.ask("POST", body=ORDER)[0] == 202
    assert door.executions() == ["o-1"]
    assert door.ask("GET", "o-1")[1]["status"] == "RUNNING"


def test_between_the_claim_and_the_start_there_is_no_status(opened: Open) -> None:
    door = opened()
    door.module.states.meta.events.register("before-call.*.StartExecution", _crash)
    with pytest.raises(ConnectionError):
        door.ask("POST", body=ORDER)
    assert door.rows() == {"shop/o-1": "cognito:alice"}
    assert door.ask("GET", "o-1")[0] == 404


def _crash(**_: Any) -> None:
    raise ConnectionError("crash")


def test_what_was_started_past_the_door_is_nobodys(opened: Open) -> None:
    door = opened()
    boto3.client("stepfunctions").start_execution(stateMachineArn=door.machine, name="o-1", input=json.dumps(ORDER))
    door.module._SKEW = -1  # as if it had been long ago
    assert door.ask("POST", body=ORDER)[0] == 202
    assert door.ask("GET", "o-1")[0] == 404
    assert door.ask("DELETE", "o-1")[0] == 404


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ("", "the body is no JSON"),
        ("{", "the body is no JSON"),
        ('{"order": {"id": "o-1"}, "n": 1e999}', "the body is no JSON"),
        ('{"order": {"id": "o-1"}, "s": "\\ud800"}', "the body is no JSON"),
        ('{"order": {"id": "o-1"}, "deep": ' + "[" * 100_000, "the body is no JSON"),
        ('["o-1"]', "the body must be a JSON object"),
        ("{}", "the idempotency key is missing or wrong"),
        ('{"order": "o-1"}', "the idempotency key is missing or wrong"),
        ('{"order": {"id": 17}}', "the idempotency key is missing or wrong"),
        ('{"order": {"id": "geheim/../x"}}', "the idempotency key is missing or wrong"),
        ('{"order": {"id": "geheim\\n"}}', "the idempotency key is missing or wrong"),
        ('{"order": {"id": ""}}', "the idempotency key is missing or wrong"),
        (json.dumps({"order": {"id": "x" * 81}}), "the idempotency key is missing or wrong"),
    ],
)
def test_a_wrong_body_is_a_problem_that_names_no_values(opened: Open, body: str, title: str) -> None:
    door = opened()
    answer = door.answer("POST", body=body)
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["status"], problem["title"]) == (400, 400, title)
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert "geheim" not in answer["body"]
    if "key" in title:
        assert problem["detail"] == "order.id must have 1 to 80 letters, digits, _ or -"
    assert (door.executions(), door.rows()) == ([], {})


def test_a_body_that_an_execution_cannot_take_is_refused(opened: Open) -> None:
    door = opened()
    assert door.ask("POST", body={**ORDER, "more": "ü" * 131_072})[0] == 413
    assert door.executions() == []


def test_of_fields_that_stand_twice_the_execution_has_the_one_that_was_checked(opened: Open) -> None:
    door = opened()
    door.ask("POST", body='{"order": {"id": "o-1"}, "order": {"id": "o-2"}}')
    assert door.executions() == ["o-2"]
    (found,) = boto3.client("stepfunctions").list_executions(stateMachineArn=door.machine)["executions"]
    described = boto3.client("stepfunctions").describe_execution(executionArn=found["executionArn"])
    assert described["input"] == '{"order": {"id": "o-2"}}'


def test_a_body_may_come_as_bytes(opened: Open) -> None:
    door = opened()
    sent = {**ORDER, "größe": "ü"}
    assert door.ask("POST", body=base64.b64encode(json.dumps(sent).encode()).decode(), base64=True)[0] == 202
    (found,) = boto3.client("stepfunctions").list_executions(stateMachineArn=door.machine)["executions"]
    assert (
        json.loads(boto3.client("stepfunctions").describe_execution(executionArn=found["executionArn"])["input"])
        == sent
    )
    assert door.ask("POST", body=base64.b64encode(b"\xff").decode(), base64=True)[0] == 400


@pytest.mark.parametrize("other", ["https://login.example.com#u-2", "https://login.example.org#u-1", "u-1"])
def test_an_execution_belongs_to_a_subject_of_an_issuer(opened: Open, other: str) -> None:
    door = opened(auth=TOKENS)
    owner, stranger = (
        {"principalId": name, "until": "4000000000"} for name in ("https://login.example.com#u-1", other)
    )
    mine = door.ask("POST", body=ORDER, caller=owner)
    assert door.ask("POST", body=ORDER, caller=stranger) == mine
    assert [door.ask(method, "o-1", caller=stranger)[0] for method in ("GET", "DELETE")] == [404, 404]
    assert door.ask("GET", "o-1", caller=owner)[1]["status"] == "RUNNING"
    assert door.ask("DELETE", "o-1", caller=owner)[1]["status"] == "ABORTED"


def test_a_name_that_two_functions_know_is_not_the_same_caller(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    door = opened(auth="{function: gate}")
    alice = {"principalId": "alice"}
    door.ask("POST", body=ORDER, caller=alice)
    assert door.ask("GET", "o-1", caller=alice)[0] == 200
    monkeypatch.setenv("AUTHORITY", "function:other")  # the front door of a path with another function
    assert door.ask("GET", "o-1", caller=alice)[0] == 404


def test_without_a_key_each_request_starts_an_execution(opened: Open) -> None:
    door = opened(document=DOCUMENT.replace('idempotency-key: "{input.order.id}", ', ""))
    names = [door.ask("POST", body=ORDER)[1]["id"] for _ in range(2)]
    assert door.executions() == sorted(names)
    assert len(set(names)) == 2
    assert door.ask("GET", names[0])[0] == 200


@pytest.mark.parametrize(
    ("auth", "caller", "identity", "owner"),
    [
        ("cognito", {"claims": {"sub": "u-1", "email": "a@example.com"}}, {}, "cognito:u-1"),
        ("{function: gate}", {"principalId": "u-1"}, {}, "function:gate:u-1"),
        (
            TOKENS,
            {"principalId": "https://login.example.com#u-1", "until": "4000000000"},
            {},
            "jwt:https://login.example.com#u-1",
        ),
        ("iam", None, {"caller": "AROA7:one-session", "cognitoIdentityId": None}, "iam:AROA7"),
        ("iam", None, {"caller": "AIDA7", "cognitoIdentityId": None}, "iam:AIDA7"),
        (
            "iam",
            None,
            {"caller": "AROA7:CognitoIdentityCredentials", "cognitoIdentityId": "eu-west-1:1"},
            "iam:eu-west-1:1",
        ),
    ],
)
def test_an_owner_is_whom_the_authorizer_names(
    opened: Open, auth: str, caller: Any, identity: dict[str, Any], owner: str
) -> None:
    door = opened(auth=auth)
    door.ask("POST", body=ORDER, caller=caller, identity=identity)
    assert door.rows() == {"shop/o-1": owner}


@pytest.mark.parametrize("until", [None, "", "0", "1"])
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_a_token_that_expired_is_refused_though_the_gateway_has_seen_it(
    opened: Open, until: str | None, method: str
) -> None:
    door = opened(auth=TOKENS)
    caller = {"principalId": "https://login.example.com#u-1"}
    door.ask("POST", body=ORDER, caller={**caller, "until": "4000000000"})
    body = {"order": {"id": "o-2"}}
    answer = door.answer(method, "o-1", body=body, caller={**caller, "until": until} if until is not None else caller)
    assert (answer["statusCode"], answer["headers"]["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert door.executions() == ["o-1"]
    assert door.ask("GET", "o-1", caller={**caller, "until": "4000000000"})[1]["status"] == "RUNNING"


@pytest.mark.parametrize("auth", ["cognito", "iam", "{function: gate}", TOKENS])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_nobody_is_nobody(opened: Open, auth: str, method: str) -> None:
    door = opened(auth=auth)
    caller = {"claims": {}, "principalId": "", "until": "4000000000"}
    assert door.ask(method, "o-1", body=ORDER, caller=caller, identity={"caller": None})[0] == 403
    assert door.executions() == []


def test_pages_of_named_origins_may_read_the_answers(opened: Open) -> None:
    door = opened()
    told = door.answer("POST", body=ORDER, headers={"origin": "https://shop.example.com"})["headers"]
    assert told["Access-Control-Allow-Origin"] == "https://shop.example.com"
    other = door.answer("POST", body=ORDER, headers={"Origin": "https://evil.example.com"})["headers"]
    assert "Access-Control-Allow-Origin" not in other
    assert (told["Vary"], other["Vary"], other["Cache-Control"]) == ("Origin", "Origin", "no-store")


def test_a_service_that_is_busy_is_told_as_that(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    door = opened()
    boto3.client("dynamodb").delete_table(TableName="starts")
    answer = door.answer("POST", body=ORDER)
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "5")
    assert "starts" not in answer["body"]


def test_rows_stay_as_long_as_executions_can_be_seen(opened: Open) -> None:
    door = opened(document=f"timeout: 10d{DOCUMENT}")
    door.ask("POST", body=ORDER)
    (row,) = boto3.client("dynamodb").scan(TableName=door.table)["Items"]
    days = (int(row["expires"]["N"]) - time.time()) / 86_400
    assert 99.9 < days <= 100
