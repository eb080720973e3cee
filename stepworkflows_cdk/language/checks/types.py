"""Values of a kind: lists where lists are meant, times where times are, nothing inside of what has no inside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from stepworkflows_cdk.language.contract import schema_at
from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.references import Reference
from stepworkflows_cdk.language.scope import View, root_meant
from stepworkflows_cdk.language.targets import InputTarget, Target
from stepworkflows_cdk.language.types import type_of_value
from stepworkflows_cdk.language.workflow import Step

__all__ = ["of_a_kind", "within"]

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_SCALARS = ("string", "number", "integer", "boolean")


def of_a_kind(step: Step, view: View) -> Iterator[Problem]:
    """The items of a `for-each`, and the time that a `wait` lasts until."""
    until = step.get("wait", "until")
    if isinstance(until, str):
        hint = "write a time such as 2026-01-31T12:00:00Z, or a reference to one"
        mark = step.mark_of("wait", "until")
        if "{" not in until and not _TIME.fullmatch(until):
            yield Problem("SW118", "this is no point in time", mark, hint)
        elif (type_ := type_of_value(until, view)) not in (None, "string"):
            yield Problem("SW118", f"`{until}` is no point in time: it is of the type {type_}", mark, hint)
    items = step.get("for-each", "items") if step.keys.for_each else None
    if isinstance(items, str) and (type_ := type_of_value(items, view)) not in (None, "array"):
        message = f"`{items}` is no list: it is of the type {type_}"
        pairs = f"$each({items}, function($v, $k) {{'key': $k, 'value': $v}})"
        hint = f"name a list; for what is in an object write `{{% {pairs} %}}`"
        if type_ != "object":
            hint = f'name a list, or declare it as `{{type: array}}`; for one item write `["{items}"]`'
        yield Problem("SW119", message, step.mark_of("for-each", "items"), hint)


def within(target: Target, reference: Reference, view: View, mark: Mark) -> Iterator[Problem]:
    """What is inside of a value that has no inside, and a field that looks like a declared one."""
    if not isinstance(target, InputTarget):
        return
    if (
        target.inferred
        and len(target.path) > 1
        and reference.root != "input"
        and (meant := root_meant(target.path, view))
    ):
        message = f"`{target.path[0]}` is taken for a field of the input, which is open"
        hint = f"{meant}; if it is one, `{{input.{reference.text[1:-1]}}}` says so"
        yield Problem("SW203", message, mark, hint, "warning")
    inputs = view.workflow.keys.inputs or {}
    for length in range(1, len(target.path)):
        around, part = schema_at(inputs, target.path[:length]), target.path[length]
        name = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in target.path[:length])[1:]
        if around is not None and around.type in _SCALARS:
            message = f"`{name}` is of the type {around.type}, and has nothing inside"
            yield Problem("SW203", message, mark, f"write `{{input.{name}}}`, or declare it as `{{type: object}}`")
            return
        close = get_close_matches(str(part), around.properties or (), n=1, cutoff=0.8) if around else ()
        if around is not None and close and part not in (around.properties or ()):
            message = f"the contract of `{name}` does not name `{part}`"
            hint = f"did you mean `{close[0]}`? else declare it, under `properties`"
            yield Problem("SW307", message, mark, hint, "warning")
