"""What a call may do follows from its action and from the resources of the flow that its parameters name.

So far for tables: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html.
For everything else the step says it under ``permissions``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepworkflows_cdk.compiler.integration import Scope
from stepworkflows_cdk.compiler.plan import Grant, Need, Text
from stepworkflows_cdk.integrations.aws_sdk.models import Operation, Service
from stepworkflows_cdk.language.expressions import tokens
from stepworkflows_cdk.language.references import WrongValue, parse_value, references_in, strings_in
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["derived_grants", "derives_grants"]

# A transaction is authorised as the operations in it.
_IN_TRANSACTION = {
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Delete": "dynamodb:DeleteItem",
    "Get": "dynamodb:GetItem",
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
}
_TRANSACTIONS = {"TransactGetItems": ("Get",), "TransactWriteItems": ("ConditionCheck", "Delete", "Put", "Update")}
_BY_NAME = frozenset(
    """
    BatchGetItem BatchWriteItem DeleteItem DescribeTable DescribeTimeToLive GetItem PutItem Query Scan UpdateItem
    DescribeContinuousBackups
    """.split()
)


def derives_grants(step: Step, workflow: Workflow, service: Service) -> bool:
    """Whether the call's permissions follow from its parameters."""
    if service.name != "dynamodb":
        return False
    action = str(step.get("call")).partition(":")[2]
    operation = service.operation(action)
    known = operation is not None and (operation.name in _TRANSACTIONS or operation.name in _BY_NAME)
    return known and any(_names_resource(text) for _, text in strings_in(step.keys.inputs or {}))


def derived_grants(step: Step, service: Service, operation: Operation, scope: Scope) -> tuple[Grant, ...]:
    """One grant for each resource that the parameters name."""
    if service.name != "dynamodb":
        return ()
    inputs = step.keys.inputs or {}
    if operation.name in _TRANSACTIONS:
        return _transaction(inputs, operation, scope, step)
    if operation.name not in _BY_NAME:
        return ()
    actions = (f"dynamodb:{operation.name}",)
    grants = []
    for need in scope.resources_in(inputs):
        index = inputs.get("IndexName", inputs.get("indexName"))
        arn = scope.arn(need)
        resource = Text((*arn.parts, f"/index/{index}")) if isinstance(index, str) and "{" not in index else arn
        grants.append(Grant(scope.machine, actions, resource, step.mark_of("inputs")))
    return tuple(grants)


def _transaction(inputs: Mapping[str, Any], operation: Operation, scope: Scope, step: Step) -> tuple[Grant, ...]:
    """For each table the operations on it, where they are written out; else all that the expression speaks of."""
    found: dict[str, tuple[Need, set[str]]] = {}
    items = inputs.get("TransactItems", inputs.get("transactItems"))
    for item in items if isinstance(items, list) else [items]:
        members = _members(item, _TRANSACTIONS[operation.name])
        for need in scope.resources_in(item):
            found.setdefault(need.id, (need, set()))[1].update(members)
    return tuple(
        Grant(
            scope.machine,
            tuple(sorted(_IN_TRANSACTION[name] for name in members)),
            scope.arn(need),
            step.mark_of("inputs"),
        )
        for need, members in found.values()
    )


def _members(item: Any, known: tuple[str, ...]) -> set[str]:
    if isinstance(item, dict):
        named = {name[:1].upper() + name[1:] for name in item} & set(known)
        return named or set(known)
    if not isinstance(item, str):
        return set(known)
    code = item.removeprefix("{%").removesuffix("%}")
    words = {token.text.strip("'\"`") for token in tokens(code) if token.kind in ("string", "name", "quoted")}
    return (words & set(known)) or set(known)


def _names_resource(text: str) -> bool:
    try:
        value = parse_value(text)
    except WrongValue:
        return False
    return any(part.root == "resources" for part in references_in(value))
