"""``record: {table, key, mode, ...}``: writes one row, directly from the state machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from stepworkflows_cdk.compiler.integration import Call, Integration, Scope
from stepworkflows_cdk.compiler.plan import Data, Grant, Jsonata, Need
from stepworkflows_cdk.integrations.dynamodb.errors import CONDITION_FAILED, TRANSIENT
from stepworkflows_cdk.integrations.dynamodb.expressions import Expressions
from stepworkflows_cdk.integrations.dynamodb.marshal import key_value, marshal
from stepworkflows_cdk.integrations.dynamodb.needs import TableNeed
from stepworkflows_cdk.integrations.dynamodb.tables import table_arn, table_name, table_problems
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["Record", "RecordKeys"]

_TIMEOUT = 60
RECORDED_BY = "recorded_by"


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
    records_outputs = True

    def check(self, step: Step, workflow: Workflow) -> Iterable[Problem]:
        spec = _spec(step)
        yield from table_problems(step, workflow, "record", spec.table, spec.key)
        attributes = step.keys.inputs or {}
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
        if spec.mode == "update" and not (attributes or spec.add or spec.append):
            yield Problem(
                "SW219", "an update that changes nothing", step.key_mark("record"), "give `inputs`, `add` or `append`"
            )
        if spec.mode == "once" and RECORDED_BY in attributes:
            message = f"`{RECORDED_BY}` is how `once` knows its own row"
            yield Problem("SW218", message, step.key_mark("inputs", RECORDED_BY), "give it another name")
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
        inputs = scope.inputs()
        assert isinstance(inputs, dict)
        expressions = Expressions()
        if spec.mode == "update":
            arguments: dict[str, Data] = {"TableName": table_name(need), "Key": key}
            arguments["UpdateExpression"] = expressions.update(
                {name: marshal(value) for name, value in inputs.items()},
                {name: marshal(scope.data(value)) for name, value in (spec.add or {}).items()},
                {name: marshal([scope.data(value)]) for name, value in (spec.append or {}).items()},
            )
            action = "UpdateItem"
        else:
            item = {**key, **{name: marshal(value) for name, value in inputs.items()}}
            if spec.mode == "once":
                item[RECORDED_BY] = {"S": _recorder(step)}
            arguments = {"TableName": table_name(need), "Item": item}
            action = "PutItem"
        if spec.mode == "once":
            arguments["ConditionExpression"] = expressions.once(
                next(iter(spec.key)), RECORDED_BY, {"S": _recorder(step)}
            )
        elif spec.condition:
            wanted = {name: _allowed(value, scope) for name, value in spec.condition.items()}
            arguments["ConditionExpression"] = expressions.condition(wanted)
        conditional = "ConditionExpression" in arguments
        return _call(action, {**arguments, **expressions.arguments()}, need, step, scope, conditional)

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


def _recorder(step: Step) -> Jsonata:
    """Who writes: a second try of the same step is then no second writer."""
    return Jsonata(f"$states.context.Execution.Id & '/{step.id}'")


def _allowed(value: Any, scope: Scope) -> list[Data]:
    """The typed values that an attribute may have; None stands for an attribute that is not there."""
    allowed = value if isinstance(value, list) else [value]
    return [None if item is None else marshal(scope.data(item)) for item in allowed]
