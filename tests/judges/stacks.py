"""Every golden flow and the order flow, a stack each, in one app that is synthesized into the folder given as argument; the
order flow with each compliance profile, and containers with one.

A program, since it is by process that AWS's own reading of templates is switched on or off.
"""

from __future__ import annotations

import sys
from pathlib import Path

from stepworkflows_cdk import Definition, OrderFlow, StepWorkflow

import aws_cdk as cdk  # isort: skip  # behind the package: it finds Node where the PATH has none
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager

FLOWS = Path(__file__).parent.parent / "flows"


def given(stack: cdk.Stack, definition: Definition) -> dict[str, object]:
    """What a flow takes from its caller."""
    types = {name: found.type for flow in definition.workflows for name, found in flow.resources.items()}
    values = {"vpc_id": "vpc-0a1b2c3d", "availability_zones": ["a"], "private_subnet_ids": ["subnet-0a1b2c3d"]}
    found: dict[str, object] = {}
    for name, type_ in sorted(types.items()):
        if type_ in ("network", "cluster"):
            found[name] = vpc = ec2.Vpc.from_vpc_attributes(stack, f"Network-{name}", **values)
        if type_ == "cluster":
            cluster = {"cluster_name": "theirs", "vpc": vpc}
            found[name] = ecs.Cluster.from_cluster_attributes(stack, f"Cluster-{name}", **cluster)
    return found


def workflows(stack: cdk.Stack, definition: Definition) -> dict[str, object]:
    """The flows that steps use and the caller gives."""
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:given:live"
    names = {n for flow in definition.workflows for n, found in flow.resources.items() if found.type == "workflow"}
    return {name: StepWorkflow.from_arn(stack, f"Given-{name}", arn) for name in sorted(names)}


def callers(stack: cdk.Stack, definition: Definition) -> dict[str, cognito.IUserPool | lambda_.IFunction]:
    """What APIs take from the caller of a flow: user pools, and functions that say who is calling."""
    found = {name: each.type for flow in definition.workflows for name, each in flow.resources.items()}
    pool = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Ab129faBb"
    function = "arn:aws:lambda:us-east-1:123456789012:function:{}"
    given: dict[str, cognito.IUserPool | lambda_.IFunction] = {}
    for name, type_ in sorted(found.items()):
        match type_:
            case "user-pool":
                given[name] = cognito.UserPool.from_user_pool_arn(stack, f"Users-{name}", pool)
            case "function":
                given[name] = lambda_.Function.from_function_arn(stack, f"Function-{name}", function.format(name))
    return given


def secrets(stack: cdk.Stack, definition: Definition) -> dict[str, secretsmanager.ISecret]:
    """What connections take from the caller of a flow: secrets that have their value."""
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:{}-a1b2c3"
    names = {
        name
        for flow in definition.workflows
        if any(found.type == "connection" for found in flow.resources.values())
        for name in flow.secrets
    }
    return {
        name: secretsmanager.Secret.from_secret_complete_arn(stack, f"Secret-{name}", arn.format(name))
        for name in sorted(names)
    }


app = cdk.App(outdir=sys.argv[1])
OrderFlow(cdk.Stack(app, "OrderFlow"), "Flow")
for profile in ("hipaa", "pci", "nist"):
    OrderFlow(cdk.Stack(app, f"OrderFlow-{profile}"), "Flow", profile=profile)
for folder in sorted(FLOWS.iterdir()):
    documents = [*sorted(folder.glob("workflow.*")), *sorted(folder.glob("step-*.*"))]
    if not folder.name.startswith("wrong-"):
        stack = cdk.Stack(app, f"flow-{folder.name}")
        definition = Definition.load(*documents)
        own = {**given(stack, definition), **callers(stack, definition), **workflows(stack, definition)}
        kept = secrets(stack, definition)
        StepWorkflow(stack, "Flow", definition=definition, resources=own, secrets=kept)
stack = cdk.Stack(app, "containers-nist")
definition = Definition.load(FLOWS / "container-image" / "workflow.yaml")
StepWorkflow(stack, "Flow", definition=definition, resources=given(stack, definition), profile="nist")
app.synth()
