"""The tags of a flow, with the values of its config filled in."""

from __future__ import annotations

from stepworkflows_cdk.compiler.values import Values
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.language.checks.tags import fault
from stepworkflows_cdk.language.workflow import Workflow

__all__ = ["tags_of"]


def tags_of(workflow: Workflow, values: Values) -> dict[str, str]:
    """Key -> value. Raises ``ConfigurationError`` where the config makes a value that AWS would refuse."""
    found: dict[str, str] = {}
    for key, value in (workflow.keys.tags or {}).items():
        found[key] = "".join(part for part in values.text(value).parts if isinstance(part, str))
        if wrong := fault(found[key]):
            mark = workflow.document.mark(("tags", key))
            raise ConfigurationError(f"{mark}: with this config the value of the tag {key!r} {wrong}")
    return found
