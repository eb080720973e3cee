"""The contract of a flow's input: a subset of JSON Schema that compiles to one expression.

Unlike JSON Schema, ``pattern`` has to match the whole value: a pattern that says how an id looks must not let through
what merely contains one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Union

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

__all__ = ["Schema", "SchemaEntry", "by_name", "contract_faults", "schema_at", "type_at"]

Type = Literal["string", "number", "integer", "boolean", "object", "array", "null"]


def _short_form(value: Any) -> Any:
    if not isinstance(value, str | dict | Schema):
        raise ValueError("a type such as `string`, or a mapping such as `{type: string, maxLength: 80}`")
    return {"type": value} if isinstance(value, str) else value


class Schema(BaseModel):
    """What one value of the input must be."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    type: Type | None = Field(None, description="The JSON type; `integer` is a number without a fraction.")
    description: str | None = Field(None, description="For readers; it changes nothing.")
    required: bool | list[str] | None = Field(
        None,
        description="`false` at the top: the value may be missing. A list: the properties that an object must have.",
    )
    default: Any = Field(None, description="The value where the input has none (top level only).")
    properties: dict[str, SchemaEntry] | None = Field(
        None, description="The fields of an object; other fields are let through."
    )
    items: SchemaEntry | None = Field(None, description="What each item of an array must be.")
    enum: list[Any] | None = Field(None, min_length=1, description="The value is one of these.")
    const: Any = Field(None, description="The value is this.")
    minLength: int | None = Field(None, ge=0, description="Fewest characters of a string.")
    maxLength: int | None = Field(None, ge=0, description="Most characters of a string.")
    minItems: int | None = Field(None, ge=0, description="Fewest items of an array.")
    maxItems: int | None = Field(None, ge=0, description="Most items of an array.")
    minimum: int | float | None = Field(None, description="Smallest number.")
    maximum: int | float | None = Field(None, description="Largest number.")
    pattern: str | None = Field(None, description="A regular expression that the whole string matches.")
    format: Literal["email", "date-time", "uuid"] | None = Field(None, description="A form that a string has.")

    def has(self, keyword: str) -> bool:
        """Whether the keyword is written; ``default: null`` and ``const: null`` count."""
        return keyword in self.model_fields_set

    @property
    def optional(self) -> bool:
        """At the top: whether the input may lack it."""
        return self.required is False or self.has("default")


def by_name(value: Any) -> Any:
    """The inputs of a flow. Raises ``ValueError`` where they are written as the schema of one object."""
    if isinstance(value, dict) and value.get("type") == "object" and isinstance(value.get("properties"), dict):
        raise ValueError("the inputs themselves, each by its name")
    return value


SchemaEntry = Annotated[Schema, BeforeValidator(_short_form, json_schema_input_type=Union[Type, Schema])]
Schema.model_rebuild()

_PYTHON_ONLY = re.compile(r"\(\?(?![:=!]|<[=!])[^)]{0,2}|(?<!\\)(?:\\\\)*\\[AZz]|[*+?}]\+")

_LIMITS = (("minLength", "maxLength"), ("minItems", "maxItems"), ("minimum", "maximum"))
_PYTHON: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "number": (int, float),
    "integer": (int, float),
    "boolean": bool,
    "object": dict,
    "array": list,
    "null": type(None),
}
_NEEDS_TYPE: dict[str, tuple[Type, ...]] = {
    "properties": ("object",),
    "items": ("array",),
    "minLength": ("string",),
    "maxLength": ("string",),
    "pattern": ("string",),
    "format": ("string",),
    "minItems": ("array",),
    "maxItems": ("array",),
    "minimum": ("number", "integer"),
    "maximum": ("number", "integer"),
}


def type_at(inputs: Mapping[str, Schema], path: tuple[str | int, ...]) -> str | None:
    """The JSON type that the contract promises for a value inside the input, None where it promises none."""
    schema = schema_at(inputs, path)
    return schema.type if schema else None


def schema_at(inputs: Mapping[str, Schema], path: tuple[str | int, ...]) -> Schema | None:
    """What the contract says of a value inside the input, None where it says nothing."""
    schema = inputs.get(str(path[0])) if path else None
    for part in path[1:]:
        if schema is None:
            return None
        # A field of a list is the list of the fields of its items: of no type that a single value has.
        properties = schema.properties if schema.type == "object" else None
        schema = schema.items if isinstance(part, int) else (properties or {}).get(part)
    return schema


def contract_faults(schema: Schema, *, top: bool) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """What the shape alone does not show: path inside the schema, message, fix."""
    for keyword, types in _NEEDS_TYPE.items():
        if schema.has(keyword) and schema.type not in types:
            yield (keyword,), f"`{keyword}` is for the type {' or '.join(types)}", f"write `type: {types[0]}` beside it"
    if not top and isinstance(schema.required, bool):
        yield (
            ("required",),
            "`required: true|false` is for the inputs themselves",
            "list the required properties in the object around it",
        )
    if isinstance(schema.required, list):
        if schema.type != "object":
            yield (
                ("required",),
                "a list of required properties is for the type object",
                "write `type: object` beside it",
            )
        for index, name in enumerate(schema.required):
            if name not in (schema.properties or {}):
                yield (
                    ("required", index),
                    f"`{name}` is required and not among the properties",
                    "declare it, or remove it here",
                )
    if not top and schema.has("default"):
        yield ("default",), "a default is for the inputs themselves, and not for what is inside them", "remove it"
    for least, most in _LIMITS:
        small, large = getattr(schema, least), getattr(schema, most)
        if small is not None and large is not None and small > large:
            yield (most,), f"no value fits: `{least}` is {small}, and `{most}` is {large}", "mend one of them"
    written: list[tuple[tuple[str | int, ...], Any]] = [
        (("enum", index), value) for index, value in enumerate(schema.enum or ())
    ]
    written += [(("const",), schema.const)] if schema.has("const") else []
    for path, value in written if schema.type else ():
        if not _is_of(schema.type, value):
            yield (
                path,
                f"this value is no {schema.type}, so that none is ever equal to it",
                "mend the value or the type",
            )
    if schema.pattern is not None:
        try:
            re.compile(schema.pattern)
        except re.error as error:
            yield ("pattern",), f"this is no regular expression: {error.msg}", "mend the pattern"
        if found := _PYTHON_ONLY.search(schema.pattern):
            message = f"`{found.group()}` is not known to JavaScript's regular expressions, which count here"
            yield ("pattern",), message, "do without it"
    for name, inner in (schema.properties or {}).items():
        yield from _inside(("properties", name), inner)
    if schema.items:
        yield from _inside(("items",), schema.items)


def _is_of(type_: str | None, value: Any) -> bool:
    number = type_ in ("number", "integer")
    whole = type_ != "integer" or isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return isinstance(value, _PYTHON[type_ or ""]) and not (number and isinstance(value, bool)) and whole


def _inside(path: tuple[str, ...], schema: Schema) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    for inner, message, hint in contract_faults(schema, top=False):
        yield (*path, *inner), message, hint
