"""Grants become IAM policies: exact ARNs, one statement for each set of actions, managed policies on one role.

A holder's grants are gathered by resource, then resources with the very same actions share a statement. So no statement
allows an action on a resource that no grant names. Their order comes from the names in the grants' texts, never from
the order of steps. Policies are managed, not inline (compliance packs refuse inline ones), and each stays below the
size that IAM takes; a role depends on its policies, so permissions are there before the function or machine that uses
them.

None of them says ``*``. Actions that take no other resource are given by a policy that the stack shares, one for each
row of the acknowledgements; what has no row is refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from aws_cdk import aws_iam as iam
from constructs import Construct

from stepworkflows_cdk.compiler.plan import Grant, Hole, Text
from stepworkflows_cdk.constructs import sharing
from stepworkflows_cdk.constructs.bound import Bindings
from stepworkflows_cdk.errors import ConfigurationError

__all__ = ["Statement", "attach", "policies_of", "statements_of"]

POLICY_SIZE = 6144
"""Characters of a managed policy, white space not counted.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
POLICIES_OF_ROLE = 10
"""Managed policies that a role takes by default. Same page."""
SHARED_POLICIES = 2
"""Those that roles are made with: a machine's traces and logs, a function's traces."""

_EVERYTHING = "*"
_NAME_SIZE = 20
"""The longest region, account or partition."""
_ARN_SIZE = 256
"""What an ARN that CloudFormation makes up stays below: service and account, stack name, logical id, suffix."""
_DOCUMENT_SIZE = len('{"Version":"2012-10-17","Statement":[]}')
_STATEMENT_SIZE = len('{"Effect":"Allow","Action":[],"Resource":[]},')


@dataclass(frozen=True)
class Statement:
    """One IAM statement that allows ``actions`` on ``resources``, both sorted."""

    actions: tuple[str, ...]
    resources: tuple[Text, ...]

    @property
    def size(self) -> int:
        """An upper bound of its characters in the policy."""
        return (
            _STATEMENT_SIZE
            + sum(len(action) + 3 for action in self.actions)
            + sum(_size(resource) + 3 for resource in self.resources)
        )


def attach(scope: Construct, role: iam.IRole, grants: Iterable[Grant], bindings: Bindings) -> None:
    """Gives ``role`` the grants, by policies made in ``scope``, and on ``*`` by those that the stack shares.

    More than fit on a role, or a grant on ``*`` that no row of the acknowledgements is about, is a
    :class:`ConfigurationError`.
    """
    grants = tuple(grants)
    exact: list[Grant] = []
    wide: list[Grant] = []
    for grant in grants:
        (wide if bindings.fill(grant.resource) == _EVERYTHING else exact).append(grant)
    rows = sorted({_row(grant) for grant in wide})
    policies = policies_of(statements_of(exact, bindings))
    room = POLICIES_OF_ROLE - SHARED_POLICIES - len(rows)
    if len(policies) > room:
        raise ConfigurationError(
            f"{grants[0].holder}: its permissions fill {len(policies)} policies, and a role takes {room}; divide the "
            "workflow into several"
        )
    for row in rows:
        role.add_managed_policy(sharing.policy(scope, row))
    for number, statements in enumerate(policies, start=1):
        policy = iam.ManagedPolicy(
            scope,
            "Permissions" if number == 1 else f"Permissions{number}",
            # Minimising would sort by tokens, whose numbers change with the order of constructs.
            document=iam.PolicyDocument(
                minimize=False,
                statements=[
                    iam.PolicyStatement(
                        actions=list(statement.actions),
                        resources=[bindings.fill(resource) for resource in statement.resources],
                    )
                    for statement in statements
                ],
            ),
        )
        role.add_managed_policy(policy)


def statements_of(grants: Iterable[Grant], bindings: Bindings) -> tuple[Statement, ...]:
    """The fewest statements that allow exactly what the grants say."""
    actions: dict[Text, set[str]] = defaultdict(set)
    for grant in grants:
        actions[grant.resource].update(grant.actions)
        for hole in grant.resource.holes:
            if hole.need in bindings and bindings[hole.need].key_actions:
                actions[Text((Hole(hole.need, "key_arn"),))].update(bindings[hole.need].key_actions)
    resources: dict[tuple[str, ...], list[Text]] = defaultdict(list)
    for resource, allowed in actions.items():
        resources[tuple(sorted(allowed))].append(resource)
    return tuple(Statement(allowed, tuple(sorted(on, key=_label))) for allowed, on in sorted(resources.items()))


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


def _row(grant: Grant) -> str:
    row = sharing.row_of(grant.actions)
    if row is None:
        raise ConfigurationError(
            f"{grant.mark}: {', '.join(grant.actions)} on every resource; name the ARNs that {grant.holder} needs it on"
        )
    return row


def _parts(statement: Statement) -> Iterator[Statement]:
    """The statement, cut by resources where it is too large for a policy of its own."""
    limit = POLICY_SIZE - _DOCUMENT_SIZE
    resources: list[Text] = []
    for resource in statement.resources:
        if resources and Statement(statement.actions, (*resources, resource)).size > limit:
            yield Statement(statement.actions, tuple(resources))
            resources = []
        resources.append(resource)
    yield Statement(statement.actions, tuple(resources))


def _label(text: Text) -> str:
    return text.fill(lambda hole: "${" + hole.name + "}")


def _size(text: Text) -> int:
    return len(text.fill(lambda hole: "x" * (_NAME_SIZE if hole.need == "aws" else _ARN_SIZE)))
