"""Compensation, by property: for flows made at random and a failure anywhere, what is undone is what was attempted, in reverse.

What to expect comes from the rules of the language, read off the description of the flow and not off the compiler.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.language.expressions import syntax_fault
from stepworkflows_cdk.local import RunResult, run

HANDLER = "def handler(event, context):\n    print(event['id'])\n    return {'id': event['id']}\n"


@dataclass(frozen=True)
class Act:
    """One step of a flow: whether it has an undo, when it is undone, whether its errors are let pass."""

    undo: bool
    completed_only: bool
    let_pass: bool
    gives: bool


@dataclass(frozen=True)
class Case:
    acts: Sequence[Act]
    pivot: int | None
    fails: int
    after_effect: bool
    on_failure: bool


ACTS = st.builds(Act, st.booleans(), st.booleans(), st.booleans(), st.booleans()).map(
    lambda act: Act(act.undo, act.undo and act.completed_only and not act.let_pass, act.let_pass, act.gives)
)


def cases(steps: int) -> st.SearchStrategy[Case]:
    return st.lists(ACTS, min_size=1, max_size=steps).flatmap(
        lambda acts: st.builds(
            Case,
            st.just(acts),
            st.none() | st.integers(0, len(acts) - 1),
            st.integers(0, len(acts)),
            st.booleans(),
            st.booleans(),
        ).map(allowed)
    )


def allowed(case: Case) -> Case:
    """The pivot neither fails without a word nor has an undo that could never run: both are errors in a document."""
    acts = [
        replace(act, completed_only=False, let_pass=False) if i == case.pivot else act
        for i, act in enumerate(case.acts)
    ]
    return replace(case, acts=acts)


def work(id_: str) -> dict[str, Any]:
    return {"id": id_, "runs-on": "lambda", "zip-file": "code", "inputs": {"id": id_}}


def document(case: Case) -> dict[str, Any]:
    steps = []
    for index, act in enumerate(case.acts):
        step = work(f"s{index}")
        if act.undo and (case.pivot is None or index <= case.pivot):
            step["undo"] = work(f"u{index}")
            if act.completed_only:
                step["undo-when"] = "completed"
        if act.let_pass:
            step["on-error"] = "continue"
        if act.gives:
            step["outputs"] = {f"out{index}": {"value": "{id}", "default": None}}
        if index == case.pivot:
            step["pivot"] = True
        steps.append(step)
    flow: dict[str, Any] = {"name": "generated", "inputs": {}, "steps": steps}
    if case.on_failure:
        flow["on-failure"] = [work("failure")]
    return flow


def expected(case: Case) -> list[str]:
    """The effects, in order: of steps, of undo steps, of what runs on failure."""
    effects: list[str] = []
    for index, act in enumerate(case.acts):
        failed = index == case.fails
        if not failed or case.after_effect:
            effects.append(f"s{index}")
        if failed and not act.let_pass:
            return effects + list(undone(case, index)) + (["failure"] if case.on_failure else [])
    return effects


def undone(case: Case, failed: int) -> Iterator[str]:
    if case.pivot is not None and failed > case.pivot:
        return
    for index in range(failed, -1, -1):
        act = case.acts[index]
        if act.undo and not (index == failed and act.completed_only):
            yield f"u{index}"


def run_case(case: Case, folder: Path) -> tuple[RunResult, dict[str, Any]]:
    (folder / "code").mkdir(exist_ok=True)
    (folder / "code" / "handler.py").write_text(HANDLER, encoding="utf-8")
    (folder / "flow.json").write_text(json.dumps(document(case)), encoding="utf-8")
    bundle = compile_workflow(Definition.load(folder / "flow.json"))
    fault = {"at": f"s{case.fails}", "throws": {"error": "Boom", "cause": "x"}, "after-effect": case.after_effect}
    outside = [fault] if case.fails < len(case.acts) else []
    return run(bundle, {}, integrations=BUILTIN, outside=outside), json.loads(bundle.main.text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("flow")


@given(case=cases(6))
def test_what_was_attempted_is_undone_in_reverse(folder: Path, case: Case) -> None:
    result, definition = run_case(case, folder)
    assert [line.text for line in result.logs] == expected(case)
    fails = case.fails < len(case.acts) and not case.acts[case.fails].let_pass
    assert (result.status, result.error) == (("FAILED", "Boom") if fails else ("SUCCEEDED", None))
    assert_sound(definition)


@pytest.mark.deep
@given(case=cases(14))
def test_what_was_attempted_is_undone_in_reverse_in_long_flows(folder: Path, case: Case) -> None:
    result, definition = run_case(case, folder)
    assert [line.text for line in result.logs] == expected(case)
    assert_sound(definition)


def assert_sound(definition: dict[str, Any]) -> None:
    """Every target exists, every state can be reached, ``States.ALL`` stands last and alone, every expression parses."""
    states = definition["States"]
    targets = set(re.findall(r'"(?:Next|Default|StartAt)": "([^"]*)"', json.dumps(definition)))
    assert targets == set(states)
    for state in states.values():
        for rules in (state.get("Retry", []), state.get("Catch", [])):
            for number, rule in enumerate(rules):
                if "States.ALL" in rule["ErrorEquals"]:
                    assert (rule["ErrorEquals"], number) == (["States.ALL"], len(rules) - 1)
    for expression in re.findall(r'"\{% (.*?) %\}"', json.dumps(definition)):
        assert syntax_fault(json.loads(f'"{expression}"')) is None


def test_the_check_of_soundness_sees_a_dead_state() -> None:
    dead = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}, "B": {"Type": "Succeed"}}}
    with pytest.raises(AssertionError):
        assert_sound(dead)
