"""Pieces of sequences: a stretch whose errors can be caught, and the list of a loop."""

from __future__ import annotations

from collections.abc import Mapping

from stepworkflows_cdk.compiler.integration import CAUSE, ERROR
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.plan import Catch, Data, Jsonata, Parallel, State
from stepworkflows_cdk.compiler.retries import ALL
from stepworkflows_cdk.compiler.tasks import Handler
from stepworkflows_cdk.compiler.values import Values
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.model import ForEachKeys
from stepworkflows_cdk.language.references import Expression, parse_value

__all__ = ["TOO_MANY", "guarded", "items_of"]

TOO_MANY = "TooManyItems"
"""The error of a list that is longer than `max-items`."""


def items_of(each: ForEachKeys, values: Values) -> Data:
    """The list of a loop. An expression may have made nothing of an empty list, and an item of a list of one."""
    if isinstance(each.items, list):
        return values.data(each.items)
    code = values.expression(each.items).code
    if isinstance(each.items, str) and isinstance(parse_value(each.items), Expression):
        code = f"($v := {code}; $type($v) = 'array' ? $v : $exists($v) ? [$v] : [])"
    if each.max_items is None:
        return Jsonata(code)
    # In two parts: the cause of an error shows the expression, and is looked at for the name.
    message = f"{literal(TOO_MANY[:4])} & {literal(f'{TOO_MANY[4:]}: there may be {each.max_items} items')}"
    return Jsonata(f"($l := {code}; $type($l) = 'array' and $count($l) > {each.max_items} ? $error({message}) : $l)")


def guarded(
    name: str, mark: Mark, branch: tuple[State, ...], assign: Mapping[str, Data], next_: str, failed: Handler
) -> Parallel:
    """A stretch in a branch of its own: only so can an error of an expression be caught."""
    catch = Catch((ALL,), failed.next, failed.assign(ERROR, CAUSE))
    return Parallel(name, mark, (branch,), next_, assign, catch=(catch,))
