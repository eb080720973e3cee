"""``fetch: {table, key}``: reads one row, directly from the state machine, as a plain object; null where there is
none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from stepworkflows_cdk.compiler.integration import Call, Integration, Scope
from stepworkflows_cdk.compiler.plan import Grant
from stepworkflows_cdk.integrations.dynamodb.errors import TRANSIENT
from stepworkflows_cdk.integrations.dynamodb.marshal import key_value, unmarshal
from stepworkflows_cdk.integrations.dynamodb.tables import table_arn, table_name, table_problems
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["Fetch", "FetchKeys"]

_TIMEOUT = 60


class FetchSpec(Keys):
    """Which row is read."""

    table: str = Field(description="The name of a table under `resources`.")
    key: dict[str, Any] = Field(min_length=1, description="The row's key: attribute -> value.")


class FetchKeys(Keys):
    """The key of a step that reads a row."""

    fetch: FetchSpec = Field(
        description="The row; the read is consistent. Its result is the row as plain JSON, `{result}` whole and `{x}` an attribute; "
        "`null` where there is none, so that an output of an attribute needs a default.",
    )


class Fetch(Integration):
    """DynamoDB by the optimised integration: https://docs.aws.amazon.com/step-functions/latest/dg/connect-ddb.html."""

    key = "fetch"
    keys = FetchKeys
    transient = TRANSIENT

    def takes_whole(self, step: Step) -> bool:
        return True

    def idempotent(self, step: Step) -> bool:
        return True

    def has_effect(self, step: Step) -> bool:
        return False

    def check(self, step: Step, workflow: Workflow) -> Iterable[Problem]:
        assert isinstance(step.work, FetchKeys)
        spec = step.work.fetch
        yield from table_problems(step, workflow, "fetch", spec.table, spec.key)
        if step.keys.inputs is not None:
            yield Problem("SW107", "`fetch` takes no `inputs`", step.key_mark("inputs"), "remove them")

    def plan(self, step: Step, scope: Scope) -> Call:
        assert isinstance(step.work, FetchKeys)
        spec = step.work.fetch
        need = scope.resource(spec.table)
        return Call(
            resource="dynamodb:getItem",
            arguments={
                "TableName": table_name(need),
                "Key": {name: key_value(scope.data(value)) for name, value in spec.key.items()},
                "ConsistentRead": True,
            },
            result=unmarshal("$states.result.Item"),
            timeout=step.keys.timeout or _TIMEOUT,
            transient=TRANSIENT,
            grants=(Grant(scope.machine, ("dynamodb:GetItem",), table_arn(need), step.mark),),
        )
