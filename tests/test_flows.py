"""Golden folders: each folder of ``flows`` is one idea, and dropping one in adds its tests.

A folder holds documents (``workflow.*`` first), and beside them what they become: ``asl.json`` with the needs and
grants in ``bundle.json``, and ``warnings.txt`` where there are any; or ``errors.txt``, the exact report. ``run.json``
lists runs, each an input, what comes from outside, and what to expect. ``UPDATE_GOLDEN=1 pytest tests/test_flows.py``
writes all but the last anew; read the difference before you commit it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import stepworkflows_cdk
from stepworkflows_cdk import Definition, compile_workflow, validate
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.language.diagnostics import Report
from stepworkflows_cdk.local import run

FLOWS = Path(__file__).parent / "flows"
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1" and not os.environ.get("CI")
FOLDERS = sorted(folder.name for folder in FLOWS.iterdir() if folder.is_dir())
RIGHT = [name for name in FOLDERS if not name.startswith("wrong-")]
WRONG = [name for name in FOLDERS if name.startswith("wrong-")]
RUNS = [(name, number) for name in RIGHT for number in range(len(json.loads((FLOWS / name / "run.json").read_text())))]


def documents(name: str) -> list[Path]:
    found = sorted((FLOWS / name).glob("workflow.*")) + sorted((FLOWS / name).glob("step-*.*"))
    assert found, f"{name} has no workflow.yaml"
    return found


def golden(name: str, file: str, text: str) -> None:
    """The file has that text; there is none where the text is empty."""
    path = FLOWS / name / file
    if UPDATE and text:
        path.write_text(text, encoding="utf-8")
    elif UPDATE:
        path.unlink(missing_ok=True)
    assert (path.read_text(encoding="utf-8") if path.exists() else "") == text


def report(found: Report) -> str:
    text = found.text().replace(found.folder, "")
    return f"{text}\n" if text else ""


@pytest.mark.parametrize("name", RIGHT)
def test_right_documents_become_this(name: str) -> None:
    definition = Definition.load(*documents(name))
    golden(name, "warnings.txt", report(definition.report))
    bundle = compile_workflow(definition)
    golden(name, "asl.json", "".join(f"{machine.text}\n" for machine in bundle.machines))
    rest = {key: value for key, value in bundle.to_json().items() if key != "machines"}
    golden(name, "bundle.json", json.dumps(rest, ensure_ascii=False, indent=1) + "\n")


@pytest.mark.parametrize(("name", "number"), RUNS)
def test_right_documents_run(name: str, number: int) -> None:
    case = json.loads((FLOWS / name / "run.json").read_text(encoding="utf-8"))[number]
    bundle = compile_workflow(Definition.load(*documents(name)))
    result = run(bundle, case["input"], integrations=BUILTIN, outside=case.get("outside", ()))
    tasks = {name for machine in bundle.machines for name in names_of_tasks(json.loads(machine.text))}
    got = {**result.to_json(), "tasks": [state for state in result.states if state.rpartition("/")[2] in tasks]}
    if "calls" in case["expect"]:
        got["calls"] = calls_as(case["expect"]["calls"], result.calls)
    assert {key: got[key] for key in case["expect"]} == case["expect"]
    assert list(result.notes) == case["expect"].get("notes", [])


def calls_as(expected: list[dict[str, Any]], calls: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The calls of a run, each a step's id -> its arguments; of these as much as is expected at its place."""
    got = [{str(call["step"]): call["arguments"]} for call in calls]
    return [part_of(call, expected[at]) if at < len(expected) else call for at, call in enumerate(got)]


def part_of(value: Any, expected: Any) -> Any:
    """A value without the fields, at any depth, that nothing is said about."""
    if isinstance(value, dict) and isinstance(expected, dict):
        return {key: part_of(item, expected[key]) for key, item in value.items() if key in expected}
    if isinstance(value, list) and isinstance(expected, list) and len(value) == len(expected):
        return [part_of(*pair) for pair in zip(value, expected, strict=True)]
    return value


def names_of_tasks(states: dict[str, Any]) -> Iterator[str]:
    """The names of all tasks of a machine, at any depth."""
    for name, state in states["States"].items():
        yield from [name] if state["Type"] == "Task" else []
        for inner in (*state.get("Branches", ()), *([state["ItemProcessor"]] if "ItemProcessor" in state else ())):
            yield from names_of_tasks(inner)


@pytest.mark.parametrize("name", WRONG)
def test_wrong_documents_are_reported(name: str) -> None:
    found = validate(*documents(name))
    assert found.errors
    golden(name, "errors.txt", report(found))


def test_every_problem_has_a_fix() -> None:
    for path in sorted([*FLOWS.glob("*/errors.txt"), *FLOWS.glob("*/warnings.txt")]):
        for problem in re.split(r"^(?=\S+:\d+:\d+ SW)", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
            assert "\n    fix: " in problem, f"{path.parent.name}: {problem}"


def test_every_code_has_a_document_and_its_report() -> None:
    package = Path(stepworkflows_cdk.__file__).parent
    known = {code for path in package.rglob("*.py") for code in re.findall(r'"(SW\d{3})"', path.read_text("utf-8"))}
    reports = [path for pattern in ("*/errors.txt", "*/warnings.txt") for path in FLOWS.glob(pattern)]
    shown = {code for path in reports for code in re.findall(r"SW\d{3}", path.read_text("utf-8"))}
    assert known - shown == {"SW001", "SW003"}  # what is no text: tests/language/test_source.py
