"""A bundle read backwards: for each state, need and permission the places in the documents that caused it.

What has no place left in the documents has no cause, and is gone from the bundle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stepworkflows_cdk.compiler.added import MACHINE, Added
from stepworkflows_cdk.compiler.bundle import Bundle
from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.compiler.plan import Condition, Text
from stepworkflows_cdk.language.diagnostics import Mark

__all__ = ["Cause", "causes"]


@dataclass(frozen=True)
class Cause:
    """``what`` (``state``, ``need``, ``permission`` or ``added``) of ``holder``, and the places that caused it, in their order.

    A state's holder is its machine; a need's the kind of it; a permission's whose role it is given to, and its name then
    says the action and on what. ``added`` are permissions that come with what is made, and go with it.
    """

    what: str
    holder: str
    name: str
    marks: tuple[Mark, ...]


def causes(bundle: Bundle, integrations: Sequence[Integration]) -> tuple[Cause, ...]:
    """All causes: states in the order of their machines, needs in the order of the bundle, permissions sorted."""
    found = [
        Cause("state", machine.id, name, (mark, *machine.laid.get(mark.step, ())))
        for machine in bundle.machines
        for name, mark in machine.states.items()
    ]
    for need in bundle.needs:
        kind = type(need).__name__.removesuffix("Need").lower()
        found.append(Cause("need", kind, need.id, bundle.origins.get(need.id, (need.mark,))))
    return (*found, *_permissions(bundle), *_added(bundle, integrations))


def _added(bundle: Bundle, integrations: Sequence[Integration]) -> Iterable[Cause]:
    owners = {kind: owner for owner in integrations for kind in owner.needs}
    found: list[tuple[str, Added, tuple[Mark, ...]]] = [
        (machine.key, added, (machine.mark,)) for machine in bundle.machines for added in MACHINE
    ]
    for need in bundle.needs:
        for added in owners[type(need)].added(need) if type(need) in owners else ():
            found.append((added.holder or need.id, added, bundle.origins.get(need.id, (need.mark,))))
    marks: dict[tuple[str, str, str], list[Mark]] = {}
    for holder, added, places in found:
        for action in added.actions:
            marks.setdefault((holder, added.on, action), []).extend(places)
    for (holder, on, action), all_places in sorted(marks.items()):
        yield Cause("added", holder, f"{action} on {on}", _in_order(all_places))


def _permissions(bundle: Bundle) -> Iterable[Cause]:
    """One for each action of each holder on each resource, however many grants allow it."""
    marks: dict[tuple[str, str, str], list[Mark]] = {}
    for grant in bundle.grants:
        for action in grant.actions:
            where = "".join(_condition(each) for each in grant.conditions)
            marks.setdefault((grant.holder, f"{_said(grant.resource)}{where}", action), []).append(grant.mark)
    for (holder, resource, action), places in sorted(marks.items()):
        yield Cause("permission", holder, f"{action} on {resource}", _in_order(places))


def _in_order(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    return tuple(sorted(set(marks), key=lambda mark: (mark.file, mark.line, mark.column, mark.step, mark.flow)))


def _condition(condition: Condition) -> str:
    return f", if {condition.key} {condition.operator} {' or '.join(map(_said, condition.values))}"


def _said(resource: Text) -> str:
    """The resource with ``REGION`` and ``ACCOUNT_ID`` as documents write them, and needs by their ids."""
    words = {"partition": "aws", "region": "REGION", "account": "ACCOUNT_ID"}
    return resource.fill(lambda hole: words[hole.attribute] if hole.need == "aws" else hole.need)
