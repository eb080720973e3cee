"""``record: {table, key, mode, ...}``: writes one row, directly from the state machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from stepworkflows_cdk.compiler.integration import STATE, Call, Instead, Integration, Scope
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.plan import Data, Grant, Jsonata, Need
from stepworkflows_cdk.integrations.dynamodb.errors import CONDITION_FAILED, TRANSIENT
from stepworkflows_cdk.integrations.dynamodb.expressions import Expressions
from stepworkflows_cdk.integrations.dynamodb.marshal import key_value, marshal, object_code
from stepworkflows_cdk.integrations.dynamodb.needs import TableNeed
from stepworkflows_cdk.integrations.dynamodb.tables import table_arn, table_name, table_problems
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["Record", "RecordKeys"]

_TIMEOUT = 60
RECORDED_BY = "recorded_by"
_OWN = f"`{RECORDED_BY}` is how a second try of a step knows what the first has written"


class RecordSpec(Keys):
    """One row, and how it is written. The attributes are the step's `inputs`."""

    table: str = Field(description="The name of a table under `resources`.")
    key: dict[str, Any] = Field(min_length=1, description="The row's key: attribute -> value.")
    mode: Literal["put", "update", "once"] = Field(
        "put",
        description="`put` replaces the row; `update` changes the given attributes; `once` writes a row that is not there yet.",
    )
    add: dict[str, Any] | None = Field(None, description="With `update`: attribute -> number added to it.")
    append: dict[str, Any] | None = Field(None, description="With `update`: attribute -> value appended to its list.")
    condition: dict[str, Any] | None = Field(
        None, description="Attribute -> the value that it must have; null: it must not be there; a list: any of these."
    )


class RecordKeys(Keys):
    """The key of a step that records."""

    record: RecordSpec = Field(description="The row and how it is written.")


class Record(Integration):
    """DynamoDB by the optimised integration: https://docs.aws.amazon.com/step-functions/latest/dg/connect-ddb.html."""

    key = "record"
    keys = RecordKeys
    transient = TRANSIENT
    records_outputs = True
    raises = {"ConditionFailed": "the `condition` of a `record` does not hold, or a row to write `once` is there"}
    renamed = CONDITION_FAILED

    def takes_whole(self, step: Step) -> bool:
        return _spec(step).mode != "update"

    def idempotent(self, step: Step) -> bool:
        spec = _spec(step)
        return not (spec.add or spec.append)

    def check(self, step: Step, workflow: Workflow) -> Iterable[Problem]:
        spec = _spec(step)
        yield from table_problems(step, workflow, "record", spec.table, spec.key)
        attributes = step.named_inputs
        for name in attributes:
            if name in spec.key:
                yield Problem(
                    "SW218",
                    f"`{name}` is the key of the row already",
                    step.key_mark("inputs", name),
                    "remove it from `inputs`",
                )
        for kind, extra in (("add", spec.add), ("append", spec.append)):
            if extra is not None and spec.mode != "update":
                yield Problem(
                    "SW219", f"`{kind}` needs `mode: update`", step.key_mark("record", kind), "write `mode: update`"
                )
            for name in extra or {}:
                if name in attributes or name in spec.key:
                    yield Problem(
                        "SW218", f"`{name}` is written twice", step.key_mark("record", kind, name), "keep one of them"
                    )
        for name in set(spec.add or {}) & set(spec.append or {}):
            yield Problem(
                "SW218", f"`{name}` is written twice", step.key_mark("record", "append", name), "keep one of them"
            )
        if spec.mode == "update" and not (step.given_whole or attributes or spec.add or spec.append):
            yield Problem(
                "SW219", "an update that changes nothing", step.key_mark("record"), "give `inputs`, `add` or `append`"
            )
        places = {"inputs": attributes, "record/key": spec.key, "record/add": spec.add, "record/append": spec.append}
        for place, written in places.items() if spec.mode == "once" or spec.add or spec.append else ():
            if RECORDED_BY in (written or {}):
                mark = step.key_mark(*place.split("/"), RECORDED_BY)
                yield Problem("SW218", _OWN, mark, "give it another name")
        for name, value in (spec.add or {}).items():
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number and not (isinstance(value, str) and "{" in value):
                mark = step.mark_of("record", "add", name)
                yield Problem("SW219", "only a number can be added", mark, "write a number")
        if spec.mode == "once" and spec.condition is not None:
            yield Problem(
                "SW219",
                "`once` is a condition already",
                step.key_mark("record", "condition"),
                "use `mode: put` with a condition",
            )
        for name, value in (spec.condition or {}).items():
            if value == []:
                yield Problem(
                    "SW219",
                    "an empty list can never hold",
                    step.mark_of("record", "condition", name),
                    "give the values allowed",
                )

    def plan(self, step: Step, scope: Scope) -> Call:
        spec = _spec(step)
        need = scope.resource(spec.table)
        key = {name: key_value(scope.data(value)) for name, value in spec.key.items()}
        written = (
            {} if step.given_whole else {name: marshal(scope.data(value)) for name, value in step.named_inputs.items()}
        )
        expressions = Expressions()
        grows = bool(spec.add or spec.append)
        if spec.mode == "update":
            arguments: dict[str, Data] = {"TableName": table_name(need), "Key": key}
            arguments["UpdateExpression"] = expressions.update(
                {**written, RECORDED_BY: {"S": _state(scope)}} if grows else written,
                {name: marshal(scope.data(value)) for name, value in (spec.add or {}).items()},
                {name: marshal([scope.data(value)]) for name, value in (spec.append or {}).items()},
            )
            action = "UpdateItem"
        else:
            own: dict[str, Data] = {RECORDED_BY: {"S": _recorder(step, scope)}} if spec.mode == "once" else {}
            item = _row(step, scope) if step.given_whole or step.whole_input else {**key, **written, **own}
            arguments = {"TableName": table_name(need), "Item": item}
            action = "PutItem"
        if spec.mode == "once":
            arguments["ConditionExpression"] = expressions.once(
                next(iter(spec.key)), RECORDED_BY, {"S": _recorder(step, scope)}
            )
        elif spec.condition or grows:
            wanted = {name: _allowed(value, scope) for name, value in (spec.condition or {}).items()}
            clauses = [expressions.condition(wanted)] if wanted else []
            clauses += [expressions.not_by(RECORDED_BY, {"S": _state(scope)})] if grows else []
            arguments["ConditionExpression"] = " AND ".join(clauses)
        conditional = "ConditionExpression" in arguments
        call = _call(action, {**arguments, **expressions.arguments()}, need, step, scope, conditional)
        return replace(call, instead=_written_before(key, need, step, scope)) if grows else call

    def plan_outputs(self, step: Step, outputs: Mapping[str, Jsonata], scope: Scope) -> Call:
        need = TableNeed(id="table-outputs", mark=step.mark, name="outputs", partition_key="execution", sort_key=None)
        expressions = Expressions()
        update = expressions.update({name: marshal(value) for name, value in outputs.items()}, {}, {})
        arguments: dict[str, Data] = {
            "TableName": table_name(need),
            "Key": {"execution": {"S": Jsonata("$states.context.Execution.Id")}},
            "UpdateExpression": update,
            **expressions.arguments(),
        }
        call = _call("UpdateItem", arguments, need, step, scope, conditional=False)
        return Call(
            call.resource, call.arguments, call.result, call.timeout, call.transient, needs=(need,), grants=call.grants
        )


def _row(step: Step, scope: Scope) -> Jsonata:
    """The row where one value gives all of its attributes. Those that the step itself writes win."""
    spec = _spec(step)
    own = {name: f"$string({scope.expression(value).code})" for name, value in spec.key.items()}
    if spec.mode == "once":
        own[RECORDED_BY] = _recorder(step, scope).code
    inside = ", ".join(f"{literal(name)}: {{'S': {code}}}" for name, code in own.items())
    given = "$input" if step.whole_input else scope.expression(step.keys.inputs).code
    return Jsonata(f"$merge([{object_code(given)}, {{{inside}}}])")


def _spec(step: Step) -> RecordSpec:
    assert isinstance(step.work, RecordKeys)
    return step.work.record


def _call(action: str, arguments: Data, need: Need, step: Step, scope: Scope, conditional: bool) -> Call:
    return Call(
        resource=f"dynamodb:{action[0].lower()}{action[1:]}",
        arguments=arguments,
        timeout=step.keys.timeout or _TIMEOUT,
        transient=TRANSIENT,
        errors=CONDITION_FAILED if conditional else {},
        grants=(Grant(scope.machine, (f"dynamodb:{action}",), table_arn(need), step.mark),),
    )


def _written_before(key: dict[str, Data], need: Need, step: Step, scope: Scope) -> Instead:
    """Where an update that adds is refused: whether it was this step itself that wrote last, in a try whose answer was
    lost. Then it is done; else the condition failed.
    """
    expressions = Expressions()
    update = expressions.update({RECORDED_BY: {"S": _state(scope)}}, {}, {})
    condition = expressions.condition({RECORDED_BY: [{"S": _state(scope)}]})
    arguments: dict[str, Data] = {
        "TableName": table_name(need),
        "Key": key,
        "UpdateExpression": update,
        "ConditionExpression": condition,
        **expressions.arguments(),
    }
    call = _call("UpdateItem", arguments, need, step, scope, conditional=True)
    return Instead("written before?", tuple(CONDITION_FAILED), call)


def _recorder(step: Step, scope: Scope) -> Jsonata:
    """Who writes: a second try of the same step is then no second writer."""
    return Jsonata(f"$states.context.Execution.Id & '/{step.id}'{scope.turn}")


def _state(scope: Scope) -> Jsonata:
    """Who adds: a second try of the same state."""
    return Jsonata(f"$states.context.Execution.Id & '/' & {STATE}{scope.turn}", "string")


def _allowed(value: Any, scope: Scope) -> list[Data]:
    """The typed values that an attribute may have; None stands for an attribute that is not there."""
    allowed = value if isinstance(value, list) else [value]
    return [None if item is None else marshal(scope.data(item)) for item in allowed]
