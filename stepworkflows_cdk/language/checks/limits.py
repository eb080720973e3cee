"""Limits of AWS that a document breaks by itself, whatever it is run with.

https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html. What only one kind of work is limited by, its
integration checks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["check"]

_YEAR = 365 * 86_400
_LONGEST_INTERVAL = 31_622_400  # https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
_PAYLOAD = 262_144
_DEFINITION = 1024 * 1024
_EVENTS = 25_000
_DATA = ("inputs", "outputs")


def check(workflow: Workflow) -> Iterator[Problem]:
    yield from _time(workflow)
    for step in workflow.all_steps:
        yield from _step_time(step, workflow.keys.timeout)
        yield from _intervals(step)
        yield from _rounds_time(step)
    yield from _size(workflow)
    if workflow.keys.mode == "standard":
        yield from _history(workflow)


def _time(workflow: Workflow) -> Iterator[Problem]:
    if workflow.keys.timeout and workflow.keys.timeout > _YEAR:
        yield _too_long(workflow.document.mark(("timeout",)))


def _step_time(step: Step, all_time: int | None) -> Iterator[Problem]:
    """How long one step may last. ``all_time`` is what the whole flow has."""
    wait = step.keys.wait if isinstance(step.keys.wait, int) else None
    for key, seconds in (("timeout", step.keys.timeout if not step.whole_input else None), ("wait", wait)):
        if seconds is None or (key == "timeout" and step.integration and step.integration.waits and seconds > _YEAR):
            continue  # a wait for the outside says so itself
        if seconds > _YEAR:
            yield _too_long(step.mark_of(key))
        elif all_time is not None and seconds > all_time:
            message = "the flow ends before this time is over: its own `timeout` is shorter"
            yield Problem(
                "SW423", message, step.mark_of(key), "shorten it, or raise the `timeout` of the flow", "warning"
            )


def _rounds_time(step: Step) -> Iterator[Problem]:
    """How long the waits between the rounds of a step may last together."""
    repeat = step.keys.repeat
    if repeat is not None and repeat.every is not None and repeat.every * (repeat.max - 1) > _YEAR:
        message = "all rounds together last longer than the year that an execution lasts at most"
        yield Problem("SW423", message, step.mark_of("repeat", "max"), "write fewer, or a shorter `every`", "warning")


def _too_long(mark: Mark) -> Problem:
    return Problem("SW401", "an execution lasts a year at most", mark, "shorten it")


def _intervals(step: Step) -> Iterator[Problem]:
    for index, rule in enumerate(step.keys.retry or ()):
        if rule.max_interval is not None and rule.max_interval >= _LONGEST_INTERVAL:
            mark = step.mark_of(*step.rule("retry", index), "max-interval")
            yield Problem("SW401", "two tries are less than 366 days apart", mark, "shorten it")


def _size(workflow: Workflow) -> Iterator[Problem]:
    """What is written out in the document is in the definition, and in the state of an execution."""
    total = 0
    for step in workflow.all_steps:
        key = step.integration.key if step.integration and step.integration.runtime is None else None
        for name in (*_DATA, key, "for-each"):
            value = step.get(name) if name else None
            size = 0 if value is None or (name == "inputs" and step.whole_input) else _bytes(value)
            total += size
            if name and size > _PAYLOAD:
                yield _too_large(size, step.mark_of(name))
    outputs = workflow.document.get(("outputs",))
    size = 0 if outputs is None else _bytes(outputs)
    if size > _PAYLOAD and not workflow.own_code:
        yield _too_large(size, workflow.document.mark(("outputs",)))
    if total + size > _DEFINITION:
        message = f"a definition has {_DEFINITION:,} bytes at most, and the data written here has {total + size:,}"
        yield Problem("SW425", message, workflow.mark, "put the data into files, or divide the flow")


def _too_large(size: int, mark: Mark) -> Problem:
    message = f"the data of a state has {_PAYLOAD:,} bytes at most, and what is written here has {size:,}"
    return Problem("SW422", message, mark, "put it into a file, and read that where it is used: `file: {get: ...}`")


def _bytes(value: Any) -> int:
    return len(json.dumps(_written(value), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


def _written(value: Any) -> Any:
    """The value without what only a run can tell."""
    match value:
        case str():
            return "" if "{" in value else value
        case list():
            return [_written(item) for item in value]
        case dict():
            return {key: _written(item) for key, item in value.items()}
        case _:
            return value


def _history(workflow: Workflow) -> Iterator[Problem]:
    for sure in (True, False):
        events = _events(workflow.steps, sure)
        if events > _EVENTS:
            loop = max(_loops(workflow), key=lambda step: _events([step], sure), default=None)
            mark = loop.key_mark("for-each" if loop.keys.for_each else "repeat") if loop else workflow.mark
            message = f"an execution has {_EVENTS:,} events at most, and this flow comes to some {events:,}"
            hint = "distribute the loop (`batch`, `source`), or make what is inside a flow of its own: `uses`"
            yield Problem("SW424", message, mark, hint, "error" if sure else "warning")
            return


def _loops(workflow: Workflow) -> Iterator[Step]:
    for step in workflow.forward:
        if step.keys.repeat or (step.keys.for_each and not step.keys.for_each.distributed):
            yield step


def _events(steps: Sequence[Step], sure: bool) -> int:
    """The events that the steps make in the history of the execution, taken at least; of a loop over a list that is not
    written out, as many as it may have, unless only ``sure`` ones count.
    """
    return sum(_events_of(step, sure) for step in steps)


def _events_of(step: Step, sure: bool) -> int:
    # A state is entered and left; a task is scheduled, starts and ends in between. Forks and their parts begin and end.
    skipped = step.keys.if_ is not None
    if skipped and sure:
        return 2
    if step.integration:
        return 5
    each = step.keys.for_each
    if each:
        written = len(each.items) if isinstance(each.items, list) else None
        items = written if written is not None else 0 if sure else each.max_items or 0
        return 5 if each.distributed else 4 + items * (4 + sum(_events(branch.steps, sure) for branch in step.branches))
    if step.keys.repeat:
        rounds = 1 if sure else step.keys.repeat.max
        return rounds * (4 + sum(_events(branch.steps, sure) for branch in step.branches))
    if step.branches:
        return 4 + sum(4 + _events(branch.steps, sure) for branch in step.branches)
    ways = [_events(arm.steps, sure) for arm in step.arms]
    if step.arms and step.arms[-1].when is not None:
        ways.append(0)
    return 2 + (min(ways) if sure and ways else max(ways, default=0))
