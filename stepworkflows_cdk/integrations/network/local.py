"""A network on this machine: a name for it. Step code runs in a process here, and no call leaves the machine."""

from __future__ import annotations

from collections.abc import Mapping

from stepworkflows_cdk.integrations.network.needs import NetworkNeed
from stepworkflows_cdk.local.world import World

__all__ = ["realise"]


def realise(need: NetworkNeed, world: World) -> Mapping[str, str]:
    """Gives the network an id, as AWS writes it."""
    id_ = f"vpc-0{world.placeholder(need.id)[:16]}"
    return {"id": id_, "arn": world.arn("ec2", f"vpc/{id_}")}
