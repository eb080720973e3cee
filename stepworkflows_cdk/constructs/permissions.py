"""Grants become IAM policies: exact ARNs, one statement for each set of actions, managed policies on one role.

A holder's grants are gathered by resource and conditions, then resources with the very same actions and conditions
share a statement. So no statement allows an action on a resource that no grant names. Their order comes from the names
in the grants' texts, never from the order of steps. Policies are managed, not inline (compliance packs refuse inline
ones), and each stays below the size that IAM takes; a role depends on its policies, so permissions are there before the
function or machine that uses them.

None of them has a wildcard. Actions that take no other resource than ``*``, and those on resources whose names are not
known, are given by policies that the stack shares, made by a row of the acknowledgements; what has no row is refused.
A machine's grants on itself, which come after it, are the one exception: they name its executions, in a policy of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aws_cdk import aws_iam as iam
from constructs import Construct

from stepworkflows_cdk.compiler.plan import Condition, Grant, Hole, Text
from stepworkflows_cdk.constructs import sharing
from stepworkflows_cdk.constructs.acknowledgements import REASONED, TABLE, acknowledge, row_of, target_of
from stepworkflows_cdk.constructs.bound import Bindings, via
from stepworkflows_cdk.errors import ConfigurationError

__all__ = ["Statement", "attach", "policies_of", "statements_of"]

POLICY_SIZE = 6144
"""Characters of a managed policy, white space not counted.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
POLICIES_OF_ROLE = 10
"""Managed policies that a role takes by default. Same page."""
SHARED_POLICIES = 2
"""Those that roles are made with: a machine's traces and logs, a function's traces and network interfaces."""

_EVERYTHING = "*"
_NAME_SIZE = 20
"""The longest region, account or partition."""
_ARN_SIZE = 256
"""What an ARN that CloudFormation makes up stays below: service and account, stack name, logical id, suffix."""
_DOCUMENT_SIZE = len('{"Version":"2012-10-17","Statement":[]}')
_STATEMENT_SIZE = len('{"Effect":"Allow","Action":[],"Resource":[]},')


@dataclass(frozen=True)
class Statement:
    """One IAM statement that allows ``actions`` on ``resources``, both sorted, where ``conditions`` hold."""

    actions: tuple[str, ...]
    resources: tuple[Text, ...]
    conditions: tuple[Condition, ...] = ()

    @property
    def size(self) -> int:
        """An upper bound of its characters in the policy."""
        return (
            _STATEMENT_SIZE
            + sum(len(action) + 3 for action in self.actions)
            + sum(_size(resource) + 3 for resource in self.resources)
            + sum(_condition_size(condition) for condition in self.conditions)
        )


def attach(
    scope: Construct, role: iam.IRole, grants: Sequence[Grant], bindings: Bindings, own: Sequence[Grant] = ()
) -> None:
    """Gives ``role`` the grants, by policies made in ``scope``, and those with wildcards by policies that the stack
    shares. ``own`` are grants of a machine on itself: their policies name the role, since a role that names a policy that
    names its machine would be a circle.

    More than fit on a role, or a wildcard that no row of the acknowledgements is about, is a
    :class:`ConfigurationError`.
    """
    holder = next(grant.holder for grant in (*grants, *own))
    grants = tuple(_with_keys(grants, bindings))
    exact = [grant for grant in grants if not _has_wildcard(grant.resource)]
    by_row: dict[tuple[str, str], list[Grant]] = defaultdict(list)
    for grant in grants:
        if _has_wildcard(grant.resource):
            by_row[_row(scope, grant, bindings), grant.reason].append(grant)
    shared = [policy for row in sorted(by_row) for policy in _shared(scope, row, by_row[row], bindings)]
    policies = policies_of(_grouped(exact))
    after = policies_of(_grouped(own))
    room = POLICIES_OF_ROLE - SHARED_POLICIES - len(shared) - len(after)
    if len(policies) > room:
        raise ConfigurationError(
            f"{holder}: its permissions fill {len(policies)} policies, and a role takes {room}; divide the "
            "workflow into several"
        )
    for policy in shared:
        role.add_managed_policy(policy)
    for number, statements in enumerate(policies, start=1):
        construct_id = "Permissions" if number == 1 else f"Permissions{number}"
        # Minimising would sort by tokens, whose numbers change with the order of constructs.
        document = iam.PolicyDocument(minimize=False, statements=_rendered(statements, bindings))
        role.add_managed_policy(iam.ManagedPolicy(scope, construct_id, document=document))
    _attach_own(scope, role, own, after, bindings)


def statements_of(grants: Iterable[Grant], bindings: Bindings) -> tuple[Statement, ...]:
    """The fewest statements that allow exactly what the grants say, and the use of the keys that comes with it."""
    return _grouped(_with_keys(grants, bindings))


def policies_of(statements: Iterable[Statement]) -> list[list[Statement]]:
    """The statements dealt out to policies, each below the size that IAM takes."""
    policies: list[list[Statement]] = []
    room = 0
    for statement in statements:
        for part in _parts(statement):
            if part.size > room:
                policies.append([])
                room = POLICY_SIZE - _DOCUMENT_SIZE
            policies[-1].append(part)
            room -= part.size
    return policies


def _with_keys(grants: Iterable[Grant], bindings: Bindings) -> Iterator[Grant]:
    """The grants, and behind each those on the KMS keys that encrypt what it is on."""
    for grant in grants:
        yield grant
        for need in (hole.need for hole in grant.resource.holes if hole.need in bindings):
            bound = bindings[need]
            actions = bound.key_actions_for(grant.actions)
            if actions:
                context = tuple(
                    Condition("StringEquals", f"kms:EncryptionContext:{key}", (Text((Hole(need, attribute),)),))
                    for key, attribute in sorted(bound.key_context.items())
                )
                conditions = (*context, via(grant.actions[0].partition(":")[0]))
                yield replace(grant, actions=actions, resource=Text((Hole(need, "key_arn"),)), conditions=conditions)


def _attach_own(
    scope: Construct, role: iam.IRole, own: Sequence[Grant], policies: Iterable[list[Statement]], bindings: Bindings
) -> None:
    """Policies that name the role, each acknowledging what in it ends in names that are made while the flow runs."""
    wild = [grant for grant in own if _has_wildcard(grant.resource)]
    rows = {target_of(scope, bindings.fill(grant.resource)): _row(scope, grant, bindings) for grant in wild}
    for number, statements in enumerate(policies, start=1):
        construct_id = "OwnPermissions" if number == 1 else f"OwnPermissions{number}"
        document = iam.PolicyDocument(minimize=False, statements=_rendered(statements, bindings))
        policy = iam.ManagedPolicy(scope, construct_id, document=document, roles=[role])
        inside = {target_of(scope, bindings.fill(each)) for statement in statements for each in statement.resources}
        for target in sorted(inside & rows.keys()):
            acknowledge(policy, rows[target], target)


def _has_wildcard(resource: Text) -> bool:
    return any(isinstance(part, str) and ("*" in part or "?" in part) for part in resource.parts)


def _row(scope: Construct, grant: Grant, bindings: Bindings) -> str:
    if grant.reason:
        return REASONED
    target = target_of(scope, bindings.fill(grant.resource))
    row = row_of(grant.actions, target, [condition.key for condition in grant.conditions])
    if row is None:
        where = "every resource" if target == _EVERYTHING else target
        raise ConfigurationError(
            f"{grant.mark}: {', '.join(grant.actions)} on {where}; name the ARNs that {grant.holder} needs it on"
        )
    return row


def _shared(
    scope: Construct, because: tuple[str, str], grants: Sequence[Grant], bindings: Bindings
) -> Iterator[iam.ManagedPolicy]:
    """The policies of a row; ``because`` has beside the row the reason that a document gives."""
    row, reason = because
    if TABLE[row].target is None:
        yield sharing.policy(scope, row)
        return
    for statements in policies_of(_grouped(grants)):
        targets = {target_of(scope, bindings.fill(each)) for statement in statements for each in statement.resources}
        yield sharing.wildcards(scope, row, _rendered(statements, bindings), targets, reason)


def _grouped(grants: Iterable[Grant]) -> tuple[Statement, ...]:
    actions: dict[tuple[Text, tuple[Condition, ...]], set[str]] = defaultdict(set)
    for grant in grants:
        actions[grant.resource, grant.conditions].update(grant.actions)
    resources: dict[tuple[tuple[str, ...], tuple[Condition, ...]], list[Text]] = defaultdict(list)
    for (resource, conditions), allowed in actions.items():
        resources[tuple(sorted(allowed)), conditions].append(resource)
    statements = [
        Statement(allowed, tuple(sorted(on, key=_label)), conditions) for (allowed, conditions), on in resources.items()
    ]
    return tuple(sorted(statements, key=lambda each: (each.actions, _condition_labels(each.conditions))))


def _rendered(statements: Iterable[Statement], bindings: Bindings) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            actions=list(statement.actions),
            resources=[bindings.fill(resource) for resource in statement.resources],
            conditions=_conditions(statement.conditions, bindings) or None,
        )
        for statement in statements
    ]


def _conditions(conditions: Iterable[Condition], bindings: Bindings) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for condition in conditions:
        values = [bindings.fill(value) for value in condition.values]
        found.setdefault(condition.operator, {})[condition.key] = values if len(values) > 1 else values[0]
    return found


def _parts(statement: Statement) -> Iterator[Statement]:
    """The statement, cut by resources where it is too large for a policy of its own."""
    limit = POLICY_SIZE - _DOCUMENT_SIZE
    resources: list[Text] = []
    for resource in statement.resources:
        if resources and replace(statement, resources=(*resources, resource)).size > limit:
            yield replace(statement, resources=tuple(resources))
            resources = []
        resources.append(resource)
    yield replace(statement, resources=tuple(resources))


def _label(text: Text) -> str:
    return text.fill(lambda hole: "${" + hole.name + "}")


def _condition_labels(conditions: Iterable[Condition]) -> list[tuple[str, str, list[str]]]:
    return [(each.operator, each.key, [_label(value) for value in each.values]) for each in conditions]


def _condition_size(condition: Condition) -> int:
    values = sum(_size(value) + 3 for value in condition.values)
    return len(f',"Condition":{{"{condition.operator}":{{"{condition.key}":[]}}}}') + values


def _size(text: Text) -> int:
    return len(text.fill(lambda hole: "x" * (_NAME_SIZE if hole.need == "aws" else _ARN_SIZE)))
