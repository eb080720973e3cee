"""The JSON Schema for editors: every right document fits it, and what is wrong in shape does not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from own.streams import Streams

from stepworkflows_cdk.cli.main import main
from stepworkflows_cdk.extension import BUILTIN, document_schema
from stepworkflows_cdk.language.document import SyntaxProblem
from stepworkflows_cdk.language.source import read_document
from stepworkflows_cdk.reference import order_flow

FLOWS = Path(__file__).parent.parent / "flows"
EXPECTED = {"asl.json", "bundle.json", "original.json", "run.json"}
SHAPE = re.compile(r"SW(?:101|102|103|104|106|110)\b")
FLOW: dict[str, Any] = {
    "name": "flow",
    "resources": {"rows": {"type": "table", "key": "id"}},
    "steps": [{"id": "a", "record": {"table": "rows", "key": {"id": "x"}}, "inputs": {"n": 1}}],
}
STEPS = {"steps", "else", "on-failure", "finally", "parallel", "undo-steps"}
CODE = {"id": "a", "runs-on": "lambda", "zip-file": "code"}


def documents(pattern: str) -> Iterator[tuple[str, Any]]:
    for path in sorted(FLOWS.glob(pattern)):
        if path.suffix in {".yaml", ".json"} and path.name not in EXPECTED:
            try:
                yield path.relative_to(FLOWS).as_posix(), read_document(path, path.name).value
            except SyntaxProblem:
                continue


def faults(document: Any, schema: dict[str, Any] | None = None) -> list[str]:
    validator = Draft202012Validator(schema or document_schema(BUILTIN))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


@pytest.mark.parametrize("kind", ["document", "flow", "step"])
def test_it_is_a_schema(kind: Any) -> None:
    Draft202012Validator.check_schema(document_schema(BUILTIN, kind))


def test_every_right_document_fits() -> None:
    schema = document_schema(BUILTIN)
    right = [(name, value) for name, value in documents("*/**/*") if not name.startswith("wrong-")]
    assert len(right) > 60
    assert {name: found for name, value in right if (found := faults(value, schema))} == {}
    assert faults(read_document(order_flow(), "workflow.yaml").value, schema) == []


def test_most_wrong_shapes_do_not_fit() -> None:
    schema = document_schema(BUILTIN)
    shapes = {
        name: bool(faults(value, schema))
        for name, value in documents("wrong-*/workflow.*")
        if SHAPE.search((FLOWS / name).with_name("errors.txt").read_text("utf-8"))
    }
    assert len(shapes) > 20
    assert sum(shapes.values()) > 0.7 * len(shapes), [name for name, refused in shapes.items() if not refused]


def step(**keys: Any) -> dict[str, Any]:
    return {**FLOW, "steps": [{"id": "a", **{key.replace("_", "-"): value for key, value in keys.items()}}]}


@pytest.mark.parametrize(
    "document",
    [
        FLOW,
        {**FLOW, "type": "RunnableStep"},
        {**CODE, "type": "ActorStep"},
        {**CODE, "type": "RunnableStep"},
        CODE,
        step(runs_on={"fargate": {"cpu": 512}}, zip_file="code"),
        step(retry={"attempts": 1}, **{"zip-file": "code", "runs-on": "lambda"}),
        step(retry=[{"attempts": 1}], **{"zip-file": "code", "runs-on": "lambda"}),
        step(wait="2h"),
        step(wait={"until": "{t}"}),
        step(outputs={"a": {"value": 1, "type": "integer"}, "b": {"value": 1, "other": 2}, "c": "x"}),
        {**FLOW, "inputs": {"a": "string", "b": {"type": "array", "items": "integer"}}},
        {**FLOW, "triggers": {"schedule": [{"every": "1h"}, {"every": "2h"}]}},
        {**FLOW, "undo-steps": {"back": {"runs-on": "lambda", "zip-file": "code"}}},
    ],
)
def test_what_is_right_fits(document: Any) -> None:
    assert faults(document) == []


@pytest.mark.parametrize(
    "document",
    [
        {**FLOW, "stesp": []},
        {"steps": [CODE]},
        {**CODE, "type": "ActorStpe"},
        {**CODE, "type": "ActorStep", "steps": 1},
        step(zip_file="code"),
        step(runs_on="lamda", zip_file="code"),
        step(runs_on="fargate", zip_file="code", arn="x"),
        step(runs_on={"lambda": {"cpu": 512}}, zip_file="code"),
        step(runs_on={"lambda": {"memory": "512"}}, zip_file="code"),
        step(runs_on="lambda", zip_file="code", fetch={"table": "rows", "key": {"id": 1}}),
        step(record={"table": "rows", "key": {}}, fetch={"table": "rows", "key": {}}),
        step(timeout="soon"),
        step(timeout=""),
        step(parallel={"a": [{"id": "b", "tiemout": 1}]}),
        step(switch=[{"else": [{"fail": {"error": "X"}}]}]),
        {**FLOW, "resources": {"rows": {"type": "tabel", "key": "id"}}},
        {**FLOW, "resources": {"rows": {"type": "table", "fifo": True}}},
        {**FLOW, "triggers": {"evnet": {}}},
        {**FLOW, "triggers": {"schedule": [{"evry": "1h"}]}},
        {**FLOW, "inputs": {"a": {"type": "strnig"}}},
        {**FLOW, "undo-steps": {"back": {"zipfile": "code"}}},
    ],
)
def test_what_is_wrong_does_not_fit(document: Any) -> None:
    assert faults(document)


def test_the_kinds_are_told_apart() -> None:
    flow, step_ = document_schema(BUILTIN, "flow"), document_schema(BUILTIN, "step")
    assert faults(FLOW, flow) == faults(CODE, step_) == []
    assert faults({**CODE, "type": "ActorStep"}, flow)
    assert faults(FLOW, step_)


def test_every_key_has_a_description() -> None:
    schema = document_schema(BUILTIN)
    found = list(properties(schema, ""))
    assert len(found) > 200
    assert [place for place, key in found if not described(key, schema)] == []


def described(key: dict[str, Any], schema: dict[str, Any]) -> bool:
    """Whether it, or what it refers to, says what it is."""
    definition = schema["$defs"].get(key.get("$ref", "").removeprefix("#/$defs/"), {})
    return bool(key.get("description") or definition.get("description"))


def properties(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """The schemas of keys, those left out that only say that a key is or is not there."""
    match value:
        case {"then": _}:  # what stands beside a work key: its keys are described where it is
            yield from properties({key: item for key, item in value.items() if key not in {"if", "then"}}, place)
        case dict():
            for key, schema in value.get("properties", {}).items():
                yield f"{place}/{key}", schema
                yield from properties(schema, f"{place}/{key}")
            for name in {*value} - {"properties", "enum", "default", "required"}:
                inner = value[name].values() if name == "$defs" else [value[name]]
                yield from properties([*inner], f"{place}/{name}")
        case list():
            for item in value:
                yield from properties(item, place)


def test_an_integration_of_ones_own_is_in_it() -> None:
    schema = document_schema((*BUILTIN, Streams()))
    flow = {**FLOW, "resources": {"clicks": {"type": "stream", "shards": 2}}}
    flow["steps"] = [{"id": "a", "put": {"stream": "clicks", "by": "x"}, "inputs": {"a": 1}}]
    assert faults(flow, schema) == []
    assert faults(flow)
    flow["steps"] = [{"id": "a", "put": {"streem": "clicks"}}]
    assert faults(flow, schema)


def test_the_command_prints_it_or_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == document_schema(BUILTIN)
    assert main(["schema", "--step", "-o", str(tmp_path / "step.json")]) == 0
    assert json.loads((tmp_path / "step.json").read_text("utf-8")) == document_schema(BUILTIN, "step")
    assert capsys.readouterr().out == ""


def test_wherever_steps_stand_a_step_is_expected() -> None:
    schema = document_schema(BUILTIN)
    places = [(place, key) for place, key in properties(schema, "") if place.rpartition("/")[2] in STEPS]
    assert len(places) > 5
    assert [place for place, key in places if '"$ref": "#/$defs/step"' not in json.dumps(key)] == []
