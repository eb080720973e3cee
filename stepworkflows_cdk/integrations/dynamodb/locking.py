"""The turn of an execution is a row: the key, and which execution has it."""

from __future__ import annotations

from stepworkflows_cdk.compiler.integration import Call, Integration
from stepworkflows_cdk.compiler.lock import Lock
from stepworkflows_cdk.compiler.plan import Data, Grant, Jsonata, machine_key
from stepworkflows_cdk.integrations.dynamodb.errors import TRANSIENT
from stepworkflows_cdk.integrations.dynamodb.needs import TURNS, TableNeed
from stepworkflows_cdk.integrations.dynamodb.tables import table_arn, table_name
from stepworkflows_cdk.language.workflow import Workflow

__all__ = ["Locking"]

_TIMEOUT = 60
_LASTS = 366 * 86_400
"""Seconds that a row stays which nobody gave back: an execution may last a year."""
_ME = Jsonata("$states.context.Execution.Id", "string")


class Locking(Integration):
    """Single writes under conditions: https://docs.aws.amazon.com/step-functions/latest/dg/connect-ddb.html."""

    keeps_locks = True

    def plan_lock(self, workflow: Workflow, key: Jsonata) -> Lock:
        mark = workflow.document.key_mark(("concurrency",))
        need = TableNeed(id=TURNS, mark=mark, name="turns", partition_key="key", sort_key=None, expires="expires")
        own: dict[str, Data] = {"S": key}
        row: dict[str, Data] = {
            "key": own,
            "execution": {"S": _ME},
            "expires": {"N": Jsonata(f"$string($floor($millis() / 1000) + {_LASTS})")},
        }
        named: dict[str, Data] = {"#execution": "execution"}
        mine: dict[str, Data] = {":me": {"S": _ME}}

        def call(action: str, what: str, arguments: dict[str, Data], result: str = "$states.result") -> Call:
            return Call(
                resource=f"dynamodb:{action}",
                arguments={"TableName": table_name(need), **arguments},
                result=result,
                timeout=_TIMEOUT,
                transient=TRANSIENT,
                needs=(need,),
                grants=(Grant(machine_key(workflow.id), (f"dynamodb:{what}",), table_arn(need), mark),),
                beside=True,
            )

        return Lock(
            take=call(
                "putItem",
                "PutItem",
                {
                    "Item": row,
                    "ConditionExpression": "attribute_not_exists(#execution) OR #execution = :me",
                    "ExpressionAttributeNames": named,
                    "ExpressionAttributeValues": mine,
                },
            ),
            holder=call(
                "getItem",
                "GetItem",
                {"Key": {"key": own}, "ConsistentRead": True},
                "($i := $states.result.Item.execution.S; $exists($i) ? $i : null)",
            ),
            over=call(
                "putItem",
                "PutItem",
                {
                    "Item": row,
                    "ConditionExpression": "#execution = :holder",
                    "ExpressionAttributeNames": named,
                    "ExpressionAttributeValues": {":holder": {"S": Jsonata("$holder")}},
                },
            ),
            release=call(
                "deleteItem",
                "DeleteItem",
                {
                    "Key": {"key": own},
                    "ConditionExpression": "#execution = :me",
                    "ExpressionAttributeNames": named,
                    "ExpressionAttributeValues": mine,
                },
            ),
            taken="DynamoDB.ConditionalCheckFailedException",
        )
