"""The inlet of a queue before moto's Step Functions: one execution for each message, and only what failed comes back."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws

import stepworkflows_cdk

CODE = Path(stepworkflows_cdk.__file__).parent / "integrations" / "triggers" / "inlet" / "handler.py"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders"


@pytest.fixture
def inlet(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    with mock_aws():
        definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
        role = "arn:aws:iam::123456789012:role/machine"
        machine = boto3.client("stepfunctions").create_state_machine(name="shop", definition=definition, roleArn=role)
        monkeypatch.setenv("MACHINE", machine["stateMachineArn"])
        spec = importlib.util.spec_from_file_location("inlet_handler", CODE)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module


def failed(inlet: ModuleType, *bodies: str, queue: str = QUEUE) -> list[str]:
    """The messages that come back; they are called m0, m1 ..."""
    records = [{"messageId": f"m{number}", "body": body, "eventSourceARN": queue} for number, body in enumerate(bodies)]
    answer = inlet.handler({"Records": records}, None)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def started(inlet: ModuleType) -> dict[str, Any]:
    """Name of each execution -> its input."""
    client = boto3.client("stepfunctions")
    machine = client.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    arns = [found["executionArn"] for found in client.list_executions(stateMachineArn=machine)["executions"]]
    described = [client.describe_execution(executionArn=arn) for arn in arns]
    return {found["name"]: json.loads(found["input"]) for found in described}


def test_each_message_starts_an_execution_of_its_name(inlet: ModuleType) -> None:
    assert failed(inlet, '{"order_id": "1"}', '{"order_id": "ü"}') == []
    assert started(inlet) == {"m0": {"order_id": "1"}, "m1": {"order_id": "ü"}}


def test_a_message_that_comes_again_starts_nothing(inlet: ModuleType) -> None:
    failed(inlet, '{"order_id": "1"}')
    assert failed(inlet, '{"order_id": "2"}') == []
    assert started(inlet) == {"m0": {"order_id": "1"}}


@pytest.mark.parametrize(
    "body", ["", "text", "[1]", "17", '{"n": 1e999}', '{"s": "\\ud800"}', json.dumps({"s": "x" * 262_144})]
)
def test_a_message_that_is_no_input_comes_back_alone(
    inlet: ModuleType, caplog: pytest.LogCaptureFixture, body: str
) -> None:
    assert failed(inlet, '{"a": 1}', body, '{"b": 2}') == ["m1"]
    assert started(inlet) == {"m0": {"a": 1}, "m2": {"b": 2}}
    assert "m1" in caplog.text
    assert not body or body not in caplog.text


def test_behind_a_message_that_failed_an_ordered_queue_waits(inlet: ModuleType) -> None:
    assert failed(inlet, '{"a": 1}', "text", '{"b": 2}', queue=f"{QUEUE}.fifo") == ["m1", "m2"]
    assert started(inlet) == {"m0": {"a": 1}}


def test_a_service_that_is_busy_gives_the_message_back(inlet: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MACHINE", f"{inlet.os.environ['MACHINE']}-gone")
    assert failed(inlet, '{"a": 1}') == ["m0"]
