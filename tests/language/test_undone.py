"""Which steps are said to leave something behind where a later one fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepworkflows_cdk import validate

FLOW = """
name: a
resources: {{rows: {{type: table, key: id}}, other: {{type: table, key: id}}, jobs: {{type: queue}}, main: {{type: network}}}}
secrets: {{key: {{}}}}
steps:
  - {{id: hold, runs-on: lambda, zip-file: code, undo: {{runs-on: lambda, zip-file: code, permissions: {{rows: [write]}}}}}}
  - {step}
  - {{id: last, runs-on: lambda, zip-file: code}}
on-failure: [{{id: told, record: {{table: other, key: {{id: "1"}}, mode: update}}, inputs: {{status: FAILED}}}}]
"""
CODE = "runs-on: lambda, zip-file: code"
LEFT = {
    "a message": "{id: x, message: {queue: jobs, text: t}}",
    "code with a secret": f'{{id: x, {CODE}, secrets: {{KEY: "{{secrets.key}}"}}}}',
    "code that may write": f'{{id: x, {CODE}, permissions: {{"arn:aws:s3:::mine/x": ["s3:PutObject"]}}}}',
    "code in a network": "{id: x, runs-on: {lambda: {vpc: main}}, zip-file: code}",
    "code of somebody else": '{id: x, runs-on: lambda, arn: "arn:aws:lambda:eu-west-1:111122223333:function:theirs"}',
    "an item of a loop": "{id: x, for-each: {items: [1]}, message: {queue: jobs, text: t}}",
    "in a race": "{id: r, join: any, parallel: {a: [{id: x, message: {queue: jobs, text: t}}], b: [{id: w, wait: 5}]}}",
}
FINE = {
    "code that may do nothing": f"{{id: x, {CODE}}}",
    "code that may read": f'{{id: x, {CODE}, permissions: {{other: [read], "arn:aws:s3:::mine/x": ["s3:GetObject"]}}}}',
    "what the flow can do without": "{id: x, message: {queue: jobs, text: t}, on-error: continue}",
    "and in what it can do without": "{id: g, on-error: continue, steps: [{id: x, message: {queue: jobs, text: t}}]}",
    "a row that an undo sees to": '{id: x, record: {table: rows, key: {id: "1"}}}',
    "a row that is seen to on failure": '{id: x, record: {table: other, key: {id: "1"}}}',
    "what may stay": "{id: x, message: {queue: jobs, text: t}, undo: none}",
    "reading": '{id: x, fetch: {table: rows, key: {id: "1"}}}',
}


@pytest.mark.parametrize("what", [*LEFT, *FINE])
def test_a_step_that_leaves_something_is_warned_of(tmp_path: Path, what: str) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "handler.py").write_text("def handler(event, context):\n    return event\n", encoding="utf-8")
    text = FLOW.format(step=LEFT.get(what) or FINE[what])
    (tmp_path / "workflow.yaml").write_text(text, encoding="utf-8")
    report = validate(tmp_path / "workflow.yaml")
    assert report.errors == ()
    warned = [problem for problem in report.problems if problem.code == "SW253"]
    assert [problem.mark.step for problem in warned] == (["x"] if what in LEFT else [])
    assert all(("behind the race" in problem.hint) == (what == "in a race") for problem in warned)
