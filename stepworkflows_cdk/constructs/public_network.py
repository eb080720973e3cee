"""Where containers run when the caller gives nothing: a network and a cluster, one of each for the space.

The network has public subnets and nothing else: a container gets a public address and lets nobody in. That costs nothing
while no container runs. A NAT gateway, or interface endpoints for private subnets, cost by the hour; who wants them passes
a network of their own, or runs an image with ``network: private`` (see ``network``).
"""

from __future__ import annotations

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from stepworkflows_cdk.constructs import sharing
from stepworkflows_cdk.constructs.acknowledgements import acknowledge
from stepworkflows_cdk.constructs.traffic import log_traffic

__all__ = ["cluster", "public_network"]

_CIDRS = ("10.0.0.0/20", "10.0.16.0/20")
"""A subnet each, in two zones: 4,091 addresses, of which a container takes one."""
_GATEWAYS = {
    "S3": ec2.GatewayVpcEndpointAwsService.S3,
    "DynamoDb": ec2.GatewayVpcEndpointAwsService.DYNAMODB,
}


def public_network(scope: Construct) -> ec2.IVpc:
    """The network for containers: that which the space was given, else one for all of them, with two zones, ways to S3 and
    DynamoDB that do not leave AWS, and a log of its traffic.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html
    """
    own = sharing.given(scope, "Network")
    return cast(ec2.IVpc, own) if own is not None else sharing.in_space(scope, "PublicNetwork", _network)


def cluster(scope: Construct) -> ecs.CfnCluster:
    """The cluster for containers. It has no instances, and tells of its containers in CloudWatch. It is in no
    network: each container has its own, where the L2 would tie the cluster to one.
    """
    return sharing.in_space(scope, "Cluster", _cluster)


def _network(shared: Construct) -> ec2.IVpc:
    """Made of its parts: the ``Vpc`` construct asks AWS for zones during synth where the stack has an account and a region."""
    made = ec2.CfnVPC(shared, "PublicVpc", cidr_block="10.0.0.0/16", enable_dns_hostnames=True, enable_dns_support=True)
    cdk.Tags.of(made).add("Name", made.node.path)
    acknowledge(made, "default-security-group")
    log_traffic(shared, "PublicNetwork", made.ref)
    gateway = ec2.CfnInternetGateway(shared, "Internet")
    attachment = ec2.CfnVPCGatewayAttachment(
        shared, "InternetAttachment", vpc_id=made.ref, internet_gateway_id=gateway.ref
    )
    zones = [cdk.Fn.select(number, cdk.Fn.get_azs()) for number in range(len(_CIDRS))]
    subnets = [
        ec2.PublicSubnet(
            shared,
            f"PublicSubnet{number}",
            vpc_id=made.ref,
            availability_zone=zone,
            cidr_block=cidr,
            map_public_ip_on_launch=False,
        )
        for number, (zone, cidr) in enumerate(zip(zones, _CIDRS, strict=True), start=1)
    ]
    for subnet in subnets:
        subnet.add_default_internet_route(gateway.ref, attachment)
    network = ec2.Vpc.from_vpc_attributes(
        shared,
        "PublicNetwork",
        vpc_id=made.ref,
        availability_zones=zones,
        public_subnet_ids=[subnet.subnet_id for subnet in subnets],
        public_subnet_route_table_ids=[subnet.route_table.route_table_id for subnet in subnets],
    )
    for name, service in _GATEWAYS.items():
        where = [ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)]
        ec2.GatewayVpcEndpoint(shared, f"PublicTo{name}", vpc=network, service=service, subnets=where)
    return network


def _cluster(shared: Construct) -> ecs.CfnCluster:
    insights = ecs.CfnCluster.ClusterSettingsProperty(name="containerInsights", value="enabled")
    return ecs.CfnCluster(shared, "Cluster", cluster_settings=[insights])
