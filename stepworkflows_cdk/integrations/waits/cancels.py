"""``cancel``: whether an execution is to end is a row beside those of its waits.

A request is the row's answer, written by the function that answers waits, unless the point of no return has been passed. A
step that can be undone looks whether there is one; a step that waits also leaves its key, so that a request ends its wait;
the point of no return is passed by a write that holds only where there is none.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from stepworkflows_cdk.compiler.ahead import Ahead
from stepworkflows_cdk.compiler.integration import Call, Scope
from stepworkflows_cdk.compiler.plan import Data, Grant, Hole, Jsonata, Text
from stepworkflows_cdk.integrations.events.needs import RuleNeed
from stepworkflows_cdk.integrations.waits.claims import (
    DAY,
    FUNCTION,
    LONGEST,
    REFUSED,
    TABLE,
    answering,
    held,
    own_row,
    resolver,
    row_of,
    table,
)
from stepworkflows_cdk.integrations.waits.claims import key_of as joined
from stepworkflows_cdk.integrations.waits.keys import WaitForKeys
from stepworkflows_cdk.integrations.waits.needs import SignalsNeed
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["CANCEL", "ahead_of"]

CANCEL = "~cancel"
"""What stands in the keys of such rows where others have the id of a step, which it cannot be."""
_TIMEOUT = 60
_REFUSED = "DynamoDB.ConditionalCheckFailedException"
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html#API_UpdateItem_Errors
_TRANSIENT = (
    "DynamoDB.InternalServerErrorException",
    "DynamoDB.ProvisionedThroughputExceededException",
    "DynamoDB.RequestLimitExceededException",
    "DynamoDB.SdkClientException",
    "DynamoDB.ServiceUnavailableException",
    "DynamoDB.ThrottlingException",
)


def ahead_of(step: Step, match: Sequence[Jsonata], scope: Scope) -> Ahead:
    """The call before a step; ``match`` are the values that single out the execution."""
    workflow = scope.workflow
    key: dict[str, Data] = {"key": {"S": joined(f"{workflow.id}/{CANCEL}", list(match))}}
    named: dict[str, Data] = {"TableName": Text((Hole(TABLE, "name"),)), "Key": key}
    if step.keys.pivot:
        return Ahead(
            _call("updateItem", {**named, **_set("passed")}, "false", step, scope),
            refused=_REFUSED,
        )
    if isinstance(step.work, WaitForKeys):
        return Ahead(
            _call("updateItem", {**named, **_added(row_of(step, scope))}, _answered("Attributes"), step, scope)
        )
    if step.keys.wait is not None:
        row = own_row(step, scope)
        left = _call("updateItem", {**named, **_added(row)}, _answered("Attributes"), step, scope)
        return Ahead(left, refused=REFUSED, wait=held(row, step, scope))
    return Ahead(_call("getItem", {**named, "ConsistentRead": True}, _answered("Item"), step, scope))


def _answered(field: str) -> str:
    return f"$exists($states.result.{field}.answer)"


def _set(name: str) -> dict[str, Data]:
    return {
        "UpdateExpression": f"SET #{name} = :me, #expires = :expires",
        "ConditionExpression": "attribute_not_exists(#answer)",
        "ExpressionAttributeNames": {f"#{each}": each for each in ("answer", "expires", name)},
        "ExpressionAttributeValues": {
            ":me": {"S": Jsonata("$states.context.Execution.Id")},
            ":expires": _expires(),
        },
    }


def _added(row: Jsonata) -> dict[str, Data]:
    return {
        "UpdateExpression": "ADD #waiting :row SET #expires = :expires",
        "ExpressionAttributeNames": {f"#{each}": each for each in ("expires", "waiting")},
        "ExpressionAttributeValues": {":row": {"SS": [row]}, ":expires": _expires()},
        "ReturnValues": "ALL_NEW",
    }


def _expires() -> Data:
    return {"N": Jsonata(f"$string($floor($millis() / 1000) + {LONGEST + DAY})")}


def _call(action: str, arguments: dict[str, Data], result: str, step: Step, scope: Scope) -> Call:
    workflow = scope.workflow
    mark = workflow.document.key_mark(("cancel",))
    signals = SignalsNeed(id=f"signals-{workflow.known_as}", mark=mark, flow=workflow.known_as)
    allowed = f"dynamodb:{action[0].upper()}{action[1:]}"
    return Call(
        resource=f"dynamodb:{action}",
        arguments=arguments,
        result=result,
        timeout=_TIMEOUT,
        transient=_TRANSIENT,
        needs=(table(mark), resolver(mark), signals, _rule(workflow, signals)),
        grants=(
            Grant(scope.machine, (allowed,), Text((Hole(TABLE, "arn"),)), mark),
            *answering(FUNCTION, mark),
        ),
        beside=True,
    )


def _rule(workflow: Workflow, signals: SignalsNeed) -> RuleNeed:
    keys = workflow.keys.cancel
    assert keys
    told = {"wait": f"{workflow.id}/{CANCEL}", "match": list(keys.match), "keep": LONGEST, "cancel": True}
    return RuleNeed(
        id=f"cancel-{workflow.id}",
        mark=workflow.document.key_mark(("cancel",)),
        bus=None,
        source=Text((Hole(signals.id, "source"),)),
        detail_type=keys.signal,
        present=tuple(keys.match),
        function=FUNCTION,
        beside=json.dumps(told),
    )
