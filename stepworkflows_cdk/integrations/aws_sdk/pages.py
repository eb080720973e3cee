"""How an action answers in pages: which list to gather, what asks for the next page, by AWS's own description of it.

The description is the file of paginators that stands beside the model of the service.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from stepworkflows_cdk.compiler.pages import Pages
from stepworkflows_cdk.integrations.aws_sdk.models import Operation, Service, paginators
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.shape import nearest
from stepworkflows_cdk.language.workflow import Step

__all__ = ["check_pages", "pages_of"]

_INSTEAD = {"kinesis:DescribeStream": "kinesis:listShards", "s3:ListObjects": "s3:listObjectsV2"}
"""Actions whose next page begins behind the last item of the page before -> those that have replaced them."""
_PLAIN = re.compile(r"\w+(\.\w+)*\Z")


def check_pages(step: Step, service: Service, operation: Operation, field: str) -> Iterator[Problem]:
    """What is wrong with ``all-pages``."""
    described = _description(service, operation)
    if described is None:
        message = f"`{operation.name}` does not answer in pages"
        yield Problem("SW258", message, step.key_mark("all-pages"), "remove it")
    elif not all(_PLAIN.match(path) for path in _listed(described["output_token"])):
        other = _INSTEAD.get(f"{service.name}:{operation.name}", "")
        message = f"the pages of `{operation.name}` do not say where the next one begins"
        hint = f"call `{other}`, whose pages do" if other else "read them in code"
        yield Problem("SW258", message, step.key_mark("all-pages"), hint)
    elif field not in (lists := _lists(service, operation)):
        hint = nearest(field, lists) or f"there are {', '.join(f'`{name}`' for name in lists)}"
        mark = (
            step.mark_of("all-pages") if isinstance(step.get("all-pages"), str) else step.mark_of("all-pages", "field")
        )
        yield Problem("SW258", f"the answer of `{operation.name}` has no list `{field}`", mark, hint)


def pages_of(service: Service, operation: Operation, field: str, most: int) -> Pages:
    """The plan of the pages."""
    described = _description(service, operation)
    assert described is not None
    asked = [_capital(name) for name in _listed(described["input_token"])]
    answered = [_path(path) for path in _listed(described["output_token"])]
    told = described.get("more_results")
    there = f"$exists($states.result.{answered[0]}) and $states.result.{answered[0]} != ''"
    more = f"{there} and $states.result.{_path(told)} = true" if isinstance(told, str) else there
    return Pages(field, dict(zip(asked, answered, strict=True)), more, most)


def _description(service: Service, operation: Operation) -> Mapping[str, Any] | None:
    found = paginators(service.name).get(operation.name)
    return found if found and "output_token" in found else None


def _lists(service: Service, operation: Operation) -> list[str]:
    """The lists of the answer, as Step Functions spells them."""
    members = service.shape(operation.output).get("members", {}) if operation.output else {}
    return [_capital(name) for name, member in members.items() if service.shape(member["shape"])["type"] == "list"]


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _path(path: str) -> str:
    return ".".join(_capital(part) for part in path.split("."))


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
