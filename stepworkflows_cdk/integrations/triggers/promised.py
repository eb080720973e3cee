"""Whether what a trigger gives can be what the contract of the flow asks for."""

from __future__ import annotations

from collections.abc import Iterator, Set

from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.workflow import Trigger, Workflow

__all__ = ["missing_inputs"]


def missing_inputs(trigger: Trigger, workflow: Workflow, given: Set[str], fix: str) -> Iterator[Problem]:
    """The problem of inputs that the flow requires and that no execution started so can have."""
    required = [name for name, schema in (workflow.keys.inputs or {}).items() if not schema.optional]
    missing = [name for name in required if name not in given]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        message = f"the flow requires {names}, which this trigger does not give: no execution would pass"
        yield Problem("SW231", message, trigger.mark, fix)
