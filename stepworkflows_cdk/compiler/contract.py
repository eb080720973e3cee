"""The contract of an input becomes one expression: the list of what is wrong with it, by path and never by value.

Everything is written so that no input can make the expression itself fail: a check asks for the type before it looks
closer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.language.contract import Schema

__all__ = ["contract_faults", "input_value"]

_INPUT = "$states.input"
_END = r"(?![\s\S])"  # `$` also matches before a last line break, in some engines
_FORMATS = {
    "email": (r"^[^@\s]+@[^@\s]+\.[^@\s]+" + _END, "an e-mail address"),
    "date-time": (
        r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)" + _END,
        "a date and time such as 2026-01-31T12:00:00Z",
    ),
    "uuid": (r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}" + _END, "a UUID"),
}


def input_value(inputs: Mapping[str, Schema]) -> str:
    """The input with its defaults, as JSONata."""
    defaults = {name: schema.default for name, schema in inputs.items() if schema.has("default")}
    return f"$merge([{literal(defaults)}, {_INPUT}])" if defaults else _INPUT


def contract_faults(inputs: Mapping[str, Schema]) -> str:
    """JSONata for the faults of the input, one text, each fault behind ``; ``; empty where the input is as declared."""
    fields = [
        _present(f"$lookup({_INPUT}, {literal(name)})", literal(name), schema, 0, required=not schema.optional)
        for name, schema in inputs.items()
    ]
    return f"$type({_INPUT}) != 'object' ? '; the input must be an object' : {_all(fields)}"


def _all(faults: list[str]) -> str:
    return f"({' & '.join(faults)})" if faults else '""'


def _fault(where: str, what: str) -> str:
    return f"'; ' & {where} & {literal(what)}"


def _present(value: str, where: str, schema: Schema, depth: int, *, required: bool) -> str:
    """Faults of a value that may be missing. ``where`` is JSONata for its path."""
    missing = _fault(where, " is missing") if required else '""'
    return f"($v{depth} := {value}; $exists($v{depth}) ? {_faults(f'$v{depth}', where, schema, depth + 1)} : {missing})"


def _faults(value: str, where: str, schema: Schema, depth: int) -> str:
    """Faults of a value that is there: of its type, or of what is inside it."""
    inner = [f'({test} ? "" : {_fault(where, " must " + what)})' for test, what in _tests(value, schema)]
    inner += _parts(value, where, schema, depth)
    if schema.type is None:
        return _all(inner)
    article = "an" if schema.type[0] in "aoi" else "a"
    kind = "null" if schema.type == "null" else f"{article} {schema.type}"
    return f"({_has_type(value, schema.type)} ? {_all(inner)} : {_fault(where, f' must be {kind}')})"


def _has_type(value: str, type_: str) -> str:
    if type_ == "integer":
        return f"$type({value}) = 'number' and $floor({value}) = {value}"
    return f"$type({value}) = {literal(type_)}"


def _tests(value: str, schema: Schema) -> Iterator[tuple[str, str]]:
    """Each test with what must hold."""
    if schema.enum is not None:
        tests = " or ".join(f"{value} = {literal(allowed)}" for allowed in schema.enum)
        yield f"({tests})", f"be one of {', '.join(literal(allowed) for allowed in schema.enum)}"
    if schema.has("const"):
        yield f"{value} = {literal(schema.const)}", f"be {literal(schema.const)}"
    if schema.minLength is not None:
        yield f"$length({value}) >= {schema.minLength}", f"have at least {schema.minLength} characters"
    if schema.maxLength is not None:
        yield f"$length({value}) <= {schema.maxLength}", f"have at most {schema.maxLength} characters"
    if schema.minItems is not None:
        yield f"$count({value}) >= {schema.minItems}", f"have at least {schema.minItems} items"
    if schema.maxItems is not None:
        yield f"$count({value}) <= {schema.maxItems}", f"have at most {schema.maxItems} items"
    if schema.minimum is not None:
        yield f"{value} >= {literal(schema.minimum)}", f"be at least {literal(schema.minimum)}"
    if schema.maximum is not None:
        yield f"{value} <= {literal(schema.maximum)}", f"be at most {literal(schema.maximum)}"
    if schema.pattern is not None:
        yield f"$contains({value}, {regex(f'^(?:{schema.pattern}){_END}')})", f"match {schema.pattern}"
    if schema.format is not None:
        pattern, what = _FORMATS[schema.format]
        yield f"$contains({value}, {regex(pattern)})", f"be {what}"


def _parts(value: str, where: str, schema: Schema, depth: int) -> Iterator[str]:
    required = schema.required if isinstance(schema.required, list) else ()
    for name, inner in (schema.properties or {}).items():
        place = f"{where} & {literal('.' + name)}"
        yield _present(f"$lookup({value}, {literal(name)})", place, inner, depth, required=name in required)
    if schema.items is not None:
        item, index = f"$i{depth}", f"$n{depth}"
        place = f"{where} & '[' & $string({index}) & ']'"
        each = f"$map({value}, function({item}, {index}) {{ {_faults(item, place, schema.items, depth + 1)} }})"
        yield f'("" & $join({each}))'  # of no items there is nothing, and no text


def regex(pattern: str) -> str:
    """A regular expression as a JSONata literal.

    JSONata finds the end of a literal by counting brackets, without a look at classes and at escaped backslashes; so
    brackets in classes and backslashes are written by their numbers.
    """
    written, index, in_class = "", 0, False
    while index < len(pattern):
        char, following = pattern[index], pattern[index + 1 : index + 2]
        if char == "\\":
            written += "\\x5c" if following == "\\" else char + following
            index += 2
            continue
        if in_class and char in "()[{}":
            written += f"\\x{ord(char):02x}"
        else:
            written += "\\/" if char == "/" else char
        in_class = char == "[" or (in_class and char != "]")
        index += 1
    return f"/{written}/"
