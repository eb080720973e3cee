"""Where containers run when the caller gives nothing: a network and a cluster, each made by one function.

The network has public subnets and nothing else: a container gets a public address and lets nobody in. That costs nothing
while no container runs. A NAT gateway, or interface endpoints for private subnets, cost by the hour; who wants them passes
a network of their own.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

__all__ = ["make_cluster", "make_network"]


def make_network(scope: Construct) -> ec2.Vpc:
    """A network in two zones, with ways to S3 and DynamoDB that do not leave AWS, and a log of its traffic.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html
    """
    network = ec2.Vpc(
        scope,
        "Network",
        max_azs=2,
        nat_gateways=0,
        subnet_configuration=[
            ec2.SubnetConfiguration(
                name="Public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=20, map_public_ip_on_launch=False
            )
        ],
        gateway_endpoints={
            "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
            "DynamoDb": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
        },
        # It would take a custom resource; nothing here uses the default group.
        restrict_default_security_group=False,
    )
    _log_traffic(scope, network)
    return network


def make_cluster(scope: Construct) -> ecs.CfnCluster:
    """A cluster without instances, which tells of its containers in CloudWatch. It is in no network: each container has
    its own, where the L2 would tie the cluster to one.
    """
    insights = ecs.CfnCluster.ClusterSettingsProperty(name="containerInsights", value="enabled")
    return ecs.CfnCluster(scope, "Cluster", cluster_settings=[insights])


def _log_traffic(scope: Construct, network: ec2.Vpc) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html"""
    group = logs.LogGroup(
        scope,
        "NetworkLogs",
        retention=logs.RetentionDays.THREE_MONTHS,
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    stack = cdk.Stack.of(scope)
    source = stack.format_arn(service="ec2", resource="vpc-flow-log", resource_name="*")
    role = iam.Role(
        scope,
        "NetworkLogsRole",
        assumed_by=iam.ServicePrincipal(
            "vpc-flow-logs.amazonaws.com",
            conditions={"StringEquals": {"aws:SourceAccount": stack.account}, "ArnLike": {"aws:SourceArn": source}},
        ),
    )
    policy = iam.ManagedPolicy(
        scope,
        "NetworkLogsPolicy",
        statements=[
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                resources=[group.log_group_arn],
            )
        ],
    )
    role.add_managed_policy(policy)
    # The L2 would write the same as an inline policy.
    destination = ec2.FlowLogDestination.to_cloud_watch_logs(group, role.without_policy_updates())
    network.add_flow_log("Traffic", destination=destination, traffic_type=ec2.FlowLogTrafficType.ALL)
