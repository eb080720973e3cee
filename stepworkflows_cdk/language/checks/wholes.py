"""Steps that are one: groups, forks and loops, and what is done in rounds."""

from __future__ import annotations

from collections.abc import Iterator

from stepworkflows_cdk.language.checks.errors import named_errors
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.model import NO_UNDO
from stepworkflows_cdk.language.workflow import Step, walk

__all__ = ["check"]

_TRANSIENT = "transient"


def check(step: Step) -> Iterator[Problem]:
    """The problems of one step that may be steps that are one, or rounds."""
    whole = bool(step.branches) or step.is_group
    if step.keys.repeat and not (step.integration or step.is_group):
        hint = "make it a step inside `steps` of a step with `repeat`"
        yield Problem("SW107", "`repeat` is for a step that does work or has `steps`", step.key_mark("repeat"), hint)
    if whole:
        yield from _errors(step)
    if step.keys.fail_fast:
        yield from _fast(step)
    if step.keys.repeat or (whole and step.keys.retry):
        key = "repeat" if step.keys.repeat else "retry"
        for inner in walk(step.inside):
            yield from _again(inner, step, key)
        if step.keys.repeat and step.integration and step.integration.waits:
            yield _waits(step, step, key)


def _fast(step: Step) -> Iterator[Problem]:
    """What cannot be where the first error ends the whole."""
    mark, each = step.key_mark("fail-fast"), step.keys.for_each
    if not step.branches:
        yield Problem("SW107", "`fail-fast` is for a step with `parallel` or `for-each`", mark, "remove it")
    elif step.is_race or (each and (each.collect or each.distributed)):
        what = "`join`" if step.is_race else "`collect`" if each and each.collect else "a distributed `for-each`"
        yield Problem("SW112", f"`fail-fast` and {what} do not go together", mark, "remove one of them")
    for inner in walk(step.inside):
        for key in ("undo", "pivot"):
            if inner.get(key) not in (None, False, NO_UNDO):
                message = f"with `fail-fast` of `{step.title}` this may still be at work when its error is handled"
                yield Problem("SW112", message, inner.key_mark(key), f"remove it, or `fail-fast` of `{step.title}`")


def _errors(step: Step) -> Iterator[Problem]:
    """What is transient is known of a service, not of steps."""
    for path, error in named_errors(step):
        if error == _TRANSIENT:
            message = "`transient` is for a step that does work; each service has errors of its own that are"
            mark = step.mark_of(*path) if step.get(*path) is not None else step.key_mark(path[0])
            yield Problem("SW112", message, mark, "name the errors, or write `errors: [States.ALL]`")


def _again(inner: Step, whole: Step, key: str) -> Iterator[Problem]:
    """What cannot be inside of what is done again."""
    if inner.get("undo") not in (None, NO_UNDO):
        message = f"`{whole.title}` is done again by `{key}`, and what a step inside it did before could not be undone"
        yield Problem(
            "SW112", message, inner.key_mark("undo"), f"give `{whole.title}` the `undo`, for all that it does"
        )
    if inner.keys.pivot:
        message = f"`{whole.title}` is done again by `{key}`, and there is no way back behind a pivot"
        yield Problem("SW112", message, inner.key_mark("pivot"), f"make `{whole.title}` the pivot")
    if inner.integration and inner.integration.waits:
        yield _waits(inner, whole, key)


def _waits(inner: Step, whole: Step, key: str) -> Problem:
    message = f"`{whole.title}` is done again by `{key}`, and a second wait for the same would find the first answer"
    hint = "wait once; or ask and wait in a flow of its own, told which time it is, and match that as well"
    told = ': `{uses: ask.yaml, inputs: {attempt: "{step.attempt}"}, retry: ...}`' if key == "retry" else ""
    return Problem("SW112", message, inner.key_mark("wait-for"), hint + told)
