"""What flows take from their callers, and no stack makes: constructs as an app would import them."""

from __future__ import annotations

from stepworkflows_cdk import Definition, StepWorkflow

from aws_cdk import aws_cognito as cognito  # isort: skip  # behind the package: it finds Node where the PATH has none
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

HERE = "us-east-1:123456789012"
VPC = {"vpc_id": "vpc-0a1b2c3d", "availability_zones": ["a"], "private_subnet_ids": ["subnet-0a1b2c3d"]}


def resources(scope: Construct, definition: Definition) -> dict[str, object]:
    """By their names under ``resources``: networks, clusters, user pools, functions, flows. Made in ``scope``."""
    types = {name: found.type for flow in definition.workflows for name, found in flow.resources.items()}
    made = {name: _resource(Construct(scope, name), type_) for name, type_ in sorted(types.items())}
    return {name: construct for name, construct in made.items() if construct is not None}


def secrets(scope: Construct, definition: Definition) -> dict[str, secretsmanager.ISecret]:
    """What connections take: secrets that have their value."""
    arn = f"arn:aws:secretsmanager:{HERE}:secret:{{}}-a1b2c3"
    flows = [flow for flow in definition.workflows if any(r.type == "connection" for r in flow.resources.values())]
    made = secretsmanager.Secret.from_secret_complete_arn
    return {name: made(scope, f"Secret-{name}", arn.format(name)) for flow in flows for name in sorted(flow.secrets)}


def _resource(scope: Construct, type_: str) -> object | None:
    match type_:
        case "network":
            return ec2.Vpc.from_vpc_attributes(scope, "Network", **VPC)
        case "cluster":
            vpc = ec2.Vpc.from_vpc_attributes(scope, "Network", **VPC)
            return ecs.Cluster.from_cluster_attributes(scope, "Cluster", cluster_name="theirs", vpc=vpc)
        case "user-pool":
            arn = f"arn:aws:cognito-idp:{HERE}:userpool/us-east-1_Ab129faBb"
            return cognito.UserPool.from_user_pool_arn(scope, "Users", arn)
        case "function":
            return lambda_.Function.from_function_arn(scope, "Function", f"arn:aws:lambda:{HERE}:function:gate")
        case "workflow":
            return StepWorkflow.from_arn(scope, "Flow", f"arn:aws:states:{HERE}:stateMachine:given:live")
    return None
