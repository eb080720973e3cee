"""An input that the flow refuses becomes lines: the path of each fault, and what is expected there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from stepworkflows_cdk.language.contract import Schema
from stepworkflows_cdk.local import RunResult

__all__ = ["faults_of_input", "is_refused"]

_ERROR, _BEFORE, _MISSING = "InvalidInput", "wrong input: ", " is missing"


def is_refused(result: RunResult, began: bool) -> bool:
    """Whether a run, of which no step ``began``, ended since its input is not as the flow declares it."""
    return result.error == _ERROR and not began and (result.cause or "").startswith(_BEFORE)


def faults_of_input(cause: str, inputs: Mapping[str, Schema]) -> Iterator[str]:
    """A line for each fault that the cause names."""
    for fault in re.split(r"; (?=[^;]+ (?:is missing|must ))", cause.removeprefix(_BEFORE)):
        path = fault.removesuffix(_MISSING)
        schema = _at(path, inputs) if path != fault else None
        expected = f"; expected: {_expected(schema)}" if schema else ""
        yield f"{fault}{expected}"


def _at(path: str, inputs: Mapping[str, Schema]) -> Schema | None:
    """The schema of ``user.addresses[0].city``."""
    first, *rest = re.findall(r"[^.\[\]]+|\[\d+\]", path)
    schema = inputs.get(first)
    for part in rest:
        if schema is not None:
            schema = schema.items if part.startswith("[") else (schema.properties or {}).get(part)
    return schema


def _expected(schema: Schema) -> str:
    """``integer, at least 1``, ``string, email``."""
    return ", ".join(_words(schema))


def _words(schema: Schema) -> Iterator[str]:
    yield schema.type or "any value"
    if schema.format is not None:
        yield schema.format
    if schema.enum is not None:
        yield f"one of {', '.join(json.dumps(value, ensure_ascii=False) for value in schema.enum)}"
    if schema.has("const"):
        yield json.dumps(schema.const, ensure_ascii=False)
    if schema.pattern is not None:
        yield f"that matches {schema.pattern}"
    for least, most, what in (
        (schema.minimum, schema.maximum, ""),
        (schema.minLength, schema.maxLength, " characters"),
        (schema.minItems, schema.maxItems, " items"),
    ):
        if least is not None:
            yield f"at least {least}{what}"
        if most is not None:
            yield f"at most {most}{what}"
    if isinstance(schema.required, list) and schema.required:
        yield f"with {', '.join(schema.required)}"
