"""The semantics of the states language, by machines written by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    ("states", "output"),
    [
        pytest.param({"A": end()}, {"n": 1}, id="a pass gives its input"),
        pytest.param({"A": end("{% $states.input.n + 1 %}")}, 2, id="output is an expression"),
        pytest.param({"A": end({"a": ["{% 1 %}", "x"], "b": None})}, {"a": [1, "x"], "b": None}, id="nested template"),
        pytest.param({"A": {"Type": "Succeed"}}, {"n": 1}, id="succeed gives its input"),
        pytest.param({"A": {"Type": "Succeed", "Output": "{% 'x' %}"}}, "x", id="succeed with output"),
        pytest.param(
            {
                "A": {"Type": "Pass", "Assign": {"x": 1, "y": 2}, "Next": "B"},
                "B": {"Type": "Pass", "Assign": {"x": "{% $y %}", "y": "{% $x %}"}, "Output": "{% $x %}", "Next": "C"},
                "C": end("{% [$states.input, $x, $y] %}"),
            },
            [1, 2, 1],
            id="assign and output read the old values",
        ),
        pytest.param(
            {"A": {"Type": "Pass", "Assign": {"x": None}, "Next": "B"}, "B": end("{% $x = null ? 'null' : 'no' %}")},
            "null",
            id="a variable may be null",
        ),
        pytest.param({"A": task(Arguments={"a": "{% $states.input.n %}"})}, {"a": 1}, id="a task gives its result"),
        pytest.param(
            {
                "A": task(
                    Arguments={"a": 5},
                    Assign={"got": "{% $states.result.a %}"},
                    Output="{% $states.input.n + $states.result.a %}",
                    End=False,
                    Next="B",
                ),
                "B": end("{% [$got, $states.input] %}"),
            },
            [5, 6],
            id="a task's assign and output read its result",
        ),
        pytest.param(
            {
                "A": {
                    "Type": "Choice",
                    "Choices": [
                        {"Condition": "{% $states.input.n = 2 %}", "Next": "B"},
                        {
                            "Condition": "{% $states.input.n = 1 %}",
                            "Next": "C",
                            "Assign": {"x": "{% 'c' %}"},
                            "Output": 9,
                        },
                    ],
                    "Default": "B",
                    "Assign": {"x": "default"},
                },
                "B": end("B"),
                "C": end("{% [$x, $states.input] %}"),
            },
            ["c", 9],
            id="a choice takes the first rule that holds, with its assign and output",
        ),
        pytest.param(
            {
                "A": {
                    "Type": "Choice",
                    "Choices": [{"Condition": "{% false %}", "Next": "A"}],
                    "Default": "B",
                    "Assign": {"x": "{% 'default' %}"},
                    "Output": "{% 'out' %}",
                },
                "B": end("{% [$x, $states.input] %}"),
            },
            ["default", "out"],
            id="the state's own assign and output go with the default",
        ),
        pytest.param(
            {"A": {"Type": "Parallel", "Branches": [branch(B=end(1)), branch(C=end(2))], "End": True}},
            [1, 2],
            id="a parallel gives its branches' outputs in order",
        ),
        pytest.param(
            {
                "A": {"Type": "Pass", "Assign": {"x": 1}, "Next": "P"},
                "P": {
                    "Type": "Parallel",
                    "Arguments": {"given": "{% $x + 1 %}"},
                    "Branches": [
                        branch(
                            B={"Type": "Pass", "Assign": {"y": "{% $x + $states.input.given %}"}, "Next": "C"},
                            C=end("{% $y %}"),
                        )
                    ],
                    "Assign": {"z": "{% $states.result[0] %}"},
                    "Next": "D",
                },
                "D": end("{% [$z, $exists($y)] %}"),
            },
            [3, False],
            id="a branch reads outer variables and keeps its own",
        ),
        pytest.param(
            {
                "A": {
                    "Type": "Map",
                    "Items": "{% [3, 1, 2] %}",
                    "ItemSelector": {
                        "v": "{% $states.context.Map.Item.Value %}",
                        "i": "{% $states.context.Map.Item.Index %}",
                    },
                    "ItemProcessor": branch(
                        B={
                            "Type": "Wait",
                            "Seconds": "{% $states.input.v %}",
                            "Output": "{% $states.input %}",
                            "End": True,
                        }
                    ),
                    "End": True,
                }
            },
            [{"v": 3, "i": 0}, {"v": 1, "i": 1}, {"v": 2, "i": 2}],
            id="a map gives its iterations' outputs in item order",
        ),
        pytest.param(
            {"A": {"Type": "Map", "Items": [], "ItemProcessor": branch(B=end()), "End": True}}, [], id="an empty map"
        ),
    ],
)
def test_what_states_give(execute: Execute, states: dict[str, Any], output: Any) -> None:
    result = execute(states, {"n": 1})
    assert (result.status, result.output, result.error) == ("SUCCEEDED", output, None)


@pytest.mark.parametrize(
    ("states", "error", "cause"),
    [
        pytest.param({"A": {"Type": "Fail", "Error": "E", "Cause": "C"}}, "E", "C", id="fail"),
        pytest.param(
            {"A": {"Type": "Fail", "Error": "{% 'E' & $states.input.n %}", "Cause": "{% 'C' %}"}},
            "E1",
            "C",
            id="fail by expression",
        ),
        pytest.param(
            {"A": end("{% $nope %}")},
            QUERY,
            "An error occurred while executing the state 'A' (entered at the event id #2). The JSONata expression '$nope' "
            "specified for the field 'Output' returned nothing (undefined).",
            id="a variable that was never assigned",
        ),
        pytest.param(
            {"A": end({"a": {"b": ["{% $nope %}"]}})}, QUERY, "field 'Output/a/b[0]' returned nothing", id="field named"
        ),
        pytest.param(
            {"A": end("{% 1 + 'a' %}")}, QUERY, "threw an error during evaluation. T2002", id="an expression fails"
        ),
        pytest.param(
            {"A": end("{% $sum %}")}, QUERY, "returned an unsupported result type", id="a function is no data"
        ),
        pytest.param({"A": end("{% $eval('1') %}")}, QUERY, "non-function", id="eval is off"),
        pytest.param(
            {"A": {"Type": "Choice", "Choices": [{"Condition": "{% 'true' %}", "Next": "A"}]}},
            QUERY,
            "field 'Choices[0]/Condition' returned an unexpected result type. Expected 'boolean', but was 'string' for value: \"true\"",
            id="a condition that is no boolean",
        ),
        pytest.param(
            {"A": {"Type": "Choice", "Choices": [{"Condition": "{% false %}", "Next": "A"}]}},
            "States.NoChoiceMatched",
            "state 'A'",
            id="no rule and no default",
        ),
        pytest.param(
            {"A": {"Type": "Wait", "Seconds": "{% 1.5 %}", "End": True}}, QUERY, "1.5", id="a wait of part of a second"
        ),
        pytest.param({"A": {"Type": "Wait", "Seconds": "{% -1 %}", "End": True}}, QUERY, "-1", id="a negative wait"),
        pytest.param(
            {"A": {"Type": "Wait", "Timestamp": "2026-01-01", "End": True}},
            "States.Runtime",
            "2026-01-01",
            id="no timestamp",
        ),
        pytest.param(
            {"A": {"Type": "Map", "Items": "{% 'x' %}", "ItemProcessor": branch(B=end()), "End": True}},
            QUERY,
            "Expected 'array', but was 'string'",
            id="items that are no list",
        ),
        pytest.param(
            {"A": end("{% $pad('', 262145) %}")},
            "States.DataLimitExceeded",
            "The state/task 'A' returned a result with a size exceeding the maximum number of bytes service limit.",
            id="an output above 256 KiB",
        ),
        pytest.param(
            {"A": {"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "A"}]}},
            "States.Runtime",
            "The execution reached the maximum number of history events (25000).",
            id="an endless loop",
        ),
        pytest.param(
            {"A": {"Type": "Fail", "Error": "E", "Cause": "{% $pad('', 40000, 'x') %}"}},
            "E",
            "x" * 32_768,
            id="long cause",
        ),
    ],
)
def test_how_states_fail(execute: Execute, states: dict[str, Any], error: str, cause: str) -> None:
    result = execute(states, {"n": 1})
    assert (result.status, result.error, result.output) == ("FAILED", error, None)
    assert cause in str(result.cause)
    assert len(str(result.cause)) <= 32_768


def test_the_largest_output_is_allowed(execute: Execute) -> None:
    assert execute({"A": end("{% $pad('', 262142) %}")}).status == "SUCCEEDED"


def test_the_context_object(execute: Execute) -> None:
    states = {
        "A": {"Type": "Wait", "Seconds": 90, "Next": "B"},
        "B": end("{% $states.context %}"),
    }
    result = execute(states, {"n": None}, execution_name="run-1")
    assert result.output == {
        "Execution": {
            "Id": "arn:aws:states:us-east-1:123456789012:execution:flow:run-1",
            "Input": {"n": None},
            "Name": "run-1",
            "RedriveCount": 0,
            "RoleArn": "arn:aws:iam::123456789012:role/flow",
            "StartTime": "2026-01-01T00:00:00.000Z",
        },
        "State": {"Name": "B", "EnteredTime": "2026-01-01T00:01:30.000Z", "RetryCount": 0},
        "StateMachine": {"Id": "arn:aws:states:us-east-1:123456789012:stateMachine:flow", "Name": "flow"},
    }


@pytest.mark.parametrize("moment", ["2026-01-01T00:00:10Z", "2026-01-01T01:00:10.000+01:00"])
def test_a_wait_until(execute: Execute, moment: str) -> None:
    assert execute({"A": {"Type": "Wait", "Timestamp": moment, "End": True}}).simulated_seconds == 10


def test_a_wait_until_the_past_is_over_at_once(execute: Execute) -> None:
    result = execute({"A": {"Type": "Wait", "Timestamp": "2020-01-01T00:00:00Z", "End": True}})
    assert (result.status, result.simulated_seconds) == ("SUCCEEDED", 0)


def test_a_fortnight_takes_no_time(execute: Execute) -> None:
    result = execute({"A": {"Type": "Wait", "Seconds": 14 * 86_400, "Next": "B"}, "B": end("{% $now() %}")})
    assert (result.output, result.simulated_seconds) == ("2026-01-15T00:00:00.000Z", 14 * 86_400)


def test_branches_are_interleaved(execute: Execute) -> None:
    def three(name: str, seconds: int) -> dict[str, Any]:
        return branch(
            **{
                f"{name}1": {"Type": "Pass", "Next": f"{name}2"},
                f"{name}2": {"Type": "Wait", "Seconds": seconds, "Next": f"{name}3"},
                f"{name}3": end(),
            }
        )

    result = execute({"P": {"Type": "Parallel", "Branches": [three("A", 2), three("B", 1)], "End": True}})
    assert result.states == ("P", "A1", "B1", "A2", "B2", "B3", "A3")
    assert result.simulated_seconds == 2


def test_a_failing_branch_stops_its_siblings(execute: Execute, service: Any) -> None:
    slow = branch(Slow={"Type": "Wait", "Seconds": 10, "Next": "Never"}, Never=task())
    quick = branch(
        Quick={"Type": "Wait", "Seconds": 1, "Next": "Bad"}, Bad={"Type": "Fail", "Error": "E", "Cause": "c"}
    )
    parallel = {
        "Type": "Parallel",
        "Branches": [slow, quick],
        "Catch": [{"ErrorEquals": ["E"], "Next": "After", "Output": "{% $states.errorOutput %}"}],
        "End": True,
    }
    fake = service()
    result = execute({"P": parallel, "After": {"Type": "Wait", "Seconds": 60, "End": True}}, service=fake)
    assert (result.output, fake.calls, result.simulated_seconds) == ({"Error": "E", "Cause": "c"}, [], 61)


def test_a_failure_ends_nested_parallels(execute: Execute, service: Any) -> None:
    inner = {
        "Type": "Parallel",
        "Branches": [branch(W={"Type": "Wait", "Seconds": 5, "Next": "Never"}, Never=task())],
        "End": True,
    }
    outer = {"Type": "Parallel", "Branches": [branch(I=inner), branch(F={"Type": "Fail", "Error": "E"})], "End": True}
    fake = service()
    result = execute({"O": outer}, service=fake)
    assert (result.status, result.error, fake.calls) == ("FAILED", "E", [])


def test_a_map_runs_no_more_at_once_than_it_may(execute: Execute) -> None:
    def run_map(count: int, most: int) -> float:
        processor = branch(W={"Type": "Wait", "Seconds": 10, "End": True})
        state = {"Type": "Map", "ItemProcessor": processor, "MaxConcurrency": most, "End": True}
        return execute({"M": state}, list(range(count))).simulated_seconds

    assert [run_map(6, 1), run_map(6, 2), run_map(6, 4), run_map(40, 0), run_map(41, 0)] == [60, 30, 20, 10, 20]


def test_a_failing_iteration_ends_the_map(execute: Execute) -> None:
    processor = branch(
        C={"Type": "Choice", "Choices": [{"Condition": "{% $states.input = 2 %}", "Next": "F"}], "Default": "W"},
        F={"Type": "Fail", "Error": "Two"},
        W={"Type": "Wait", "Seconds": 9, "End": True},
    )
    state = {"Type": "Map", "ItemProcessor": processor, "End": True}
    result = execute({"M": state}, [1, 2, 3])
    assert (result.status, result.error, result.simulated_seconds) == ("FAILED", "Two", 0)


def test_the_machine_times_out(execute: Execute) -> None:
    result = execute({"A": {"Type": "Wait", "Seconds": 100, "Next": "B"}, "B": end()}, machine={"TimeoutSeconds": 60})
    assert (result.status, result.error, result.states, result.simulated_seconds) == (
        "TIMED_OUT",
        "States.Timeout",
        ("A",),
        60,
    )


def test_the_machine_ends_in_time(execute: Execute) -> None:
    result = execute({"A": {"Type": "Wait", "Seconds": 59, "End": True}}, machine={"TimeoutSeconds": 60})
    assert (result.status, result.simulated_seconds) == ("SUCCEEDED", 59)


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> tuple[dict[str, Any], int]:
    """States that run one behind the other, and the seconds that they take."""
    states: dict[str, Any] = {}
    total = 0
    prefix = str(draw(st.uuids()))[:18]
    for number in range(draw(st.integers(1, 3))):
        name = f"{prefix}-{number}"
        if depth and draw(st.booleans()):
            inner = [draw(trees(depth - 1)) for _ in range(draw(st.integers(1, 3)))]
            states[name] = {"Type": "Parallel", "Branches": [branch(**found) for found, _ in inner]}
            total += max(seconds for _, seconds in inner)
        else:
            seconds = draw(st.integers(0, 1000))
            states[name] = {"Type": "Wait", "Seconds": seconds}
            total += seconds
    listed = list(states)
    for name, following in zip(listed, [*listed[1:], None], strict=True):
        states[name].update({"End": True} if following is None else {"Next": following})
    return states, total


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees())
def test_waits_add_up_and_branches_take_as_long_as_the_longest(
    execute: Execute, tree: tuple[dict[str, Any], int]
) -> None:
    states, seconds = tree
    result = execute(states, "in")
    assert (result.status, result.simulated_seconds) == ("SUCCEEDED", seconds)
    assert len(set(result.states)) == len(result.states) == result.transitions
