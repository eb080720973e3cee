"""Step code, read before it runs: whether the handler is there, as far as reading tells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepworkflows_cdk import validate


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def handler(event, context):\n    return event\n", ""),
        ("from other import handler\n", ""),
        ("handler = print\n", ""),
        ("from other import *\n", ""),
        ("if True:\n    def handler(event, context): ...\n", ""),
        ("def handel(event, context):\n    return event\n", "has no function `handler`"),
        ("import json\n", "has no function `handler`"),
        ("def handler(:\n", "is no Python: line 1"),
        ("x = 1\ny = (\n", "is no Python: line 2"),
    ],
)
def test_the_handler_is_looked_for(tmp_path: Path, source: str, says: str) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "handler.py").write_text(source, encoding="utf-8")
    flow = {"name": "flow", "inputs": {}, "steps": [{"id": "a", "runs-on": "lambda", "zip-file": "code"}]}
    (tmp_path / "flow.json").write_text(json.dumps(flow), encoding="utf-8")
    problems = validate(tmp_path / "flow.json").problems
    assert [problem.code for problem in problems] == (["SW504"] if says else [])
    assert all(says in problem.message for problem in problems)
