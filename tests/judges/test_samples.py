"""The samples, against the state machines that they re-express: moto's interpreter runs the originals.

They are in a public collection, which this repository has no part of: with ``COLLECTION`` naming a clone of it, at the
commit that ``docs/samples.md`` names, this test reads them from there, and is skipped without. An original is run once for
each run of its sample. Whatever it calls has to be a call that the sample made, with the same in the fields that its
``original.json`` lists, and is answered as the sample's was, with a result or an error. No call of the sample may be left
over, and both have to succeed, or fail.

``original.json`` says of each task of the original which step is the same. In ``same`` is JSONata over the arguments of
a call, a text for both or a pair, ours first; ``result`` makes of our answer theirs. Calls ``beside`` are only ours.
"""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import moto
import pytest
import yaml

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.local import run
from stepworkflows_cdk.local.surroundings import surroundings

FLOWS = Path(__file__).parent.parent / "flows"
COLLECTION = os.environ.get("COLLECTION", "")
COMMIT = "83bbec48d8f065de3dbcb4c5d8fe0e58a0479334"
PATIENCE = 30.0
"""Seconds that moto may take for one run."""
SAMPLES = {path.parent.name: json.loads(path.read_text("utf-8")) for path in sorted(FLOWS.glob("*/original.json"))}
PLAYED = [
    (name, number)
    for name, original in SAMPLES.items()
    if original["played"]
    for number in range(len(json.loads((FLOWS / name / "run.json").read_text("utf-8"))))
]

pytestmark = pytest.mark.skipif(not COLLECTION, reason="COLLECTION names no clone of the originals")


def read(original: Mapping[str, Any], path: str) -> str:
    shown = subprocess.run(
        ["git", "-C", COLLECTION, "show", f"{COMMIT}:{original['folder']}/{path}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return shown.stdout


@pytest.mark.parametrize("name", SAMPLES)
def test_the_originals_have_so_many_lines(name: str) -> None:
    original = SAMPLES[name]
    for path, lines in (*original["definitions"].items(), *original["wiring"].items()):
        written = [line.strip() for line in read(original, path).splitlines()]
        assert len([line for line in written if line and not line.startswith("#")]) == lines, path


@pytest.mark.parametrize(("name", "number"), PLAYED)
def test_the_original_makes_the_same_calls(name: str, number: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, logger="moto")
    case = json.loads((FLOWS / name / "run.json").read_text("utf-8"))[number]
    outside = case.get("outside", [])
    ours = run(
        compile_workflow(Definition.load(FLOWS / name / "workflow.yaml")),
        case["input"],
        integrations=BUILTIN,
        outside=outside,
    )
    original = SAMPLES[name]
    script = Script(original, outside, [dict(c) for c in ours.calls if c["step"] not in original["beside"]])
    given = evaluated(original.get("input", "$"), case["input"])
    definition = json.dumps(yaml.safe_load(read(original, original["played"])))
    definition = re.sub(
        r'(?<="Resource": ")\$\{(\w+)\}', r"arn:aws:lambda:us-east-1:123456789012:function:\1", definition
    )
    assert (executed(definition, given, script), script.wrong) == (ours.status, [])
    assert script.left == []
    text = (FLOWS / name / "workflow.yaml").read_text("utf-8")
    if "parallel:" not in text and "for-each:" not in text:
        assert script.called == [call["step"] for call in ours.calls if call["step"] not in original["beside"]]


@dataclass
class Script:
    """What the sample's run called, and what of it the original has not called yet."""

    original: Mapping[str, Any]
    events: list[Mapping[str, Any]]
    left: list[dict[str, Any]]
    called: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, state: str, arguments: Any) -> Any:
        """The answer to a call of the original, or ``Refused`` with an error."""
        said = self.original["states"][state]
        with self.lock:
            for call in [call for call in self.left if call["step"] == said["step"]]:
                if all(alike(same, call["arguments"], arguments) for same in said["same"]):
                    self.left.remove(call)
                    self.called.append(call["step"])
                    return self._answered(said, call, arguments)
            self.wrong.append(f"{state}: no such call of {said['step']}: {json.dumps(arguments)}")
            raise Refused("Unexpected", self.wrong[-1])

    def _answered(self, said: Mapping[str, Any], call: Mapping[str, Any], arguments: Any) -> Any:
        if "error" in call:
            raise Refused(call["error"], call["cause"])
        result = call.get("result")
        if "result" in said:
            result = evaluated(said["result"], {"result": result, "theirs": arguments, "events": self.events})
        if result is None:
            raise Refused("States.Timeout", "nobody answers")
        return result


class Refused(Exception):
    """An answer that is an error."""


def alike(same: str | list[str], ours: Any, theirs: Any) -> bool:
    our, their = (same, same) if isinstance(same, str) else same
    return bool(evaluated(our, ours) == evaluated(their, theirs))


def evaluated(code: str, value: Any) -> Any:
    from jsonata import Jsonata

    return json.loads(json.dumps(Jsonata(code).evaluate(value)))


def executed(definition: str, given: Any, script: Script) -> str:
    """The status in which moto's interpreter ends."""
    executing = moto.mock_aws(config={"stepfunctions": {"execute_state_machine": True}})
    with surroundings(0) as session, executing, pytest.MonkeyPatch.context() as patch:
        answer_tasks(patch, script)
        client = session.client("stepfunctions")
        machine = client.create_state_machine(
            name="original", definition=definition, roleArn="arn:aws:iam::123456789012:role/original"
        )["stateMachineArn"]
        execution = client.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
        ends = time.monotonic() + PATIENCE
        while (described := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
            if time.monotonic() > ends:
                break
            threading.Event().wait(0.02)
        return str(described["status"])


def answer_tasks(patch: pytest.MonkeyPatch, script: Script) -> None:
    """Tasks are answered by the script, and waits take no time."""
    from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
    from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
    from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
        FailureEvent,
        FailureEventException,
    )
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (
        StateTaskService,
    )
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_lambda import StateTaskLambda
    from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
    from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

    def perform(task: Any, env: Any) -> None:
        if isinstance(task, StateTaskService):
            task.resource.eval(env=env)
            env.stack.pop()
        arguments = task._eval_parameters(env=env)
        try:
            env.stack.append(script.answer(task.name, arguments))
        except Refused as refused:
            error, cause = refused.args
            details = EventDetails(
                taskFailedEventDetails=TaskFailedEventDetails(error=error, cause=cause, resource="", resourceType="")
            )
            raise FailureEventException(
                FailureEvent(
                    env=env,
                    error_name=CustomErrorName(error),
                    event_type=HistoryEventType.TaskFailed,
                    event_details=details,
                )
            ) from None

    for kind in (StateTaskService, StateTaskLambda):
        patch.setattr(kind, "_eval_execution", perform)
    patch.setattr(WaitFunction, "_wait_interval", lambda self, env, wait_seconds: None)
    patch.setattr(retrier_decl, "time", type("Time", (), {"sleep": staticmethod(lambda seconds: None)}))
