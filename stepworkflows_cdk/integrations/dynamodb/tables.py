"""``resources: {orders: {type: table, key: order_id}}``: tables, and what steps may do on them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from stepworkflows_cdk.compiler.added import Added, with_key
from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.compiler.plan import Hole, Need, Text, need_id
from stepworkflows_cdk.integrations.dynamodb.needs import BACKED_UP, TableNeed
from stepworkflows_cdk.language.checks.resources import undeclared
from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.workflow import Step, Workflow

if TYPE_CHECKING:
    from constructs import Construct

    from stepworkflows_cdk.constructs.bound import Bindings, Bound
    from stepworkflows_cdk.local.world import World

__all__ = ["TableKeys", "Tables", "table_arn", "table_name", "table_problems"]

_ATTRIBUTE = re.compile(r"[^{}]{1,255}\Z")


def _different(key: str | list[str]) -> str | list[str]:
    names = [key] if isinstance(key, str) else key
    if not 1 <= len(names) <= 2 or len(set(names)) < len(names) or not all(_ATTRIBUTE.match(name) for name in names):
        raise ValueError("the name of an attribute, or a list of two different ones; without braces")
    return key


class TableKeys(Keys):
    """A table. Its keys are strings."""

    key: Annotated[str | list[str], AfterValidator(_different)] = Field(
        description="The partition key; or a list of the partition key and the sort key."
    )


class Tables(Integration):
    """DynamoDB tables: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html."""

    resource_types = {"table": TableKeys}
    access = {
        "read": ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"),
        "write": ("dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
    }
    needs = (TableNeed,)
    tasks = ("dynamodb:",)

    def plan_resource(self, name: str, type_: str, keys: Any, mark: Mark) -> Need:
        partition, sort = key_names_of(keys)
        return TableNeed(id=need_id("table", name), mark=mark, name=name, partition_key=partition, sort_key=sort)

    def identity(self, need: Need) -> Text:
        return table_name(need)

    def arn(self, need: Need) -> Text:
        return table_arn(need)

    def added(self, need: Need) -> Iterable[Added]:
        yield Added(BACKED_UP, f"{need.id}, where the profile demands backups", "backups")
        yield Added(("backup:CopyIntoBackupVault", "backup:DescribeBackupVault"), "the vault", "backups")
        yield replace(with_key("kms:CreateGrant", "kms:DescribeKey"), holder="backups")

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from stepworkflows_cdk.integrations.dynamodb.cdk import bind

        assert isinstance(need, TableNeed)
        return bind(scope, need, given, bindings)

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        from stepworkflows_cdk.integrations.dynamodb.local import realise

        assert isinstance(need, TableNeed)
        return realise(need, world)

    def perform(self, resource: str, arguments: Any, world: World) -> Any:
        from stepworkflows_cdk.integrations.dynamodb.local import perform

        return perform(resource, arguments, world)


def key_names_of(keys: TableKeys) -> tuple[str, str | None]:
    """The partition key and the sort key."""
    if isinstance(keys.key, str):
        return keys.key, None
    return keys.key[0], keys.key[1] if len(keys.key) > 1 else None


def table_name(need: Need) -> Text:
    """What the API calls the table by."""
    return Text((Hole(need.id, "name"),))


def table_arn(need: Need) -> Text:
    """What permissions on the table are given on."""
    return Text((Hole(need.id, "arn"),))


def table_problems(
    step: Step, workflow: Workflow, work_key: str, table: str, key: Mapping[str, Any]
) -> Iterator[Problem]:
    """Whether the table exists and the key is its key."""
    resource = workflow.resources.get(table)
    if resource is None or not isinstance(resource.keys, TableKeys):
        yield from undeclared(step, (work_key, "table"), table, "table", workflow, ", key: id")
        return
    for name, value in key.items():
        if value in (None, "") or isinstance(value, list | dict):
            mark = step.mark_of(work_key, "key", name)
            yield Problem(
                "SW219", "the value of a key is a text that is not empty", mark, "write a text or a reference"
            )
    wanted = {name for name in key_names_of(resource.keys) if name}
    if set(key) != wanted:
        listed = " and ".join(f"`{name}`" for name in sorted(wanted))
        yield Problem(
            "SW217",
            f"the key of `{table}` is {listed}",
            step.mark_of(work_key, "key"),
            f"give a value for {listed}, and nothing else",
        )
