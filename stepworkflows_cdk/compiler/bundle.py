"""The bundle: the compiler's product. Each machine as the ASL text that deploys and that runs here, and what the
texts need.

``constructs`` and ``local`` read a bundle and nothing else of the compiler.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from stepworkflows_cdk.compiler.plan import Condition, Deploy, Grant, Hole, Need, Text, machine_key
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.language.diagnostics import Mark

__all__ = ["DEFINITION_SIZE", "Bundle", "Machine", "check_machine"]

DEFINITION_SIZE = 1024 * 1024
"""Bytes. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""


@dataclass(frozen=True)
class Machine:
    """One state machine.

    ``text`` is its definition in Amazon States Language (JSONata mode), a literal JSON string with ``${name}`` for
    each of ``holes``; ``states`` tells for each state, branches included, the line of the document that caused it.
    ``beside`` are the states whose calls are not a step's work, but what that takes.
    """

    id: str
    text: str
    holes: tuple[Hole, ...]
    states: Mapping[str, Mark]
    mark: Mark
    deploy: Deploy = field(default_factory=Deploy)
    beside: frozenset[str] = frozenset()
    express: bool = False
    """Whether its executions are of the short kind."""
    laid: Mapping[str, tuple[Mark, ...]] = field(default_factory=dict)
    """Step's id -> where those of its keys are written that the flow says once for many steps."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Those of all that is made for the flow."""
    inner: bool = False
    """Whether another machine waits for its executions, and tells of them as its own."""

    @property
    def key(self) -> str:
        """What holes and grants call it."""
        return machine_key(self.id)

    @property
    def refers_to(self) -> frozenset[str]:
        """The ids of the needs, and the keys of the machines, that have to be there before it."""
        return frozenset(hole.need for hole in self.holes)


@dataclass(frozen=True)
class Bundle:
    """Everything that one workflow becomes. ``machines[0]`` is the machine that is started."""

    machines: tuple[Machine, ...]
    needs: tuple[Need, ...]
    grants: tuple[Grant, ...]
    origins: Mapping[str, tuple[Mark, ...]] = field(default_factory=dict)
    """Need id -> every place that asks for it; ``mark`` of a need is the first."""

    @property
    def main(self) -> Machine:
        return self.machines[0]

    def to_json(self) -> dict[str, Any]:
        """The bundle as JSON: definitions as objects, holes as ``${name}``, marks as file, line, column and step,
        code by its name.
        """
        return {
            "machines": [
                {
                    "id": machine.id,
                    "definition": json.loads(machine.text),
                    "substitutions": {
                        hole.name: {"need": hole.need, "attribute": hole.attribute} for hole in machine.holes
                    },
                    "states": {name: _mark(mark) for name, mark in machine.states.items()},
                    "deploy": asdict(machine.deploy),
                    **({"express": True} if machine.express else {}),
                    "tags": dict(machine.tags),
                    "mark": _mark(machine.mark),
                }
                for machine in self.machines
            ],
            "needs": [{"kind": type(need).__name__.removesuffix("Need"), **_plain(need)} for need in self.needs],
            "grants": [_grant(grant) for grant in self.grants],
        }


def check_machine(machine: Machine) -> None:
    """Refuses what Step Functions would refuse at deployment, before a resource is made."""
    size = len(machine.text.encode())
    if size > DEFINITION_SIZE:
        raise ConfigurationError(
            f"{machine.mark}: the definition of machine {machine.id!r} has {size:,} bytes, and Step Functions takes "
            f"{DEFINITION_SIZE:,}; divide the workflow into several"
        )


def _grant(grant: Grant) -> dict[str, Any]:
    """A grant; its conditions, where it has any, as a policy has them; its reason, where it gives one."""
    found: dict[str, Any] = _plain(grant)
    conditions, reason = _conditions(grant.conditions), found.pop("reason")
    del found["conditions"]
    return {**found, **({"conditions": conditions} if conditions else {}), **({"reason": reason} if reason else {})}


def _conditions(conditions: Iterable[Condition]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for condition in conditions:
        found.setdefault(condition.operator, {})[condition.key] = _plain(condition.values)
    return found


def _plain(value: Any) -> Any:
    match value:
        case Mark():
            return _mark(value)
        case Text():
            return value.fill(lambda hole: f"${{{hole.name}}}")
        case Path():
            return value.name
        case tuple() | list():
            return [_plain(item) for item in value]
        case _ if is_dataclass(value):
            return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
        case _:
            return value


def _mark(mark: Mark) -> dict[str, Any]:
    found: dict[str, Any] = {"file": mark.file, "line": mark.line, "column": mark.column}
    return {**found, "step": mark.step} if mark.step else found
