"""``validate`` for programs, and again whenever something changes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepworkflows_cdk import validate
from stepworkflows_cdk.cli.formats import as_github
from stepworkflows_cdk.cli.main import main
from stepworkflows_cdk.cli.watch import watch
from stepworkflows_cdk.language.diagnostics import Mark, Problem, Report

RIGHT = """
name: greet
steps:
  - {id: say, runs-on: lambda, zip-file: code}
  - {id: tell, email: {from: a@example.com, to: b@example.com, template: hello}}
"""


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "handler.py").write_text("def handler(event, context): ...\n", encoding="utf-8")
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "hello.txt").write_text("Subject: Hello\n\nHello\n", encoding="utf-8")
    (tmp_path / "flow.yaml").write_text(RIGHT, encoding="utf-8")
    return tmp_path / "flow.yaml"


def broken(flow: Path) -> Path:
    flow.write_text(RIGHT.replace("zip-file", "zipfile"), encoding="utf-8")
    return flow


def test_json_is_a_list_of_objects(flow: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--format", "json", str(flow)]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["validate", "--format", "json", str(broken(flow))]) == 1
    first, *_ = json.loads(capsys.readouterr().out)
    assert first == {
        "code": "SW101",
        "severity": "error",
        "message": "`zipfile` is no key here",
        "file": flow.as_posix(),
        "line": 4,
        "column": 32,
        "hint": "did you mean `zip-file`?",
    }


def test_github_gets_an_annotation_a_line(flow: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--format", "github", str(broken(flow))]) == 1
    first, *_ = capsys.readouterr().out.splitlines()
    place = f"file={flow.as_posix()},line=4,col=32,title=SW101"
    assert first == f"::error {place}::`zipfile` is no key here%0Afix: did you mean `zip-file`?"
    flow.write_text(RIGHT, encoding="utf-8")
    assert main(["validate", "--format", "github", str(flow)]) == 0
    assert capsys.readouterr().out == ""


def test_what_an_annotation_says_cannot_end_it() -> None:
    problem = Problem("SW101", "100%\r\n::set-output::", Mark("a,b:c.yaml", 1, 2), severity="warning")
    assert as_github(Report((problem,))) == (
        "::warning file=a%2Cb%3Ac.yaml,line=1,col=2,title=SW101::100%25%0D%0A::set-output::"
    )


@pytest.mark.parametrize("verb", [["run", "--json"], ["compile", "--json"], ["explain", "--json"]])
def test_problems_are_json_where_json_is_asked_for(
    flow: Path, verb: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*verb, str(broken(flow))]) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out) == validate(flow).to_json()
    assert shown.err == ""


class Looks:
    """Plays the time between two looks: an action each, then Ctrl-C."""

    def __init__(self, *actions: Callable[[], Any]) -> None:
        self._actions = list(actions)

    def __call__(self) -> None:
        if not self._actions:
            raise KeyboardInterrupt
        self._actions.pop(0)()


def write(path: Path, text: str) -> Callable[[], Any]:
    """Writes it as an editor does, at another time than before."""

    def do() -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        os.utime(path, ns=(0, path.stat().st_mtime_ns + 1_000_000))

    return do


def watched(flow: Path, *actions: Callable[[], Any]) -> tuple[list[int], int]:
    """How many problems each check found, and the exit code."""
    found: list[int] = []

    def check() -> Report:
        report = validate(flow)
        found.append(len(report.errors))
        return report

    return found, watch([flow], check, Looks(*actions))


def test_a_change_of_the_document_is_checked_and_ctrl_c_ends(flow: Path) -> None:
    assert watched(flow) == ([0], 0)
    wrong = RIGHT.replace("zip-file: code", "zip-file: nowhere")
    assert watched(flow, lambda: None, write(flow, wrong)) == ([0, 1], 1)
    assert watched(flow, write(flow, RIGHT), lambda: None) == ([1, 0], 0)


def test_a_file_that_it_names_is_watched_also_where_it_is_not_there_yet(flow: Path) -> None:
    code, mail = flow.parent / "code" / "handler.py", flow.parent / "mail" / "hello.txt"
    assert watched(flow, code.unlink, write(code, "def handler(event, context): ...\n")) == ([0, 1, 0], 0)
    assert watched(flow, mail.unlink, write(mail, "Subject: x\n\nx\n")) == ([0, 1, 0], 0)
    text = RIGHT.replace("zip-file: code", "zip-file: later")
    later = flow.parent / "later" / "handler.py"
    assert watched(flow, write(flow, text), write(later, "def handler(event, context): ...\n"))[0] == [0, 1, 0]


def test_what_it_does_not_name_is_not_watched(flow: Path) -> None:
    assert watched(flow, write(flow.parent / "notes.txt", "x"), write(flow.parent / "x" / "y.txt", "y")) == ([0], 0)


def test_a_used_flow_is_watched_and_a_document_that_is_no_yaml(flow: Path) -> None:
    part = flow.parent / "part.yaml"
    part.write_text("name: part\nsteps: [{id: x, outputs: {a: 1}}]\n", encoding="utf-8")
    flow.write_text("name: whole\nsteps: [{id: part, uses: part.yaml}]\n", encoding="utf-8")
    assert watched(flow, write(part, "name: part\nsteps: ["), write(part, "name: part\nsteps: []\n"))[0][:2] == [0, 1]


def test_a_change_during_the_check_is_not_lost(flow: Path) -> None:
    found: list[int] = []
    wrong = RIGHT.replace("zip-file: code", "zip-file: nowhere")

    def check() -> Report:
        report = validate(flow)
        if not found:
            write(flow, wrong)()
        found.append(len(report.errors))
        return report

    assert watch([flow], check, Looks()) == 1
    assert found == [0, 1]


def test_watching_ends_with_the_code_of_the_last_check(
    flow: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    assert main(["validate", "--watch", str(flow)]) == 0
    assert "greet: ok, 2 steps" in capsys.readouterr().out
    assert main(["validate", "--watch", "--format", "json", str(broken(flow))]) == 1
    assert [problem["code"] for problem in json.loads(capsys.readouterr().out)] == ["SW101"]
