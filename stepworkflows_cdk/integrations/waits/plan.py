"""``wait-for: {event, match}``: a step that ends when the outside world answers.

What waits is a task with a token. It writes its token into a table, under a key made of the flow, the step and the values
to match, in one write that holds only where no answer is there yet. An event comes by a rule to the resolver, which writes
it into the row of the same key, where it is the first, and sends it to the token that it finds. So an answer that comes
early lies in the table and is found; one that comes twice changes nothing; one that comes late finds a token that is gone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from stepworkflows_cdk.compiler.integration import Call, Instead, Integration, Scope
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.plan import Data, Grant, Hole, Jsonata, Need, Text
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.dynamodb.needs import TableNeed
from stepworkflows_cdk.integrations.events.needs import RuleNeed
from stepworkflows_cdk.integrations.lambda_.needs import FunctionNeed
from stepworkflows_cdk.language.checks.resources import undeclared
from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.references import Expression, WrongValue, parse_value, references_in
from stepworkflows_cdk.language.workflow import Step, Workflow

if TYPE_CHECKING:
    from stepworkflows_cdk.local.world import World

__all__ = ["EventSpec", "WaitFor", "WaitForKeys", "WaitSpec"]

_RESOLVER = Path(__file__).parent / "resolver"
# Ids that no document can give: `waits` is no name for a resource, and functions of steps begin with `function-`.
_TABLE, _FUNCTION = "table-waits", "wait-resolver"
_DAY = 86_400
_LONGEST = 365 * _DAY  # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
_UPDATE = "aws-sdk:dynamodb:updateItem"
_REFUSED = "DynamoDb.ConditionalCheckFailedException"
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html#API_UpdateItem_Errors
_TRANSIENT = (
    "DynamoDb.InternalServerErrorException",
    "DynamoDb.ProvisionedThroughputExceededException",
    "DynamoDb.RequestLimitExceededException",
    "DynamoDb.SdkClientException",
    "DynamoDb.ServiceUnavailableException",
    "DynamoDb.ThrottlingException",
)
_NAMES = {"#token": "token", "#owner": "owner", "#answer": "answer", "#expires": "expires"}


def _paths(match: dict[str, Any]) -> dict[str, Any]:
    for path in match:
        if not all(part and part.replace("-", "_").isidentifier() for part in path.split(".")):
            raise ValueError("names of fields of the detail, with dots between them where one is inside another")
    return match


class EventSpec(Keys):
    """The kind of event that ends the wait."""

    source: str = Field(min_length=1, description="Who sends it; fixed at deployment.")
    detail_type: str = Field(min_length=1, description="What kind of event it is; fixed at deployment.")
    bus: str | None = Field(
        None, description="The name of a bus under `resources`; default: the account's default bus."
    )


class WaitSpec(Keys):
    """What ends the wait."""

    event: EventSpec = Field(description="An event of EventBridge.")
    match: Annotated[dict[str, Any], AfterValidator(_paths)] = Field(
        min_length=1,
        description="Field of the event's detail, such as `order.id` -> the value that it must have. "
        "Together they single out the execution.",
    )


class WaitForKeys(Keys):
    """The key of a step that waits for the outside world. It needs a `timeout`. Its result is the event: `{result.time}`,
    `{result.detail.x}`.
    """

    wait_for: WaitSpec = Field(description="What ends the wait.")


class WaitFor(Integration):
    """A task token in a table: https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token."""

    key = "wait-for"
    keys = WaitForKeys
    transient = _TRANSIENT
    waits = True
    raises = {"WaitTaken": "another execution waits, or waited, for the same; what is matched has to single out one"}

    def has_effect(self, step: Step) -> bool:
        return False

    def check(self, step: Step, workflow: Workflow) -> Iterable[Problem]:
        spec = _spec(step)
        timeout = step.keys.timeout
        if step.whole_input:
            yield Problem("SW112", "a wait is no code of the flow", step.key_mark("wait-for"), "move it under `steps`")
            return
        if timeout is None:
            hint = "write how long it may last, such as `timeout: 14d`"
            yield Problem("SW102", "a wait needs a `timeout`", step.key_mark("wait-for"), hint)
        elif timeout > _LONGEST:
            yield Problem("SW401", "an execution lasts a year at most", step.mark_of("timeout"), "shorten the wait")
        if step.keys.inputs is not None:
            yield Problem("SW107", "`inputs` has no effect on a wait", step.key_mark("inputs"), "remove it")
        for key, value in (("source", spec.event.source), ("detail-type", spec.event.detail_type)):
            if not _fixed(value):
                message = f"`{key}` is fixed at deployment: a rule is made of it"
                mark = step.mark_of("wait-for", "event", key)
                yield Problem("SW215", message, mark, "write it out, or name `config`")
        if spec.event.bus is not None:
            yield from undeclared(step, ("wait-for", "event", "bus"), spec.event.bus, "bus", workflow)
        yield from _check_match(step, spec.match)

    def beyond_express(self, step: Step, workflow: Workflow) -> str:
        return "SW410"

    def notes(self, world: World) -> Iterable[str]:
        from stepworkflows_cdk.integrations.waits.local import notes

        return notes(_TABLE, world)

    def plan(self, step: Step, scope: Scope) -> Call:
        timeout = step.keys.timeout
        assert timeout
        spec = _spec(step)
        keep = _kept(scope.workflow)
        place = f"{scope.workflow.id}/{step.id}"
        key: dict[str, Data] = {"key": {"S": _key(place, [scope.expression(value) for value in spec.match.values()])}}
        plumbing = _plumbing(step.mark)
        rule = RuleNeed(
            id="-".join(part for part in ("rule", step.id, scope.distinct) if part),
            mark=step.key_mark("wait-for"),
            bus=scope.resource(spec.event.bus).id if spec.event.bus else None,
            source=_text(step, "source", scope.text(spec.event.source)),
            detail_type=_text(step, "detail-type", scope.text(spec.event.detail_type)),
            present=tuple(spec.match),
            function=_FUNCTION,
            beside=json.dumps({"wait": place, "match": list(spec.match), "keep": keep}),
        )
        update = Grant(scope.machine, ("dynamodb:UpdateItem",), Text((Hole(_TABLE, "arn"),)), step.key_mark("wait-for"))
        return Call(
            resource=f"{_UPDATE}.waitForTaskToken",
            arguments=_claim(key, timeout + _DAY, scope),
            timeout=timeout,
            transient=_TRANSIENT,
            errors={_REFUSED: "WaitTaken"},
            needs=(*plumbing.needs, rule),
            grants=(update, *plumbing.grants),
            instead=Instead(
                "already answered?",
                (_REFUSED,),
                Call(
                    resource=_UPDATE,
                    arguments=_take(key, scope),
                    result="$parse($states.result.Attributes.answer.S)",
                    # Without a time-out of its own, which would be taken for that of the wait.
                    transient=_TRANSIENT,
                    errors={_REFUSED: "WaitTaken"},
                ),
            ),
        )


def _spec(step: Step) -> WaitSpec:
    assert isinstance(step.work, WaitForKeys)
    return step.work.wait_for


def _check_match(step: Step, match: Mapping[str, Any]) -> Iterator[Problem]:
    for path, value in match.items():
        mark = step.mark_of("wait-for", "match", path)
        if path.startswith("detail."):
            message = f"`{path}` is sought inside the detail, where it means `detail.{path}`"
            hint = f"write `{path.removeprefix('detail.')}`, if that is meant"
            yield Problem("SW226", message, step.key_mark("wait-for", "match", path), hint, "warning")
        if value in (None, "") or isinstance(value, list | dict | float):
            yield Problem("SW219", "a value to match is a text that is not empty", mark, "write a text or a reference")
        if any(other.startswith(f"{path}.") for other in match):
            message = f"`{path}` cannot be matched as a whole and in part"
            yield Problem("SW219", message, step.key_mark("wait-for", "match", path), "keep one of them")


def _fixed(value: str) -> bool:
    try:
        parsed = parse_value(value)
    except WrongValue:
        return True  # reported as what it is
    return not isinstance(parsed, Expression) and all(part.root == "config" for part in references_in(parsed))


def _text(step: Step, key: str, text: Text) -> str:
    found = "".join(str(part) for part in text.parts)
    if not found:
        raise ConfigurationError(f"{step.mark_of('wait-for', 'event', key)}: with this config `{key}` is empty")
    return found


def _kept(workflow: Workflow) -> int:
    """Seconds for which an answer that comes before anybody waits for it is kept: as long as an execution can last by its
    waits, and a day; its `timeout`, where it has one. How long those around it last, a flow that others use cannot know.
    """
    if workflow.used:
        return _LONGEST
    if workflow.keys.timeout is not None:
        return workflow.keys.timeout
    length = _DAY
    for step in workflow.forward:
        if step.integration is not None and step.integration.waits:
            length += step.keys.timeout or 0
        elif isinstance(step.keys.wait, int):
            length += step.keys.wait
        elif step.keys.wait is not None:
            return _LONGEST  # until a time that is not known yet
    return min(length, _LONGEST)


def _key(place: str, values: list[Jsonata]) -> Jsonata:
    """The row's key: the values behind each other, escaped as in a JSON pointer (RFC 6901). The resolver makes the same
    of an event.
    """
    joined = " & '/' & ".join(f"$w({value.code})" for value in values)
    return Jsonata(
        "($w := function($v) { $type($v) in ['string', 'boolean'] or ($type($v) = 'number' and $floor($v) = $v and $abs($v) < 1e15)"
        " ? $replace($replace($string($v), '~', '~0'), '/', '~1')"
        " : $error('a value to match is missing, or is neither a text nor a whole number of 15 digits') };"
        f" {literal(f'{place}/')} & {joined})"
    )


def _claim(key: dict[str, Data], lasts: int, scope: Scope) -> dict[str, Data]:
    """The token's write. It holds where the row is new, this execution's own without an answer, or out of date."""
    return {
        "TableName": Text((Hole(_TABLE, "name"),)),
        "Key": key,
        "UpdateExpression": "SET #token = :token, #owner = :owner, #expires = :expires REMOVE #answer",
        "ConditionExpression": (
            "(attribute_not_exists(#answer) AND (attribute_not_exists(#owner) OR #owner = :owner)) OR #expires < :now"
        ),
        "ExpressionAttributeNames": _names("#token", "#owner", "#answer", "#expires"),
        "ExpressionAttributeValues": {
            ":token": {"S": Jsonata("$states.context.Task.Token")},
            ":owner": {"S": _owner(scope)},
            ":expires": {"N": Jsonata(f"$string($floor($millis() / 1000) + {lasts})")},
            ":now": {"N": Jsonata("$string($floor($millis() / 1000))")},
        },
    }


def _take(key: dict[str, Data], scope: Scope) -> dict[str, Data]:
    """The taking of an answer that is there. It holds where nobody else has it."""
    return {
        "TableName": Text((Hole(_TABLE, "name"),)),
        "Key": key,
        "UpdateExpression": "SET #owner = :owner",
        "ConditionExpression": "attribute_exists(#answer) AND (attribute_not_exists(#owner) OR #owner = :owner)",
        "ExpressionAttributeNames": _names("#owner", "#answer"),
        "ExpressionAttributeValues": {":owner": {"S": _owner(scope)}},
        "ReturnValues": "ALL_NEW",
    }


def _owner(scope: Scope) -> Jsonata:
    return Jsonata(f"$states.context.Execution.Id{scope.turn}", "string")


def _names(*placeholders: str) -> dict[str, Data]:
    return {placeholder: placeholder.removeprefix("#") for placeholder in placeholders}


@dataclass(frozen=True)
class _Plumbing:
    """What all waits share."""

    needs: tuple[Need, ...]
    grants: tuple[Grant, ...]


def _plumbing(mark: Mark) -> _Plumbing:
    table = TableNeed(id=_TABLE, mark=mark, name="waits", partition_key="key", sort_key=None, expires="expires")
    function = FunctionNeed(
        id=_FUNCTION,
        mark=mark,
        code=_RESOLVER,
        handler="handler.handler",
        env=(("TABLE", Text((Hole(_TABLE, "name"),))),),
        timeout=30,
        memory=256,
        python="3.14",
        architecture="arm64",
    )
    return _Plumbing(
        (table, function),
        (
            Grant(_FUNCTION, ("dynamodb:UpdateItem",), Text((Hole(_TABLE, "arn"),)), mark),
            Grant(_FUNCTION, ("states:SendTaskSuccess",), Text(("*",)), mark),
        ),
    )
