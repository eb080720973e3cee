"""Lists through loops: what goes in comes out, in order, however many items there are and whatever they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.compiler.bundle import Bundle
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.local import run

FLOW = """
name: lists
type: RunnableStep
inputs: {rows: {}, bad: {default: []}}
steps:
  - id: flat
    for-each: {items: "{rows}", as: row}
    outputs: {same: "{row}", place: "{index}"}
  - id: outer
    for-each: {items: "{rows}", as: row}
    steps:
      - id: inner
        for-each: {items: "{% $type({row}) = 'array' ? {row} : [] %}", as: cell}
        outputs: {cell: "{cell}"}
      - id: passed
        outputs: {cells: "{steps.inner.outputs.cell}"}
      - id: innermost
        if: "$type({row}) = 'array'"
        for-each: {items: "{row}", as: cell}
        steps:
          - id: twice
            for-each: {items: ["{cell}", "{row}"], as: one}
            outputs: {one: "{one}"}
  - id: kept
    for-each: {items: "{rows}", as: row, collect: true, concurrency: 2}
    steps:
      - id: not-bad
        require: {that: "$not({index} in {bad})", error: Bad}
      - id: good
        outputs: {good: {value: "{row}", default: none}}
outputs:
  same: "{same}"
  places: "{place}"
  cells: "{steps.inner.outputs.cell}"
  passed: "{cells}"
  twice: "{one}"
  good: "{good}"
  errors: "{errors}"
"""
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.integers(-1000, 1000).map(lambda number: number + 0.5),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=4),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=2)
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    path = tmp_path_factory.mktemp("lists") / "workflow.yaml"
    path.write_text(FLOW, encoding="utf-8")
    return compile_workflow(Definition.load(path))


def outputs(bundle: Bundle, rows: Any, bad: Any = ()) -> dict[str, Any]:
    result = run(bundle, {"rows": rows, "bad": list(bad)}, integrations=BUILTIN)
    assert result.status == "SUCCEEDED", (result.error, result.cause)
    assert isinstance(result.output, dict)
    return result.output


def check(bundle: Bundle, rows: list[Any], bad: Any) -> None:
    got = outputs(bundle, rows, bad)
    cells = [row if isinstance(row, list) else [] for row in rows]
    assert text(got["same"]) == text(rows)
    assert got["places"] == list(range(len(rows)))
    assert text(got["cells"]) == text(cells)
    assert text(got["passed"]) == text(cells)
    assert text(got["twice"]) == text([[[cell, row] for cell in row] for row in cells])
    assert text(got["good"]) == text(["none" if number in bad else row for number, row in enumerate(rows)])
    errors = [{"type": "Bad", "cause": ""} if number in bad else None for number in range(len(rows))]
    assert got["errors"] == errors


def text(value: Any) -> str:
    """As JSON, where true is not 1."""
    return json.dumps(value, sort_keys=True)


@given(st.lists(VALUES, max_size=4), st.sets(st.integers(0, 3)))
def test_what_goes_in_comes_out(bundle: Bundle, rows: list[Any], bad: set[int]) -> None:
    check(bundle, rows, bad)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [[]],
        [[[]]],
        [[], []],
        [[1]],
        [[[1]]],
        [[1, 2]],
        [[[1, 2]]],
        [None],
        [[None]],
        [{}],
        [[{}]],
        [[[1], [2, [3]]], [], 5],
        list(range(60)),
    ],
    ids=str,
)
def test_lists_that_sequences_would_lose(bundle: Bundle, rows: list[Any]) -> None:
    check(bundle, rows, {0})


def test_the_first_error_of_the_items_is_that_of_the_flow(tmp_path: Path) -> None:
    path = tmp_path / "workflow.yaml"
    path.write_text(
        """
name: fails
type: RunnableStep
steps:
  - id: each
    for-each: {items: [3, 1, 2], as: n}
    steps:
      - {id: pause, wait: {until: "{% $fromMillis($toMillis({execution.started}) + {n} * 60000) %}"}}
      - {id: stop, fail: {error: Stopped, message: "item {n}"}}
""",
        encoding="utf-8",
    )
    result = run(compile_workflow(Definition.load(path)), {}, integrations=BUILTIN)
    assert (result.error, result.cause) == ("Stopped", "item 1")
    assert result.simulated_seconds == 180  # nothing goes on while an item is at work
