"""What a flow says once for its steps."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepworkflows_cdk import Definition, compile_workflow, validate

CODE = "def handler(event, context):\n    return event\n"


def written(folder: Path, **files: str) -> list[Path]:
    (folder / "code").mkdir()
    (folder / "code" / "handler.py").write_text(CODE)
    paths = [folder / f"{name}.yaml" for name in files]
    for path, text in zip(paths, files.values(), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def timeouts(definition: Definition) -> dict[str, int | None]:
    return {step.id: step.keys.timeout for flow in definition.workflows for step in flow.all_steps}


def test_a_default_is_shown_where_it_is_written(tmp_path: Path) -> None:
    flow, *_ = written(
        tmp_path,
        flow="""
name: flow
defaults:
  email: {from: "{nobody}"}
steps:
  - {id: tell, email: {to: a@example.com, subject: s, text: t}}
  - {id: tell-more, email: {to: a@example.com, subject: s, text: t}}
""",
    )
    report = validate(flow)
    assert [(problem.mark.line, problem.mark.column) for problem in report.errors] == [(4, 17)]


def test_steps_at_any_depth_and_in_other_files_take_defaults(tmp_path: Path) -> None:
    paths = written(
        tmp_path,
        flow="""
name: flow
inputs: {n: integer}
defaults: {timeout: 7s}
undo-steps: {back: {runs-on: lambda, zip-file: code}}
steps:
  - id: a
    switch:
      - {when: "{n} = 1", steps: [{id: b, runs-on: lambda, zip-file: code, undo: back}]}
      - {else: [{id: c, runs-on: lambda, zip-file: code}]}
  - id: d
    parallel:
      x: [{id: e, runs-on: lambda, zip-file: code, catch: [{steps: [{id: f, runs-on: lambda, zip-file: code}]}]}]
  - {id: g, for-each: {items: [1]}, runs-on: lambda, zip-file: code}
  - {id: h, wait-for: {event: {source: s, detail-type: t}, match: {a: x}}, timeout: 1d}
on-failure: [{id: i, runs-on: lambda, zip-file: code}]
""",
        step="{id: j, type: ActorStep, runs-on: lambda, zip-file: code}",
    )
    found = timeouts(Definition.load(*paths))
    assert {id_ for id_, seconds in found.items() if seconds == 7} == set("bcefgij") | {"back"}
    assert found["h"] == 86_400


def test_a_step_of_a_library_has_the_defaults_of_its_library(tmp_path: Path) -> None:
    flow, *_ = written(
        tmp_path,
        flow="""
name: flow
policies: {patient: {timeout: 20s}}
steps:
  - {id: a, uses: "library.yaml#one"}
  - {id: b, uses: "library.yaml#one", policy: patient}
""",
        library="""
name: library
defaults: {timeout: 9s}
steps: [{id: one, runs-on: lambda, zip-file: code}]
""",
    )
    definition = Definition.load(flow)
    assert timeouts(definition) == {"a": 9, "b": 20}
    assert definition.report.problems == ()


def test_a_step_of_a_library_has_the_defaults_of_the_flow_where_the_library_says_nothing(tmp_path: Path) -> None:
    flow, *_ = written(
        tmp_path,
        flow="""
name: flow
policies: {patient: {timeout: 20s}}
defaults: {timeout: 7s, retry: {errors: [Busy]}, lambda: {memory: 1024}}
steps:
  - {id: a, uses: step.yaml}
  - {id: b, uses: step.yaml, timeout: 5s}
  - {id: c, uses: step.yaml, policy: patient}
  - {id: d, uses: "library.yaml#one"}
  - {id: e, uses: "library.yaml#named"}
""",
        step="""
id: step
runs-on: lambda
zip-file: code
""",
        library="""
name: library
defaults: {timeout: 9s}
policies: {slow: {timeout: 40s}}
steps:
  - {id: one, runs-on: {lambda: {memory: 512}}, zip-file: code}
  - {id: named, policy: slow, runs-on: lambda, zip-file: code}
""",
    )
    definition = Definition.load(flow)
    assert definition.report.problems == ()
    assert timeouts(definition) == {"a": 7, "b": 5, "c": 20, "d": 9, "e": 40}
    (found,) = definition.workflows
    assert {rule.errors[0] for step in found.steps for rule in step.keys.retry or ()} == {"Busy"}
    sizes = {need.memory for need in compile_workflow(definition).needs if hasattr(need, "memory")}
    assert sizes == {512, 1024}
    (line,) = {mark.line for mark in found.steps[0].laid}
    assert line == 4


def test_the_code_of_a_flow_takes_no_time_out_of_its_steps(tmp_path: Path) -> None:
    (flow,) = written(
        tmp_path,
        flow="""
name: flow
defaults: {timeout: 7s, lambda: {memory: 256}, retry: {errors: [Busy]}}
runs-on: lambda
zip-file: code
steps: [{id: a, runs-on: lambda, zip-file: code}]
""",
    )
    definition = Definition.load(flow)
    (found,) = definition.workflows
    assert found.keys.timeout is None
    assert [[rule.errors for rule in step.keys.retry or ()] for step in found.steps] == [[["Busy"]], [["Busy"]]]
    assert {need.memory for need in compile_workflow(definition).needs if hasattr(need, "memory")} == {256}


def test_a_default_that_no_step_takes_is_a_warning(tmp_path: Path) -> None:
    (flow,) = written(
        tmp_path,
        flow="""
name: flow
defaults: {lambda: {memory: 256, python: "3.12"}}
steps: [{id: a, runs-on: {lambda: {memory: 512}}, zip-file: code}]
""",
    )
    (problem,) = Definition.load(flow).report.problems
    assert (problem.code, problem.severity, problem.mark.column) == ("SW250", "warning", 21)


DOCUMENT = {
    "name": "flow",
    "policies": {"patient": {"timeout": "1m"}},
    "defaults": {"lambda": {"memory": 256}, "email": {"from": "a@example.com"}, "policy": "patient"},
    "tags": {"team": "shop"},
    "tests": {"one": {"events": [{"at": "work"}], "expect": {"tables": {}}}},
    "steps": [
        {"id": "work", "runs-on": "lambda", "zip-file": "code", "policy": "patient", "retry": {"errors": ["Busy"]}},
        {"id": "tell", "email": {"to": "b@example.com", "subject": "s", "text": "t"}, "undo": "none"},
    ],
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield (*path, key)
        yield from places(item, (*path, key))


@pytest.mark.parametrize("value", [None, 5, True, "x", [], [[1]], {}, {"a": [{}]}], ids=str)
def test_whatever_stands_at_a_place_is_no_crash(tmp_path: Path, value: Any) -> None:
    path = tmp_path / "flow.json"
    for place in places(DOCUMENT):
        document: Any = copy.deepcopy(DOCUMENT)
        around = document
        for key in place[:-1]:
            around = around[key]
        around[place[-1]] = value
        path.write_text(json.dumps(document), encoding="utf-8")
        assert validate(path).text() is not None
