"""AWS's own reading of templates, which the CDK runs at synth, has nothing to say of any golden flow's stack: there is one
for each runtime, service and trigger.

In a process of its own, since that is where the reading is switched on or off.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

APP = """
import sys
from pathlib import Path

from stepworkflows_cdk import StepWorkflow

import aws_cdk as cdk

app = cdk.App(outdir=sys.argv[2])
for folder in sorted(Path(sys.argv[1]).iterdir()):
    documents = [*sorted(folder.glob("workflow.*")), *sorted(folder.glob("step-*.*"))]
    if not folder.name.startswith("wrong-"):
        StepWorkflow(cdk.Stack(app, f"flow-{folder.name}"), "Flow", definition=documents)
app.synth()
print(len(app.node.children))
"""
WRONG = """
import sys

import stepworkflows_cdk.constructs
import aws_cdk as cdk

app = cdk.App(outdir=sys.argv[2])
variables = cdk.aws_lambda.CfnFunction.EnvironmentProperty(variables={"X": "too short a name"})
code = cdk.aws_lambda.CfnFunction.CodeProperty(zip_file="x")
cdk.aws_lambda.CfnFunction(cdk.Stack(app, "Wrong"), "F", code=code, role="r", environment=variables)
app.synth()
"""


def judged(program: str, folder: Path, outdir: Path) -> tuple[str, list[Any]]:
    """What the program prints, and what is found in its templates."""
    environment = {name: value for name, value in os.environ.items() if name != "CDK_VALIDATION"}
    command = [sys.executable, "-c", program, str(folder), str(outdir)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    report = outdir / "validation-report.json"
    assert report.exists(), done.stderr
    plugins = json.loads(report.read_text(encoding="utf-8"))["pluginReports"]
    return done.stdout, [violation for plugin in plugins for violation in plugin["violations"]]


def test_no_golden_flow_has_a_complaint(repository: Path, tmp_path: Path) -> None:
    printed, found = judged(APP, repository / "tests" / "flows", tmp_path)
    assert int(printed) > 40
    assert found == []


def test_it_complains_of_what_is_wrong(tmp_path: Path) -> None:
    _, found = judged(WRONG, tmp_path, tmp_path)
    assert "F3002" in {violation["ruleName"] for violation in found}
