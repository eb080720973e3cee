"""What the engine refuses, before the first state runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stepworkflows_cdk.compiler.bundle import Bundle, Machine
from stepworkflows_cdk.compiler.plan import Hole
from stepworkflows_cdk.errors import LocalRunError
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.local import RunResult, run

END: dict[str, Any] = {"Type": "Pass", "End": True}
STANDARD = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
ROLE = "arn:aws:iam::111122223333:role/caller"
TASK: dict[str, Any] = {"Type": "Task", "Resource": "arn:aws:states:::fake:call", "End": True}


def branch(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


@pytest.mark.parametrize(
    ("state", "fault"),
    [
        ({"Type": "Activity"}, "state 'A': field Type 'Activity' is not supported; supported: Choice, Fail, Map,"),
        ({**END, "InputPath": "$"}, "state 'A': field InputPath is not supported"),
        ({**END, "Parameters": {}}, "state 'A': field Parameters is not supported"),
        ({**END, "QueryLanguage": "JSONPath"}, "state 'A': field QueryLanguage must be 'JSONata'"),
        ({"Type": "Pass"}, "state 'A': either field Next or End must be given"),
        ({"Type": "Pass", "Next": "Z"}, "state 'A': field Next names 'Z', which is no state beside it"),
        ({**END, "Output": ["{% 1 + %}"]}, "state 'A': field Output[0]: S0207"),
        ({**END, "Assign": {"states": 1}}, "state 'A': field Assign sets $states, which is reserved"),
        ({**TASK, "HeartbeatSecondsPath": "$.n"}, "state 'A': field HeartbeatSecondsPath is not supported"),
        (
            {**TASK, "HeartbeatSeconds": 0},
            "field HeartbeatSeconds must be a whole number from 1 or an expression, not 0",
        ),
        ({**TASK, "Credentials": {}}, "state 'A': field Credentials must be an object with the field RoleArn alone"),
        ({**TASK, "Credentials": {"RoleArn": ROLE, "Name": "x"}}, "field Credentials must be an object"),
        ({**TASK, "Credentials": {"RoleArn": "admin"}}, "field Credentials/RoleArn must be the ARN of a role"),
        ({**TASK, "Credentials": {"RoleArn": "{% ( %}"}}, "state 'A': field Credentials/RoleArn: S0"),
        (
            {**TASK, "TimeoutSeconds": 0},
            "state 'A': field TimeoutSeconds must be a whole number from 1 or an expression, not 0",
        ),
        ({**TASK, "Resource": ""}, "state 'A': field Resource is missing"),
        (
            {**TASK, "Resource": "arn:aws:states:::sqs:sendMessage"},
            "state 'A': field Resource: nothing on this machine performs sqs:sendMessage; say what it gives: {at: a, returns: ...}",
        ),
        (
            {**TASK, "Resource": "arn:aws:states:::fake:call.sync"},
            "state 'A': field Resource: the pattern .sync of fake:call.sync is not supported",
        ),
        (
            {**TASK, "Resource": "arn:aws:states:::fake:call.sync:2"},
            "the pattern .sync:2 of fake:call.sync:2 is not supported",
        ),
        (
            {**TASK, "Resource": "arn:aws:lambda:us-east-1:1:function:f"},
            "nothing on this machine performs arn:aws:lambda",
        ),
        ({**TASK, "Retry": [{}]}, "state 'A': field Retry[0]: field ErrorEquals must be a list of error names"),
        (
            {**TASK, "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": -1}]},
            "field Retry[0]: field MaxAttempts must be a whole number from 0",
        ),
        (
            {**TASK, "Retry": [{"ErrorEquals": ["E"], "BackoffRate": 0.5}]},
            "field BackoffRate must be a number from 1, not 0.5",
        ),
        (
            {**TASK, "Retry": [{"ErrorEquals": ["E"], "JitterStrategy": "HALF"}]},
            "field JitterStrategy must be FULL or NONE, not 'HALF'",
        ),
        ({**TASK, "Retry": [{"ErrorEquals": ["E"], "Jitter": 1}]}, "field Retry[0]: field Jitter is not supported"),
        (
            {**TASK, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "A"}, {"ErrorEquals": ["E"], "Next": "A"}]},
            "field Catch[0]: States.ALL must stand alone, and last",
        ),
        (
            {**TASK, "Catch": [{"ErrorEquals": ["States.ALL", "E"], "Next": "A"}]},
            "States.ALL must stand alone, and last",
        ),
        ({**TASK, "Catch": [{"ErrorEquals": ["E"], "Next": "Z"}]}, "field Catch[0]/Next names 'Z'"),
        ({"Type": "Choice", "Choices": []}, "state 'A': field Choices is missing"),
        (
            {"Type": "Choice", "Choices": [{"Variable": "$.x", "Next": "A"}]},
            "field Choices[0]: field Variable is not supported",
        ),
        ({"Type": "Wait", "End": True}, "state 'A': either field Seconds or Timestamp must be given"),
        (
            {"Type": "Wait", "Seconds": -1, "End": True},
            "field Seconds must be a whole number from 0 or an expression, not -1",
        ),
        (
            {"Type": "Parallel", "Branches": [{"StartAt": "X", "States": {}}], "End": True},
            "state 'A', branch 0: field StartAt must name",
        ),
        (
            {"Type": "Parallel", "Branches": [branch(A=END)], "End": True},
            "state 'A': the name is used twice in the machine",
        ),
        (
            {
                "Type": "Map",
                "ItemProcessor": {**branch(B=END), "ProcessorConfig": {"Mode": "DISTRIBUTED"}},
                "End": True,
            },
            "state 'A', ItemProcessor: field ProcessorConfig: ExecutionType must be 'STANDARD', no other is supported",
        ),
        (
            {
                "Type": "Map",
                "ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "PARQUET"}},
                "ItemProcessor": {**branch(B=END), "ProcessorConfig": STANDARD},
                "End": True,
            },
            "state 'A': field ItemReader/ReaderConfig/InputType must be one of CSV, JSON, JSONL",
        ),
        (
            {
                "Type": "Map",
                "ItemBatcher": {"MaxItemsPerBatch": 0},
                "ItemProcessor": {**branch(B=END), "ProcessorConfig": STANDARD},
                "End": True,
            },
            "state 'A': field ItemBatcher/MaxItemsPerBatch must be a positive whole number",
        ),
        (
            {
                "Type": "Map",
                "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "WriterConfig": {}},
                "ItemProcessor": {**branch(B=END), "ProcessorConfig": STANDARD},
                "End": True,
            },
            "state 'A', ResultWriter: field WriterConfig is not supported; supported: Arguments, Resource",
        ),
        (
            {"Type": "Map", "ItemReader": {}, "ItemProcessor": branch(B=END), "End": True},
            "state 'A': field ItemReader is for maps whose mode is 'DISTRIBUTED'",
        ),
        (
            {"Type": "Parallel", "Assign": {"x": 1}, "Branches": [branch(B={**END, "Assign": {"x": 1}})], "End": True},
            "state 'B': field Assign sets $x, a variable of an outer scope",
        ),
        (
            {
                "Type": "Map",
                "Assign": {"x": 1},
                "ItemProcessor": branch(
                    B={
                        "Type": "Choice",
                        "Choices": [{"Condition": True, "Next": "B", "Assign": {"x": 1}}],
                        "Default": "B",
                    }
                ),
                "End": True,
            },
            "state 'B': field Assign sets $x, a variable of an outer scope",
        ),
    ],
)
def test_what_cannot_run_is_refused_before_the_start(execute: Callable[..., RunResult], state: Any, fault: str) -> None:
    seen: list[Any] = []
    with pytest.raises(LocalRunError, match="machine flow cannot be run on this machine") as refusal:
        execute({"First": {"Type": "Pass", "Next": "A"}, "A": state}, listener=seen.append)
    assert fault in str(refusal.value)
    assert seen == []


def test_all_faults_are_told_at_once(execute: Callable[..., RunResult]) -> None:
    with pytest.raises(LocalRunError) as refusal:
        execute({"A": {**END, "InputPath": "$"}, "B": {"Type": "Wait", "End": True}})
    assert "state 'A'" in str(refusal.value)
    assert "state 'B'" in str(refusal.value)


def test_siblings_may_use_the_same_variable(execute: Callable[..., RunResult]) -> None:
    one, two = (branch(**{name: {**END, "Assign": {"x": name}}}) for name in "BC")
    assert execute({"A": {"Type": "Parallel", "Branches": [one, two], "End": True}}).status == "SUCCEEDED"


@pytest.mark.parametrize(
    "field", [{"QueryLanguage": "JSONPath"}, {"TimeoutSeconds": 0}, {"Rules": 1}, {"StartAt": "Z"}]
)
def test_a_machine_that_cannot_run_is_refused(execute: Callable[..., RunResult], field: dict[str, Any]) -> None:
    with pytest.raises(LocalRunError, match=f"the machine: field {next(iter(field))}"):
        execute({"A": END}, machine=field)


def test_a_step_that_is_answered_from_outside_needs_no_service(execute: Callable[..., RunResult]) -> None:
    states = {"A": {**TASK, "Resource": "arn:aws:states:::ecs:runTask.sync"}}
    assert execute(states, outside=[{"at": "a", "returns": {"x": 1}}]).output == {"x": 1}


def test_a_call_beyond_the_given_answers_stops_the_run(execute: Callable[..., RunResult]) -> None:
    states = {"A": {**TASK, "Resource": "arn:aws:states:::sqs:sendMessage", "End": False, "Next": "A"}}
    with pytest.raises(LocalRunError, match=r"state 'A': nothing .* sqs:sendMessage.*used up"):
        execute(states, outside=[{"at": "a", "returns": 1}])


def holed(text: str, *holes: Hole) -> Bundle:
    mark = Mark("flow.yaml", 1, 1)
    return Bundle((Machine("flow", text, holes, {}, mark),), (), ())


def test_holes_are_filled_in_the_text_and_user_text_is_none() -> None:
    text = (
        '{"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": {"Type": "Pass", "End": true, '
        '"Output": ["${aws_region}", "\\u0024{aws_region}"]}}}'
    )
    assert run(holed(text, Hole("aws", "region")), None, integrations=()).output == ["us-east-1", "${aws_region}"]


@pytest.mark.parametrize(
    ("text", "holes", "fault"),
    [
        ("${x_y}", (), "is none of its holes"),
        ('"${x_y}"', (Hole("x", "y"),), "nothing on this machine gives the attribute y of x"),
        ("{", (), "its definition is no JSON"),
        ("[]", (), "the definition is no object"),
    ],
)
def test_a_text_that_cannot_be_read_is_refused(text: str, holes: tuple[Hole, ...], fault: str) -> None:
    with pytest.raises(LocalRunError, match=fault):
        run(holed(text, *holes), None, integrations=())
