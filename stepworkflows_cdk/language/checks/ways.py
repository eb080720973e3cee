"""Ways that nobody takes, or that lead nowhere by an oversight: conditions that never hold, a `switch` without `else`."""

from __future__ import annotations

from collections.abc import Iterator

from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["check"]


def check(workflow: Workflow) -> Iterator[Problem]:
    for step in workflow.forward:
        if step.keys.if_ is False or _said(step.keys.if_) == "false":
            hint = "remove the step, or its `if`"
            yield Problem("SW251", "this step never runs", step.mark_of("if"), hint, "warning")
        yield from _arms(step)
        yield from _rounds(step)


def _rounds(step: Step) -> Iterator[Problem]:
    """A `repeat` that goes on to its end in any case, or never goes round."""
    said = _said(step.keys.repeat.until) if step.keys.repeat else ""
    if said == "false":
        hint = "write when it is done: `until` may read `{result}`"
        message = "this never holds: after its last round the step fails as `RepeatExhausted`"
        yield Problem("SW251", message, step.mark_of("repeat", "until"), hint, "warning")
    elif said == "true":
        message = "this always holds: there is one round"
        yield Problem("SW251", message, step.mark_of("repeat", "until"), "remove `repeat`", "warning")


def _arms(step: Step) -> Iterator[Problem]:
    before: set[str] = set()
    for index, arm in enumerate(step.arms):
        when = _said(arm.when)
        if "true" in before or when in before or when == "false":
            message = "this arm is never taken: what is before it takes all that it would"
            message = "this arm is never taken" if when == "false" else message
            mark = step.mark_of("switch", index)
            yield Problem("SW251", message, mark, "remove it, or change its condition", "warning")
        before.add(when)
    if step.arms and step.arms[-1].when is not None and "true" not in before:
        message = "where no arm holds, this `switch` does nothing"
        hint = "add `- {else: [...]}`, or `- {else: []}` where that is meant"
        yield Problem("SW252", message, step.key_mark("switch"), hint, "warning")


def _said(condition: object) -> str:
    """A condition without what makes no difference; for an `else` nothing."""
    return "".join(condition.split()) if isinstance(condition, str) else ""
