"""Tests of a flow: names in them that mean something in the flow, and what comes from outside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.language.cases import CaseKeys
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.document import Path_
from stepworkflows_cdk.language.entries import UnknownKey
from stepworkflows_cdk.language.outside import parse
from stepworkflows_cdk.language.shape import nearest
from stepworkflows_cdk.language.workflow import Workflow

__all__ = ["check"]

_STEPS = ("at", "answer", "approve", "fail")
"""Keys of an event that name a step."""
_ENTRY = (
    "write `{after: 2d, ...}` for what comes, `{at: STEP, returns: ...}` for a call, `{given: ...}` for what is there"
)
_OUTPUTS = "outputs"
"""The table that comes with a flow."""


def check(workflow: Workflow) -> Iterator[Problem]:
    for name, case in (workflow.keys.tests or {}).items():
        yield from (replace(problem, test=name) for problem in _check(workflow, ("tests", name), case))


def _check(workflow: Workflow, place: Path_, case: CaseKeys) -> Iterator[Problem]:
    resources = workflow.resources
    tables = [name for name, resource in resources.items() if resource.type == "table"] + [_OUTPUTS]
    buckets = [name for name, resource in resources.items() if resource.type == "bucket"]
    steps = {name for step in workflow.all_steps for name in (step.id, step.title)}
    yield from _unknown(workflow, (*place, "config"), case.config, workflow.config, "value of `config`")
    yield from _unknown(workflow, (*place, "expect", "tables"), case.expect.tables or (), tables, "table")
    yield from _unknown(workflow, (*place, "expect", "files"), case.expect.files or (), buckets, "bucket")
    for index, event in enumerate(case.events):
        at: Path_ = (*place, "events", index)
        named = {key: str(event[key]) for key in _STEPS if key in event}
        yield from _misshapen(workflow, at, event, named.values())
        for key, id_ in named.items():
            if "/" not in id_ and id_ not in steps:
                hint = nearest(id_, steps) or f"there are {', '.join(f'`{step}`' for step in sorted(steps))}"
                yield Problem("SW203", f"no step is called `{id_}`", workflow.document.mark((*at, key)), hint)


def _misshapen(workflow: Workflow, at: Path_, event: Mapping[str, Any], steps: Iterable[str]) -> Iterator[Problem]:
    """What is wrong with an entry, whichever ``steps`` there are."""
    document = workflow.document
    try:
        parse([event], steps=[("", step) for step in steps], origins=["the entry"])
    except UnknownKey as error:
        keys = (path for path in document.marks if path[: len(at)] == at and path[-1] == error.key)
        key = min(keys, key=len, default=at)
        yield Problem("SW101", f"`{error.key}` is no key of such an entry", document.key_mark(key), error.meant)
    except ConfigurationError as error:
        yield Problem("SW103", str(error), document.mark(at), _ENTRY)


def _unknown(
    workflow: Workflow, place: Path_, names: Iterable[str], known: Iterable[str], what: str
) -> Iterator[Problem]:
    listed = list(known)
    for name in names:
        if name not in listed:
            hint = nearest(name, listed) or f"there is {', '.join(f'`{each}`' for each in listed) or 'none'}"
            mark = workflow.document.key_mark((*place, name))
            yield Problem("SW203", f"no {what} is called `{name}`", mark, hint)
