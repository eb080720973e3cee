"""Branches of a race are counted in one row of a table: an attribute for each that succeeded, with what it gave.

Writing an attribute twice changes nothing, so a try whose answer was lost is simply made again.
"""

from __future__ import annotations

from stepworkflows_cdk.compiler.integration import Call, Integration, Scope
from stepworkflows_cdk.compiler.plan import Data, Grant, Jsonata
from stepworkflows_cdk.integrations.dynamodb.errors import TRANSIENT
from stepworkflows_cdk.integrations.dynamodb.needs import TableNeed
from stepworkflows_cdk.integrations.dynamodb.tables import table_arn, table_name
from stepworkflows_cdk.language.workflow import Step

__all__ = ["Counting"]

_TIMEOUT = 60
_LASTS = 366 * 86_400
"""Seconds that a row stays: an execution may last a year."""
_OF = "of "
"""The beginning of the name of a branch's attribute."""
_COUNTED = (
    f"$merge($append([], $each($sift($states.result.Attributes, function($v, $k) {{ $substring($k, 0, 3) = '{_OF}' }}),"
    " function($v, $k) { {$substring($k, 3): $parse($v.S)} })))"
)


class Counting(Integration):
    """One update each by the optimised integration: https://docs.aws.amazon.com/step-functions/latest/dg/connect-ddb.html."""

    counts_branches = True

    def plan_count(self, step: Step, branch: str, race: Jsonata, result: Jsonata, scope: Scope) -> Call:
        need = TableNeed(
            id="table-races", mark=step.mark, name="races", partition_key="race", sort_key=None, expires="expires"
        )
        arguments: dict[str, Data] = {
            "TableName": table_name(need),
            "Key": {"race": {"S": race}},
            "UpdateExpression": "SET #branch = :result, #expires = :expires",
            "ExpressionAttributeNames": {"#branch": f"{_OF}{branch}", "#expires": "expires"},
            "ExpressionAttributeValues": {
                ":result": {"S": result},
                ":expires": {"N": Jsonata(f"$string($floor($millis() / 1000) + {_LASTS})")},
            },
            "ReturnValues": "ALL_NEW",
        }
        return Call(
            resource="dynamodb:updateItem",
            arguments=arguments,
            result=_COUNTED,
            timeout=_TIMEOUT,
            transient=TRANSIENT,
            needs=(need,),
            grants=(Grant(scope.machine, ("dynamodb:UpdateItem",), table_arn(need), step.mark),),
            beside=True,
        )
