"""Who may call a path of an API: principals of IAM, users of a pool, or those whom a function of the author's lets through."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from stepworkflows_cdk.language.keys import Keys
from stepworkflows_cdk.language.workflow import Workflow

__all__ = ["TYPES", "Callers", "Route", "caller_of"]

TYPES = {"cognito": "user-pool", "function": "function"}
"""The types of resources that say who is calling."""


def _route(value: str) -> str:
    if not re.match(_ROUTE, value):
        raise ValueError(
            "a path such as `/orders`, the same for every request: what tells one from another stands in the body"
        )
    return value


_ROUTE = r"^(/[A-Za-z0-9._-]+)+$"
Route = Annotated[str, AfterValidator(_route), Field(json_schema_extra={"pattern": _ROUTE})]
"""A path of the stack's API."""


class Callers(Keys):
    """Who says who is calling: one of these."""

    cognito: str | None = Field(None, description="The name of a user pool under `resources`.")
    function: str | None = Field(None, description="The name of a function under `resources`.")


def caller_of(auth: str | Callers, workflow: Workflow) -> tuple[Literal["iam", "cognito", "function"], str | None]:
    """Who says who is calling, and its name under ``resources``; None where there is none, or more than one could be meant."""
    match auth:
        case "cognito":
            pools = [name for name, resource in workflow.resources.items() if resource.type == "user-pool"]
            return "cognito", pools[0] if len(pools) == 1 else None
        case Callers(cognito=str(name)):
            return "cognito", name
        case Callers(function=str(name)):
            return "function", name
        case _:
            return "iam", None
