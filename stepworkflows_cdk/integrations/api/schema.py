"""The contract of an input becomes JSON Schema as API Gateway reads it: draft 4.

It may let through what the flow refuses, and never refuses what the flow takes: the flow checks its contract itself.
https://docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings-models.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from stepworkflows_cdk.language.contract import Schema

__all__ = ["body_schema"]

_AS_THEY_ARE = ("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum")
# What regular expressions had not when draft 4 was written; a model with it cannot be made.
_NEWER = re.compile(r"\(\?<|\\[pPk]|\\u\{")


def body_schema(inputs: Mapping[str, Schema]) -> dict[str, Any]:
    """The schema of a body that is an input."""
    required = [name for name, schema in inputs.items() if not schema.optional]
    return {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        **({"required": required} if required else {}),
        **({"properties": {name: _schema(schema) for name, schema in inputs.items()}} if inputs else {}),
    }


def _schema(schema: Schema) -> dict[str, Any]:
    # Of draft 4, 1.0 is no integer; of the contract it is one.
    type_ = {"type": "number", "multipleOf": 1} if schema.type == "integer" else {"type": schema.type}
    found: dict[str, Any] = type_ if schema.type else {}
    found |= {key: getattr(schema, key) for key in _AS_THEY_ARE if getattr(schema, key) is not None}
    values = [schema.const] if schema.has("const") else schema.enum
    # CloudFormation takes no null in a template.
    if values is not None and not _has_null(values):
        found["enum"] = values
    if schema.pattern is not None and not _NEWER.search(schema.pattern):
        found["pattern"] = f"^(?:{schema.pattern})$"
    if schema.properties:
        found["properties"] = {name: _schema(inner) for name, inner in schema.properties.items()}
    if isinstance(schema.required, list) and schema.required:
        found["required"] = list(schema.required)
    if schema.items is not None:
        found["items"] = _schema(schema.items)
    return found


def _has_null(value: Any) -> bool:
    match value:
        case list():
            return any(map(_has_null, value))
        case dict():
            return any(map(_has_null, value.values()))
        case _:
            return value is None
