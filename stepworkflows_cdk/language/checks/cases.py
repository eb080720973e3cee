"""Tests of a flow: names in them that mean something in the flow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.document import Path_
from stepworkflows_cdk.language.shape import nearest
from stepworkflows_cdk.language.workflow import Workflow

__all__ = ["check"]

_STEPS = ("at", "answer", "approve", "fail")
"""Keys of an event that name a step."""
_OUTPUTS = "outputs"
"""The table that comes with a flow."""


def check(workflow: Workflow) -> Iterator[Problem]:
    resources = workflow.resources
    tables = [name for name, resource in resources.items() if resource.type == "table"] + [_OUTPUTS]
    buckets = [name for name, resource in resources.items() if resource.type == "bucket"]
    steps = {name for step in workflow.all_steps for name in (step.id, step.title)}
    for name, case in (workflow.keys.tests or {}).items():
        place: Path_ = ("tests", name)
        yield from _unknown(workflow, (*place, "config"), case.config, workflow.config, "value of `config`")
        yield from _unknown(workflow, (*place, "expect", "tables"), case.expect.tables or (), tables, "table")
        yield from _unknown(workflow, (*place, "expect", "files"), case.expect.files or (), buckets, "bucket")
        for index, event in enumerate(case.events):
            for key in _STEPS:
                id_ = event.get(key)
                if isinstance(id_, str) and "/" not in id_ and id_ not in steps:
                    mark = workflow.document.mark((*place, "events", index, key))
                    hint = nearest(id_, steps) or f"there are {', '.join(f'`{step}`' for step in sorted(steps))}"
                    yield Problem("SW203", f"no step is called `{id_}`", mark, hint)


def _unknown(
    workflow: Workflow, place: Path_, names: Iterable[str], known: Iterable[str], what: str
) -> Iterator[Problem]:
    listed = list(known)
    for name in names:
        if name not in listed:
            hint = nearest(name, listed) or f"there is {', '.join(f'`{each}`' for each in listed) or 'none'}"
            mark = workflow.document.key_mark((*place, name))
            yield Problem("SW203", f"no {what} is called `{name}`", mark, hint)
