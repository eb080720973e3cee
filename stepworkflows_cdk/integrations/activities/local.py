"""Activities on this machine: the worker's code is called as a worker calls it, at once. So nobody waits for a worker, and
no heartbeat is missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepworkflows_cdk.errors import LocalRunError
from stepworkflows_cdk.integrations.activities.needs import ActivityNeed
from stepworkflows_cdk.local.handlers import Function
from stepworkflows_cdk.local.world import World

__all__ = ["perform", "realise"]

_NEEDS, _WORKERS = "activities:needs", "activities:workers"
_MEMORY = 512


def realise(need: ActivityNeed, world: World) -> Mapping[str, str]:
    """Gives the activity its ARN."""
    name = f"activity:{need.id}"
    world.store.setdefault(_NEEDS, {})[name] = need
    return {"arn": world.arn("states", name)}


def perform(resource: str, arguments: Any, world: World) -> Any:
    """What the worker gives."""
    need: ActivityNeed = world.store[_NEEDS][resource]
    if need.code is None:
        step = world.call.step if world.call is not None else need.id
        raise LocalRunError(
            f"step {step} is done by workers, and none of them is on this machine; name the code of one in `zip-file`, or "
            f"say what it gives: {{at: {step}, returns: ...}}"
        )
    workers: dict[str, Function] = world.store.setdefault(_WORKERS, {})
    if resource not in workers:
        workers[resource] = Function(
            name=need.id,
            arn=world.arn("states", resource),
            code=need.code,
            handler=need.handler,
            # It is Step Functions that gives the work up, and not the worker.
            timeout=need.timeout + 1,
            memory=_MEMORY,
            python="3",
            variables={},
            world=world,
        )
    return workers[resource].invoke(arguments)
