"""What a guard takes an end of the flow for, by what Step Functions says of it; and what stops a guarded flow."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.compiler.bundle import Bundle
from stepworkflows_cdk.integrations.lambda_.needs import FunctionNeed
from stepworkflows_cdk.local.clock import VirtualClock
from stepworkflows_cdk.local.jsonata import Evaluator

FLOW = """
name: shop
guard: true
inputs: {id: string}
resources: {users: {type: user-pool}, rows: {type: table, key: id}}
triggers: {api: {path: /orders, auth: cognito, cancel: true}}
steps: [{id: a, wait: 1h}]
on-failure: [{id: note, record: {table: rows, key: {id: "{id}"}}, inputs: {error: "{error.type}"}}]
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    path = tmp_path / "workflow.yaml"
    path.write_text(FLOW, encoding="utf-8")
    return compile_workflow(Definition.load(path))


def assigned(bundle: Bundle, error: str, cause: str, status: str) -> dict[str, Any]:
    """The variables once it is known how the execution ended."""
    states = json.loads(bundle.main.text)["States"]
    evaluator = Evaluator(VirtualClock(), random.Random(1))

    def values(template: Any, **variables: Any) -> Any:
        given = {name: evaluator.data(value) for name, value in variables.items()}
        return evaluator.template(template, "F", given)

    caught = {"errorOutput": {"Error": error, "Cause": cause}, "input": {}}
    first = values(states["Guarded"]["Catch"][0]["Assign"], states=caught)
    told = {"result": {"Status": status}, "input": {}}
    return {**first, **values(states["How it ended"]["Assign"], states=told, failure=first["failure"])}


def described(status: str, error: str | None = None, cause: str | None = None) -> str:
    failed = {key: value for key, value in {"Cause": cause, "Error": error}.items() if value is not None}
    return json.dumps({**failed, "ExecutionArn": "arn", "Input": "{}", "Status": status}, separators=(",", ":"))


@pytest.mark.parametrize(
    ("status", "error", "cause", "type_", "handled"),
    [
        ("FAILED", "OutOfStock", "no tea", "OutOfStock", True),
        ("FAILED", "States.Timeout", "of a step", "States.Timeout", True),
        ("FAILED", "States.Runtime", "", "States.Runtime", False),
        ("FAILED", "States.DataLimitExceeded", "", "States.DataLimitExceeded", False),
        ("TIMED_OUT", None, None, "States.Timeout", False),
        ("ABORTED", None, None, "ExecutionAborted", False),
        ("ABORTED", "Cancelled", "by whoever started it", "Cancelled", False),
    ],
)
def test_only_what_the_flow_could_catch_it_has_handled(
    bundle: Bundle, status: str, error: str | None, cause: str | None, type_: str, handled: bool
) -> None:
    found = assigned(bundle, "States.TaskFailed", described(status, error, cause), status)
    assert found["failure"] == {"type": type_, "cause": cause or ""}
    assert found["handled"] is handled


def test_of_a_cause_that_is_cut_off_the_status_is_known_all_the_same(bundle: Bundle) -> None:
    cut = described("FAILED", "OutOfStock", "x" * 100)[:150]
    assert assigned(bundle, "States.TaskFailed", cut, "FAILED")["handled"] is True
    assert assigned(bundle, "States.TaskFailed", cut, "ABORTED")["handled"] is False


def test_the_api_stops_what_does_the_work(bundle: Bundle) -> None:
    (door,) = (need for need in bundle.needs if isinstance(need, FunctionNeed))
    env = {name: text.fill(lambda hole: f"<{hole.need}>") for name, text in door.env}
    assert "<machine-shop>" in env["EXECUTIONS"]
    assert "<machine-shop-guarded>" in env["STOPPED"]
    allowed = {
        action: grant.resource.fill(lambda hole: f"<{hole.need}>")
        for grant in bundle.grants
        if grant.holder == door.id
        for action in grant.actions
    }
    assert "<machine-shop-guarded>" in allowed["states:StopExecution"]
    assert "<machine-shop>" in allowed["states:DescribeExecution"]
