"""The table of waits: how a step's token comes into it, and who reads and writes it.

What waits is a task with a token. It writes its token into a table, under a key made of the flow, the step and the values
to match, in one write that holds only where no answer is there yet. Whoever answers writes into the row of the same key,
where it is the first, and answers the token that it finds. So an answer that comes early lies in the table and is found;
one that comes twice changes nothing; one that comes late finds a token that is gone.

An early answer is fetched by the function that answers waits: it may be an error, and only who has the token can end a task
with an error's name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stepworkflows_cdk.compiler.integration import Call, Instead, Scope
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.plan import Data, Grant, Hole, Jsonata, Need, Text
from stepworkflows_cdk.integrations.dynamodb.needs import TableNeed
from stepworkflows_cdk.integrations.lambda_.needs import FunctionNeed
from stepworkflows_cdk.integrations.waits.keys import spec_of
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.references import parse_value
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = [
    "DAY",
    "FUNCTION",
    "LONGEST",
    "REFUSED",
    "TABLE",
    "answering",
    "beside",
    "claimed",
    "held",
    "key_of",
    "own_row",
    "owner_of",
    "place_of",
    "resolver",
    "row_of",
    "table",
]

_CODE = Path(__file__).parent / "resolver"
# Ids that no document can give: `waits` is no name for a resource, and functions of steps begin with `function-`.
TABLE, FUNCTION = "table-waits", "wait-resolver"
DAY = 86_400
LONGEST = 365 * DAY  # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
_UPDATE = "aws-sdk:dynamodb:updateItem"
REFUSED = "DynamoDb.ConditionalCheckFailedException"
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html#API_UpdateItem_Errors
TRANSIENT = (
    "DynamoDb.InternalServerErrorException",
    "DynamoDb.ProvisionedThroughputExceededException",
    "DynamoDb.RequestLimitExceededException",
    "DynamoDb.SdkClientException",
    "DynamoDb.ServiceUnavailableException",
    "DynamoDb.ThrottlingException",
)
# https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html; the first is the function's own.
_TRANSIENT_OF_FUNCTION = (
    "AnswerNotFetched",
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
)


def place_of(step: Step, workflow: Workflow) -> str:
    """What the keys of all rows of a step's wait begin with."""
    return f"{workflow.id}/{step.id}"


def claimed(step: Step, scope: Scope, needs: tuple[Need, ...], grants: tuple[Grant, ...]) -> Call:
    """The call by which the step waits; ``needs`` and ``grants`` are those of what answers it."""
    timeout = step.keys.timeout
    assert timeout
    key = row_of(step, scope)
    mark = step.key_mark("wait-for")
    function = resolver(step.mark)
    fetched: dict[str, Data] = {"take": key, "owner": owner_of(scope), "token": _TOKEN}
    return Call(
        resource=f"{_UPDATE}.waitForTaskToken",
        arguments=_claim({"key": {"S": key}}, timeout + DAY, scope),
        timeout=timeout,
        transient=TRANSIENT,
        errors={REFUSED: "WaitTaken"},
        needs=(table(step.mark), function, *needs),
        grants=(
            Grant(scope.machine, ("dynamodb:UpdateItem",), Text((Hole(TABLE, "arn"),)), mark),
            Grant(scope.machine, ("lambda:InvokeFunction",), Text((Hole(FUNCTION, "arn"),)), mark),
            *answering(FUNCTION, step.mark),
            *grants,
        ),
        instead=Instead(
            "already answered?",
            (REFUSED,),
            Call(
                resource="lambda:invoke.waitForTaskToken",
                arguments={"FunctionName": Text((Hole(FUNCTION, "arn"),)), "Payload": fetched},
                # Without a time-out of its own, which would be taken for that of the wait.
                transient=_TRANSIENT_OF_FUNCTION,
            ),
        ),
    )


def row_of(step: Step, scope: Scope) -> Jsonata:
    """The key of the row of the step's wait: of an approval, which matches nothing, who waits."""
    place, match = place_of(step, scope.workflow), spec_of(step).match
    if match is None:
        return own_row(step, scope)
    return key_of(place, [scope.expression(value) for value in match.values()])


def own_row(step: Step, scope: Scope) -> Jsonata:
    """The key of a row that belongs to who waits, whatever it is that comes."""
    return Jsonata(f"{literal(f'{place_of(step, scope.workflow)}/')} & {owner_of(scope).code}", "string")


def held(row: Jsonata, step: Step, scope: Scope) -> Call:
    """A wait for a time, which only who ends the execution answers."""
    lasts = step.keys.wait if isinstance(step.keys.wait, int) else LONGEST
    return Call(
        resource=f"{_UPDATE}.waitForTaskToken",
        arguments=_claim({"key": {"S": row}}, lasts + DAY, scope),
        transient=TRANSIENT,
    )


def owner_of(scope: Scope) -> Jsonata:
    """JSONata for who waits: the execution, and in a loop its item."""
    return Jsonata(f"$states.context.Execution.Id{scope.turn}", "string")


def table(mark: Mark) -> TableNeed:
    """The table of all waits."""
    return TableNeed(id=TABLE, mark=mark, name="waits", partition_key="key", sort_key=None, expires="expires")


def resolver(
    mark: Mark, id_: str = FUNCTION, handler: str = "handler", env: Mapping[str, Text] | None = None
) -> FunctionNeed:
    """A function that answers waits, by one of the handlers in the folder; the plain one takes events, and fetches what came
    early.
    """
    variables = {**(env or {}), "TABLE": Text((Hole(TABLE, "name"),))}
    return FunctionNeed(
        id=id_,
        mark=mark,
        code=_CODE,
        handler=f"{handler}.handler",
        env=tuple(sorted(variables.items())),
        timeout=15,
        memory=256,
        python="3.14",
        architecture="arm64",
    )


def answering(function: str, mark: Mark) -> tuple[Grant, ...]:
    """What a function may do that answers waits."""
    return (
        Grant(function, ("dynamodb:UpdateItem",), Text((Hole(TABLE, "arn"),)), mark),
        Grant(function, ("states:SendTaskFailure", "states:SendTaskSuccess"), Text(("*",)), mark),
    )


def beside(step: Step, workflow: Workflow, **more: bool) -> str:
    """What whoever hands an answer on tells about the wait, as JSON."""
    match = spec_of(step).match or {}
    fixed = {path: text for path, value in match.items() if (text := _fixed(value)) is not None}
    told = {"wait": place_of(step, workflow), "match": list(match), "keep": _kept(workflow), **more}
    return json.dumps({**told, **({"fixed": fixed} if fixed else {})})


def _kept(workflow: Workflow) -> int:
    """Seconds for which an answer that comes before anybody waits for it is kept: as long as an execution can last by its
    waits, and a day; its `timeout`, where it has one. How long those around it last, a flow that others use cannot know.
    """
    if workflow.used:
        return LONGEST
    if workflow.keys.timeout is not None:
        return workflow.keys.timeout
    length = DAY
    for step in workflow.forward:
        if step.integration is not None and step.integration.waits:
            length += step.keys.timeout or 0
        elif isinstance(step.keys.wait, int):
            length += step.keys.wait
        elif step.keys.wait is not None:
            return LONGEST  # until a time that is not known yet
    return min(length, LONGEST)


def _fixed(value: Any) -> str | None:
    """The text of a value that is the same in every execution: what else a field has is an answer to nobody."""
    match value:
        case bool() | int():
            return json.dumps(value)
        case str():
            parsed = parse_value(value)
            return parsed if isinstance(parsed, str) else None
        case _:
            return None


def key_of(place: str, values: list[Jsonata]) -> Jsonata:
    """The row's key: the values behind each other, escaped as in a JSON pointer (RFC 6901). Whoever answers makes the same
    of the answer.
    """
    joined = " & '/' & ".join(f"$w({value.code})" for value in values)
    return Jsonata(
        "($w := function($v) { $type($v) in ['string', 'boolean'] or ($type($v) = 'number' and $floor($v) = $v and $abs($v) < 1e15)"
        " ? $replace($replace($string($v), '~', '~0'), '/', '~1')"
        " : $error('a value to match is missing, or is neither a text nor a whole number of 15 digits') };"
        f" {literal(f'{place}/')} & {joined})"
    )


_TOKEN = Jsonata("$states.context.Task.Token")


def _claim(key: dict[str, Data], lasts: int, scope: Scope) -> dict[str, Data]:
    """The token's write. It holds where the row is new, this execution's own without an answer, or out of date."""
    return {
        "TableName": Text((Hole(TABLE, "name"),)),
        "Key": key,
        "UpdateExpression": "SET #token = :token, #owner = :owner, #expires = :expires REMOVE #answer",
        "ConditionExpression": (
            "(attribute_not_exists(#answer) AND (attribute_not_exists(#owner) OR #owner = :owner)) OR #expires < :now"
        ),
        "ExpressionAttributeNames": {f"#{name}": name for name in ("token", "owner", "answer", "expires")},
        "ExpressionAttributeValues": {
            ":token": {"S": _TOKEN},
            ":owner": {"S": owner_of(scope)},
            ":expires": {"N": Jsonata(f"$string($floor($millis() / 1000) + {lasts})")},
            ":now": {"N": Jsonata("$string($floor($millis() / 1000))")},
        },
    }
