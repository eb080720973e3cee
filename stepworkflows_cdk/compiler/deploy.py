"""The keys under ``deploy`` become the plan of a deployment, defaults filled in."""

from __future__ import annotations

from stepworkflows_cdk.compiler.plan import Deploy
from stepworkflows_cdk.language.checks.deploy import INTERVAL, PERCENTAGE
from stepworkflows_cdk.language.model import DeployKeys

__all__ = ["deploy_plan"]


def deploy_plan(keys: DeployKeys) -> Deploy:
    """A part of the executions is only worth a try where somebody watches it, so gradual strategies do by default."""
    gradual = keys.strategy != "all-at-once"
    watched = gradual if keys.alarms is None else keys.alarms is not False
    return Deploy(
        alias=keys.alias,
        strategy=keys.strategy,
        percentage=(keys.percentage or PERCENTAGE) if gradual else None,
        interval=(keys.interval or INTERVAL) // 60 if gradual else None,
        watched=watched,
        alarms=tuple(dict.fromkeys(keys.alarms)) if isinstance(keys.alarms, list) else (),
    )
