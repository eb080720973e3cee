"""``resources: {news: {type: bus}}``: event buses, and the rules that other integrations plan on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.compiler.plan import Hole, Need, Text, need_id
from stepworkflows_cdk.integrations.events.needs import BusNeed, RuleNeed
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.model import Keys

if TYPE_CHECKING:
    from constructs import Construct

    from stepworkflows_cdk.constructs.bound import Bindings, Bound
    from stepworkflows_cdk.local.world import World

__all__ = ["BusKeys", "Buses"]


class BusKeys(Keys):
    """An event bus of its own, beside the account's default bus."""


class Buses(Integration):
    """EventBridge: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html."""

    resource_types = {"bus": BusKeys}
    access = {"write": ("events:PutEvents",)}
    needs = (BusNeed, RuleNeed)

    def plan_resource(self, name: str, type_: str, keys: Any, mark: Mark) -> Need:
        return BusNeed(id=need_id("bus", name), mark=mark, name=name)

    def identity(self, need: Need) -> Text:
        return Text((Hole(need.id, "name"),))

    def arn(self, need: Need) -> Text:
        return Text((Hole(need.id, "arn"),))

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from stepworkflows_cdk.integrations.events.cdk import bind_bus, bind_rule

        if isinstance(need, RuleNeed):
            return bind_rule(scope, need, bindings)
        assert isinstance(need, BusNeed)
        return bind_bus(scope, need, given)

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        from stepworkflows_cdk.integrations.events.local import realise_bus, realise_rule

        if isinstance(need, RuleNeed):
            return realise_rule(need, world)
        assert isinstance(need, BusNeed)
        return realise_bus(need, world)
