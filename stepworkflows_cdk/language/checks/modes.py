"""What a flow with ``mode: express`` cannot have, one code each; and whether a guard guards anything.

https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.ids import guarded_id
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["LONGEST", "check", "check_together", "excluded"]

LONGEST = 300
"""Seconds that an execution of an express flow lasts at most."""
_EXCLUDED: Mapping[str, tuple[str, str]] = {
    "SW410": (
        "its executions have no task tokens, which this step waits by",
        "leave `mode` away, or wait in another flow",
    ),
    "SW411": (
        "its executions do not wait for containers, or other jobs, to end",
        "leave `mode` away, or do that in another flow",
    ),
    "SW412": ("its executions have no workers", "use `runs-on: lambda`"),
    "SW413": ("its loops cannot be distributed", "give `items`"),
    "SW414": (
        "its executions do not wait for a flow that is not express itself",
        "write `mode: express` there, or `detached: true` here",
    ),
    "SW415": ("its executions can have the same name twice, so that a key starts more than one", "remove it"),
    "SW416": ("its executions have no status to ask for", "start it from a flow, an event, a schedule or a queue"),
    "SW417": ("its executions last five minutes at most", "shorten it"),
    "SW418": (
        "its executions may run twice, and what would be undone once was then done twice",
        "let the step do what has the same effect twice, such as `record` without `add`, or leave `mode` away",
    ),
    "SW419": (
        "its executions may run twice, and each run of a race can have another winner",
        "wait for all branches, or leave `mode` away",
    ),
}
"""Code -> why, and what to do."""


def check(workflow: Workflow) -> Iterator[Problem]:
    if workflow.keys.guard:
        yield from _guard(workflow)
    if workflow.keys.cancel:
        yield from _cancel(workflow)
    if not workflow.express:
        return
    if (workflow.keys.timeout or 0) > LONGEST:
        yield excluded("SW417", workflow.document.mark(("timeout",)))
    if workflow.keys.concurrency:
        message = "this is an express flow, and its executions have no status by which the next one has its turn"
        yield Problem("SW416", message, workflow.document.key_mark(("concurrency",)), "remove it")
    for step in workflow.all_steps:
        yield from _step(step, workflow)


def check_together(workflows: Sequence[Workflow]) -> Iterator[Problem]:
    """A guarded flow has a second machine, with an id of its own."""
    inner = {guarded_id(flow.id): flow for flow in workflows if flow.keys.guard}
    for flow in workflows:
        if flow.id in inner:
            message = f"the id `{flow.id}` is that of what the guard of `{inner[flow.id].id}` guards"
            yield Problem("SW201", message, flow.document.mark(("id",)), "give one of them another `id`")


def excluded(code: str, mark: Mark) -> Problem:
    """The problem of something that an express flow cannot have."""
    why, fix = _EXCLUDED[code]
    return Problem(code, f"this is an express flow, and {why}", mark, fix)


def _cancel(workflow: Workflow) -> Iterator[Problem]:
    mark = workflow.document.key_mark(("cancel",))
    if workflow.express:
        message = "this is an express flow, whose executions are over before a request could end them"
        yield Problem("SW410", message, mark, "remove it")
    elif not any(step.undo or step.keys.pivot or _waits(step) for step in workflow.forward):
        message = "no step can be undone or waits, so nothing looks for the request"
        yield Problem("SW107", message, mark, "remove it, or abort the execution")


def _waits(step: Step) -> bool:
    return step.keys.wait is not None or bool(step.integration and step.integration.waits)


def _guard(workflow: Workflow) -> Iterator[Problem]:
    mark = workflow.document.key_mark(("guard",))
    if workflow.express:
        yield Problem("SW414", "an express flow cannot be guarded: nobody can wait for one to end", mark, "remove it")
    elif not workflow.ending:
        message = "there is nothing for the guard to run where the flow ends and nothing inside can catch it"
        yield Problem("SW107", message, mark, "add `on-failure` or `finally`, or remove it")


def _step(step: Step, workflow: Workflow) -> Iterator[Problem]:
    work = step.integration
    code = work.beyond_express(step, workflow) if work else ""
    if work and work.key and code:
        yield excluded(code, step.key_mark(work.key))
    if step.keys.for_each and step.keys.for_each.distributed:
        yield excluded("SW413", step.key_mark("for-each", "source"))
    if step.is_race:
        yield excluded("SW419", step.key_mark("join"))
    for key, seconds in (("timeout", step.keys.timeout), ("wait", step.keys.wait)):
        if isinstance(seconds, int) and seconds > LONGEST:
            yield excluded("SW417", step.mark_of(key))
    if step.undo and not (work and work.idempotent(step)):
        yield excluded("SW418", step.key_mark("undo"))
