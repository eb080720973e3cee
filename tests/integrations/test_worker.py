"""The worker that comes with the library, against a Step Functions that hands out what a test says."""

from __future__ import annotations

import importlib.util
import json
import signal
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import stepworkflows_cdk.integrations.activities

FILE = Path(stepworkflows_cdk.integrations.activities.__file__).parent / "worker" / "stepworkflows_worker.py"


@pytest.fixture
def worker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("stepworkflows_worker", FILE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class States:
    """What a worker needs of the client, with tasks to hand out; when there are none left, it sends SIGTERM."""

    class exceptions:
        class TaskDoesNotExist(Exception):
            pass

        class TaskTimedOut(Exception):
            pass

    def __init__(self, *inputs: Any) -> None:
        self._inputs = list(inputs)
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.gone = False

    def get_activity_task(self, activityArn: str, workerName: str) -> dict[str, Any]:
        assert activityArn == "arn:activity"
        assert workerName
        if not self._inputs:
            signal.raise_signal(signal.SIGTERM)
            return {}
        return {"taskToken": f"token {len(self._inputs)}", "input": json.dumps(self._inputs.pop(0))}

    def __getattr__(self, name: str) -> Any:
        def send(**parameters: Any) -> None:
            self.sent.append((name, parameters))
            if self.gone:
                raise self.exceptions.TaskTimedOut

        return send


@pytest.fixture
def signals() -> Any:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals")
def test_it_works_until_it_is_told_to_end(worker: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "packing.py").write_text(
        "class NoBox(Exception): pass\n"
        "def pack(event, context):\n"
        "    if event == 'large': raise NoBox('too large')\n"
        "    return {'packed': event, 'token': context.task_token}\n"
    )
    states = States("book", "large")
    worker.main(["--activity", "arn:activity", "--code", str(tmp_path), "--handler", "packing.pack"], states)
    (first, given), (second, failed) = states.sent
    assert (first, given["taskToken"], json.loads(given["output"])) == (
        "send_task_success",
        "token 2",
        {"packed": "book", "token": "token 2"},
    )
    assert (second, failed["taskToken"], failed["error"]) == ("send_task_failure", "token 1", "NoBox")
    assert json.loads(failed["cause"])["errorMessage"] == "too large"


def test_it_shows_that_it_lives(worker: ModuleType) -> None:
    states = States()
    context = SimpleNamespace(task_token="t")
    worker.work(lambda event, context: time.sleep(0.3), None, context, states, 0.05)
    assert [name for name, _ in states.sent][-1] == "send_task_success"
    assert [name for name, _ in states.sent].count("send_task_heartbeat") >= 2


def test_work_that_nobody_waits_for_any_more_is_no_fault(worker: ModuleType) -> None:
    states = States()
    states.gone = True
    worker.work(lambda event, context: 1, None, SimpleNamespace(task_token="t"), states, 0)
    assert [name for name, _ in states.sent] == ["send_task_success"]
