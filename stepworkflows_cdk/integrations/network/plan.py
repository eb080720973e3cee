"""``resources: {main: {type: network}}``: the private networks that steps can run in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.compiler.plan import Hole, Need, Text, need_id
from stepworkflows_cdk.integrations.network.needs import NetworkNeed
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.model import Keys

if TYPE_CHECKING:
    from constructs import Construct

    from stepworkflows_cdk.constructs.bound import Bindings, Bound
    from stepworkflows_cdk.local.world import World

__all__ = ["NetworkKeys", "Networks"]


class NetworkKeys(Keys):
    """A network (VPC), which the caller gives: `StepWorkflow(..., resources={"main": my_vpc})`."""


class Networks(Integration):
    """Amazon VPC: https://docs.aws.amazon.com/vpc/latest/userguide/what-is-amazon-vpc.html."""

    resource_types = {"network": NetworkKeys}
    needs = (NetworkNeed,)

    def plan_resource(self, name: str, type_: str, keys: Any, mark: Mark) -> Need:
        return NetworkNeed(id=need_id("network", name), mark=mark, name=name)

    def identity(self, need: Need) -> Text:
        return Text((Hole(need.id, "id"),))

    def arn(self, need: Need) -> Text:
        return Text((Hole(need.id, "arn"),))

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from stepworkflows_cdk.integrations.network.cdk import bind

        assert isinstance(need, NetworkNeed)
        return bind(need, given)

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        from stepworkflows_cdk.integrations.network.local import realise

        assert isinstance(need, NetworkNeed)
        return realise(need, world)
