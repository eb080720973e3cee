"""Who takes which error, and when the next try is."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepworkflows_cdk.local import AttemptFailed, RunResult
from stepworkflows_cdk.local.retry import Retries, matches


@pytest.mark.parametrize(
    ("names", "error", "taken"),
    [
        (["A"], "A", True),
        (["A"], "B", False),
        (["A", "B"], "B", True),
        (["States.ALL"], "A", True),
        (["States.ALL"], "States.Timeout", True),
        (["States.ALL"], "States.QueryEvaluationError", True),
        (["States.ALL"], "States.DataLimitExceeded", False),
        (["States.ALL"], "States.Runtime", False),
        (["States.Runtime"], "States.Runtime", False),
        (["States.DataLimitExceeded"], "States.DataLimitExceeded", True),
        (["States.TaskFailed"], "A", True),
        (["States.TaskFailed"], "States.TaskFailed", True),
        (["States.TaskFailed"], "States.Timeout", False),
        (["States.TaskFailed"], "States.DataLimitExceeded", False),
        (["States.TaskFailed", "States.Timeout"], "States.Timeout", True),
        (["States.Timeout"], "States.HeartbeatTimeout", True),
        (["a"], "A", False),
    ],
)
def test_which_names_take_an_error(names: list[str], error: str, taken: bool) -> None:
    assert matches(names, error) is taken


def delays(count: int, *retriers: dict[str, Any], errors: str = "A") -> list[float | None]:
    retries = Retries([{"ErrorEquals": ["A"], **retriers[0]}, *retriers[1:]], random.Random(1))
    return [retries.delay(errors[number % len(errors)]) for number in range(count)]


def test_the_defaults_are_three_attempts_after_1_2_and_4_seconds() -> None:
    assert delays(4, {}) == [1, 2, 4, None]


def test_the_interval_grows_up_to_its_limit() -> None:
    settings = {"IntervalSeconds": 3, "BackoffRate": 3, "MaxDelaySeconds": 20, "MaxAttempts": 5}
    assert delays(6, settings) == [3, 9, 20, 20, 20, None]


def test_no_attempts_means_none() -> None:
    assert delays(1, {"MaxAttempts": 0}) == [None]


def test_each_retrier_counts_for_itself() -> None:
    other = {"ErrorEquals": ["B"], "IntervalSeconds": 5, "MaxAttempts": 1}
    assert delays(5, {"MaxAttempts": 2}, other, errors="ABAAB") == [1, 5, 2, None, None]


def test_full_jitter_is_anywhere_below_the_interval() -> None:
    found = delays(50, {"JitterStrategy": "FULL", "IntervalSeconds": 60, "BackoffRate": 1, "MaxAttempts": 50})
    assert all(delay is not None and 0 <= delay <= 60 for delay in found)
    assert len(set(found)) == 50


def test_counts_begin_anew_when_the_state_is_entered_anew(execute: Callable[..., RunResult], service: Any) -> None:
    states = {
        "Init": {"Type": "Pass", "Assign": {"n": 0}, "Next": "A"},
        "A": {
            "Type": "Task",
            "Resource": "arn:aws:states:::fake:call",
            "Retry": [{"ErrorEquals": ["X.Y"], "MaxAttempts": 1}],
            "Assign": {"n": "{% $n + 1 %}"},
            "Next": "Again",
        },
        "Again": {"Type": "Choice", "Choices": [{"Condition": "{% $n < 2 %}", "Next": "A"}], "Default": "End"},
        "End": {"Type": "Succeed"},
    }
    result = execute(states, service=service(["X.Y", 1, "X.Y", 2]))
    assert (result.status, result.attempts) == ("SUCCEEDED", {"A": 4})


def test_the_retry_count_is_in_the_context(execute: Callable[..., RunResult], service: Any) -> None:
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::fake:call",
        "Arguments": "{% $states.context.State.RetryCount %}",
        "Retry": [{"ErrorEquals": ["X.Y"]}],
        "End": True,
    }
    assert execute({"A": state}, service=service(["X.Y", "X.Y"])).output == 2


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(failures=st.integers(0, 6), attempts=st.integers(0, 6))
def test_a_task_is_tried_as_often_as_it_may(
    execute: Callable[..., RunResult], service: Any, failures: int, attempts: int
) -> None:
    seen: list[Any] = []
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::fake:call",
        "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": attempts, "IntervalSeconds": 2, "BackoffRate": 2}],
        "End": True,
    }
    result = execute({"A": state}, service=service(["X.Y"] * failures), listener=seen.append)
    retries = min(failures, attempts)
    assert result.status == ("SUCCEEDED" if failures <= attempts else "FAILED")
    assert result.attempts["A"] == retries + 1
    assert result.transitions == retries + 1
    assert result.simulated_seconds == sum(2 * 2**number for number in range(retries))
    told = [event for event in seen if isinstance(event, AttemptFailed)]
    assert [event.attempt for event in told] == list(range(1, min(failures, attempts + 1) + 1))
    assert [event.retry_in is None for event in told].count(True) == (failures > attempts)
