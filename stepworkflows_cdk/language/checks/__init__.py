"""Checks: what is wrong with a workflow beyond the shape of its documents. Each is a generator of problems."""

from __future__ import annotations

from collections.abc import Iterator

from stepworkflows_cdk.language.checks import data, flow, security
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.workflow import Workflow

__all__ = ["check"]


def check(workflow: Workflow) -> Iterator[Problem]:
    """All problems of one workflow, in no order."""
    yield from flow.check(workflow)
    yield from data.check(workflow)
    yield from security.check(workflow)
    for step in workflow.all_steps:
        if step.integration:
            yield from step.integration.check(step, workflow)
