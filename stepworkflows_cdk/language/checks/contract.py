"""Promises: contracts, config and outputs fit themselves, and no default breaks the type beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from stepworkflows_cdk.language.contract import Schema, contract_faults
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.document import Document, Path_
from stepworkflows_cdk.language.model import ConfigKeys, key_type
from stepworkflows_cdk.language.references import WrongValue, is_plain, parse_value, strings_in
from stepworkflows_cdk.language.scope import ROOTS
from stepworkflows_cdk.language.workflow import Output, Workflow

__all__ = ["breaks", "check", "literal", "output_problems"]


def check(workflow: Workflow) -> Iterator[Problem]:
    document = workflow.document
    for name, schema in (workflow.keys.inputs or {}).items():
        path = ("inputs", name)
        if name in ROOTS:
            message = f"an input cannot be called `{name}`: it is the root of references"
            yield Problem("SW108", message, document.key_mark(path), "give it another name")
        for inner, message, hint in contract_faults(schema, top=True):
            yield Problem("SW113", message, document.mark((*path, *inner)), hint)
        if schema.has("default"):
            yield from _default(document, (*path, "default"), schema)
    for name, config in workflow.config.items():
        yield from _config(document, name, config)


def output_problems(document: Document, output: Output, step: str = "") -> Iterator[Problem]:
    """Whether what is written for an output is of the type that it promises, and its default says nothing but itself."""
    place = (*output.path[:-1], "default")
    for path, text in strings_in(document.get(place) if output.has_default else None, place):
        if not is_plain(text):
            hint = "write `{{` for a brace, or ask in `value`: `{% $exists({a}) ? {a} : {b} %}`"
            yield Problem("SW115", "a default is a value as it stands, and no reference", document.mark(path), hint)
    if output.type is None:
        return
    written = document.get(output.path)
    known = not isinstance(written, str) or "{" not in written
    if known and not _is(written, output.type):
        yield Problem(
            "SW115", f"this value is no {output.type}", document.mark(output.path), "mend the value or the type"
        )
    if output.has_default and output.default is not None and not _is(output.default, output.type):
        mark = document.mark((*output.path[:-1], "default"))
        yield Problem("SW115", f"the default is no {output.type}", mark, "mend the default or the type")


def _default(document: Document, path: Path_, schema: Schema) -> Iterator[Problem]:
    fault = breaks(schema.default, schema)
    if fault:
        yield Problem(
            "SW113", f"the default breaks its own contract: it {fault}", document.mark(path), "mend the default"
        )


def breaks(value: Any, schema: Schema) -> str:
    """What a literal value breaks of a contract, behind the word "it"; empty where nothing is seen."""
    if schema.type is not None and not _is(value, schema.type):
        return f"is no {schema.type}"
    if schema.has("const") and value != schema.const:
        return "is not the value of `const`"
    if schema.enum is not None and value not in schema.enum:
        return "is not among the values of `enum`"
    if schema.pattern is not None and isinstance(value, str) and not re.fullmatch(schema.pattern, value):
        return "does not match `pattern`"
    if isinstance(value, str | list):
        least = schema.minLength if isinstance(value, str) else schema.minItems
        most = schema.maxLength if isinstance(value, str) else schema.maxItems
        if (least is not None and len(value) < least) or (most is not None and len(value) > most):
            return "is too short or too long"
    if isinstance(value, int | float) and not isinstance(value, bool):
        small = schema.minimum is not None and value < schema.minimum
        large = schema.maximum is not None and value > schema.maximum
        return "is too small or too large" if small or large else ""
    return next(_inner_faults(value, schema), "")


def literal(value: Any) -> bool:
    """Whether the value is known as it stands: there is no reference in it, and no expression."""
    return all(_is_literal(text) for _, text in strings_in(value))


def _is_literal(text: str) -> bool:
    try:
        return isinstance(parse_value(text), str)
    except WrongValue:
        return False  # reported as what it is


def _inner_faults(value: Any, schema: Schema) -> Iterator[str]:
    """What the fields of an object break, or the items of a list."""
    if isinstance(value, dict):
        for name in schema.required if isinstance(schema.required, list) else ():
            if name not in value:
                yield f"has no `{name}`"
        for name, inner in (schema.properties or {}).items():
            if name in value and (fault := breaks(value[name], inner)):
                yield f"has a `{name}` that {fault}"
    if isinstance(value, list) and schema.items:
        for index, item in enumerate(value):
            if fault := breaks(item, schema.items):
                yield f"has an item {index} that {fault}"


def _config(document: Document, name: str, config: ConfigKeys) -> Iterator[Problem]:
    values: list[tuple[Path_, Any]] = []
    if "default" in config.model_fields_set:
        values.append((("default",), config.default))
    values += [(("allowed", index), value) for index, value in enumerate(config.allowed or ())]
    for path, value in values:
        if not _is(value, config.type):
            mark = document.mark(("config", name, *path))
            yield Problem("SW114", f"the value is no {config.type}", mark, f"write a value of the type {config.type}")
    if config.allowed is not None and config.default is not None and config.default not in config.allowed:
        mark = document.mark(("config", name, "default"))
        yield Problem("SW114", "the default is not among the allowed values", mark, "add it to `allowed`")


def _is(value: Any, type_: str) -> bool:
    found = key_type(value)
    return found == type_ or (type_ == "number" and found == "integer")
