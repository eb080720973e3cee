"""A log of the traffic of a network, kept as the stack's profile demands."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from stepworkflows_cdk.constructs import sharing

__all__ = ["log_traffic"]


def log_traffic(shared: Construct, name: str, vpc_id: str) -> None:
    """Which addresses spoke to which in the network called ``name``. With the resource, since the L2 construct writes an inline policy.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    stack = cdk.Stack.of(shared)
    group = sharing.log_group(shared, f"{name}Logs")
    flow_logs = stack.format_arn(service="ec2", resource="vpc-flow-log", resource_name="*")
    policy = iam.ManagedPolicy(
        shared,
        f"{name}LogsPermissions",
        statements=[
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                resources=[group.log_group_arn],
            )
        ],
    )
    role = iam.Role(
        shared,
        f"{name}LogsRole",
        assumed_by=iam.ServicePrincipal(
            "vpc-flow-logs.amazonaws.com",
            conditions={
                "ArnLike": {"aws:SourceArn": flow_logs},
                "StringEquals": {"aws:SourceAccount": stack.account},
            },
        ),
        managed_policies=[policy],
    )
    ec2.CfnFlowLog(
        shared,
        f"{name}FlowLog",
        resource_id=vpc_id,
        resource_type="VPC",
        traffic_type="ALL",
        log_group_name=group.log_group_name,
        deliver_logs_permission_arn=role.role_arn,
    )
