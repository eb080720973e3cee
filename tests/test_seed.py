"""The three documents that the project began with, byte for byte, in the order definition, execution, output."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from stepworkflows_cdk import Definition, compile_workflow, validate
from stepworkflows_cdk.cli.main import main
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.local import run

SEED = Path(__file__).parent / "seed"
NAMES = ("step-definition.json", "step-execution.json", "step-output.json")
DIGESTS = ["3b050edf7909e955", "dffb23104b2b4025", "9ae97c37689412bc"]
INPUT = {"user": {"email": "ada@example.com"}}


@pytest.fixture
def seed(tmp_path: Path) -> list[Path]:
    with zipfile.ZipFile(tmp_path / "function.zip", "w") as archive:
        archive.write(SEED / "handler.py", "handler.py")
    return [Path(shutil.copy(SEED / name, tmp_path)) for name in NAMES]


def test_the_documents_are_what_they_were() -> None:
    digests = [hashlib.sha256((SEED / name).read_bytes()).hexdigest()[:16] for name in NAMES]
    assert digests == DIGESTS


def test_they_are_accepted(seed: list[Path]) -> None:
    assert validate(*seed).problems == ()


def test_they_become_one_machine_with_one_function(seed: list[Path]) -> None:
    bundle = compile_workflow(Definition.load(*seed))
    definition = json.loads(bundle.main.text)
    assert list(definition["States"]) == [
        "Input",
        "Step Definition",
        "Step Execution",
        "Step Output",
        "Step Output: record",
        "Done",
    ]
    assert [need.id for need in bundle.needs] == ["function-function", "table-outputs"]


def test_they_run_and_record_the_output(seed: list[Path]) -> None:
    result = run(compile_workflow(Definition.load(*seed)), INPUT, integrations=BUILTIN)
    assert result.status == "SUCCEEDED"
    assert result.output == {"SEND_CONFIRMATION_EMAIL": "true"}
    (row,) = result.tables["outputs"]
    assert row["记录"] == {"seen": {}}
    assert row["execution"].startswith("arn:aws:states:")


def test_each_step_is_given_its_inputs(seed: list[Path]) -> None:
    events: list[object] = []
    for document in seed[1:]:
        written = json.loads(document.read_text(encoding="utf-8"))
        document.write_text(json.dumps({**written, "outputs": {f"{document.stem}": "{record.seen}"}}), encoding="utf-8")
    flow = json.loads(seed[0].read_text(encoding="utf-8"))
    seed[0].write_text(json.dumps({**flow, "outputs": {"first": "{record.seen}"}}), encoding="utf-8")
    states = json.loads(compile_workflow(Definition.load(*seed)).main.text)["States"]
    events = [states[name]["Arguments"]["Payload"] for name in ("Step Definition", "Step Execution", "Step Output")]
    assert events == ["{% $input %}", {"email": "{% $input.user.email %}"}, {}]
    assert run(compile_workflow(Definition.load(*seed)), INPUT, integrations=BUILTIN).output == {"first": INPUT}


def test_the_command_line_takes_them(seed: list[Path], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    documents = [str(path) for path in seed]
    (tmp_path / "input.json").write_text(json.dumps(INPUT), encoding="utf-8")
    assert main(["validate", *documents]) == 0
    assert "the flow reads `user` from it" in capsys.readouterr().out
    assert main(["compile", *documents]) == 0
    assert json.loads(capsys.readouterr().out)["QueryLanguage"] == "JSONata"
    assert main(["run", *documents, "--input", str(tmp_path / "input.json"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "SUCCEEDED"
