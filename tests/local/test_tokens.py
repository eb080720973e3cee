"""Tasks that wait for an answer to their token, answered by code that calls Step Functions as it would in AWS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import boto3
import pytest

from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.errors import LocalRunError
from stepworkflows_cdk.local import RunResult, TaskFailed, World

Execute = Callable[..., RunResult]
WAITS: dict[str, Any] = {
    "Type": "Task",
    "Resource": "arn:aws:states:::fake:ask.waitForTaskToken",
    "Arguments": {"token": "{% $states.context.Task.Token %}"},
    "TimeoutSeconds": 60,
    "End": True,
}


class Post(Integration):
    """``fake:ask`` keeps a token; ``fake:tell`` makes the next of ``calls`` of the API with the token that was kept."""

    tasks = ("fake:",)

    def __init__(self, calls: Sequence[tuple[str, Mapping[str, str]]] = (), *, at_once: bool = False) -> None:
        self.calls = list(calls)
        self.at_once = at_once
        self.tokens: list[str] = []
        self.refused: list[str] = []

    def perform(self, resource: str, arguments: Any, world: World) -> Any:
        if resource == "fake:ask":
            self.tokens.append(arguments["token"])
            if self.at_once:
                self.tell()
            elif arguments.get("lost") and len(self.tokens) == 1:
                raise TaskFailed("Lost", "")
            return "not the result"
        self.tell()
        return None

    def tell(self) -> None:
        name, given = self.calls.pop(0)
        client = boto3.client("stepfunctions")
        try:
            getattr(client, name)(**{"taskToken": self.tokens[-1], **given})
        except client.exceptions.ClientError as error:
            self.refused.append(error.response["Error"]["Code"])


def beside(*tells: int, **waits: Any) -> dict[str, Any]:
    """A wait, and beside it calls after so many seconds."""
    states: dict[str, Any] = {}
    for number, seconds in enumerate(tells):
        following = {"Next": f"Pause{number + 1}"} if number + 1 < len(tells) else {"End": True}
        states[f"Pause{number}"] = {"Type": "Wait", "Seconds": seconds, "Next": f"Tell{number}"}
        states[f"Tell{number}"] = {"Type": "Task", "Resource": "arn:aws:states:::fake:tell", **following}
    branches = [{"StartAt": "Ask", "States": {"Ask": {**WAITS, **waits}}}, {"StartAt": "Pause0", "States": states}]
    return {"Both": {"Type": "Parallel", "Branches": branches, "Output": "{% $states.result[0] %}", "End": True}}


def test_the_answer_is_the_result(execute: Execute) -> None:
    post = Post([("send_task_success", {"output": '{"x": [1]}'})])
    result = execute(beside(40), service=post)
    assert (result.output, result.simulated_seconds, post.refused) == ({"x": [1]}, 40, [])


def test_an_answer_before_the_call_has_returned(execute: Execute) -> None:
    result = execute({"Ask": WAITS}, service=Post([("send_task_success", {"output": "1"})], at_once=True))
    assert (result.output, result.simulated_seconds) == (1, 0)


def test_a_failure_is_an_error_of_the_task(execute: Execute) -> None:
    post = Post([("send_task_failure", {"error": "Refused", "cause": "no money"})])
    result = execute(beside(5), service=post)
    assert (result.status, result.error, result.cause) == ("FAILED", "Refused", "no money")


def test_nobody_answers(execute: Execute) -> None:
    result = execute({"Ask": WAITS}, service=Post())
    assert (result.error, result.simulated_seconds) == ("States.Timeout", 60)


def test_the_first_answer_counts_and_later_ones_are_refused(execute: Execute) -> None:
    calls = [("send_task_success", {"output": "1"}), ("send_task_success", {"output": "2"})]
    post = Post([*calls, ("send_task_failure", {"error": "E"})])
    assert execute(beside(1, 1, 1), service=post).output == 1
    assert post.refused == ["TaskTimedOut", "TaskTimedOut"]


def test_an_answer_after_the_time_out_is_refused(execute: Execute) -> None:
    caught = {"Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Late"}]}
    states = beside(61, **caught)
    states["Both"]["Branches"][0]["States"]["Late"] = {"Type": "Pass", "Output": "late", "End": True}
    post = Post([("send_task_success", {"output": "1"})])
    assert execute(states, service=post).output == "late"
    assert post.refused == ["TaskTimedOut"]


@pytest.mark.parametrize(
    ("given", "code"), [({"taskToken": "mine", "output": "1"}, "InvalidToken"), ({"output": "{"}, "InvalidOutput")]
)
def test_a_wrong_answer_is_refused(execute: Execute, given: Mapping[str, str], code: str) -> None:
    post = Post([("send_task_success", given), ("send_task_success", {"output": '"right"'})])
    assert execute(beside(1, 1), service=post).output == "right"
    assert post.refused == [code]


def test_each_try_has_a_token_of_its_own(execute: Execute) -> None:
    retry = {"Retry": [{"ErrorEquals": ["Lost"], "IntervalSeconds": 1}]}
    arguments = {"Arguments": {**WAITS["Arguments"], "lost": True}}
    post = Post([("send_task_success", {"output": '"found"'})])
    assert execute(beside(9, **retry, **arguments), service=post).output == "found"
    assert len(set(post.tokens)) == 2


def test_a_wait_without_end_is_refused(execute: Execute) -> None:
    states = {"Ask": {name: value for name, value in WAITS.items() if name != "TimeoutSeconds"}}
    with pytest.raises(LocalRunError, match="waits, without a time-out, for an answer that nobody sends"):
        execute(states, service=Post())
