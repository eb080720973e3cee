"""Parameters of calls that turn out to be null are not sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.local import run

FLOW = """
name: flow
inputs: {tell: boolean}
resources: {rows: {type: table, key: id}}
steps:
  - {id: choose, if: "{tell}", outputs: {how: {value: TOTAL, default: null}}}
  - id: write
    call: dynamodb:transactWriteItems
    inputs:
      TransactItems: [{Put: {TableName: "{resources.rows}", Item: {id: {S: a}, none: {"NULL": true}}}}]
      ReturnConsumedCapacity: "{how}"
"""


def arguments(tmp_path: Path, **given: Any) -> dict[str, Any]:
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    result = run(compile_workflow(Definition.load(tmp_path / "flow.yaml")), given, integrations=BUILTIN)
    assert result.status == "SUCCEEDED"
    assert result.tables == {"rows": [{"id": "a", "none": None}]}
    (call,) = result.calls
    return dict(call["arguments"])


def test_what_is_null_is_left_out(tmp_path: Path) -> None:
    assert set(arguments(tmp_path, tell=False)) == {"TransactItems", "ClientRequestToken"}


def test_what_is_there_is_sent(tmp_path: Path) -> None:
    sent = arguments(tmp_path, tell=True)
    assert set(sent) == {"TransactItems", "ReturnConsumedCapacity", "ClientRequestToken"}
    assert sent["ReturnConsumedCapacity"] == "TOTAL"
