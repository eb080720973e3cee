"""The CDK app of this repository: one stack with the order flow.

``python app.py`` writes the cloud assembly to ``cdk.out`` beside this file; ``cdk deploy`` runs the same.
"""

# First, before any import of aws_cdk: it chooses the Node that runs the CDK, so that a machine without one will do.
from stepworkflows_cdk import OrderFlow  # isort: skip

import json
import os
from pathlib import Path

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

HERE = Path(__file__).resolve().parent

FLAGS = json.loads((HERE / "cdk.json").read_text(encoding="utf-8"))["context"]

app = cdk.App(
    # What the cdk command passes by itself, so that the assembly is the same without it. What it passes wins.
    context={**FLAGS, "aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True},
    # The cdk command says where; without it, the CDK would write to a temporary folder.
    outdir=None if "CDK_OUTDIR" in os.environ else str(HERE / "cdk.out"),
)
cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))

# Without an account and a region: the assembly is the same on every machine, and deploys anywhere.
OrderFlow(
    cdk.Stack(app, "OrderFlow", description="The order flow: from the click to the thank-you mail"),
    "Flow",
)

app.synth()
