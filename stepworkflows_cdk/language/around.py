"""What stands around the steps of a flow: the resources that it depends on, and what starts it."""

from __future__ import annotations

from collections.abc import Sequence

from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.document import Document, Path_
from stepworkflows_cdk.language.model import FlowKeys
from stepworkflows_cdk.language.shape import nearest, read_keys
from stepworkflows_cdk.language.work_key import WorkKey
from stepworkflows_cdk.language.workflow import Resource, Trigger

__all__ = ["read_resources", "read_triggers"]


def read_resources(
    document: Document, keys: FlowKeys, integrations: Sequence[WorkKey], problems: list[Problem], lost: set[str]
) -> dict[str, Resource]:
    """What the flow depends on, by its names. ``resource`` is added to ``lost`` where one is of no known type."""
    owners = {type_: i for i in integrations for type_ in i.resource_types}
    found: dict[str, Resource] = {}
    for name, value in (keys.resources or {}).items():
        path = ("resources", name)
        type_ = value.get("type")
        owner = owners.get(type_) if isinstance(type_, str) else None
        if owner is None or not isinstance(type_, str):
            known = ", ".join(f"`{known}`" for known in sorted(owners))
            mark = document.mark((*path, "type"))
            problems.append(
                Problem("SW103", f"the `type` of a resource must be {known}", mark, nearest(str(type_), owners))
            )
            lost.add("resource")
            continue
        rest = {key: item for key, item in value.items() if key != "type"}
        read = read_keys(owner.resource_types[type_], document, path, rest, problems)
        if read is not None:
            found[name] = Resource(name, type_, read, owner, document.key_mark(path))
    return found


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
            hint = nearest(kind, owners) or f"known here: {', '.join(f'`{known}`' for known in sorted(owners))}"
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
