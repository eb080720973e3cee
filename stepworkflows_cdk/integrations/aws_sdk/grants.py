"""What a call may do follows from its action and from the resources of the flow that its parameters name.

Where it does not, the step says it under ``permissions``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stepworkflows_cdk.compiler.integration import Scope
from stepworkflows_cdk.compiler.patterns import pattern_of
from stepworkflows_cdk.compiler.plan import Condition, Grant, Need, Text
from stepworkflows_cdk.compiler.unscoped import UNSCOPED
from stepworkflows_cdk.integrations.aws_sdk.actions import AUTHORISED
from stepworkflows_cdk.integrations.aws_sdk.models import Operation, Service
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.expressions import tokens
from stepworkflows_cdk.language.references import WrongValue, is_fixed, parse_value, references_in, strings_in
from stepworkflows_cdk.language.wildcards import fixed_parts, wildcard_in
from stepworkflows_cdk.language.workflow import Workflow

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


def derives_grants(inputs: Any, workflow: Workflow, service: Service, operation: Operation) -> bool:
    """Whether the permissions of a call with these parameters follow from them, or from its action alone."""
    if _unscoped(service, operation):
        return True
    authorised = AUTHORISED.get(service.name)
    if authorised is None:
        return False
    if not (authorised.actions(operation.name) or operation.name in _TRANSACTIONS):
        return False
    if not _fixed(_parameter(inputs, "IndexName")):
        return False
    for name in ("Key", "Prefix") if service.name == "s3" else ():
        if any(wildcard_in(part) for part in fixed_parts(str(_parameter(inputs, name) or ""))):
            return False
    return any(_names(text, workflow, authorised.type) for _, text in strings_in(inputs))


def derived_grants(inputs: Any, mark: Mark, service: Service, operation: Operation, scope: Scope) -> tuple[Grant, ...]:
    """One grant for each resource of the service that the parameters name; on ``*`` where AWS knows no resources."""
    if action := _unscoped(service, operation):
        return (Grant(scope.machine, (action,), Text(("*",)), mark),)
    authorised = AUTHORISED.get(service.name)
    if authorised is None:
        return ()
    if operation.name in _TRANSACTIONS:
        return _transaction(inputs, operation, scope, mark)
    grants = []
    for need in _of_type(inputs, authorised.type, scope):
        for action in authorised.actions(operation.name):
            resource, conditions = _on(need, action, inputs, scope)
            grants.append(Grant(scope.machine, (action,), resource, mark, conditions))
    return tuple(grants)


def _unscoped(service: Service, operation: Operation) -> str:
    """The action that can only be allowed on ``*``; empty where it can be allowed on less."""
    action = f"{service.iam_prefix}:{operation.name}"
    return action if action in UNSCOPED else ""


def _on(need: Need, action: str, inputs: Any, scope: Scope) -> tuple[Text, tuple[Condition, ...]]:
    """The ARN of what the action is on: a table or an index of it, a bucket or the file in it that is named."""
    arn = scope.arn(need)
    index, key, prefix = (_parameter(inputs, name) for name in ("IndexName", "Key", "Prefix"))
    if action.startswith("dynamodb:") and index is not None:
        return Text((*arn.parts, "/index/", *scope.text(index).parts)), ()
    if action == "s3:ListBucket" and isinstance(prefix, str):
        found = pattern_of(prefix, scope, "the prefix")
        operator = "StringEquals" if found.exact else "StringLike"
        return arn, (Condition(operator, "s3:prefix", (found.text,)),)
    on_files = scope.arn_for(need, action)
    if on_files != arn and isinstance(key, str):
        return pattern_of(key, scope, "the key").in_(arn), ()
    return on_files, ()


def _parameter(inputs: Any, name: str) -> Any:
    """A parameter in either spelling; none of parameters that are an expression as a whole."""
    if not isinstance(inputs, Mapping):
        return None
    return inputs.get(name, inputs.get(name[0].lower() + name[1:]))


def _fixed(index: Any) -> bool:
    """Whether the name is known at deployment."""
    return index is None or (isinstance(index, str) and is_fixed(index))


def _of_type(value: Any, type_: str, scope: Scope) -> list[Need]:
    """The needs of resources of a type that a value of the document names."""
    types = {scope.resource(name).id: found.type for name, found in scope.workflow.resources.items()}
    return [need for need in scope.resources_in(value) if types[need.id] == type_]


def _transaction(inputs: Any, operation: Operation, scope: Scope, mark: Mark) -> tuple[Grant, ...]:
    """For each table the operations that stand around its name; all of them where none does."""
    known = _TRANSACTIONS[operation.name]
    found: dict[str, tuple[Need, set[str]]] = {}
    for member, text in _named(_parameter(inputs, "TransactItems"), known, None):
        for need in _of_type(text, "table", scope):
            found.setdefault(need.id, (need, set()))[1].update([member] if member else known)
    return tuple(
        Grant(
            scope.machine,
            tuple(sorted(_IN_TRANSACTION[name] for name in members)),
            scope.arn(need),
            mark,
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


def _names(text: str, workflow: Workflow, type_: str) -> bool:
    try:
        value = parse_value(text)
    except WrongValue:
        return False
    known = {name for name, resource in workflow.resources.items() if resource.type == type_}
    return any(part.root == "resources" and part.parts[1:2] and part.parts[1] in known for part in references_in(value))
