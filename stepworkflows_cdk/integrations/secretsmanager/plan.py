"""Secrets: the flow names them, a step's code gets the ARN of one in a variable and reads the value at use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.compiler.plan import Hole, Need, Text, need_id
from stepworkflows_cdk.integrations.secretsmanager.needs import SecretNeed
from stepworkflows_cdk.language.diagnostics import Mark

if TYPE_CHECKING:
    from constructs import Construct

    from stepworkflows_cdk.constructs.bound import Bindings, Bound
    from stepworkflows_cdk.local.world import World

__all__ = ["Secrets"]


class Secrets(Integration):
    """Secrets Manager: https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access.html."""

    keeps_secrets = True
    access = {"read": ("secretsmanager:GetSecretValue",)}
    needs = (SecretNeed,)

    def plan_resource(self, name: str, type_: str, keys: Any, mark: Mark) -> Need:
        return SecretNeed(id=need_id("secret", name), mark=mark, name=name, description=keys.description)

    def arn(self, need: Need) -> Text:
        return Text((Hole(need.id, "arn"),))

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from stepworkflows_cdk.integrations.secretsmanager.cdk import bind

        assert isinstance(need, SecretNeed)
        return bind(scope, need, given, bindings)

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        from stepworkflows_cdk.integrations.secretsmanager.local import realise

        assert isinstance(need, SecretNeed)
        return realise(need, world)

    def notes(self, world: World) -> Iterable[str]:
        from stepworkflows_cdk.integrations.secretsmanager.local import notes

        return notes(world)
