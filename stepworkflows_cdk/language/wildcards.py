"""Wildcards of IAM in names that permissions are given on: what of a value is written out must have none of its own.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

from __future__ import annotations

import re

from stepworkflows_cdk.language.references import Expression, WrongValue, parse_value

__all__ = ["fixed_parts", "wildcard_in"]

_WILDCARD = re.compile(r"[*?]|\$\{")


def fixed_parts(value: str) -> tuple[str, ...]:
    """The parts of a value that are written out, what references and expressions put in left out."""
    try:
        parsed = parse_value(value)
    except WrongValue:
        return ()  # reported as what it is
    if isinstance(parsed, Expression):
        return ()
    return (parsed,) if isinstance(parsed, str) else tuple(part for part in parsed.parts if isinstance(part, str))


def wildcard_in(text: str) -> str:
    """What in a text IAM would take for a wildcard or for a variable of its own; empty where nothing is."""
    found = _WILDCARD.search(text)
    return found.group() if found else ""
