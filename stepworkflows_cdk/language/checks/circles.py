"""Flows that start themselves: what a step sends sets off a trigger of the flow, or of one that leads back to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.sent import Sent
from stepworkflows_cdk.language.workflow import Step, Trigger, Workflow

__all__ = ["check_together"]


def check_together(workflows: Sequence[Workflow]) -> Iterator[Problem]:
    started = [
        (flow, step, sent, other, trigger)
        for flow in workflows
        for step, sent in _sent(flow)
        for other in workflows
        for trigger in other.triggers
        if trigger.integration.started_by(trigger, sent)
    ]
    leads_to: dict[str, set[str]] = {
        flow.id: {step.flow.id for step in flow.all_steps if step.flow} for flow in workflows
    }
    for flow, _, _, other, _ in started:
        leads_to[flow.id].add(other.id)
    for flow, step, sent, other, trigger in started:
        if flow.id in _reached(other.id, leads_to):
            yield _problem(flow, step, sent, other, trigger)


def _problem(flow: Workflow, step: Step, sent: Sent, other: Workflow, trigger: Trigger) -> Problem:
    where = f"the trigger on line {trigger.mark.line} of {trigger.mark.file}"
    again = "the flow itself" if other.id == flow.id else f"the flow `{other.id}`, which leads back to this one"
    message = f"this can start {again}, by {where}, again and again"
    hint = "send it where the trigger does not look, or do it only under an `if` that comes to be false"
    return Problem("SW240", message, step.key_mark(*sent.path), hint, "warning")


def _sent(flow: Workflow) -> Iterator[tuple[Step, Sent]]:
    for step in flow.all_steps:
        if step.integration:
            yield from ((step, sent) for sent in step.integration.sends(step))
        results = step.keys.for_each.results if step.keys.for_each else None
        if results:
            # https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
            files = f"{results.prefix.rstrip('/')}/{{execution.id}}.json".lstrip("/")
            yield step, Sent("s3", results.bucket, ("for-each", "results"), {"key": files})


def _reached(start: str, leads_to: Mapping[str, set[str]]) -> set[str]:
    """The flows that one leads to, itself among them."""
    found: set[str] = set()
    ahead = [start]
    while ahead:
        flow = ahead.pop()
        if flow not in found:
            found.add(flow)
            ahead += leads_to.get(flow, ())
    return found
