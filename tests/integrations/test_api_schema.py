"""What an API checks of a body, many contracts against many values: it takes whatever the flow takes, and refuses what is
plainly wrong."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from jsonschema import Draft4Validator

from stepworkflows_cdk.compiler.contract import contract_faults
from stepworkflows_cdk.integrations.api.schema import body_schema
from stepworkflows_cdk.language.contract import Schema
from stepworkflows_cdk.local.clock import VirtualClock
from stepworkflows_cdk.local.jsonata import Evaluator

VALUES: list[Any] = [None, True, False, 0, 1, -1, 3, 0.5, 1.0, "", "a", "ab", "Größe", "a-1", "x" * 9, "null", "a@b.c"]
VALUES += [[], ["a"], [1, 2], [[1.0]], {}, {"a": 1}, {"a": "b", "b": None}]
PLAIN: list[dict[str, Any]] = [
    {},
    *({"type": type_} for type_ in ("string", "integer", "number", "boolean", "object", "array", "null")),
    {"type": "string", "minLength": 1, "maxLength": 5},
    {"type": "string", "pattern": "[a-z-]+"},
    {"type": "string", "pattern": "a|ab"},
    {"type": "string", "pattern": "(?<=a)b|.*"},
    {"type": "string", "format": "email"},
    {"type": "integer", "minimum": 0, "maximum": 1},
    {"type": "number", "minimum": 0.5},
    {"type": "array", "minItems": 1, "maxItems": 1},
    {"enum": ["a", 1, None]},
    {"enum": ["a", 1, 0.5]},
    {"const": 1},
    {"const": None},
]
SCHEMAS = [
    *PLAIN,
    *({"type": "array", "items": schema} for schema in PLAIN),
    *({"type": "object", "properties": {"a": schema}} for schema in PLAIN),
    *({"type": "object", "properties": {"a": schema}, "required": ["a"]} for schema in PLAIN),
]


@pytest.mark.parametrize("written", SCHEMAS, ids=json.dumps)
def test_an_api_takes_what_the_flow_takes(written: dict[str, Any]) -> None:
    inputs = {"one": Schema.model_validate(written)}
    evaluator = Evaluator(VirtualClock(), random.Random(1))
    bodies = [
        {"one": value} for value in (*VALUES, *([value] for value in VALUES), *({"a": value} for value in VALUES))
    ]
    found = [evaluator.data({"input": body}) for body in bodies]
    faults = [evaluator.evaluate(contract_faults(inputs), "Condition", {"states": states}) for states in found]
    taken = [body for body, fault in zip(bodies, faults, strict=True) if fault == ""]
    assert taken
    for body in taken:
        assert list(Draft4Validator(body_schema(inputs)).iter_errors(body)) == []


@pytest.mark.parametrize(
    ("written", "body"),
    [
        ({}, []),
        ({"id": {}}, {}),
        ({"id": {"type": "string"}}, {"id": 1}),
        ({"id": {"type": "string", "pattern": "[a-z]+"}}, {"id": "ab1"}),
        ({"id": {"type": "string", "maxLength": 2}}, {"id": "abc"}),
        ({"n": {"type": "integer"}}, {"n": 1.5}),
        ({"n": {"const": 1}}, {"n": 2}),
        ({"n": {"enum": [1, 2]}}, {"n": 3}),
        ({"l": {"type": "array", "items": {"type": "string"}}}, {"l": [1]}),
        ({"o": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}}, {"o": {}}),
    ],
)
def test_an_api_refuses_what_breaks_the_contract(written: dict[str, Any], body: Any) -> None:
    inputs = {name: Schema.model_validate(schema) for name, schema in written.items()}
    assert not Draft4Validator(body_schema(inputs)).is_valid(body)


def test_what_may_be_missing_is_not_required() -> None:
    inputs = {"a": Schema(required=False), "b": Schema(default=1), "c": Schema()}
    assert body_schema(inputs)["required"] == ["c"]


@pytest.mark.parametrize("schema", [{"const": None}, {"enum": [1, None]}, {"enum": [{"a": [None]}]}])
def test_no_null_stands_in_a_template(schema: dict[str, Any]) -> None:
    assert "null" not in json.dumps(body_schema({"a": Schema.model_validate(schema)}))
