"""Machines to draw: those of the golden flows, small ones written as ASL, and generated ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.compiler.bundle import Machine
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.pictures.model import Graph, read, read_machine
from stepworkflows_cdk.reference import order_flow

FLOWS = Path(__file__).parent.parent / "flows"


@pytest.fixture(scope="session")
def flow_graph() -> Callable[[str], Graph]:
    """The graph of all states of a golden flow, by its folder; ``order-flow`` is the reference flow."""

    def graph(name: str) -> Graph:
        folder = order_flow().parent if name == "order-flow" else FLOWS / name
        documents = sorted(folder.glob("workflow.*")) + sorted(folder.glob("step-*.*"))
        return read(compile_workflow(Definition.load(*documents)))

    return graph


@pytest.fixture(scope="session")
def drawn() -> Callable[..., Graph]:
    """The graph of a machine written as ASL; ``steps`` says which state belongs to which step."""

    def graph(definition: Mapping[str, Any], steps: Mapping[str, str] | None = None) -> Graph:
        marks = {name: Mark("flow.yaml", line, 3, step) for line, (name, step) in enumerate((steps or {}).items(), 2)}
        return read_machine(Machine("Flow", json.dumps(definition), (), marks, Mark("flow.yaml", 1, 1)))

    return graph


@pytest.fixture(scope="session")
def nested() -> dict[str, Any]:
    """A Map in a branch of a Parallel, beside a branch with a choice; the Parallel's errors are caught."""
    task = {"Type": "Task", "Resource": "arn:${aws_partition}:states:::lambda:invoke"}
    return {
        "StartAt": "check",
        "States": {
            "check": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $input.total > 100 %}", "Next": "both"}],
                "Default": "small",
            },
            "both": {
                "Type": "Parallel",
                "Branches": [
                    {
                        "StartAt": "each",
                        "States": {
                            "each": {
                                "Type": "Map",
                                "ItemProcessor": {"StartAt": "pack", "States": {"pack": {**task, "End": True}}},
                                "Next": "ship",
                            },
                            "ship": {**task, "End": True},
                        },
                    },
                    {
                        "StartAt": "poll",
                        "States": {
                            "poll": {**task, "Next": "ready?"},
                            "ready?": {
                                "Type": "Choice",
                                "Choices": [{"Condition": "{% $ready %}", "Next": "bill"}],
                                "Default": "pause",
                            },
                            "pause": {"Type": "Wait", "Seconds": 60, "Next": "poll"},
                            "bill": {**task, "End": True},
                        },
                    },
                ],
                "Catch": [{"ErrorEquals": ["Boom", "Bang"], "Next": "refused"}],
                "Next": "small",
            },
            "small": {"Type": "Pass", "Next": "end"},
            "end": {"Type": "Succeed"},
            "refused": {"Type": "Fail", "Error": "Refused"},
        },
    }


TEXT = st.text(min_size=1, max_size=30)


@st.composite
def definitions(draw: st.DrawFn, depth: int = 2, prefix: str = "") -> dict[str, Any]:
    """States that lead anywhere, back and to themselves too, with branches in some."""
    size = draw(st.integers(1, 7 if depth == 2 else 3))
    names = [f"{prefix}{number} {draw(TEXT)}" for number in range(size)]
    target = st.sampled_from(names)
    kinds = ["Task", "Choice", "Pass", "Wait", "Succeed", "Fail", *(["Parallel", "Map"] if depth else [])]
    states: dict[str, Any] = {}
    for number, name in enumerate(names):
        kind = draw(st.sampled_from(kinds))
        state: dict[str, Any] = {"Type": kind}
        inside = [f"{prefix}{number}.{branch}." for branch in range(draw(st.integers(1, 3)))]
        if kind == "Parallel":
            state["Branches"] = [draw(definitions(depth - 1, one)) for one in inside]
        if kind == "Map":
            state["ItemProcessor"] = draw(definitions(depth - 1, inside[0]))
        if kind == "Choice":
            rules = draw(st.lists(st.tuples(TEXT, target), min_size=1, max_size=4))
            state["Choices"] = [{"Condition": text, "Next": next_} for text, next_ in rules]
            state["Default"] = draw(target)
        elif kind not in {"Succeed", "Fail"}:
            state |= draw(st.one_of(st.just({"End": True}), st.builds(lambda next_: {"Next": next_}, target)))
        if kind in {"Task", "Parallel", "Map"}:
            catches = draw(st.lists(st.tuples(st.sampled_from(["States.ALL", "A", "B"]), target), max_size=3))
            state["Catch"] = [{"ErrorEquals": [error], "Next": next_} for error, next_ in catches]
        states[name] = state
    return {"StartAt": names[0], "States": states}


@pytest.fixture(scope="session")
def generated() -> st.SearchStrategy[dict[str, Any]]:
    return definitions()
