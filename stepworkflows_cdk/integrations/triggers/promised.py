"""Whether what a trigger gives can be what the contract of the flow asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from typing import Any

from stepworkflows_cdk.language.checks.contract import breaks, literal
from stepworkflows_cdk.language.contract import Schema, schema_at
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.scope import View
from stepworkflows_cdk.language.types import type_of_value
from stepworkflows_cdk.language.workflow import Trigger, Workflow

__all__ = ["missing_inputs", "unfit_inputs", "unfit_match"]

_SCHEDULED = re.compile(r"<aws\.scheduler\.[a-z-]+>")
"""What becomes something else at each start: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html"""


def missing_inputs(trigger: Trigger, workflow: Workflow, given: Set[str], fix: str) -> Iterator[Problem]:
    """The problem of inputs that the flow requires and that no execution started so can have."""
    required = [name for name, schema in (workflow.keys.inputs or {}).items() if not schema.optional]
    missing = [name for name in required if name not in given]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        message = f"the flow requires {names}, which this trigger does not give: no execution would pass"
        yield Problem("SW231", message, trigger.mark, fix)


def unfit_inputs(trigger: Trigger, workflow: Workflow, key: str, given: dict[str, Any]) -> Iterator[Problem]:
    """The problems of values under ``key`` of the trigger that are known here, and that the contract refuses."""
    for name, schema in (workflow.keys.inputs or {}).items():
        if name in given and (fault := _refused(given[name], schema, workflow)):
            message = f"the flow does not take this `{name}`: it {fault}, and no execution would pass"
            yield Problem("SW231", message, trigger.mark_of(key, name), "mend the value")


def unfit_match(trigger: Trigger, workflow: Workflow, key: str, wanted: dict[str, list[Any]]) -> Iterator[Problem]:
    """The problems of fields under ``key`` that have only values which the contract refuses, where an execution starts."""
    for path, values in wanted.items():
        schema = schema_at(workflow.keys.inputs or {}, tuple(path.split(".")))
        if schema is None or not values:
            continue
        faults = [_refused(value, schema, workflow) for value in values if value is not None]
        if len(faults) == len(values) and all(faults):
            message = f"the flow does not take this `{path}`: it {faults[0]}, and no execution would pass"
            yield Problem("SW231", message, trigger.mark_of(key, path), "mend the value, or the contract")
        elif None in values and len(values) == 1 and "." not in path and not schema.optional:
            message = f"the flow requires `{path}`, which must not be there here: no execution would pass"
            yield Problem("SW231", message, trigger.mark_of(key, path), f"write `{path}: {{..., required: false}}`")


def _refused(value: Any, schema: Schema, workflow: Workflow) -> str:
    """What the value breaks whatever it becomes at deployment; empty where nothing is seen."""
    if isinstance(value, str) and _SCHEDULED.search(value):
        return breaks(value, Schema(type=schema.type))
    if literal(value):
        return breaks(value, schema)
    promised = type_of_value(value, View(workflow)) if isinstance(value, str) else None
    taken = "number" if schema.type == "integer" else schema.type
    return f"is no {schema.type}" if promised and taken and promised != taken else ""
