"""Secrets on this machine: a ``SecretNeed`` becomes a secret of moto's, with the given value or a placeholder."""

from __future__ import annotations

import json
from collections.abc import Mapping

from stepworkflows_cdk.integrations.secretsmanager.needs import SecretNeed
from stepworkflows_cdk.local.world import World

__all__ = ["realise"]


def realise(need: SecretNeed, world: World) -> Mapping[str, str]:
    """Creates the secret. A mapping is stored as JSON; without a given value the secret holds one made from the run's
    seed."""
    value = world.outside.secrets.get(need.name)
    if value is None:
        value = world.placeholder(f"secret {need.name}")
    created = world.client("secretsmanager").create_secret(
        Name=need.id,
        Description=need.description,
        SecretString=value if isinstance(value, str) else json.dumps(value),
    )
    world.secrets[need.name] = created["ARN"]
    return {"arn": created["ARN"]}
