"""Parameters of a call against the model of its action: spelling, unknown names, required ones; then as AWS spells
them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stepworkflows_cdk.compiler.plan import Data, Jsonata
from stepworkflows_cdk.integrations.aws_sdk.models import Operation, Service
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.document import Path_
from stepworkflows_cdk.language.shape import nearest
from stepworkflows_cdk.language.workflow import Step

__all__ = ["check_parameters", "spelt"]


def check_parameters(step: Step, service: Service, operation: Operation) -> Iterator[Problem]:
    """What is wrong with the step's ``inputs``, as far as they are written out."""
    inputs = step.keys.inputs or {}
    if operation.input is None:
        for name in inputs:
            yield Problem(
                "SW220", f"`{operation.name}` takes no parameters", step.key_mark("inputs", name), "remove them"
            )
        return
    yield from _structure(step, service, operation.input, inputs, ("inputs",), operation.name)


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


def _structure(
    step: Step, service: Service, shape_name: str, value: Any, path: Path_, operation: str
) -> Iterator[Problem]:
    shape = service.shape(shape_name)
    match shape["type"], value:
        case "structure", dict():
            members = {_capital(name): member["shape"] for name, member in shape.get("members", {}).items()}
            for name, item in value.items():
                if _capital(name) not in members:
                    mark = step.key_mark(*path, name)
                    hint = nearest(_capital(name), members) or f"known here: {', '.join(members) or 'none'}"
                    yield Problem("SW220", f"`{operation}` has no parameter `{name}` here", mark, hint)
                elif item is not None:
                    yield from _structure(step, service, members[_capital(name)], item, (*path, name), operation)
            given = {_capital(name) for name, item in value.items() if item is not None}
            for name in shape.get("required", ()):
                if _capital(name) not in given:
                    yield Problem(
                        "SW221", f"`{operation}` needs the parameter `{_capital(name)}`", step.mark_of(*path), "add it"
                    )
        case "list", list():
            for index, item in enumerate(value):
                yield from _structure(step, service, shape["member"]["shape"], item, (*path, index), operation)
        case "map", dict():
            for name, item in value.items():
                yield from _structure(step, service, shape["value"]["shape"], item, (*path, name), operation)
        case "structure" | "list" | "map", bool() | int() | float():
            kind = {"structure": "an object", "map": "an object", "list": "a list"}[shape["type"]]
            yield Problem("SW222", f"this parameter of `{operation}` is {kind}", step.mark_of(*path), f"write {kind}")
        case "structure" | "map", list():
            yield Problem(
                "SW222", f"this parameter of `{operation}` is an object", step.mark_of(*path), "write an object"
            )
        case "list", dict():
            yield Problem("SW222", f"this parameter of `{operation}` is a list", step.mark_of(*path), "write a list")


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
