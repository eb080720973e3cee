"""The inputs of a step become one JSON text, as one expression.

The text is put together of its parts, and not made of one object: an object leaves out what has no value, and a list
runs into lists inside it, where the inputs of a function would be refused, or kept apart.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from stepworkflows_cdk.compiler.integration import Scope
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.plan import Jsonata
from stepworkflows_cdk.language.references import Expression, Template, parse_value
from stepworkflows_cdk.language.workflow import Step

__all__ = ["json_text"]

# The value inside an object, without the brackets: only so is a text written with its quotes.
_WRITE = (
    "$w := function($v) { $exists($v) ? ($t := $string({'v': $v}); $substring($t, 5, $length($t) - 6))"
    " : $error('an input of the step has no value') }"
)


def json_text(step: Step, scope: Scope) -> Jsonata:
    """What the step is given, as JSON."""
    if step.whole_input:
        return Jsonata("$string($input)", "string")
    if isinstance(step.keys.inputs, str):
        return Jsonata(f"({_WRITE}; $w({scope.expression(step.keys.inputs).code}))", "string")
    pieces: list[str] = []
    for text, code in _pieces(step.named_inputs, scope):
        if code:
            pieces.append(f"$w({text})")
        elif pieces and pieces[-1].startswith('"'):
            pieces[-1] = literal(json.loads(pieces[-1]) + text)
        else:
            pieces.append(literal(text))
    joined = " & ".join(pieces)
    return Jsonata(joined if len(pieces) == 1 else f"({_WRITE}; {joined})", "string")


def _pieces(value: Any, scope: Scope) -> Iterator[tuple[str, bool]]:
    """Pieces of JSON, and expressions (True) whose values stand between them."""
    match value:
        case dict():
            yield "{", False
            for number, (key, item) in enumerate(value.items()):
                yield f"{', ' if number else ''}{literal(key)}: ", False
                yield from _pieces(item, scope)
            yield "}", False
        case list():
            yield "[", False
            for number, item in enumerate(value):
                if number:
                    yield ", ", False
                yield from _pieces(item, scope)
            yield "]", False
        case str() if isinstance(parse_value(value), Template | Expression):
            yield scope.expression(value).code, True
        case str():
            yield literal(parse_value(value)), False
        case _:
            yield literal(value), False
