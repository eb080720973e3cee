"""The network that profiles put functions and containers into, and ``network: private`` a container: one for the stack,
without a way to the Internet, and with endpoints for the AWS services that step code has permissions for.

What step code calls outside of AWS it cannot reach from there. An endpoint costs $0.01 an hour in each of two zones (see
``profile``); a container needs three: for its image ``ecr.api`` and ``ecr.dkr``, for its log ``logs``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from stepworkflows_cdk.compiler.plan import Grant
from stepworkflows_cdk.constructs import sharing
from stepworkflows_cdk.constructs.acknowledgements import acknowledge
from stepworkflows_cdk.constructs.traffic import log_traffic
from stepworkflows_cdk.errors import ConfigurationError

__all__ = ["SUBNETS", "Network", "endpoints", "network"]

_CIDRS = ("10.0.0.0/20", "10.0.16.0/20")
"""A subnet each, in two zones: 4,091 addresses, of which an interface of functions takes one."""
SUBNETS = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
_GATEWAYS = {
    "dynamodb": ec2.GatewayVpcEndpointAwsService.DYNAMODB,
    "s3": ec2.GatewayVpcEndpointAwsService.S3,
}
_INTERFACES = {
    **{
        name: name
        for name in (
            *(
                "athena",
                "codebuild",
                "comprehend",
                "ec2",
                "ecs",
                "events",
                "execute-api",
                "firehose",
                "glue",
                "kms",
                "lambda",
            ),
            *("logs", "polly", "rds-data", "rekognition", "scheduler", "secretsmanager", "sns", "sqs", "ssm", "states"),
            *("sts", "textract", "transcribe", "translate"),
        )
    },
    "bedrock": "bedrock-runtime",
    "cloudwatch": "monitoring",
    "ecr": "ecr.api",
    "ecr.dkr": "ecr.dkr",
    "kinesis": "kinesis-streams",
    "ses": "email",
}
"""What an action begins with -> what the service's endpoint is called:
https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html"""

_ALSO = {"ecr": ("ecr.dkr", "s3")}
"""What an action begins with -> what it takes beside its own endpoint: images come by Docker's API, their layers from S3.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html"""


@dataclass(frozen=True)
class Network:
    """A VPC, and the security group of the functions and containers in it: nothing comes in, and out goes HTTPS."""

    vpc: ec2.IVpc
    functions: ec2.SecurityGroup

    @property
    def subnets(self) -> ec2.SubnetSelection:
        """Those that functions are in: private ones, of which the network that is made here has isolated ones only."""
        private = ec2.SubnetType.PRIVATE_WITH_EGRESS if self.vpc.private_subnets else ec2.SubnetType.PRIVATE_ISOLATED
        return ec2.SubnetSelection(subnet_type=private)


def network(scope: Construct) -> Network:
    """The stack's network: subnets in two zones, and a log of what goes through them."""
    vpc = sharing.in_space(scope, "Network", _vpc)
    return Network(vpc, sharing.in_space(scope, "Functions", lambda shared: _functions(shared, vpc)))


def endpoints(scope: Construct, grants: Iterable[Grant]) -> None:
    """Makes an endpoint for each service that code in the network is allowed to call by these grants, where the stack has
    none yet. A service of which no endpoint is known is a :class:`ConfigurationError`.
    """
    if sharing.given(scope, "Network") is not None:
        return  # it is up to its owner what can be reached from there
    for grant in grants:
        called = {action.partition(":")[0] for action in grant.actions}
        for service in sorted({*called, *(each for one in called for each in _ALSO.get(one, ()))}):
            if service in _GATEWAYS:
                sharing.in_space(scope, _id(service), partial(_gateway, service=service))
            elif service in _INTERFACES:
                sharing.in_space(scope, _id(service), partial(_interface, service=service))
            else:
                raise ConfigurationError(
                    f"{grant.mark}: {grant.holder} runs in a network without a way to the Internet, "
                    f"and no endpoint for {service!r} is known; let another step of the flow `call` the service"
                )


def _id(service: str) -> str:
    return f"To{service.title().replace('.', '')}"


def _vpc(shared: Construct) -> ec2.IVpc:
    """Made of its parts: the ``Vpc`` construct asks AWS for zones during synth where the stack has an account and a region."""
    made = ec2.CfnVPC(shared, "Vpc", cidr_block="10.0.0.0/16", enable_dns_hostnames=True, enable_dns_support=True)
    cdk.Tags.of(made).add("Name", made.node.path)
    acknowledge(made, "default-security-group")
    log_traffic(shared, "Network", made.ref)
    zones = [cdk.Fn.select(number, cdk.Fn.get_azs()) for number in range(len(_CIDRS))]
    subnets = [
        ec2.PrivateSubnet(shared, f"Subnet{number}", vpc_id=made.ref, availability_zone=zone, cidr_block=cidr)
        for number, (zone, cidr) in enumerate(zip(zones, _CIDRS, strict=True), start=1)
    ]
    return ec2.Vpc.from_vpc_attributes(
        shared,
        "Network",
        vpc_id=made.ref,
        availability_zones=zones,
        isolated_subnet_ids=[subnet.subnet_id for subnet in subnets],
        isolated_subnet_route_table_ids=[subnet.route_table.route_table_id for subnet in subnets],
    )


def _functions(shared: Construct, vpc: ec2.IVpc) -> ec2.SecurityGroup:
    group = ec2.SecurityGroup(
        shared, "Functions", vpc=vpc, allow_all_outbound=False, description="Functions. Out: HTTPS. In: nothing."
    )
    group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "HTTPS")
    return group


def _gateway(shared: Construct, service: str) -> ec2.GatewayVpcEndpoint:
    vpc = network(shared).vpc
    return ec2.GatewayVpcEndpoint(shared, _id(service), vpc=vpc, service=_GATEWAYS[service], subnets=[SUBNETS])


def _interface(shared: Construct, service: str) -> ec2.InterfaceVpcEndpoint:
    inside = network(shared)
    group = sharing.in_space(shared, "Endpoints", lambda shared: _endpoints(shared, inside))
    return ec2.InterfaceVpcEndpoint(
        shared,
        _id(service),
        vpc=inside.vpc,
        service=cast(ec2.IInterfaceVpcEndpointService, ec2.InterfaceVpcEndpointAwsService(_INTERFACES[service])),
        subnets=SUBNETS,
        security_groups=[group],
        open=False,
    )


def _endpoints(shared: Construct, inside: Network) -> ec2.SecurityGroup:
    group = ec2.SecurityGroup(
        shared, "Endpoints", vpc=inside.vpc, allow_all_outbound=False, description="Endpoints. In: HTTPS of functions."
    )
    group.add_ingress_rule(inside.functions, ec2.Port.tcp(443), "HTTPS of functions")
    return group
