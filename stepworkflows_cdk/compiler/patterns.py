"""A text with references becomes what it is while the flow runs, and the pattern that permissions are given on.

Permissions on a file or on an address of an API name it. What of a name is fixed at deployment stands in them as it is;
what a reference puts in is a ``*``, IAM's wildcard. So the fixed part must have no wildcards of its own.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.plan import Data, Hole, Jsonata, Text
from stepworkflows_cdk.language.references import Expression, parse_value
from stepworkflows_cdk.language.wildcards import wildcard_in

__all__ = ["Pattern", "as_text", "pattern_of"]

# What is missing would silently lead to another name; in an address, `..` would too, which encoding leaves as it is.
_PART = (
    "$p := function($v) { $type($v) in ['string', 'number', 'boolean'] and $not($string($v) in NONE) ? ENCODED"
    " : $error('a part of WHAT is missing, or no name') }"
)


class Scope(Protocol):
    """What compiles values of the document."""

    def data(self, value: Any) -> Data: ...

    def expression(self, value: Any) -> Jsonata: ...


@dataclass(frozen=True)
class Pattern:
    """``data`` is the text while the flow runs, ``text`` the same with ``*`` for all that is not known before.

    ``wildcard`` is what in the fixed part, by a config, IAM would take for a wildcard; empty where nothing is.
    """

    data: Data
    text: Text
    wildcard: str = ""

    @property
    def exact(self) -> bool:
        """Whether all of it is fixed at deployment."""
        return not isinstance(self.data, Jsonata)

    def in_(self, arn: Text) -> Text:
        """The ARN of what has this name in a resource: a file in a bucket."""
        return Text((*arn.parts, *_merged(["/", *self.text.parts])))


def pattern_of(value: str, scope: Scope, what: str, *, encoded: bool = False) -> Pattern:
    """The pattern of a value of the document. ``what`` it is, for whoever reads an error (``the key``); ``encoded``: what
    references put in is percent-encoded, so that it stays inside the part of an address that it stands in.
    """
    parsed = parse_value(value)
    if isinstance(parsed, Expression):
        return Pattern(scope.expression(value), Text(("*",)))
    if isinstance(parsed, str):
        return Pattern(parsed, Text((parsed,)), wildcard_in(parsed))
    known: list[str | Hole] = []
    codes: list[str] = []
    wildcard = ""
    for part in parsed.parts:
        data: Data = part if isinstance(part, str) else scope.data(part.text)
        if isinstance(data, Jsonata | Text):
            assert not isinstance(part, str)
            codes.append(f"$p({scope.expression(part.text).code})")
            known.extend(data.parts if isinstance(data, Text) else ("*",))
        else:
            text = data if isinstance(data, str) else literal(data)
            wildcard = wildcard or wildcard_in(text)
            codes.append(literal(text))
            known.append(text)
    if not any(code.startswith("$p(") for code in codes):
        text = "".join(str(part) for part in known)
        return Pattern(text, Text((text,)), wildcard_in(text))
    function = _PART.replace("ENCODED", "$encodeUrlComponent($string($v))" if encoded else "$string($v)")
    function = function.replace("NONE", "['', '.', '..']" if encoded else "['']")
    joined = " & ".join(codes)
    return Pattern(Jsonata(f"({function.replace('WHAT', what)}; {joined})", "string"), Text(_merged(known)), wildcard)


def as_text(data: Data) -> Data:
    """A text stays one; what a reference gives is written as text."""
    if isinstance(data, Jsonata) and data.type != "string":
        return Jsonata(f"$string({data.code})", "string")
    return data if isinstance(data, str | Text | Jsonata) else literal(data)


def _merged(parts: list[str | Hole]) -> tuple[str | Hole, ...]:
    merged: list[str | Hole] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            # Two references behind each other are one unknown.
            merged[-1] += "" if part == "*" and merged[-1].endswith("*") else part
        else:
            merged.append(part)
    return tuple(merged)
