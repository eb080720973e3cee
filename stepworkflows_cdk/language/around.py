"""What stands around the steps of a flow: the resources that it depends on, and what starts it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.document import Document, Path_
from stepworkflows_cdk.language.model import FlowKeys
from stepworkflows_cdk.language.repair import example_of, shown
from stepworkflows_cdk.language.shape import nearest, read_keys
from stepworkflows_cdk.language.work_key import WorkKey
from stepworkflows_cdk.language.workflow import Resource, Trigger

__all__ = ["read_resources", "read_triggers"]

_SERVICES = {
    "cognito": "user-pool",
    "dynamodb": "table",
    "eventbridge": "bus",
    "lambda": "function",
    "s3": "bucket",
    "sns": "topic",
    "sqs": "queue",
    "vpc": "network",
}
"""The types of resources by the services that have them."""
_STARTS = {
    **dict.fromkeys("http https httpapi rest apigateway webhook post".split(), "api"),
    **dict.fromkeys("cron rate timer every scheduler".split(), "schedule"),
    **dict.fromkeys("eventbridge cloudwatchevent eventbridgerule bus".split(), "event"),
    **dict.fromkeys("bucket object files".split(), "s3"),
    "sqs": "queue",
}
"""What other formats call triggers."""


def read_resources(
    document: Document, keys: FlowKeys, integrations: Sequence[WorkKey], problems: list[Problem], lost: set[str]
) -> dict[str, Resource]:
    """What the flow depends on, by its names. ``resource`` is added to ``lost`` where one is of no known type."""
    owners = {type_: i for i in integrations for type_ in i.resource_types}
    found: dict[str, Resource] = {}
    for name, value in (keys.resources or {}).items():
        path = ("resources", name)
        type_ = value.get("type") if isinstance(value, dict) else value
        owner = owners.get(type_) if isinstance(type_, str) else None
        if owner is None or not isinstance(type_, str) or not isinstance(value, dict):
            problems.append(_of_no_type(document, path, value, str(type_), owners))
            lost.add("resource")
            continue
        rest = {key: item for key, item in value.items() if key != "type"}
        read = read_keys(owner.resource_types[type_], document, path, rest, problems)
        if read is not None:
            found[name] = Resource(name, type_, read, owner, document.key_mark(path))
    return found


def _of_no_type(document: Document, path: Path_, value: Any, written: str, owners: Mapping[str, WorkKey]) -> Problem:
    """What is declared, but not as one of the types that there are."""
    known = sorted(owners)
    meant = _SERVICES.get(written.lower()) or next(iter(get_close_matches(written, known, n=1, cutoff=0.6)), "")
    if meant not in owners:
        meant = "table" if "table" in owners else known[0]
    model = owners[meant].resource_types[meant]
    example = {"type": meant, **example_of(model, ())} if model.model_fields else {"type": meant}
    hint = f"write it like {shown(path, example)}"
    if not isinstance(value, dict):
        return Problem("SW103", f"`{path[-1]}` must be a mapping with a `type`", document.mark(path), hint)
    if "type" in value:
        hint = nearest(written, known) or f"write it like `type: {meant}`"
    message = f"the `type` of a resource must be {', '.join(f'`{type_}`' for type_ in known)}"
    return Problem("SW103", message, document.mark((*path, "type")), hint)


def read_triggers(
    document: Document, keys: FlowKeys, integrations: Sequence[WorkKey], problems: list[Problem]
) -> tuple[Trigger, ...]:
    """What starts the flow."""
    owners = {kind: i for i in integrations for kind in i.triggers}
    found: list[Trigger] = []
    for kind, values in (keys.triggers or {}).items():
        path: Path_ = ("triggers", kind)
        owner = owners.get(kind)
        if owner is None:
            meant = _STARTS.get(kind.lower().replace("-", ""))
            hint = f"write `{meant}`" if meant in owners else ""
            hint = hint or nearest(kind, owners) or f"known here: {', '.join(f'`{known}`' for known in sorted(owners))}"
            mark = document.key_mark(path)
            problems.append(Problem("SW101", f"`{kind}` is no trigger", mark, hint))
            continue
        listed = isinstance(document.get(path), list)
        for index, value in enumerate(values):
            place = (*path, index) if listed else path
            read = read_keys(owner.triggers[kind], document, place, value, problems)
            if read is not None:
                found.append(Trigger(kind, read, owner, document, place))
    return tuple(found)
