"""Strings become values: plain text, references such as ``{user.email}``, text with references in it, JSONata in ``{%
%}``.

A reference is ``{``, a letter, and a path of names, ``[0]`` and ``['odd name']``, then ``}``. In plain strings ``{{``
and ``}}`` stand for braces; inside ``{% %}`` they mean nothing, and a reference stands only where an operand may.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stepworkflows_cdk.language.expressions import Token, tokens

__all__ = [
    "Expression",
    "Part",
    "Reference",
    "Template",
    "Value",
    "WrongValue",
    "given_flow",
    "is_fixed",
    "is_plain",
    "parse_condition",
    "parse_value",
    "references_in",
    "strings_in",
]


@dataclass(frozen=True)
class Reference:
    """``parts`` are names and indices: ``{items[0].sku}`` is ``("items", 0, "sku")``. ``offset`` counts from the
    string's start.
    """

    parts: tuple[str | int, ...]
    text: str
    offset: int = 0

    @property
    def root(self) -> str:
        return str(self.parts[0])


Part = str | Reference


@dataclass(frozen=True)
class Template:
    """Text and references. With one reference and no text it keeps the type of what it refers to."""

    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Expression:
    """JSONata with references in it; ``offset`` is where the code begins in the string."""

    parts: tuple[Part, ...]
    offset: int = 0


Value = str | Template | Expression


class WrongValue(ValueError):
    """A string that is no value; ``offset`` says where."""

    def __init__(self, message: str, offset: int, hint: str) -> None:
        super().__init__(message)
        self.offset = offset
        self.hint = hint


_NAME = r"[^\W\d][\w\-]*"
_STEP = rf"""\.{_NAME}|\[\d+\]|\['[^'`]+'\]|\["[^"`]+"\]"""
_GIVEN = re.compile(r"\{resources\.([\w-]+)\}\Z")
_REFERENCE = re.compile(rf"\{{({_NAME}(?:{_STEP})*)\}}")
_PIECE = re.compile(rf"""(?P<name>{_NAME})|\[(?P<index>\d+)\]|\['(?P<single>[^'`]+)'\]|\["(?P<double>[^"`]+)"\]""")


def parse_value(text: str) -> Value:
    """What a string of a document means. Raises :class:`WrongValue`."""
    if text.startswith("{%"):
        if not text.endswith("%}") or len(text) < 4:
            raise WrongValue("an expression begins here with `{%` and does not end", 0, "end the string with `%}`")
        return parse_expression(text[2:-2], 2)
    parts: list[Part] = []
    literal = ""
    at = 0
    while at < len(text):
        char = text[at]
        if char in "{}" and text[at : at + 2] == char * 2:
            literal += char
            at += 2
            continue
        if char == "{" and text[at + 1 : at + 2].isalpha():
            found = _REFERENCE.match(text, at)
            if not found:
                raise WrongValue(
                    "a reference begins here and is not complete",
                    at,
                    "write `{name}` or `{name.field}`; write `{{` for a brace",
                )
            if literal:
                parts.append(literal)
            parts.append(_reference(found, at))
            literal = ""
            at = found.end()
            continue
        literal += char
        at += 1
    if not any(isinstance(part, Reference) for part in parts):
        return literal
    if literal:
        parts.append(literal)
    return Template(tuple(parts))


def parse_condition(text: str) -> Expression:
    """A string that is JSONata as a whole, with or without ``{% %}`` around it. Raises :class:`WrongValue`."""
    if text.startswith("{%") and text.endswith("%}"):
        return parse_expression(text[2:-2], 2)
    return parse_expression(text, 0)


def parse_expression(code: str, offset: int) -> Expression:
    """JSONata, its references found. Raises :class:`WrongValue` where a string, comment or regex does not end."""
    parts: list[Part] = []
    literal_from = 0
    for token in _tokens(code, offset):
        if token.kind != "reference":
            continue
        if token.start > literal_from:
            parts.append(code[literal_from : token.start])
        found = _REFERENCE.fullmatch(token.text)
        if not found:
            raise WrongValue(
                f"`{token.text}` is no reference", offset + token.start, "write `{name}` or `{name.field}`"
            )
        parts.append(_reference(found, offset + token.start))
        literal_from = token.end
    if literal_from < len(code) or not parts:
        parts.append(code[literal_from:])
    return Expression(tuple(parts), offset)


def is_fixed(text: str) -> bool:
    """Whether a string is known where the flow is compiled: it names nothing but ``config``. One that is no value counts
    as well, since it is reported as that.
    """
    try:
        value = parse_value(text)
    except WrongValue:
        return True
    return not isinstance(value, Expression) and all(part.root == "config" for part in references_in(value))


def is_plain(text: str) -> bool:
    """Whether a string is text, and names nothing."""
    try:
        return isinstance(parse_value(text), str)
    except WrongValue:
        return False


def literal_of(value: Any) -> Any:
    """A JSON value that names nothing, with its texts as they are meant. One that names something stays as it is written."""
    match value:
        case str():
            try:
                parsed = parse_value(value)
            except WrongValue:
                return value
            return parsed if isinstance(parsed, str) else value
        case list():
            return [literal_of(item) for item in value]
        case dict():
            return {key: literal_of(item) for key, item in value.items()}
        case _:
            return value


def references_in(value: Value) -> tuple[Reference, ...]:
    """The references of a value, in the order of the text."""
    return () if isinstance(value, str) else tuple(part for part in value.parts if isinstance(part, Reference))


def strings_in(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every string inside a JSON value, with its path; keys are no values."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings_in(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from strings_in(item, (*path, index))


def _tokens(code: str, offset: int) -> Iterator[Token]:
    try:
        yield from tokens(code)
    except SyntaxError as error:
        raise WrongValue(str(error.msg), offset + (error.offset or 0), "close it") from None


def _reference(found: re.Match[str], offset: int) -> Reference:
    parts: list[str | int] = []
    for piece in _PIECE.finditer(found.group(1)):
        index = piece.group("index")
        parts.append(
            int(index) if index is not None else piece.group("name") or piece.group("single") or piece.group("double")
        )
    return Reference(tuple(parts), found.group(0), offset)


def given_flow(written: Any) -> str | None:
    """The name of the resource where a step uses a flow that the caller gives: ``{resources.x}``."""
    found = _GIVEN.match(written) if isinstance(written, str) else None
    return found[1] if found else None
