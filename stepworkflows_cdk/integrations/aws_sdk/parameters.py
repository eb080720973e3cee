"""Parameters of a call against the model of its action: spelling, unknown names, required ones; then as AWS spells
them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stepworkflows_cdk.compiler.plan import Data, Jsonata
from stepworkflows_cdk.integrations.aws_sdk.bounds import beyond, not_one, of_another_type
from stepworkflows_cdk.integrations.aws_sdk.models import Operation, Service
from stepworkflows_cdk.language.checks.contract import literal
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.document import Path_
from stepworkflows_cdk.language.shape import nearest
from stepworkflows_cdk.language.workflow import Step

__all__ = ["check_parameters", "spelt"]


def check_parameters(
    step: Step, service: Service, operation: Operation, given: Any, path: Path_, *, exact: bool = False
) -> Iterator[Problem]:
    """What is wrong with the parameters at ``path`` of the step, as far as they are written out. ``exact``: only AWS's own
    spelling will do.
    """
    if operation.input is None:
        for name in given if isinstance(given, dict) else ():
            yield Problem("SW220", f"`{operation.name}` takes no parameters", step.key_mark(*path, name), "remove them")
        return
    yield from _Check(step, service, operation.name, exact).structure(operation.input, given, path)


def spelt(service: Service, shape_name: str | None, value: Data) -> Data:
    """The parameters with AWS's capital letters, and without those that are null."""
    if shape_name is None or isinstance(value, Jsonata):
        return value
    shape = service.shape(shape_name)
    match shape["type"], value:
        case "structure", dict():
            members = {_capital(name): member["shape"] for name, member in shape.get("members", {}).items()}
            return {
                _capital(name): spelt(service, members.get(_capital(name)), item)
                for name, item in value.items()
                if item is not None
            }
        case "list", list():
            return [spelt(service, shape["member"]["shape"], item) for item in value]
        case "map", dict():
            return {name: spelt(service, shape["value"]["shape"], item) for name, item in value.items()}
        case _:
            return value


@dataclass(frozen=True)
class _Check:
    step: Step
    service: Service
    operation: str
    exact: bool

    def structure(self, shape_name: str, value: Any, path: Path_) -> Iterator[Problem]:
        shape, operation, step = self.service.shape(shape_name), self.operation, self.step
        if shape.get("document") or (isinstance(value, str) and not literal(value)):
            return  # anything may stand there; or only a run can tell
        if misfit := of_another_type(shape, value):
            yield Problem("SW222", f"this parameter of `{operation}` is {misfit[0]}", step.mark_of(*path), misfit[1])
            return
        if wrong := beyond(shape, value) or not_one(shape_name, shape, value):
            yield Problem("SW259", f"this parameter of `{operation}` {wrong[0]}", step.mark_of(*path), wrong[1])
        match shape["type"], value:
            case "structure", dict():
                yield from self._members(shape, value, path)
            case "list", list():
                for index, item in enumerate(value):
                    yield from self.structure(shape["member"]["shape"], item, (*path, index))
            case "map", dict():
                for name, item in value.items():
                    yield from self.structure(shape["value"]["shape"], item, (*path, name))

    def _members(self, shape: Mapping[str, Any], value: dict[str, Any], path: Path_) -> Iterator[Problem]:
        members = {_capital(name): member["shape"] for name, member in shape.get("members", {}).items()}
        for name, item in value.items():
            if self._spelt(name) not in members:
                mark = self.step.key_mark(*path, name)
                hint = nearest(_capital(name), members) or f"known here: {', '.join(members) or 'none'}"
                yield Problem("SW220", f"`{self.operation}` has no parameter `{name}` here", mark, hint)
            elif item is not None:
                yield from self.structure(members[self._spelt(name)], item, (*path, name))
        given = {self._spelt(name) for name, item in value.items() if item is not None}
        for name in shape.get("required", ()):
            ours = shape["members"][name].get("idempotencyToken")
            if _capital(name) not in given and not (ours and not self.exact):
                yield Problem(
                    "SW221",
                    f"`{self.operation}` needs the parameter `{_capital(name)}`",
                    self.step.mark_of(*path),
                    "add it",
                )

    def _spelt(self, name: str) -> str:
        return name if self.exact else _capital(name)


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
