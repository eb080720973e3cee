"""Every golden flow and the order flow, a stack each, in one app that is synthesized into the folder given as argument.

A program, since it is by process that AWS's own reading of templates is switched on or off.
"""

from __future__ import annotations

import sys
from pathlib import Path

from stepworkflows_cdk import Definition, OrderFlow, StepWorkflow

import aws_cdk as cdk  # isort: skip  # behind the package: it finds Node where the PATH has none
from aws_cdk import aws_ec2 as ec2

FLOWS = Path(__file__).parent.parent / "flows"


def networks(stack: cdk.Stack, definition: Definition) -> dict[str, ec2.IVpc]:
    """What a flow takes from its caller."""
    names = {name for flow in definition.workflows for name, found in flow.resources.items() if found.type == "network"}
    values = {"vpc_id": "vpc-0a1b2c3d", "availability_zones": ["a"], "private_subnet_ids": ["subnet-0a1b2c3d"]}
    return {name: ec2.Vpc.from_vpc_attributes(stack, f"Network-{name}", **values) for name in sorted(names)}


app = cdk.App(outdir=sys.argv[1])
OrderFlow(cdk.Stack(app, "OrderFlow"), "Flow")
for folder in sorted(FLOWS.iterdir()):
    documents = [*sorted(folder.glob("workflow.*")), *sorted(folder.glob("step-*.*"))]
    if not folder.name.startswith("wrong-"):
        stack = cdk.Stack(app, f"flow-{folder.name}")
        definition = Definition.load(*documents)
        StepWorkflow(stack, "Flow", definition=definition, resources=networks(stack, definition))
app.synth()
