"""A network need becomes the VPC that the caller gave for it."""

from __future__ import annotations

from typing import cast

from aws_cdk import aws_ec2 as ec2

from stepworkflows_cdk.constructs.bound import Bound
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.network.needs import NetworkNeed

__all__ = ["bind"]


def bind(need: NetworkNeed, given: object | None) -> Bound:
    """Attributes: ``id`` and ``arn``."""
    if given is None:
        raise ConfigurationError(
            f"{need.mark}: the network {need.name!r} is not made here; pass a VPC of yours: "
            f"resources={{{need.name!r}: my_vpc}}"
        )
    if not (hasattr(given, "vpc_id") and hasattr(given, "private_subnets")):
        raise ConfigurationError(f"resources: {need.name!r} is a network; pass an ec2.IVpc, not {type(given).__name__}")
    vpc = cast(ec2.IVpc, given)
    return Bound(construct=vpc, attributes={"id": vpc.vpc_id, "arn": vpc.vpc_arn})
