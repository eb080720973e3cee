"""Triggers: each one unlike the others, and made of what is known at deployment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from stepworkflows_cdk.language.checks.data import check_deployed
from stepworkflows_cdk.language.checks.resources import missing
from stepworkflows_cdk.language.checks.security import DYNAMIC_REFERENCE
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.references import strings_in
from stepworkflows_cdk.language.scope import View
from stepworkflows_cdk.language.workflow import Trigger, Workflow

__all__ = ["check", "check_together", "deployed_strings", "resource_problems"]


def check(workflow: Workflow) -> Iterator[Problem]:
    seen: dict[tuple[str, str], Trigger] = {}
    for trigger in workflow.triggers:
        first = seen.setdefault((trigger.kind, trigger.id), trigger)
        if first is not trigger:
            message = f"this trigger starts the flow where the one on line {first.mark.line} does already"
            yield Problem("SW230", message, trigger.mark, "remove one of them")
        if DYNAMIC_REFERENCE in json.dumps(trigger.document.get(trigger.path)):
            message = "CloudFormation would resolve this reference, for all to see"
            yield Problem("SW607", message, trigger.mark, "name a `config` value, or have a step read the secret")
        yield from trigger.integration.check_trigger(trigger, workflow)


def check_together(workflows: Sequence[Workflow]) -> Iterator[Problem]:
    """Triggers of which two flows cannot have the same: a path, a queue."""
    seen: dict[tuple[str, str], Workflow] = {}
    for workflow in workflows:
        for trigger in workflow.triggers:
            if trigger.kind in trigger.integration.exclusive:
                first = seen.setdefault((trigger.kind, trigger.id), workflow)
                if first is not workflow:
                    message = f"this trigger starts the flow `{first.id}` already"
                    yield Problem("SW230", message, trigger.mark, "remove one of them")


def deployed_strings(trigger: Trigger, workflow: Workflow, *path: str) -> Iterator[Problem]:
    """What is wrong with the strings at ``path`` in the trigger, which are fixed at deployment."""
    value: Any = trigger.document.get((*trigger.path, *path))
    for place, text in strings_in(value, (*trigger.path, *path)):
        yield from check_deployed(trigger.document, place, "", text, View(workflow))


def resource_problems(trigger: Trigger, key: str, name: str, type_: str, workflow: Workflow) -> Iterator[Problem]:
    """The problem of a name that no resource of the type has; nothing where one has."""
    return missing(name, type_, workflow, trigger.mark_of(*key.split(".")))
