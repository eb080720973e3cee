"""Distributed loops: each item, or batch, in an execution of its own that sees what the steps inside name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.local import RunResult, run

SEEN = """
name: seen
type: RunnableStep
inputs: {rows: {type: array}, factor: number}
config: {stage: {default: dev}}
resources: {orders: {type: table, key: id}}
steps:
  - id: before
    outputs: {offset: 100, unread: 1}
  - id: outer
    for-each: {items: "{rows}", as: row}
    steps:
      - id: inner
        for-each: {items: "{row}", as: cells, batch: 2}
        steps:
          - id: sum
            outputs: {sum: "{% $sum({cells}) * {factor} + {offset} + {index2} %}"}
          - id: each
            for-each: {items: "{cells}", as: cell}
            outputs: {text: "{cell}/{index}/{config.stage}/{resources.orders}/{sum}"}
outputs: {sums: "{sum}", texts: "{text}"}
"""


def ran(folder: Path, text: str, input_: Any, *outside: Any) -> RunResult:
    path = folder / "workflow.yaml"
    path.write_text(text, encoding="utf-8")
    return run(compile_workflow(Definition.load(path)), input_, integrations=BUILTIN, outside=outside)


def test_what_is_named_inside_goes_with_each_batch(tmp_path: Path) -> None:
    text = SEEN.replace(" + {index2}", "")
    result = ran(tmp_path, text, {"rows": [[1, 2, 3], [], [4]], "factor": 10})
    assert result.status == "SUCCEEDED", result.cause
    assert result.output["sums"] == [[130, 130], [], [140]]
    of_three = [[f"{n}/{at}/dev/table-orders/130" for at, n in enumerate(batch)] for batch in ([1, 2], [3])]
    assert result.output["texts"] == [of_three, [], [["4/0/dev/table-orders/140"]]]


def test_a_batch_is_given_what_is_read_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "workflow.yaml"
    path.write_text(SEEN.replace(" + {index2}", ""), encoding="utf-8")
    machine = json.loads(compile_workflow(Definition.load(path)).main.text)
    inner = machine["States"]["outer"]["ItemProcessor"]["States"]["inner"]
    assert inner["ItemBatcher"] == {
        "MaxItemsPerBatch": 2,
        "BatchInput": {f"in_{name}": f"{{% ${name} %}}" for name in ("input", "resources", "step_before")},
    }
    assert "ItemSelector" not in inner


ROWS = [[], [1], [[1]], [None], [{}, [], "", 0], [[[1], [2, [3]]], [], 5], list(range(60))]


@pytest.mark.parametrize("rows", ROWS, ids=str)
def test_items_of_a_file_come_as_they_are(tmp_path: Path, rows: list[Any]) -> None:
    text = """
name: same
resources: {files: {type: bucket}}
steps:
  - id: a
    for-each: {source: {bucket: files, key: a.json}}
    outputs: {a: "{item}", at: "{index}"}
  - id: b
    for-each: {source: {bucket: files, key: b.jsonl}, max-items: 3}
    outputs: {b: "{item}"}
outputs: {a: "{a}", at: "{at}", b: "{b}"}
"""
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    result = ran(tmp_path, text, {}, {"given": {"files": {"files/a.json": json.dumps(rows), "files/b.jsonl": lines}}})
    assert result.output == {"a": rows, "at": list(range(len(rows))), "b": rows[:3]}


FAILS = """
name: fails
inputs: {most: {default: 0}}
resources: {out: {type: bucket}}
steps:
  - id: each
    for-each: {items: [3, 1, 2, 4], as: n, %s}
    steps:
      - {id: pause, wait: {until: "{% $fromMillis($toMillis({execution.started}) + {n} * 60000) %}"}}
      - {id: small, require: {that: "{n} > {most}", error: TooSmall, message: "item {n}"}}
      - {id: half, outputs: {half: {value: "{% {n} / 2 %}", default: null}}}
outputs: {half: HALF}
"""


@pytest.mark.parametrize(
    ("keys", "most", "expected", "seconds"),
    [
        ("batch: 1, collect: true", 5, [None] * 4, 240),
        ("tolerate: 2", 2, [1.5, None, None, 2], 240),
        ("tolerate: 50%", 2, [1.5, None, None, 2], 240),
        ("tolerate: 49.9%", 2, "States.ExceedToleratedFailureThreshold", 120),
        ("tolerate: 1", 2, "States.ExceedToleratedFailureThreshold", 120),
        ("tolerate: 1, concurrency: 1", 4, "States.ExceedToleratedFailureThreshold", 240),
        ("concurrency: 2, tolerate: 1", 0, [1.5, 0.5, 1, 2], 420),
    ],
)
def test_so_many_may_fail(tmp_path: Path, keys: str, most: int, expected: Any, seconds: int) -> None:
    text = FAILS.replace("%s", keys).replace("HALF", '"{half}"')
    if "batch: 1" in keys:
        text = text.replace("{n}", "{n[0]}")
    result = ran(tmp_path, text, {"most": most})
    got = result.output["half"] if result.status == "SUCCEEDED" else result.error
    assert (got, result.simulated_seconds) == (expected, seconds)


def test_results_are_in_files_of_a_manifest(tmp_path: Path) -> None:
    text = FAILS.replace("%s", "results: {bucket: out, prefix: done/}, tolerate: 1")
    text = text.replace("HALF", '"{steps.each.outputs.results}"')
    result = ran(tmp_path, text, {"most": 1})
    files = result.files["out"]
    where = result.output["half"]
    manifest = json.loads(files[where["key"]])
    assert where["bucket"] == manifest["DestinationBucket"]
    assert where["key"].startswith("done/")
    outputs = {}
    for status, found in manifest["ResultFiles"].items():
        rows = [row for each in found for row in json.loads(files[each["Key"]])]
        assert all(row["Status"] == status for row in rows)
        assert sum(each["Size"] for each in found) == sum(len(files[each["Key"]]) for each in found)
        outputs[status] = [row.get("Error") or json.loads(row["Output"]) for row in rows]
    halves = [{"half": {"half": half}} for half in (1.5, 1, 2)]
    assert outputs == {"FAILED": ["TooSmall"], "PENDING": [], "SUCCEEDED": halves}
