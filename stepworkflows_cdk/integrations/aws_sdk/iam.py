"""Actions that a call's written ``permissions`` name: as IAM calls them, which is not always as the API does.

The prefix is the name that requests are signed with, which AWS's models tell; what actions are called otherwise is in
``actions``.
"""

from __future__ import annotations

from collections.abc import Iterator

from stepworkflows_cdk.integrations.aws_sdk.actions import AUTHORISED
from stepworkflows_cdk.integrations.aws_sdk.models import Operation, Service
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.workflow import Step

__all__ = ["as_a_rule", "check_actions", "needed"]


def needed(service: Service, operation: Operation) -> tuple[str, ...]:
    """The IAM actions that a call needs, as far as it is known."""
    authorised = AUTHORISED.get(service.name)
    return (authorised and authorised.actions(operation.name)) or (f"{service.iam_prefix}:{operation.name}",)


def as_a_rule(service: Service, operation: Operation) -> str:
    """The same for a reader: where it is not known, what nearly all actions are called in IAM."""
    authorised = AUTHORISED.get(service.name)
    if authorised is None:
        return f"the IAM action, as a rule `{service.iam_prefix}:{operation.name}`"
    known = authorised.actions(operation.name)
    return " and ".join(f"`{action}`" for action in known) or "the IAM actions"


def check_actions(step: Step, service: Service, operation: Operation) -> Iterator[Problem]:
    """Permissions that would allow nothing, since IAM knows no such action."""
    right = needed(service, operation)
    for target, actions in (step.keys.permissions or {}).items():
        for index, action in enumerate(actions):
            prefix, _, name = action.partition(":")
            misnamed = prefix == service.name != service.iam_prefix
            other = prefix == service.iam_prefix and name == operation.name and action not in right
            if misnamed or other:
                wanted = right if name == operation.name or other else (f"{service.iam_prefix}:{name}",)
                hint = f"write {', '.join(f'`{each}`' for each in wanted)}"
                mark = step.mark_of("permissions", target, index)
                yield Problem("SW256", f"IAM has no action `{action}`", mark, hint)
