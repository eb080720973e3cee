"""A CDK app of a few lines synthesizes the three documents that the project began with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SEED = ROOT / "tests" / "seed"
NAMES = ("step-definition.json", "step-execution.json", "step-output.json")
APP = """
from pathlib import Path

from stepworkflows_cdk import StepWorkflow  # isort: skip

import aws_cdk as cdk

here = Path(__file__).parent
app = cdk.App(outdir=str(here / "cdk.out"))
StepWorkflow(cdk.Stack(app, "Seed"), "Flow", definition=[here / name for name in NAMES])
app.synth()
"""


def test_the_seed_in_an_app_of_a_few_lines(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "function.zip", "w") as archive:
        archive.write(SEED / "handler.py", "handler.py")
    for name in NAMES:
        shutil.copy(SEED / name, tmp_path)
    (tmp_path / "app.py").write_text(APP.replace("NAMES", repr(NAMES)), encoding="utf-8")
    # With the CDK's own validation, which the other tests do without.
    environment = {name: value for name, value in os.environ.items() if name != "CDK_VALIDATION"}
    done = subprocess.run(
        [sys.executable, str(tmp_path / "app.py")],
        env={**environment, "PYTHONPATH": str(ROOT)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    resources = json.loads((tmp_path / "cdk.out" / "Seed.template.json").read_text(encoding="utf-8"))["Resources"]
    types = [resource["Type"] for resource in resources.values()]
    assert types.count("AWS::Lambda::Function") == 1
    assert types.count("AWS::DynamoDB::Table") == 1
    (machine,) = [found for found in resources.values() if found["Type"] == "AWS::StepFunctions::StateMachine"]
    states = json.loads(machine["Properties"]["DefinitionString"])["States"]
    assert {"Step Definition", "Step Execution", "Step Output"} <= set(states)
