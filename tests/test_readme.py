"""README's documents and code do what README says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stepworkflows_cdk import Definition, compile_workflow, validate
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.local import run

ADA = {"user": {"email": "ada@example.com", "name": "Ada"}}


def block(repository: Path, language: str, number: int = 0) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", (repository / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(found) == {"python": 2}.get(language, 1)
    return str(found[number])


@pytest.fixture
def greet(repository: Path, tmp_path: Path) -> Path:
    (tmp_path / "greet").mkdir()
    (tmp_path / "greet" / "handler.py").write_text(block(repository, "python"), encoding="utf-8")
    (tmp_path / "greet.yaml").write_text(block(repository, "yaml"), encoding="utf-8")
    return tmp_path


def test_the_flow_has_no_problem(greet: Path) -> None:
    assert validate(greet / "greet.yaml").problems == ()


def test_the_flow_runs_with_the_events(repository: Path, greet: Path) -> None:
    bundle = compile_workflow(Definition.load(greet / "greet.yaml"))
    result = run(bundle, ADA, integrations=BUILTIN, outside=json.loads(block(repository, "json")))
    assert result.output == {"text": "Hello Ada!"}
    assert result.attempts["greeting"] == 2
    (row,) = result.tables["visitors"]
    assert (row["email"], row["visits"], row["greeted_with"]) == ("ada@example.com", 2, "Hello Ada!")


def test_the_order_flow_prints_this(repository: Path) -> None:
    command = [sys.executable, "-m", "stepworkflows_cdk", "run", "lambdas/order_flow/workflow.yaml"]
    shown = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True).stdout
    real = re.compile(r"\d+\.\d+s real")
    assert real.sub("", block(repository, "text")) == real.sub("", shown)


def test_the_app_synthesizes(repository: Path, greet: Path) -> None:
    (greet / "app.py").write_text(block(repository, "python", 1), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(greet / "app.py")], cwd=greet, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (greet / "cdk.out" / "Greetings.template.json").exists()


def test_the_app_of_the_page_on_deploying_synthesizes(repository: Path, greet: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (repository / "docs" / "deploying.md").read_text("utf-8"), re.DOTALL)
    (greet / "app.py").write_text(code, encoding="utf-8")
    command = [sys.executable, str(greet / "app.py")]
    done = subprocess.run(command, cwd=greet, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    template = (greet / "cdk.out" / "Shop.template.json").read_text(encoding="utf-8")
    assert "1814400" in template, "21 days"
    assert '"MemorySize": 1024' in template
