"""Flows made at random do what a plain reading of their documents says: which work, with what, in which order, and how it ends."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from oracle.comparing import compare, outcome
from oracle.service import Fault
from oracle.soundness import faults_of
from oracle.writing import Made, flows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("flow")


@given(made=flows(depth=2))
def test_a_flow_does_what_its_document_says(folder: Path, made: Made) -> None:
    compare(made, folder)


@pytest.mark.deep
@given(made=flows(depth=4, steps=24))
def test_a_deep_flow_does_what_its_document_says(folder: Path, made: Made) -> None:
    compare(made, folder)


@pytest.mark.deep
@settings(max_examples=20, phases=[Phase.generate])
@given(made=flows(depth=2), which=st.integers(0, 20), effect=st.booleans())
def test_wherever_a_flow_fails_what_was_attempted_is_undone_in_reverse(
    folder: Path, made: Made, which: int, effect: bool
) -> None:
    """Lets one call of the flow fail, before its effect or after."""
    last = {step["id"] for step in made.document.get("finally", ())}
    calls = [call["id"] for call in outcome(replace(made, faults=()), folder).calls if call["id"] not in last]
    if calls:
        fault = Fault(calls[which % len(calls)], "Boom", "x", effect, times=9)
        compare(replace(made, faults=(fault,)), folder)


SAGA = {
    "name": "saga",
    "inputs": {},
    "steps": [
        {"id": "a", "undo": "a"},
        {"id": "b", "undo": "b", "undo-when": "completed"},
        {"id": "c", "on-error": "continue", "undo": "c"},
        {
            "id": "p",
            "parallel": {
                "left": [{"id": "d", "undo": "d"}, {"id": "e", "undo": "e", "catch": ["f"]}],
                "right": [{"id": "g", "undo": "g"}, {"id": "h", "if": "1 = 2", "undo": "h"}],
            },
        },
        {"id": "i", "undo": "i", "pivot": True},
        {"id": "j"},
    ],
    "on-failure": [{"id": "k"}],
}
"""In short: work that calls the service, and is undone by work that does."""


@pytest.mark.parametrize("effect", [False, True], ids=["before its effect", "after its effect"])
@pytest.mark.parametrize(
    ("failing", "undone"),
    [
        ("a", "a"),
        ("b", "a"),
        ("c", ""),
        ("d", "gdcba"),
        ("e", ""),
        ("g", "gedcba"),
        ("i", "igedcba"),
        ("j", ""),
    ],
)
def test_what_was_attempted_is_undone_in_reverse(folder: Path, failing: str, undone: str, effect: bool) -> None:
    def written(step: dict[str, object]) -> dict[str, object]:
        inside = step.get("parallel")
        if isinstance(inside, dict):
            return {**step, "parallel": {name: [written(one) for one in branch] for name, branch in inside.items()}}
        work = {"runs-on": "lambda", "zip-file": "code"}
        made = {**step, **work, "inputs": {"id": step["id"]}}
        if "undo" in step:
            made["undo"] = {"id": f"undo-{step['id']}", **work, "inputs": {"id": f"undo {step['id']}"}}
        if "catch" in step:
            made["catch"] = [{"steps": [{"id": "f", **work, "inputs": {"id": "f"}}]}]
        return made

    steps = [written(step) for step in SAGA["steps"]]  # type: ignore[attr-defined]
    document = {**SAGA, "steps": steps, "on-failure": [written({"id": "k"})]}
    made = Made(document, {}, (Fault(failing, "Boom", "x", effect),))
    compare(made, folder)
    calls = [call["id"] for call in outcome(made, folder).calls]
    assert [id_.removeprefix("undo ") for id_ in calls if id_.startswith("undo ")] == list(undone)
    assert ("k" in calls) == (failing not in "ce")


def test_soundness_sees_a_dead_state() -> None:
    dead = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}, "B": {"Type": "Succeed"}}}
    assert faults_of(json.dumps(dead)) == ["nothing leads to B"]


def test_soundness_sees_a_variable_that_may_not_be_there() -> None:
    states = {
        "A": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input.x %}", "Next": "B"}], "Default": "C"},
        "B": {"Type": "Pass", "Assign": {"b": 1}, "Next": "C"},
        "C": {"Type": "Succeed", "Output": "{% $b %}"},
    }
    found = faults_of(json.dumps({"StartAt": "A", "States": states}))
    assert found == ["C reads $b, which not every way there assigns"]
