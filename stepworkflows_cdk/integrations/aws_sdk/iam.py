"""Actions that a call's written ``permissions`` name: as IAM calls them, which is not always as the API does.

The prefix is the name that requests are signed with, which AWS's models tell; what actions are called otherwise is in
``actions``.
"""

from __future__ import annotations

from collections.abc import Iterator

from stepworkflows_cdk.integrations.aws_sdk.actions import AUTHORISED
from stepworkflows_cdk.integrations.aws_sdk.models import Operation, Service
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.permissions import action_path
from stepworkflows_cdk.language.workflow import Step

__all__ = ["check_actions", "needed", "permission_hint"]


def needed(service: Service, operation: Operation) -> tuple[str, ...]:
    """The IAM actions that a call needs, as far as it is known."""
    authorised = AUTHORISED.get(service.name)
    return (authorised and authorised.actions(operation.name)) or (f"{service.iam_prefix}:{operation.name}",)


def permission_hint(service: Service, operation: Operation) -> str:
    """What to write where it is not known on what a call may act. What an action is called in IAM is as a rule its name."""
    authorised = AUTHORISED.get(service.name)
    if authorised:
        written = " and ".join(f"`{action}`" for action in authorised.actions(operation.name)) or "the IAM actions"
        return (
            "name a resource in `inputs` (`{resources.x}`), or write `permissions` with the complete ARN of each that the "
            f"call may name, and {written}"
        )
    action, arn = needed(service, operation)[0], f"arn:aws:{service.iam_prefix}:REGION:ACCOUNT_ID:TYPE"
    return (
        f'write `permissions: {{"{arn}/NAME": [{action}]}}`, with the type that AWS\'s Service Authorization Reference has for '
        f'the action; where only a run knows the name, `{{"{arn}/*": {{actions: [{action}], tagged: {{KEY: VALUE}}, '
        f'reason: WHY}}}}`, and where there is no type, `{{"*": {{actions: [{action}], reason: WHY}}}}`'
    )


def check_actions(step: Step, service: Service, operation: Operation) -> Iterator[Problem]:
    """Permissions that would allow nothing, since IAM knows no such action."""
    right = needed(service, operation)
    for target, keys in (step.keys.permissions or {}).items():
        for index, action in enumerate(keys.actions):
            prefix, _, name = action.partition(":")
            misnamed = prefix == service.name != service.iam_prefix
            other = prefix == service.iam_prefix and name == operation.name and action not in right
            if misnamed or other:
                wanted = right if name == operation.name or other else (f"{service.iam_prefix}:{name}",)
                hint = f"write {', '.join(f'`{each}`' for each in wanted)}"
                mark = step.mark_of(*action_path(step.get("permissions", target), target, index))
                yield Problem("SW256", f"IAM has no action `{action}`", mark, hint)
