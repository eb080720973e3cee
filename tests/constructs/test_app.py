"""The repository's app: its flags are complete, and it writes the same assembly whoever starts it."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import aws_cdk
import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_all_feature_flags_of_the_library_are_fixed():
    """As the library recommends them to a new app. An update of the library brings new ones into cdk.json."""
    (library,) = Path(aws_cdk.__file__).parent.glob("_jsii/aws-cdk-lib@*.tgz")
    with tarfile.open(library) as archive:
        found = archive.extractfile("package/recommended-feature-flags.json")
        recommended = json.load(found)
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    assert {name: context.get(name) for name in recommended} == recommended


@pytest.fixture(scope="module")
def assembly(tmp_path_factory):
    """What ``python app.py`` writes, run from a folder that has nothing to do with it."""
    outdir = tmp_path_factory.mktemp("assembly")
    run_app(outdir, cwd=outdir)
    return outdir


def run_app(outdir, cwd, **environment):
    done = start(ROOT / "app.py", outdir, cwd, **environment)
    assert done.returncode == 0, done.stderr


def start(app, outdir, cwd, **environment):
    """With the CDK's own validation, which the tests otherwise do without."""
    inherited = {name: value for name, value in os.environ.items() if name != "CDK_VALIDATION"}
    return subprocess.run(
        [sys.executable, str(app)],
        cwd=cwd,
        env={**inherited, "PYTHONPATH": str(ROOT), "CDK_OUTDIR": str(outdir), **environment},
        check=False,
        capture_output=True,
        text=True,
    )


def contents(outdir):
    return {path.relative_to(outdir).as_posix(): path.read_bytes() for path in outdir.rglob("*") if path.is_file()}


def test_the_app_has_no_findings(assembly):
    """Of the CDK's own validation, which reads the definition as well, and of both packs of cdk-nag."""
    report = json.loads((assembly / "validation-report.json").read_text(encoding="utf-8"))
    assert report["pluginReports"] == []


NAIVE = """\
from aws_cdk import aws_sqs, aws_stepfunctions

stack = app.node.find_child("OrderFlow")
aws_sqs.Queue(stack, "Queue")
wrong = aws_stepfunctions.DefinitionBody.from_string('{"StartAt": "A", "States": {"B": {"Type": "Succeed"}}}')
aws_stepfunctions.StateMachine(stack, "Machine", definition_body=wrong)
app.synth()
"""


def test_a_finding_would_stop_the_app(tmp_path):
    """Of each of the three."""
    app = (ROOT / "app.py").read_text(encoding="utf-8")
    (tmp_path / "app.py").write_text(app.replace("app.synth()", NAIVE), encoding="utf-8")
    shutil.copy(ROOT / "cdk.json", tmp_path)
    done = start(tmp_path / "app.py", tmp_path / "cdk.out", cwd=tmp_path)
    assert done.returncode != 0
    assert "StartAt 'A' does not reference a valid state" in done.stderr
    assert "AwsSolutions-SQS4" in done.stderr
    assert "Serverless-SQSRedrivePolicy" in done.stderr


def test_the_order_flow_is_in_it(assembly):
    template = json.loads((assembly / "OrderFlow.template.json").read_text(encoding="utf-8"))
    types = [resource["Type"] for resource in template["Resources"].values()]
    assert types.count("AWS::StepFunctions::StateMachine") == 1
    assert types.count("AWS::Lambda::Function") >= 1


def test_the_cdk_command_gets_the_same_assembly(assembly, tmp_path):
    """It passes the context of cdk.json and a few keys of its own in the environment."""
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    passed = {
        **context,
        "aws:cdk:enable-path-metadata": True,
        "aws:cdk:enable-asset-metadata": True,
        "aws:cdk:bundling-stacks": ["**"],
        "aws:cdk:disable-version-reporting": True,
        "@aws-cdk/core:failSynthOnValidationErrors": False,
    }
    run_app(tmp_path, cwd=ROOT, CDK_CONTEXT_JSON=json.dumps(passed))
    assert contents(tmp_path) == contents(assembly)
