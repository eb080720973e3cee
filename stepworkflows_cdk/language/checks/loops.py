"""Loops: what a `for-each` calls its items, and what cannot stand inside of one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stepworkflows_cdk.language.checks.resources import undeclared
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.document import Path_
from stepworkflows_cdk.language.each import SourceKeys
from stepworkflows_cdk.language.model import NO_UNDO, ForEachKeys
from stepworkflows_cdk.language.references import is_plain
from stepworkflows_cdk.language.scope import ROOTS
from stepworkflows_cdk.language.wildcards import fixed_parts, wildcard_in
from stepworkflows_cdk.language.workflow import RECORDED, Step, Workflow, walk

__all__ = ["FORMATS", "check", "format_of"]

FORMATS = {".json": "JSON", ".jsonl": "JSONL", ".csv": "CSV"}
"""Ends of keys -> what Step Functions calls such a file."""
_INLINE = 40  # https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html
_KEY_SIZE = 1024  # bytes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html


def check(step: Step, workflow: Workflow) -> Iterator[Problem]:
    """The problems of one step that may be a loop."""
    each = step.keys.for_each
    if each is None:
        return
    if each.as_ in ROOTS:
        message = f"the item cannot be called `{each.as_}`: it is the root of references"
        yield Problem("SW108", message, step.mark_of("for-each", "as"), "give it another name")
    if isinstance(each.items, list) and each.max_items is not None:
        message = "`max-items` has no effect on a list that is written here"
        yield Problem("SW107", message, step.key_mark("for-each", "max-items"), "remove it")
    if each.source is None and _is_no_list(each.items):
        name = each.items if isinstance(each.items, str) and re.fullmatch(r"[\w.]+", each.items) else "input.items"
        hint = f'write a list, or a reference to one, such as `"{{{name}}}"`'
        yield Problem("SW119", "the items of a `for-each` are a list", step.mark_of("for-each", "items"), hint)
    yield from _distributed(step, each, workflow)
    for inner in walk(branch_step for branch in step.branches for branch_step in branch.steps):
        yield from _recorded(inner)
        if each.distributed:
            yield from _of_its_own(inner)
        if each.distributed and inner.keys.for_each and inner.keys.for_each.distributed:
            message = "a distributed `for-each` inside another one is not built in this version"
            hint = "move it into a flow of its own, and name that: `uses: item.yaml`"
            yield Problem("SW109", message, inner.key_mark("for-each"), hint)


def _distributed(step: Step, each: ForEachKeys, workflow: Workflow) -> Iterator[Problem]:
    if not each.distributed and each.concurrency is not None and each.concurrency > _INLINE:
        message = f"{_INLINE} items at the same time are the most, unless the `for-each` is distributed"
        hint = f"write {_INLINE}, or add `batch`, `source`, `tolerate` or `results`"
        yield Problem("SW401", message, step.mark_of("for-each", "concurrency"), hint)
    for key in ("tolerate", "results") if each.collect else ():
        if getattr(each, key) is not None:
            message = f"`collect` and `{key}` do not go together: with `collect` no item fails"
            yield Problem("SW112", message, step.key_mark("for-each", key), "remove one of them")
    if each.source:
        yield from _place(step, "source", each.source.bucket, each.source.key or each.source.prefix or "", workflow)
        if each.source.key is not None and not format_of(each.source):
            message = f"the end of the key says what the file is: {', '.join(FORMATS)}"
            hint = "write it out, such as `in/{day}.json`, or add `format`"
            yield Problem("SW119", message, step.mark_of("for-each", "source", "key"), hint)
    if each.results:
        yield from _place(step, "results", each.results.bucket, each.results.prefix, workflow)


def format_of(source: SourceKeys) -> str:
    """What Step Functions calls the file; empty where neither ``format`` nor the end of the key says it."""
    if source.format:
        return FORMATS[f".{source.format}"]
    key = source.key or ""
    written = fixed_parts(key)
    ends = [name for end, name in FORMATS.items() if written and written[-1].endswith(end) and key.endswith(end)]
    return ends[0] if ends else ""


def _place(step: Step, what: str, bucket: str, key: str, workflow: Workflow) -> Iterator[Problem]:
    yield from undeclared(step, ("for-each", what, "bucket"), bucket, "bucket", workflow)
    name = "key" if step.get("for-each", what, "key") is not None else "prefix"
    path: Path_ = ("for-each", what, name)
    for part in fixed_parts(key):
        if found := wildcard_in(part):
            message = f"`{found}` has a meaning of its own in permissions, which are given on the {name}"
            yield Problem("SW219", message, step.mark_of(*path), "give the files another name")
        if len(part.encode()) > _KEY_SIZE:
            yield Problem("SW401", f"a key may have {_KEY_SIZE:,} bytes", step.mark_of(*path), "shorten it")


def _is_no_list(items: object) -> bool:
    """Whether it is seen here that there is no list: a text without a reference, a number, a mapping."""
    return is_plain(items) if isinstance(items, str) else not isinstance(items, list)


def _of_its_own(step: Step) -> Iterator[Problem]:
    """What cannot stand where each item is an execution of its own."""
    if step.get("undo") not in (None, NO_UNDO):
        message = "undoing what a distributed `for-each` does for each item is not built in this version"
        hint = "move it into a flow of its own, and name that: `uses: item.yaml`"
        yield Problem("SW109", message, step.key_mark("undo"), hint)
    if step.keys.stop:
        message = "an item of a distributed `for-each` is an execution of its own, and cannot stop the flow"
        yield Problem("SW112", message, step.key_mark("stop"), "give it an output, and `stop` behind the loop")


def _recorded(step: Step) -> Iterator[Problem]:
    for output in step.outputs:
        if output.name.startswith(RECORDED):
            message = f"`{output.name}` would be one row for all items"
            mark = step.key_mark("outputs", output.name)
            yield Problem("SW112", message, mark, "give it another name, and `record` it in a step")
