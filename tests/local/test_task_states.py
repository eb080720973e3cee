"""Tasks by machines written by hand: their time, their tries, what they give and how their errors are caught."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stepworkflows_cdk.local import RunResult

Execute = Callable[..., RunResult]

TASK = {"Type": "Task", "Resource": "arn:aws:states:::fake:call", "End": True}
QUERY = "States.QueryEvaluationError"


def task(**fields: Any) -> dict[str, Any]:
    return {**TASK, **fields}


def branch(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def end(output: Any = None) -> dict[str, Any]:
    return {"Type": "Pass", "End": True} if output is None else {"Type": "Pass", "Output": output, "End": True}


ROLE = "arn:aws:iam::111122223333:role/caller"


def test_a_task_times_out_after_its_effect(execute: Execute, service: Any) -> None:
    state = task(TimeoutSeconds=5, Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "B"}], Next="B", End=False)
    fake = service(takes=8)
    result = execute({"A": state, "B": end()}, service=fake)
    assert (result.output, result.simulated_seconds, len(fake.calls)) == (
        {"Error": "States.Timeout", "Cause": ""},
        5,
        1,
    )


def test_a_task_in_time_takes_its_time(execute: Execute, service: Any) -> None:
    result = execute({"A": task(TimeoutSeconds="{% 4 + 4 %}")}, service=service(takes=8))
    assert (result.status, result.simulated_seconds) == ("SUCCEEDED", 8)


def test_others_go_on_while_a_task_works(execute: Execute, service: Any) -> None:
    parallel = {"Type": "Parallel", "Branches": [branch(A=task()), branch(B=task())], "End": True}
    assert execute({"P": parallel}, service=service(takes=8)).simulated_seconds == 8


@pytest.mark.parametrize("field", ["Arguments", "Output"])
def test_a_query_error_of_a_task_can_be_caught(execute: Execute, field: str) -> None:
    catch = [{"ErrorEquals": [QUERY], "Next": "B", "Assign": {"e": "{% $states.errorOutput.Error %}"}}]
    state = task(Catch=catch, Next="B", End=False, **{field: "{% $nope %}"})
    assert execute({"A": state, "B": end("{% $e %}")}).output == QUERY


def test_a_query_error_of_a_pass_can_be_caught_around_it(execute: Execute) -> None:
    parallel = {
        "Type": "Parallel",
        "Branches": [branch(A=end("{% $nope %}"))],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}],
        "End": True,
    }
    assert execute({"P": parallel, "B": end()}).output["Error"] == QUERY


def test_a_result_above_the_limit_is_caught_by_its_name_alone(execute: Execute, service: Any) -> None:
    def caught(*names: str) -> str:
        catch = [{"ErrorEquals": [name], "Next": name} for name in names]
        states = {"A": task(Catch=catch), **{name: end(name) for name in names}}
        result = execute(states, service=service(["x" * 262_145]))
        return str(result.output or result.error)

    assert caught("States.ALL") == "States.DataLimitExceeded"
    assert caught("States.TaskFailed", "States.DataLimitExceeded") == "States.DataLimitExceeded"


def test_the_catcher_that_takes_the_error_is_the_first(execute: Execute, service: Any) -> None:
    catch = [
        {"ErrorEquals": ["Other.Error"], "Next": "B"},
        {
            "ErrorEquals": ["Some.Error"],
            "Next": "C",
            "Output": {"was": "{% $states.errorOutput %}", "in": "{% $states.input %}"},
        },
        {"ErrorEquals": ["States.ALL"], "Next": "B"},
    ]
    result = execute({"A": task(Catch=catch), "B": end("B"), "C": end()}, 7, service=service(["Some.Error"]))
    assert result.output == {"was": {"Error": "Some.Error", "Cause": "cause of Some.Error"}, "in": 7}


def test_attempts_and_transitions_are_counted(execute: Execute, service: Any) -> None:
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 1}]
    result = execute({"A": task(Retry=retry, End=False, Next="B"), "B": end()}, service=service(["X.Y", "X.Y"]))
    assert (result.attempts, result.transitions, result.states) == ({"A": 3}, 4, ("A", "B"))


def test_a_parallel_is_tried_again_as_a_whole(execute: Execute, service: Any) -> None:
    parallel = {
        "Type": "Parallel",
        "Branches": [branch(A=task()), branch(B=end())],
        "Retry": [{"ErrorEquals": ["X.Y"], "MaxAttempts": 1, "IntervalSeconds": 3}],
        "End": True,
    }
    result = execute({"P": parallel}, 1, service=service(["X.Y"]))
    assert (result.output, result.attempts, result.simulated_seconds) == ([{}, 1], {"P": 2, "A": 2}, 3)


@pytest.mark.parametrize("role", [ROLE, "{% 'arn:aws:iam::111122223333:role/' & $states.input.name %}"])
def test_a_task_with_a_role_of_its_own(execute: Execute, role: str) -> None:
    states = {"A": task(Credentials={"RoleArn": role}, Arguments={"n": 1})}
    assert execute(states, {"name": "caller"}).output == {"n": 1}


@pytest.mark.parametrize("role", ["{% 5 %}", "{% 'caller' %}", "{% $states.input.missing %}"])
def test_a_role_that_is_none_fails_the_task(execute: Execute, role: str) -> None:
    result = execute({"A": task(Credentials={"RoleArn": role})}, {})
    assert (result.status, result.error) == ("FAILED", QUERY)
    assert "Credentials/RoleArn" in str(result.cause)
