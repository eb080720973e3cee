"""Forks, branches and catches, by property: a flow made at random does what a plain reading of its document says.

The reader below walks the document and knows nothing of plans, states or flags: it says which effects a run has, in which
order inside each branch, what is undone, and how the flow ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.local import run

HANDLER = "def handler(event, context):\n    print(event['id'])\n    return {'id': event['id']}\n"
ERRORS = ("Red", "Blue")


# -- flows at random: a step is a dict of the document; ids are given when the whole is known ---------------------------


def steps(depth: int) -> st.SearchStrategy[list[Any]]:
    kinds = [work(depth), work(depth), st.just({"values": True})]
    if depth:
        kinds += [fork(depth - 1), branches(depth - 1)]
    return st.lists(st.one_of(kinds), min_size=1, max_size=3)


def work(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    catches = (
        st.lists(st.tuples(st.sampled_from([*ERRORS, "States.ALL"]), steps(depth - 1)), max_size=2)
        if depth
        else st.just([])
    )
    return st.fixed_dictionaries(
        {
            "fault": st.none() | st.tuples(st.sampled_from(ERRORS), st.booleans()),
            "undo": st.booleans(),
            "skip": st.sampled_from([None, None, True, False]),
            "rest": st.sampled_from([None, None, "continue"]) if not depth else st.none(),
            "catches": catches,
        }
    )


def fork(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    arms = st.lists(st.tuples(st.booleans(), steps(depth)), min_size=1, max_size=2)
    return st.fixed_dictionaries({"arms": arms, "else": st.none() | steps(depth)})


def branches(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"branches": st.lists(steps(depth), min_size=1, max_size=3), "let": st.booleans()})


@dataclass
class Written:
    """A document on its way: ids in the order of the text, and the faults to play."""

    count: int = 0
    faults: list[dict[str, Any]] = field(default_factory=list)

    def id(self) -> str:
        self.count += 1
        return f"s{self.count}"

    def steps(self, made: list[Any]) -> list[dict[str, Any]]:
        return [self.step(each) for each in made]

    def step(self, made: dict[str, Any]) -> dict[str, Any]:
        id_ = self.id()
        if "values" in made:
            return {"id": id_, "outputs": {f"v{id_}": 1}}
        if "arms" in made:
            arms = [
                {"when": "1 = 1" if holds else "1 = 2", "steps": self.steps(inner)} for holds, inner in made["arms"]
            ]
            other = [{"else": self.steps(made["else"])}] if made["else"] else []
            return {"id": id_, "switch": arms + other}
        if "branches" in made:
            inside = {f"b{number}": self.steps(inner) for number, inner in enumerate(made["branches"])}
            return {"id": id_, "parallel": inside, **({"on-error": "continue"} if made["let"] else {})}
        step: dict[str, Any] = {"id": id_, "runs-on": "lambda", "zip-file": "code", "inputs": {"id": id_}}
        if made["fault"]:
            error, after = made["fault"]
            self.faults.append({"at": id_, "throws": {"error": error, "cause": ""}, "after-effect": after})
        if made["undo"]:
            step["undo"] = {"id": f"u-{id_}", "runs-on": "lambda", "zip-file": "code", "inputs": {"id": f"u-{id_}"}}
        if made["skip"] is not None:
            step["if"] = "1 = 2" if made["skip"] else "1 = 1"
        if made["rest"]:
            step["on-error"] = made["rest"]
        catches: dict[str, Any] = {}
        for error, inner in made["catches"]:
            if error not in catches and "States.ALL" not in catches:  # else it is never reached, which is an error
                catches[error] = {"errors": [error], "steps": self.steps(inner)}
        if catches:
            step["catch"] = list(catches.values())
        return step


# -- a plain reading of the document ------------------------------------------------------------------------------------


class Failed(Exception):
    """How a sequence ends. Where several branches fail, it is with the error of whichever failed first."""

    def __init__(self, *errors: str) -> None:
        super().__init__(*errors)
        self.errors = frozenset(errors)


@dataclass
class Reading:
    faults: dict[str, tuple[str, bool]]
    effects: list[tuple[str, str]] = field(default_factory=list)
    """Branch and step, in the order of one branch behind the other."""
    attempted: set[str] = field(default_factory=set)

    def sequence(self, written: list[dict[str, Any]], branch: str) -> None:
        for step in written:
            if step.get("if") != "1 = 2":
                self.step(step, branch)

    def step(self, step: dict[str, Any], branch: str) -> None:
        if "switch" in step:
            arm = next((arm for arm in step["switch"] if "else" in arm or arm["when"] == "1 = 1"), None)
            if arm:
                self.sequence(arm.get("steps") or arm["else"], branch)
        elif "parallel" in step:
            self.parallel(step, branch)
        elif "zip-file" in step:
            self.work(step, branch)

    def parallel(self, step: dict[str, Any], branch: str) -> None:
        errors: set[str] = set()
        for name, inside in step["parallel"].items():
            try:
                self.sequence(inside, f"{branch}/{step['id']}.{name}")
            except Failed as failed:
                errors |= failed.errors
        if errors and "on-error" not in step:
            raise Failed(*errors)

    def work(self, step: dict[str, Any], branch: str) -> None:
        error, after = self.faults.get(step["id"], ("", True))
        if "undo" in step:
            self.attempted.add(step["id"])
        if after:
            self.effects.append((branch, step["id"]))
        if not error or "on-error" in step:
            return
        for catch in step.get("catch", ()):
            if catch["errors"][0] in (error, "States.ALL"):
                self.sequence(catch["steps"], branch)
                return
        raise Failed(error)


def undoing(written: Any) -> Iterator[str]:
    """Ids of the steps with an undo, in the order of the text."""
    for step in written:
        if "undo" in step:
            yield step["id"]
        for arm in step.get("switch", ()):
            yield from undoing(arm.get("steps") or arm["else"])
        for catch in step.get("catch", ()):
            yield from undoing(catch["steps"])
        for inside in step.get("parallel", {}).values():
            yield from undoing(inside)


# -- both, compared -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flow")
    (folder / "code").mkdir()
    (folder / "code" / "handler.py").write_text(HANDLER, encoding="utf-8")
    return folder


def compare(folder: Path, made: list[Any]) -> None:
    writing = Written()
    document = {"name": "generated", "inputs": {}, "steps": writing.steps(made)}
    (folder / "flow.json").write_text(json.dumps(document), encoding="utf-8")
    faults = {fault["at"]: (fault["throws"]["error"], fault["after-effect"]) for fault in writing.faults}
    reading = Reading(faults)
    errors: frozenset[str | None] = frozenset({None})
    try:
        reading.sequence(document["steps"], "")
    except Failed as failed:
        errors = failed.errors
    bundle = compile_workflow(Definition.load(folder / "flow.json"))
    result = run(bundle, {}, integrations=BUILTIN, outside=writing.faults)
    assert result.error in errors
    assert (result.status == "SUCCEEDED") == (result.error is None)
    done = [line.text for line in result.logs]
    forward = [step for step in done if not step.startswith("u-")]
    assert sorted(forward) == sorted(step for _, step in reading.effects)
    for branch in {branch for branch, _ in reading.effects}:
        inside = [step for where, step in reading.effects if where == branch]
        assert [step for step in forward if step in inside] == inside
    undone = [f"u-{step}" for step in undoing(document["steps"]) if step in reading.attempted][::-1]
    assert done[len(forward) :] == (undone if result.error else [])


@given(made=steps(2))
def test_a_flow_does_what_its_document_says(folder: Path, made: list[Any]) -> None:
    compare(folder, made)


@pytest.mark.deep
@given(made=steps(3))
def test_a_deep_flow_does_what_its_document_says(folder: Path, made: list[Any]) -> None:
    compare(folder, made)
