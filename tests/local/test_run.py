"""The run as a whole: its result, its determinism, what it leaves of the process."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from stepworkflows_cdk.compiler.bundle import Bundle
from stepworkflows_cdk.compiler.plan import Need
from stepworkflows_cdk.errors import ConfigurationError, LocalRunError
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.local import AttemptBegan, AttemptFailed, LaneEnded, RunResult, StateEntered, StateLeft, run

CODE = """
import random, uuid, boto3
def handler(event, context):
    if random.random() < 0.5:
        raise LookupError(f"draw {random.random()} {context.aws_request_id}")
    print(context.aws_request_id)
    boto3.client("sqs").create_queue(QueueName="q")
    sent = boto3.client("sqs").send_message(QueueUrl=boto3.client("sqs").get_queue_url(QueueName="q")["QueueUrl"], MessageBody="x")
    return [random.random(), sent["MessageId"]]
"""


def test_the_same_seed_gives_the_same_run(call_code: Callable[..., RunResult]) -> None:
    def once() -> str:
        result = call_code({"handler.py": CODE}, calls=2)
        return json.dumps([result.to_json(), [str(line) for line in result.logs]])

    assert once() == once()


def chancy(execute: Callable[..., RunResult], service: Any, seed: int) -> tuple[str, list[str]]:
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 9, "JitterStrategy": "FULL"}]
    call = {
        "Type": "Task",
        "Resource": "arn:aws:states:::fake:call",
        "Arguments": "{% $uuid() %}",
        "Retry": retry,
        "End": True,
    }
    branches = [{"StartAt": name, "States": {name: call}} for name in "ABC"]
    told: list[Any] = []
    result = execute(
        {
            "P": {"Type": "Parallel", "Branches": branches, "Next": "Z"},
            "Z": {
                "Type": "Pass",
                "End": True,
                "Output": "{% [$states.input, $states.context.Execution.Id, $random()] %}",
            },
        },
        service=service(["X.Y"] * 7),
        seed=seed,
        listener=told.append,
    )
    return json.dumps(result.to_json()), [str(event) for event in told]


def test_chance_and_events_come_from_the_seed(execute: Callable[..., RunResult], service: Any) -> None:
    assert chancy(execute, service, 1) == chancy(execute, service, 1)
    assert chancy(execute, service, 1)[0] != chancy(execute, service, 2)[0]


def test_the_json_of_a_result(execute: Callable[..., RunResult]) -> None:
    result = execute({"A": {"Type": "Wait", "Seconds": 1, "End": True}}, {"a": 1.0})
    assert result.to_json() == {
        "status": "SUCCEEDED",
        "output": {"a": 1},
        "error": None,
        "cause": None,
        "states": ["A"],
        "outbox": [],
        "emitted": [],
        "messages": [],
        "files": {},
        "tables": {},
        "transitions": 1,
        "simulated_seconds": 1.0,
        "notes": [],
    }


def test_a_listener_hears_what_happens(execute: Callable[..., RunResult], service: Any) -> None:
    told: list[Any] = []
    retry = [{"ErrorEquals": ["X.Y"], "IntervalSeconds": 2, "MaxAttempts": 1}]
    state = {"Type": "Task", "Resource": "arn:aws:states:::fake:call", "Retry": retry, "End": True}
    execute({"Call": state}, service=service(["X.Y", "X.Y"]), listener=told.append)
    failed = {"name": "Call", "step": "call", "error": "X.Y", "cause": "cause of X.Y"}
    assert told == [
        StateEntered("Call", "call", 0),
        AttemptBegan("Call", "call", 0),
        AttemptFailed(**failed, at=0, attempt=1, retry_in=2),
        AttemptBegan("Call", "call", 2),
        AttemptFailed(**failed, at=2, attempt=2, retry_in=None),
        LaneEnded(2, (), "failed", "X.Y", "cause of X.Y"),
    ]
    told.clear()
    execute({"Call": state}, service=service(), listener=told.append)
    assert told == [
        StateEntered("Call", "call", 0),
        AttemptBegan("Call", "call", 0),
        StateLeft("Call", "call", 0),
        LaneEnded(0, (), "well"),
    ]


def test_branches_are_lanes_of_their_own(execute: Callable[..., RunResult], service: Any) -> None:
    told: list[Any] = []
    fail = {"Type": "Fail", "Error": "Boom", "Cause": "x"}
    wait = {"Type": "Wait", "Seconds": 5, "End": True}
    branches = [{"StartAt": "F", "States": {"F": fail}}, {"StartAt": "W", "States": {"W": wait}}]
    execute({"Both": {"Type": "Parallel", "Branches": branches, "End": True}}, service=service(), listener=told.append)
    lanes = {event.name: event.lane for event in told if isinstance(event, StateEntered)}
    assert lanes == {"Both": (), "F": (1,), "W": (2,)}
    ends = [(event.lane, event.how, event.error) for event in told if isinstance(event, LaneEnded)]
    assert ends == [((1,), "failed", "Boom"), ((2,), "stopped", ""), ((), "failed", "Boom")]


def test_what_a_state_sets_is_told_without_its_value(execute: Callable[..., RunResult], service: Any) -> None:
    told: list[Any] = []
    assign = {"left": "", "failure": {"type": "Boom", "cause": "x", "at": 1}, "gone": None}
    execute({"Set": {"Type": "Pass", "Assign": assign, "End": True}}, service=service(), listener=told.append)
    (left,) = [event for event in told if isinstance(event, StateLeft)]
    assert left.assigned == {"left": None, "failure": ("Boom", "x")}


@pytest.mark.parametrize("given", [object(), float("nan"), {"a": {1, 2}}])
def test_an_input_that_is_no_json(execute: Callable[..., RunResult], given: Any) -> None:
    with pytest.raises(ConfigurationError, match="the input of a run must be JSON"):
        execute({"A": {"Type": "Succeed"}}, given)


def test_an_input_that_is_too_large(execute: Callable[..., RunResult]) -> None:
    with pytest.raises(ConfigurationError, match="may have 262144 bytes as JSON, not 262145"):
        execute({"A": {"Type": "Succeed"}}, "x" * 262_143)


def test_a_need_that_nobody_makes(bundle: Callable[..., Bundle]) -> None:
    need = Need(id="queue-jobs", mark=Mark("flow.yaml", 3, 7))
    with pytest.raises(LocalRunError, match=r"nothing on this machine makes queue-jobs \(Need, flow\.yaml:3:7\)"):
        run(bundle({"A": {"Type": "Succeed"}}, needs=[need]), None, integrations=())


def test_real_time_passes(execute: Callable[..., RunResult]) -> None:
    result = execute(
        {"A": {"Type": "Wait", "Seconds": 1, "Next": "B"}, "B": {"Type": "Succeed", "Output": "{% $now() %}"}},
        real_time=True,
    )
    assert result.status == "SUCCEEDED"
    assert result.real_seconds >= 1
    assert result.output > "2026-01-02"


@pytest.mark.parametrize("crash", [False, True])
def test_the_process_is_as_before(
    execute: Callable[..., RunResult], service: Any, monkeypatch: pytest.MonkeyPatch, crash: bool
) -> None:
    class Crash(service):  # type: ignore[misc]
        def perform(self, resource: str, arguments: Any, world: Any) -> Any:
            world.folder()
            world.client("s3")
            if crash:
                raise ZeroDivisionError
            return dict(os.environ)

    mine = boto3.Session()
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4566")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", mine)
    random.seed(5)
    drawn = random.random()
    random.seed(5)

    def process() -> Any:
        methods = {name for name in ("connect", "connect_ex") if name in vars(socket.socket)}
        return dict(os.environ), list(sys.path), sys.getrecursionlimit(), socket.getaddrinfo, methods

    before = process()
    state = {"Type": "Task", "Resource": "arn:aws:states:::fake:call", "End": True}
    if crash:
        with pytest.raises(ZeroDivisionError):
            execute({"A": state}, service=Crash())
    else:
        inside = execute({"A": state}, service=Crash()).output
        assert "AWS_PROFILE" not in inside
        assert "AWS_ENDPOINT_URL" not in inside
    assert process() == before
    assert boto3.DEFAULT_SESSION is mine
    assert random.random() == drawn


def test_importing_loads_no_aws_client(repository: Path) -> None:
    code = "import sys, stepworkflows_cdk.local as l; l.run; print(*{'moto', 'boto3', 'botocore', 'jsonata'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=repository)
    assert (answer.returncode, answer.stdout.strip()) == (0, ""), answer.stderr


def test_a_missing_extra_is_named(execute: Callable[..., RunResult], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moto", None)
    with pytest.raises(LocalRunError, match=r"needs moto: pip install 'stepworkflows-cdk\[local\]'"):
        execute({"A": {"Type": "Succeed"}})
