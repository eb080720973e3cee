"""Several pieces of work at the same time: the branches of a Parallel, the iterations of a Map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stepworkflows_cdk.local.errors import DataLimitExceeded
from stepworkflows_cdk.local.interpreter import Execution, Visit
from stepworkflows_cdk.local.limits import PAYLOAD, payload_size
from stepworkflows_cdk.local.scheduler import Fiber, Join, Work

__all__ = ["fit", "together"]


def fit(visit: Visit, result: Any) -> Any:
    """The result of the state, where it is not too large."""
    if payload_size(result) > PAYLOAD:
        raise DataLimitExceeded(visit.name)
    return result


def together(run: Execution, works: Sequence[Work], limit: int) -> Work:
    """Runs ``works``, at most ``limit`` at once; their results in order. The first failure stops all."""
    results: list[Any] = [None] * len(works)
    waiting = iter(enumerate(works))

    def worker() -> Work:
        for number, work in waiting:
            results[number] = yield from work

    workers: list[Fiber] = [run.scheduler.start(worker()) for _ in range(min(limit, len(works)))]
    try:
        yield Join(tuple(workers))
    finally:
        run.scheduler.stop(*workers)
        for work in works:
            work.close()
    for fiber in workers:
        if fiber.failure is not None:
            raise fiber.failure
    return results
