"""What ``permissions`` say of one resource or ARN: actions, and where a run alone knows the rest of the ARN, why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from stepworkflows_cdk.language.keys import Keys

__all__ = ["EVERYTHING", "PermissionKeys", "Permissions", "action_path", "open_end"]

EVERYTHING = "*"
"""The only resource that some actions take."""
_OPEN = re.compile(r"arn:[^:*?]+:[^:*?]+:[^:*?]*:[^:*?]*:[^:*?/]+[/:][^*?]*\*\Z")


def _actions(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _long(value: Any) -> Any:
    return {"actions": value} if isinstance(value, str | list) else value


class PermissionKeys(Keys):
    """The long form of a permission. With a `reason`, an ARN may end in `*`, or be `*`: for what only a run can name, and for
    actions that AWS allows on nothing less. Best with `tagged`, which holds for what has these tags only.
    """

    actions: Annotated[list[str], BeforeValidator(_actions, json_schema_input_type=str | list[str])] = Field(
        description="`read`, `write` or exact IAM actions, one or a list."
    )
    tagged: dict[str, str] | None = Field(
        None, min_length=1, description="Tags that the resource must have: key -> value, fixed at deployment."
    )
    reason: str | None = Field(
        None,
        min_length=1,
        description="Why nothing less can be named; it is what cdk-nag's finding is acknowledged with.",
    )


Permissions = dict[
    str, Annotated[PermissionKeys, BeforeValidator(_long, json_schema_input_type=str | list[str] | PermissionKeys)]
]
"""Resource or ARN -> what is allowed on it."""


def open_end(target: str) -> bool:
    """Whether only the last part of an ARN, behind the type of the resource, is left open; or it is all resources."""
    return target == EVERYTHING or bool(_OPEN.match(target))


def action_path(written: Any, target: str, index: int) -> Iterator[str | int]:
    """Where an action of a permission stands in a step, as it is written."""
    yield from ("permissions", target)
    inner = written
    if isinstance(written, dict):
        yield "actions"
        inner = written.get("actions")
    if isinstance(inner, list):
        yield index
