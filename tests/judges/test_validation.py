"""AWS's own reading of templates, which the CDK runs at synth, has nothing to say of any golden flow's stack: there is one
for each runtime, service and trigger.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

WRONG = """
import sys

import stepworkflows_cdk.constructs
import aws_cdk as cdk

app = cdk.App(outdir=sys.argv[1])
variables = cdk.aws_lambda.CfnFunction.EnvironmentProperty(variables={"X": "too short a name"})
code = cdk.aws_lambda.CfnFunction.CodeProperty(zip_file="x")
cdk.aws_lambda.CfnFunction(cdk.Stack(app, "Wrong"), "F", code=code, role="r", environment=variables)
app.synth()
"""


def complaints(assembly: Path) -> list[Any]:
    report = json.loads((assembly / "validation-report.json").read_text(encoding="utf-8"))
    return [violation for plugin in report["pluginReports"] for violation in plugin["violations"]]


def test_no_golden_flow_has_a_complaint(assembly: Path) -> None:
    assert len(list(assembly.glob("*.template.json"))) > 40
    assert complaints(assembly) == []


def test_it_complains_of_what_is_wrong(synthesise: Callable[[Path, Path], Path], tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(WRONG, encoding="utf-8")
    found = complaints(synthesise(tmp_path / "app.py", tmp_path / "cdk.out"))
    assert "F3002" in {violation["ruleName"] for violation in found}
