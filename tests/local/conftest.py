"""Machines written by hand, and a service to call that does as it is told."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from stepworkflows_cdk.compiler.bundle import Bundle, Machine
from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.compiler.plan import Hole, Need
from stepworkflows_cdk.integrations.lambda_.needs import FunctionNeed
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.local import RunResult, TaskFailed, World, run

MARK = Mark("flow.yaml", 1, 1)


class Service(Integration):
    """Performs ``fake:call``: the next of ``script`` (an error's name fails), else its own arguments."""

    tasks = ("fake:",)

    def __init__(self, script: Sequence[Any] = (), takes: float = 0) -> None:
        self.script = deque(script)
        self.takes = takes
        self.calls: list[Any] = []

    def perform(self, resource: str, arguments: Any, world: World) -> Any:
        self.calls.append(arguments)
        world.clock.sleep(self.takes)
        answer = self.script.popleft() if self.script else arguments
        if isinstance(answer, str) and "." in answer:
            raise TaskFailed(answer, f"cause of {answer}")
        return answer


class Functions(Integration):
    needs = (FunctionNeed,)
    tasks = ("lambda:",)

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        from stepworkflows_cdk.integrations.lambda_.local import realise

        assert isinstance(need, FunctionNeed)
        return realise(need, world)

    def answer(self, resource: str, value: Any, arguments: Any, world: World) -> Any:
        from stepworkflows_cdk.integrations.lambda_.local import answer

        return answer(value)

    def perform(self, resource: str, arguments: Any, world: World) -> Any:
        from stepworkflows_cdk.integrations.lambda_.local import perform

        return perform(resource, arguments, world)


@pytest.fixture
def service() -> type[Service]:
    return Service


def names(states: Mapping[str, Any]) -> list[str]:
    found = []
    for name, state in states.items():
        found.append(name)
        for inner in [*state.get("Branches", ()), state.get("ItemProcessor", {})]:
            found.extend(names(inner.get("States", {})))
    return found


@pytest.fixture
def bundle() -> Callable[..., Bundle]:
    """A bundle of one machine, whose first state is the first; each state's step has the state's name in lower case."""

    def make(
        states: Mapping[str, Any], *, needs: Sequence[Need] = (), holes: Sequence[Hole] = (), **machine: Any
    ) -> Bundle:
        text = json.dumps({"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states, **machine})
        marks = {name: Mark("flow.yaml", 1, 1, name.lower()) for name in names(states)}
        return Bundle((Machine("flow", text, tuple(holes), marks, MARK),), tuple(needs), ())

    return make


@pytest.fixture
def execute(bundle: Callable[..., Bundle]) -> Callable[..., RunResult]:
    """Runs states: ``execute(states, input, service=..., TimeoutSeconds=..., **options of run)``."""

    def execute_states(
        states: Mapping[str, Any],
        input_: Any = None,
        *,
        service: Integration | None = None,
        machine: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> RunResult:
        integrations = (service if service is not None else Service(),)
        return run(bundle(states, **(machine or {})), input_, integrations=integrations, **options)

    return execute_states


@pytest.fixture
def call_code(bundle: Callable[..., Bundle], tmp_path: Path) -> Callable[..., RunResult]:
    """Runs one task state on a function whose files are given: ``call_code({"handler.py": "..."}, event)``."""

    def call(files: Mapping[str, str] | Path, event: Any = None, *, calls: int = 1, **settings: Any) -> RunResult:
        folder = files if isinstance(files, Path) else write(tmp_path / "code", files)
        need = function(folder, **settings)
        states: dict[str, Any] = {}
        for number in range(calls):
            states[f"Call{number}"] = {
                "Type": "Task",
                "Resource": "arn:${aws_partition}:states:::lambda:invoke",
                "Arguments": {"FunctionName": "${function_f_arn}", "Payload": event},
                "Output": "{% $states.result.Payload %}",
                **({"End": True} if number == calls - 1 else {"Next": f"Call{number + 1}"}),
            }
        holes = (Hole("aws", "partition"), Hole("function-f", "arn"))
        return run(bundle(states, needs=[need], holes=holes), None, integrations=(Functions(),))

    return call


@pytest.fixture
def functions() -> Functions:
    return Functions()


@pytest.fixture
def function_need() -> Callable[..., FunctionNeed]:
    return function


def function(folder: Path | None, **settings: Any) -> FunctionNeed:
    given: dict[str, Any] = {
        "id": "function-f",
        "mark": MARK,
        "code": folder,
        "handler": "handler.handler",
        "env": (),
        "timeout": 30,
        "memory": 128,
        "python": "3.13",
        "architecture": "arm64",
    }
    return FunctionNeed(**{**given, **settings})


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder
