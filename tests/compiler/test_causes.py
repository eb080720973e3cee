"""Why each thing is there: what loses its last cause is gone, and nothing else is."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.compiler.causes import Cause, causes
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.reference import order_flow

READ = ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan")
WAITS = {"event": {"source": "s", "detail-type": "t"}, "match": {"id": "{id}"}}
FLOW: dict[str, Any] = {
    "name": "flow",
    "inputs": {"id": "string"},
    "resources": {"rows": {"type": "table", "key": "id"}, "news": {"type": "bus"}},
    "secrets": {"key": {}},
    "steps": [
        {
            "id": "work",
            "runs-on": "lambda",
            "zip-file": "code",
            "secrets": {"KEY": "{secrets.key}"},
            "permissions": {"rows": ["read", "dynamodb:PutItem"], "arn:aws:s3:::bucket/key": ["s3:GetObject"]},
            "undo": {"id": "back", "runs-on": "lambda", "zip-file": "code", "handler": "handler.undo"},
        },
        {"id": "same", "runs-on": "lambda", "zip-file": "code", "env": {"MODE": "b"}},
        {"id": "same-again", "runs-on": "lambda", "zip-file": "code", "env": {"MODE": "b"}},
        {"id": "write", "record": {"table": "rows", "key": {"id": "{id}"}}},
        {"id": "change", "record": {"table": "rows", "key": {"id": "{id}"}, "mode": "update", "add": {"n": 1}}},
        {
            "id": "change-again",
            "record": {"table": "rows", "key": {"id": "{id}"}, "mode": "update"},
            "inputs": {"a": 1},
        },
        {"id": "tell", "emit": {"bus": "news", "source": "s", "detail-type": "t"}},
        {"id": "hear", "wait-for": WAITS, "timeout": "1d"},
        {"id": "hear-again", "wait-for": WAITS, "timeout": "1d"},
        {"id": "values", "outputs": {"DATABASE_a": 1}},
        {"id": "end", "fail": {"error": "Over"}},
    ],
}


@pytest.fixture
def found(tmp_path: Path) -> Any:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "handler.py").write_text("def handler(e, c): ...\ndef undo(e, c): ...\n", encoding="utf-8")

    def of(document: Any) -> tuple[Cause, ...]:
        (tmp_path / "flow.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
        return causes(compile_workflow(Definition.load(tmp_path / "flow.json")), BUILTIN)

    return of


def names(all_: tuple[Cause, ...], *, without: str = "nothing") -> set[tuple[str, str, str]]:
    """Needs and permissions, those that only the step causes left out; states but for the machine's own."""
    kept = (cause for cause in all_ if any(mark.step != without for mark in cause.marks))
    return {(cause.what, cause.holder, cause.name) for cause in kept if cause.what != "state" or cause.marks[0].step}


# The undo of `work` goes with it, and a function that steps share has its name from the first of them.
ALONE = [step["id"] for step in FLOW["steps"] if step["id"] not in ("work", "same")]


@pytest.mark.parametrize("step", ALONE)
def test_a_step_that_goes_takes_what_only_it_causes(found: Any, step: str) -> None:
    without = copy.deepcopy(FLOW)
    without["steps"] = [each for each in FLOW["steps"] if each["id"] != step]
    assert names(found(without)) == names(found(FLOW), without=step)


def entries(step: Any) -> Iterator[tuple[str, str]]:
    for target, actions in step["permissions"].items():
        for action in actions:
            yield target, action


@pytest.mark.parametrize(("target", "action"), list(entries(FLOW["steps"][0])))
def test_a_permission_that_goes_takes_exactly_its_actions(found: Any, target: str, action: str) -> None:
    without = copy.deepcopy(FLOW)
    left = without["steps"][0]["permissions"]
    left[target] = [each for each in left[target] if each != action]
    if not left[target]:
        del left[target]
    gone = names(found(FLOW)) - names(found(without))
    on = target if ":" in target else f"table-{target}"
    actions = READ if action == "read" else [action]
    assert {name for _, _, name in gone} == {f"{each} on {on}" for each in actions}
    assert names(found(without)) <= names(found(FLOW))


def test_everything_has_a_cause_on_a_line_that_is_there() -> None:
    bundle = compile_workflow(Definition.load(order_flow()))
    lines = order_flow().read_text(encoding="utf-8").splitlines()
    everything = causes(bundle, BUILTIN)
    assert {cause.what for cause in everything} == {"state", "need", "permission", "added"}
    assert {cause.name for cause in everything if cause.what == "need"} == {need.id for need in bundle.needs}
    for cause in everything:
        assert cause.marks
        assert all(lines[mark.line - 1].strip() for mark in cause.marks)


def test_what_several_steps_cause_has_all_their_places() -> None:
    everything = causes(compile_workflow(Definition.load(order_flow())), BUILTIN)
    (update,) = (
        c for c in everything if (c.holder, c.name) == ("machine-order-flow", "dynamodb:UpdateItem on table-orders")
    )
    assert [mark.step for mark in update.marks] == ["create-order", "mark-shipped", "close-order", "mark-failed"]


def test_what_a_flow_says_once_is_a_cause_of_each_step_that_has_it() -> None:
    flow = Path(__file__).parent.parent / "flows" / "defaults" / "workflow.yaml"
    bundle = compile_workflow(Definition.load(flow))
    lines = {(cause.what, cause.name): [mark.line for mark in cause.marks] for cause in causes(bundle, BUILTIN)}
    assert lines["state", "small-code"] == [16, 11]
    assert lines["state", "tell-more"] == [20, 13, 7]
    assert set(lines["need", "function-code-code"]) == {15, 11, 13}
