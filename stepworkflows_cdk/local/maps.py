"""What a Map does: runs its states for each item, inline in the execution, or each in an execution of its own.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map.html
"""

from __future__ import annotations

from typing import Any

from stepworkflows_cdk.local.distributed import distributed
from stepworkflows_cdk.local.interpreter import Execution, Visit
from stepworkflows_cdk.local.items import items_of, selected
from stepworkflows_cdk.local.limits import INLINE_CONCURRENCY
from stepworkflows_cdk.local.scheduler import Work
from stepworkflows_cdk.local.scope import Scope
from stepworkflows_cdk.local.together import fit, together

__all__ = ["map_"]


def map_(run: Execution, visit: Visit) -> Work:
    if visit.state["ItemProcessor"].get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
        return (yield from distributed(run, visit))
    items = items_of(run, visit)
    limit = run.evaluate(visit, "MaxConcurrency", visit.state.get("MaxConcurrency", 0), "number")
    iterations = [_iteration(run, visit, index, value) for index, value in enumerate(items)]
    return fit(visit, (yield from together(run, iterations, min(int(limit) or INLINE_CONCURRENCY, INLINE_CONCURRENCY))))


def _iteration(run: Execution, visit: Visit, index: int, value: Any) -> Work:
    run.journal.iteration()
    input_ = selected(run, visit, index, value)
    lane = run.journal.lane(visit.lane)
    return (yield from run.states(visit.state["ItemProcessor"], input_, Scope(visit.scope), index, lane))
