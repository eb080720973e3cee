"""Loops: what a `for-each` calls its items, and what cannot stand inside of one."""

from __future__ import annotations

from collections.abc import Iterator

from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.references import WrongValue, parse_value
from stepworkflows_cdk.language.scope import ROOTS
from stepworkflows_cdk.language.workflow import RECORDED, Step, walk

__all__ = ["check"]


def check(step: Step) -> Iterator[Problem]:
    """The problems of one step that may be a loop."""
    each = step.keys.for_each
    if each is None:
        if step.keys.steps is not None:
            message = "`steps` inside a step is built only beside `for-each` in this version"
            yield Problem("SW109", message, step.key_mark("steps"), "write them in the list that this step is in")
        return
    if each.as_ in ROOTS:
        message = f"the item cannot be called `{each.as_}`: it is the root of references"
        yield Problem("SW108", message, step.mark_of("for-each", "as"), "give it another name")
    if isinstance(each.items, list) and each.max_items is not None:
        message = "`max-items` has no effect on a list that is written here"
        yield Problem("SW107", message, step.key_mark("for-each", "max-items"), "remove it")
    if _is_no_list(each.items):
        hint = 'write a list, or a reference to one, such as `"{input.items}"`'
        yield Problem("SW119", "the items of a `for-each` are a list", step.mark_of("for-each", "items"), hint)
    for inner in walk(branch_step for branch in step.branches for branch_step in branch.steps):
        yield from _inside(inner)


def _is_no_list(items: object) -> bool:
    """Whether it is seen here that there is no list: a text without a reference, a number, a mapping."""
    if not isinstance(items, str):
        return not isinstance(items, list)
    try:
        return isinstance(parse_value(items), str)
    except WrongValue:
        return False  # reported as what it is


def _inside(step: Step) -> Iterator[Problem]:
    if step.undo or step.get("undo") is not None:
        message = "undoing what is done for each item is not built in this version"
        hint = "move it into a flow of its own, and name that: `uses: item.yaml`"
        yield Problem("SW109", message, step.key_mark("undo"), hint)
    for output in step.outputs:
        if output.name.startswith(RECORDED):
            message = f"`{output.name}` would be one row for all items"
            mark = step.key_mark("outputs", output.name)
            yield Problem("SW112", message, mark, "give it another name, and `record` it in a step")
