"""The pages on waits and on what runs at the same time: their flows run as the pages say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from stepworkflows_cdk.cli.main import main


@pytest.mark.parametrize(
    ("page", "section", "given", "said"),
    [
        ("waits.md", "Asking again and again", {"job": "import"}, "      30s  poll"),
        ("graphs-and-races.md", "Executions at the same time", {"customer": "ada"}, ""),
        ("graphs-and-races.md", "A step that joins, though one before it was skipped", {"gift": False}, ""),
    ],
)
def test_a_flow_of_a_page_runs(
    repository: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    page: str,
    section: str,
    given: dict[str, Any],
    said: str,
) -> None:
    text = (
        (repository / "docs" / page).read_text(encoding="utf-8").partition(f"## {section}\n")[2].partition("\n## ")[0]
    )
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL))
    for name, content in (
        ("flow.yaml", blocks["yaml"]),
        ("events.json", blocks.get("json", "[]")),
        ("in.json", json.dumps(given)),
    ):
        (tmp_path / name).write_text(content, encoding="utf-8")
    events = ["--events", str(tmp_path / "events.json")]
    assert main(["run", str(tmp_path / "flow.yaml"), *events, "--input", str(tmp_path / "in.json")]) == 0
    shown = capsys.readouterr().out
    assert blocks.get("text", said) in shown
    assert "note:" not in shown


def test_seconds_that_only_a_run_knows(repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (repository / "docs" / "waits.md").read_text(encoding="utf-8")
    step = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0]
    flow, given = tmp_path / "flow.yaml", tmp_path / "in.json"
    flow.write_text(f"name: f\ninputs: {{seconds: integer}}\nsteps:\n{step}", encoding="utf-8")
    given.write_text('{"seconds": 90}', encoding="utf-8")
    assert main(["run", str(flow), "--input", str(given)]) == 0
    assert "1m30s  rest  ok" in capsys.readouterr().out


def test_turns_that_nobody_waits_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "events.json").write_text('[{"given": {"turns": {"ada": "1m"}}}]', encoding="utf-8")
    flow, arguments = tmp_path / "flow.yaml", ["--events", str(tmp_path / "events.json")]
    flow.write_text("name: f\ninputs: {}\nconcurrency: bob\nsteps: [{id: w, wait: 1s}]\n", encoding="utf-8")
    assert main(["run", str(flow), *arguments]) == 0
    assert "events.json:1 was never used: no execution has asked for the turn of ada" in capsys.readouterr().out
    flow.write_text(
        "name: f\ninputs: {}\nconcurrency: {key: ada, mode: reject}\nsteps: [{id: w, wait: 1s}]\n", encoding="utf-8"
    )
    assert main(["run", str(flow), *arguments]) == 1
    assert "its turn  failed     ConcurrencyLimit: the execution" in capsys.readouterr().out
    flow.write_text("name: f\ninputs: {}\nsteps: [{id: w, wait: 1s}]\n", encoding="utf-8")
    assert main(["run", str(flow), *arguments]) == 2
    assert "no flow of this run has `concurrency`" in capsys.readouterr().err


def sections(repository: Path) -> list[tuple[str, str]]:
    text = (repository / "docs" / "composing.md").read_text(encoding="utf-8")
    return [(part.partition("\n")[0], part) for part in text.split("\n## ")[1:]]


@pytest.mark.parametrize("number", range(5))
def test_the_page_on_composing_prints_what_it_says(
    number: int, repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(sections(repository)) == 5
    monkeypatch.chdir(tmp_path)
    said = []
    for kind, content in re.findall(r"```(\w+)\n(.*?)```", sections(repository)[number][1], re.DOTALL):
        if kind == "console":
            said += re.findall(r"\$ stepworkflows (.*?)\n(.*?)(?=^\$ |\Z)", content, re.DOTALL | re.MULTILINE)
            continue
        first, _, rest = content.partition("\n")
        file = tmp_path / first.removeprefix("# ")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(rest if kind == "json" else content, encoding="utf-8")
    assert said
    for command, shown in said:
        assert main(command.split()) == 0
        assert re.sub(r"[\d.]+s real", "0.0s real", capsys.readouterr().out) == shown
        assert main(["validate", "flow.yaml"]) == 0
        assert "warning" not in capsys.readouterr().out
