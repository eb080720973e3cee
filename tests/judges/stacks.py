"""Every golden flow and the order flow, a stack each, in one app that is synthesized into the folder given as argument; the
order flow with each compliance profile, and containers with one.

A program, since it is by process that AWS's own reading of templates is switched on or off.
"""

from __future__ import annotations

import sys
from pathlib import Path

import given

from stepworkflows_cdk import Definition, OrderFlow, StepWorkflow

import aws_cdk as cdk  # isort: skip  # behind the package: it finds Node where the PATH has none

FLOWS = Path(__file__).parent.parent / "flows"

app = cdk.App(outdir=sys.argv[1])
OrderFlow(cdk.Stack(app, "OrderFlow"), "Flow")
for profile in ("hipaa", "pci", "nist"):
    OrderFlow(cdk.Stack(app, f"OrderFlow-{profile}"), "Flow", profile=profile)
for folder in sorted(FLOWS.iterdir()):
    documents = [*sorted(folder.glob("workflow.*")), *sorted(folder.glob("step-*.*"))]
    if not folder.name.startswith("wrong-"):
        stack = cdk.Stack(app, f"flow-{folder.name}")
        definition = Definition.load(*documents)
        own, kept = given.resources(stack, definition), given.secrets(stack, definition)
        StepWorkflow(stack, "Flow", definition=definition, resources=own, secrets=kept)
stack = cdk.Stack(app, "containers-nist")
definition = Definition.load(FLOWS / "container-image" / "workflow.yaml")
StepWorkflow(stack, "Flow", definition=definition, resources=given.resources(stack, definition), profile="nist")
app.synth()
