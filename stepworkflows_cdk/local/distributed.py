"""A distributed Map: an execution of its own for each item, or batch, in the same time as all others.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from stepworkflows_cdk.local.clock import timestamp
from stepworkflows_cdk.local.errors import StateFailed
from stepworkflows_cdk.local.interpreter import Execution, Outcome, Visit
from stepworkflows_cdk.local.items import items_of, read_items, selected
from stepworkflows_cdk.local.limits import DISTRIBUTED_CONCURRENCY
from stepworkflows_cdk.local.scheduler import Work
from stepworkflows_cdk.local.together import fit, together

__all__ = ["distributed"]

_EXCEEDED = "States.ExceedToleratedFailureThreshold"


def distributed(run: Execution, visit: Visit) -> Work:
    """Runs the executions; their outputs in order, or where they were written."""
    state = visit.state
    items = read_items(run, visit) if "ItemReader" in state else items_of(run, visit)
    weights, inputs = _inputs(run, visit, items)
    map_run = _MapRun(run, visit, sum(weights))
    works = [map_run.work(index, input_, weights[index]) for index, input_ in enumerate(inputs)]
    limit = run.evaluate(visit, "MaxConcurrency", state.get("MaxConcurrency", 0), "number")
    failure: StateFailed | None = None
    try:
        results = yield from together(run, works, int(limit) or DISTRIBUTED_CONCURRENCY)
    except StateFailed as error:
        failure = error
    if "ResultWriter" in state:
        written = map_run.write()
        if failure is None:
            return written
    if failure is not None:
        raise failure
    return fit(visit, results)


def _inputs(run: Execution, visit: Visit, items: Sequence[Any]) -> tuple[list[int], list[Any]]:
    """What each execution is given, and how many items that are:
    https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html
    """
    chosen = [selected(run, visit, index, value) for index, value in enumerate(items)]
    if "ItemBatcher" not in visit.state:
        return [1] * len(chosen), chosen
    batcher = visit.state["ItemBatcher"]
    size = batcher["MaxItemsPerBatch"]
    batches = [chosen[start : start + size] for start in range(0, len(chosen), size)]
    shared = {}
    if "BatchInput" in batcher:
        shared = {"BatchInput": run.evaluate(visit, "ItemBatcher/BatchInput", batcher["BatchInput"])}
    return [len(batch) for batch in batches], [{**shared, "Items": batch} for batch in batches]


@dataclass
class _Ended:
    """One execution that has ended."""

    execution: Execution
    input: Any
    outcome: Outcome
    began: str
    ended: str

    def row(self) -> dict[str, Any]:
        """As it is written, and as it stands in the result where it failed."""
        outcome = self.outcome
        given: dict[str, Any] = {"Cause": outcome.cause or "", "Error": outcome.error}
        if outcome.status == "SUCCEEDED":
            given = {"Output": _text(outcome.output), "OutputDetails": {"Included": True}}
        return {
            "ExecutionArn": self.execution.arn,
            "Input": _text(self.input),
            "InputDetails": {"Included": True},
            "Name": self.execution.name,
            **given,
            "RedriveCount": 0,
            "StartDate": self.began,
            "StateMachineArn": self.execution.machine_arn,
            "Status": outcome.status,
            "StopDate": self.ended,
        }


@dataclass
class _MapRun:
    """The executions of one stay in a distributed Map."""

    run: Execution
    visit: Visit
    items: int
    failed: int = 0
    ended: dict[int, _Ended] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.id = self.run.world.request_id()

    def work(self, index: int, input_: Any, weight: int) -> Work:
        """One execution, for so many items, to its end; its output."""
        clock, label = self.run.world.clock, self.visit.state.get("Label", self.visit.name)
        child = self.run.child(self.visit.state["ItemProcessor"], label, input_, index, self.visit.lane)
        began = timestamp(clock.now())
        outcome = yield from child.outcome()
        ended = self.ended[index] = _Ended(child, input_, outcome, began, timestamp(clock.now()))
        if outcome.status == "SUCCEEDED":
            return outcome.output
        self.failed += weight
        if self._exceeded():
            raise StateFailed(_EXCEEDED, "The specified tolerated failure threshold was exceeded")
        return ended.row()

    def write(self) -> dict[str, Any]:
        """The files of the results, and where they are:
        https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
        """
        world = self.run.world
        place = self.run.evaluate(self.visit, "ResultWriter/Arguments", self.visit.state["ResultWriter"]["Arguments"])
        bucket, folder = place["Bucket"], "/".join(part for part in (place.get("Prefix", ""), self.id) if part)
        arn = world.arn(
            "states", f"mapRun:{self.run.machine}/{self.visit.state.get('Label', self.visit.name)}:{self.id}"
        )
        files: dict[str, list[dict[str, Any]]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
        for status, found in files.items():
            rows = [each.row() for _, each in sorted(self.ended.items()) if each.outcome.status == status]
            if rows:
                key, body = f"{folder}/{status}_0.json", _text(rows).encode()
                self._put(bucket, key, body)
                found.append({"Key": key, "Size": len(body)})
        manifest = {"DestinationBucket": bucket, "MapRunArn": arn, "ResultFiles": files}
        key = f"{folder}/manifest.json"
        self._put(bucket, key, _text(manifest).encode())
        return {"MapRunArn": arn, "ResultWriterDetails": {"Bucket": bucket, "Key": key}}

    def _put(self, bucket: str, key: str, body: bytes) -> None:
        client = self.run.world.client("s3")
        try:
            with self.run.world.clock.shown():
                client.put_object(Bucket=bucket, Key=key, Body=body)
        except client.exceptions.ClientError as error:
            raise StateFailed("States.ResultWriterFailed", f"{bucket}/{key}: {error}") from None

    def _exceeded(self) -> bool:
        state = self.visit.state
        limits = [float(state["ToleratedFailureCount"])] if "ToleratedFailureCount" in state else []
        if "ToleratedFailurePercentage" in state:
            limits.append(self.items * float(state["ToleratedFailurePercentage"]) / 100)
        return self.failed > min(limits, default=0.0)


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
