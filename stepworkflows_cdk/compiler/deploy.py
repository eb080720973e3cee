"""The keys under ``deploy`` become the plan of a deployment, defaults filled in."""

from __future__ import annotations

from collections.abc import Callable

from stepworkflows_cdk.compiler.plan import Deploy, Text
from stepworkflows_cdk.language.checks.deploy import INTERVAL, PERCENTAGE
from stepworkflows_cdk.language.model import DeployKeys

__all__ = ["deploy_plan"]


def deploy_plan(keys: DeployKeys, filled: Callable[[str], Text] = lambda name: Text((name,))) -> Deploy:
    """A part of the executions is only worth a try where somebody watches it, so gradual strategies do by default. ``filled``
    gives names with the values of the config.
    """
    gradual = keys.strategy != "all-at-once"
    watched = gradual if keys.alarms is None else keys.alarms is not False
    return Deploy(
        alias=keys.alias,
        strategy=keys.strategy,
        percentage=(keys.percentage or PERCENTAGE) if gradual else None,
        interval=(keys.interval or INTERVAL) // 60 if gradual else None,
        watched=watched,
        alarms=tuple(dict.fromkeys(_name(filled(name)) for name in keys.alarms))
        if isinstance(keys.alarms, list)
        else (),
    )


def _name(text: Text) -> str:
    return "".join(part for part in text.parts if isinstance(part, str))
