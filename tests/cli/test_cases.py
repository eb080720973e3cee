"""``stepworkflows test``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepworkflows_cdk.cli.main import main

FLOW = Path(__file__).parent.parent / "flows" / "tests-of-a-flow" / "workflow.yaml"


def test_tests_that_go_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", str(FLOW)]) == 0
    assert capsys.readouterr().out == "ok    goes-well\nok    too-many\nok    database-gone\n3 run, 0 failed\n"


def test_what_is_not_as_expected_is_told_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "flow.yaml"
    text = FLOW.read_text(encoding="utf-8").replace("twice: 4", "twice: 5").replace("lasts: 2h", "lasts: 1h")
    path.write_text(text.replace("{id: b}]", "{id: c}]").replace("{error: TooMany,", "{"), encoding="utf-8")
    assert main(["test", str(path)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"FAIL  goes-well  {tmp_path}/flow.yaml:12:3",
        "      output.twice: expected 5, got 4",
        "      lasts: expected 3,600 seconds, got 7,200",
        "      tables.rows[1].id: expected 'c', got 'b'",
        f"FAIL  too-many  {tmp_path}/flow.yaml:20:3",
        "      status: expected SUCCEEDED, got FAILED (TooMany: 10 are too many)",
        "ok    database-gone",
        "3 run, 2 failed",
    ]


def test_one_test_alone_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", str(FLOW), "--only", "too-many", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["name"], told["ok"], told["run"]["error"]) == ("too-many", True, "TooMany")


def test_a_test_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", str(FLOW), "--only", "too-man"]) == 2
    assert "did you mean `too-many`?" in capsys.readouterr().err


def test_a_test_that_is_wrong_keeps_no_other_from_running(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "flow.yaml"
    text = FLOW.read_text(encoding="utf-8").replace("{id: b, qty: 1}", "{qty: 1}")
    typo = "  typo:\n    input: {id: a, qty: 2}\n    events:\n      - {at: note, return: {}}\n    expect: {}\n"
    gone = "  gone:\n    input: {id: a, qty: 2}\n    events: [{given: {tables: {row: []}}}]\n    expect: {}\n"
    path.write_text(text.replace("  too-many:\n", f"{typo}{gone}  too-many:\n"), encoding="utf-8")
    assert main(["test", str(path)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"FAIL  goes-well  {path}:12:3",
        "      a given row of table rows has no text as its key id: {'qty': 1}",
        f"FAIL  typo  {path}:20:3",
        f"      {path}:23:20 `return` is no key of such an entry; did you mean `returns`?",
        f"FAIL  gone  {path}:25:3",
        f"      {path}:27, key tables: 'row' is unknown; known: rows; did you mean rows?",
        "ok    too-many",
        "ok    database-gone",
        "5 run, 3 failed",
    ]
    assert main(["test", str(path), "--only", "typo", "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["run"]) == (False, None)
    assert main(["validate", str(path)]) == 1
    assert f"{path}:23:20 SW101 `return` is no key of such an entry" in capsys.readouterr().out


def test_an_output_that_is_not_there_is_told_in_the_words_of_its_author(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "handler.py").write_text("def handler(event, context):\n    return {'a': 1}\n", encoding="utf-8")
    (tmp_path / "flow.yaml").write_text(
        "name: flow\ninputs: {}\nsteps:\n  - {id: work, runs-on: lambda, zip-file: ., outputs: {b: '{b}'}}\n"
        "tests:\n  one: {expect: {}}\n  two: {expect: {error: Other}}\n",
        encoding="utf-8",
    )
    assert main(["test", str(tmp_path / "flow.yaml")]) == 1
    error = "States.QueryEvaluationError: `b` of `work`: the result has no `b`; it has `a`"
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"      status: expected SUCCEEDED, got FAILED ({error})"
    assert lines[3] == f"      error: expected Other, got {error}"
