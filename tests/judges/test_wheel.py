"""The wheel, judged by what a user has: nothing of the repository, only what is installed.

Built here, installed into an empty folder without its dependencies, which this Python has anyway, and used from a folder
that knows nothing of the repository.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

APP = """
from pathlib import Path

import stepworkflows_cdk
from stepworkflows_cdk import StepWorkflow
from stepworkflows_cdk.reference import order_flow

import aws_cdk as cdk

app = cdk.App()
stack = cdk.Stack(app, "Foreign")
shop = StepWorkflow(stack, "Shop", definition=order_flow())
greet = StepWorkflow(stack, "Greet", definition=Path(__file__).parent / "greet.yaml")
for name, flow in {"Shop": shop, "Greet": greet}.items():
    cdk.CfnOutput(stack, f"{name}Machine", value=flow.state_machine.state_machine_arn)
cdk.CfnOutput(stack, "Charge", value=shop.steps["charge"].function.function_name)
app.synth()
print(stepworkflows_cdk.__file__)
print(order_flow())
"""
GREET = """
name: greet
inputs: {name: string}
steps:
  - {id: greeting, runs-on: lambda, zip-file: code, inputs: {name: "{name}"}, outputs: {text: "{text}"}}
outputs: {text: "{text}"}
"""
HANDLER = """
def handler(event, context):
    return {"text": "Hello " + event["name"]}
"""

Start = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    done(["-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=repository)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    done(["-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(folder), str(wheel)], cwd=folder)
    return folder


@pytest.fixture
def python(installed: Path, tmp_path: Path) -> Start:
    """Runs Python in an empty folder, with the installed wheel in front of everything."""

    def start(*arguments: str) -> subprocess.CompletedProcess[str]:
        # As the cdk command says where the assembly goes.
        return done([*arguments], cwd=tmp_path, PYTHONPATH=str(installed), CDK_OUTDIR=str(tmp_path / "cdk.out"))

    return start


def test_a_foreign_app_synthesises_both_flows(python: Start, installed: Path, tmp_path: Path) -> None:
    write_app(tmp_path)
    places = python("app.py").stdout.split()
    assert [Path(place).is_relative_to(installed) for place in places] == [True, True]
    template = json.loads((tmp_path / "cdk.out" / "Foreign.template.json").read_text(encoding="utf-8"))
    types = [resource["Type"] for resource in template["Resources"].values()]
    assert types.count("AWS::StepFunctions::StateMachine") == 2
    assert types.count("AWS::DynamoDB::Table") == 6
    assert {"ShopMachine", "GreetMachine", "Charge"} <= set(template["Outputs"])


@pytest.mark.deep
def test_an_empty_environment_and_the_wheel_are_enough(wheel: Path, repository: Path, tmp_path: Path) -> None:
    """As a user starts: a new virtual environment, the wheel with what it asks for from the package index, the app."""
    done(["-m", "venv", str(tmp_path / "venv")], cwd=tmp_path)
    python = str(tmp_path / "venv" / "bin" / "python")
    install = ["-m", "pip", "install", "-q", "--retries", "10", "-c", str(repository / "constraints.txt")]
    done([*install, f"{wheel}[node]"], cwd=tmp_path, program=python)
    write_app(tmp_path)
    places = done(["app.py"], cwd=tmp_path, program=python, CDK_OUTDIR=str(tmp_path / "cdk.out")).stdout.split()
    assert all(Path(place).is_relative_to(tmp_path / "venv") for place in places)
    assert (tmp_path / "cdk.out" / "Foreign.template.json").is_file()


def test_the_command_runs_the_order_flow_of_the_wheel(python: Start, installed: Path) -> None:
    document = installed / "stepworkflows_cdk" / "_lambdas" / "order_flow" / "workflow.yaml"
    result = json.loads(python("-m", "stepworkflows_cdk", "run", "--json", str(document)).stdout)
    assert result["status"] == "SUCCEEDED"
    assert [row["status"] for row in result["tables"]["orders"]] == ["DELIVERED"]


def test_the_wheel_has_types_and_licence_and_nothing_else_than_the_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"stepworkflows_cdk"}
    assert "stepworkflows_cdk/py.typed" in names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name]


def write_app(folder: Path) -> None:
    (folder / "app.py").write_text(APP, encoding="utf-8")
    (folder / "greet.yaml").write_text(GREET, encoding="utf-8")
    (folder / "code").mkdir()
    (folder / "code" / "handler.py").write_text(HANDLER, encoding="utf-8")


def done(
    arguments: list[str], cwd: Path, program: str = sys.executable, **variables: str
) -> subprocess.CompletedProcess[str]:
    # Without the choice of Node that these tests make: the package has to find one itself.
    environment = {name: value for name, value in os.environ.items() if name not in ("JSII_NODE", "PYTHONPATH")}
    finished = subprocess.run(
        [program, *arguments],
        cwd=cwd,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished
