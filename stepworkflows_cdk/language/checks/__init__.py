"""Checks: what is wrong with a workflow beyond the shape of its documents. Each is a generator of problems."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stepworkflows_cdk.language.checks import (
    cases,
    circles,
    contract,
    data,
    deploy,
    errors,
    flow,
    inputs,
    limits,
    modes,
    needs,
    security,
    tags,
    triggers,
    undone,
    ways,
)
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.workflow import Workflow

__all__ = ["check", "check_together"]


def check_together(workflows: Sequence[Workflow]) -> Iterator[Problem]:
    """What is wrong between the flows of one definition: a name stands for one thing in all of them."""
    for key in ("resources", "secrets", "config"):
        seen: dict[str, Workflow] = {}
        for workflow in workflows:
            for name in getattr(workflow, key):
                first = seen.setdefault(name, workflow)
                if first.document.get((key, name)) != workflow.document.get((key, name)):
                    mark = workflow.document.key_mark((key, name))
                    message = f"`{name}` under `{key}` is something else in the flow `{first.id}`"
                    yield Problem("SW225", message, mark, "declare it alike, or give it another name")
    yield from modes.check_together(workflows)
    yield from triggers.check_together(workflows)
    yield from circles.check_together(workflows)
    for workflow in workflows:
        for step in workflow.all_steps:
            if step.integration:
                yield from step.integration.check_together(step, workflow, workflows)


def check(workflow: Workflow) -> Iterator[Problem]:
    """All problems of one workflow, in no order."""
    yield from flow.check(workflow)
    yield from needs.check(workflow)
    yield from contract.check(workflow)
    yield from data.check(workflow)
    yield from security.check(workflow)
    yield from deploy.check(workflow)
    yield from modes.check(workflow)
    yield from tags.check(workflow)
    yield from cases.check(workflow)
    yield from limits.check(workflow)
    yield from errors.check(workflow)
    yield from ways.check(workflow)
    yield from undone.check(workflow)
    for step in workflow.all_steps:
        if step.integration:
            yield from inputs.check(step, step.integration)
            yield from step.integration.check(step, workflow)
    for resource in workflow.resources.values():
        yield from resource.integration.check_resource(resource, workflow)
    yield from triggers.check(workflow)
