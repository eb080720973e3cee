"""What a call may do follows from its action and from the resources of the flow that its parameters name.

So far for tables: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html.
For everything else the step says it under ``permissions``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stepworkflows_cdk.compiler.integration import Scope
from stepworkflows_cdk.compiler.plan import Grant, Need, Text
from stepworkflows_cdk.integrations.aws_sdk.models import Operation, Service
from stepworkflows_cdk.language.expressions import tokens
from stepworkflows_cdk.language.references import Expression, WrongValue, parse_value, references_in, strings_in
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
    if not _fixed(_index(step.keys.inputs or {})):
        return False
    return known and any(_names_resource(text) for _, text in strings_in(step.keys.inputs or {}))


def _index(inputs: Mapping[str, Any]) -> Any:
    """The name of the index that is read; permissions on a table do not hold for its indexes."""
    return inputs.get("IndexName", inputs.get("indexName"))


def _fixed(index: Any) -> bool:
    """Whether the name is known at deployment."""
    if not isinstance(index, str):
        return index is None
    try:
        value = parse_value(index)
    except WrongValue:
        return False
    return not isinstance(value, Expression) and all(part.root == "config" for part in references_in(value))


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
        index = _index(inputs)
        arn = scope.arn(need)
        resource = arn if index is None else Text((*arn.parts, "/index/", *scope.text(index).parts))
        grants.append(Grant(scope.machine, actions, resource, step.mark_of("inputs")))
    return tuple(grants)


def _transaction(inputs: Mapping[str, Any], operation: Operation, scope: Scope, step: Step) -> tuple[Grant, ...]:
    """For each table the operations that stand around its name; all of them where none does."""
    known = _TRANSACTIONS[operation.name]
    found: dict[str, tuple[Need, set[str]]] = {}
    for member, text in _named(inputs.get("TransactItems", inputs.get("transactItems")), known, None):
        for need in scope.resources_in(text):
            found.setdefault(need.id, (need, set()))[1].update([member] if member else known)
    return tuple(
        Grant(
            scope.machine,
            tuple(sorted(_IN_TRANSACTION[name] for name in members)),
            scope.arn(need),
            step.mark_of("inputs"),
        )
        for need, members in found.values()
    )


def _named(value: Any, known: tuple[str, ...], member: str | None) -> Iterator[tuple[str | None, str]]:
    """Every string that can name a table, with the operation (``Put``, ``Update`` ...) that it stands in."""
    match value:
        case list():
            for item in value:
                yield from _named(item, known, member)
        case dict():
            for name, item in value.items():
                capital = name[:1].upper() + name[1:]
                yield from _named(item, known, capital if capital in known else member)
        case str() if value.startswith("{%"):
            yield from _in_expression(value, known, member)
        case str():
            yield member, value


def _in_expression(text: str, known: tuple[str, ...], outer: str | None) -> Iterator[tuple[str | None, str]]:
    """The references of an expression, each with the operation whose object it stands in."""
    code = text.removeprefix("{%").removesuffix("%}")
    around: list[str | None] = [outer]
    key: str | None = None
    before = ""
    for token in tokens(code):
        if token.kind == "reference":
            yield around[-1], token.text
        elif token.text in ("{", "(", "["):
            around.append(key if token.text == "{" and before == ":" and key in known else around[-1])
        elif token.text in ("}", ")", "]") and len(around) > 1:
            around.pop()
        if token.kind == "string":
            key = token.text[1:-1]
        before = token.text


def _names_resource(text: str) -> bool:
    try:
        value = parse_value(text)
    except WrongValue:
        return False
    return any(part.root == "resources" for part in references_in(value))
