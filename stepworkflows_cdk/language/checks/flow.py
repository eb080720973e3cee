"""The graph: ids and names, one work for each step, undo and pivot, what a step without work may say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from stepworkflows_cdk.language.checks import loops, races, wholes
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.model import NO_UNDO
from stepworkflows_cdk.language.needs import has_needs, in_order, lists
from stepworkflows_cdk.language.views import ends
from stepworkflows_cdk.language.workflow import Step, Workflow, walk

__all__ = ["check"]

_CONTROLS = ("for-each", "require", "fail", "stop", "wait", "switch", "parallel")
_TASK_KEYS = (
    "retry",
    "policy",
    "on-error",
    "catch",
    "undo",
    "pivot",
    "timeout",
    "heartbeat",
    "ignore",
    "env",
    "secrets",
    "permissions",
)
_WHOLES = ("parallel", "for-each", "steps")
_FOR_WHOLES = ("on-error", "catch", "pivot", "retry", "undo")
_UNDO_MISFITS = (
    "undo",
    "undo-when",
    "pivot",
    "on-error",
    "catch",
    "if",
    "needs",
    "for-each",
    "repeat",
    "steps",
    "wait-for",
)
_ENDING_MISFITS = ("undo", "undo-when", "pivot", "stop", "wait-for")
_INSIDE = "write it in the steps inside; for all of them together, as the `timeout` of the flow"
_TIMES = {
    **dict.fromkeys(("for-each", "parallel", "switch", "steps"), _INSIDE),
    "wait": "a `wait` lasts as long as it says",
}
"""Where a time-out belongs that stands at a step without work."""
_OWN = {
    "containers": "the cluster of steps in containers",
    "outputs": "the table of the outputs `DATABASE_...`",
    "races": "the table in which branches are counted",
    "turns": "the table of whose turn it is",
    "starts": "the table of what was started by an API",
    "waits": "the table of what steps wait for",
    "work": "the table of what containers are given",
}


def check(workflow: Workflow) -> Iterator[Problem]:
    yield from _unique(workflow)
    yield from _own_code(workflow)
    for name, what in _OWN.items():
        if name in workflow.resources:
            mark = workflow.document.key_mark(("resources", name))
            yield Problem("SW108", f"`{name}` is {what}", mark, "give it another name")
    yield from _reached(workflow)
    for step in workflow.forward:
        yield from loops.check(step, workflow)
        yield from wholes.check(step)
    for step in workflow.all_steps:
        yield from races.check(step)
        yield from _one_work(step)
        yield from _retries(step)
        yield from _catches(step)
    yield from _saga(workflow)


def _unique(workflow: Workflow) -> Iterator[Problem]:
    ids: dict[str, Step] = {}
    names: dict[str, Step] = {}
    # Of a step that does its work for each item, the loop has the same id as the work inside.
    for step in (step for step in workflow.all_steps if not step.written_id):
        if step.id in ids:
            first = ids[step.id].mark
            yield Problem(
                "SW201",
                f"the id `{step.id}` stands twice, first on line {first.line} of {first.file}",
                step.mark_of("id"),
                "give one of them another `id`",
            )
        elif step.name in names:
            first = names[step.name].mark
            yield Problem(
                "SW201",
                f"the name `{step.name}` stands twice, first on line {first.line} of {first.file}",
                step.mark_of("name"),
                "give one of them another `name`",
            )
        ids.setdefault(step.id, step)
        names.setdefault(step.name, step)


def _own_code(workflow: Workflow) -> Iterator[Problem]:
    if workflow.own_code:
        return
    for key in ("env", "retry", "permissions"):
        if workflow.document.get((key,)) is not None:
            mark = workflow.document.key_mark((key,))
            yield Problem(
                "SW107", f"`{key}` is for a flow with code of its own", mark, "write it in the step that it is for"
            )


def _reached(workflow: Workflow) -> Iterator[Problem]:
    for steps in lists(workflow):
        yield from _behind_the_end(steps)
    if workflow.outputs and ends(workflow.steps) and not workflow.own_code:
        mark = workflow.document.key_mark(("outputs",))
        last = next(step for step in workflow.steps if ends([step]))
        yield Problem("SW224", f"the outputs are never reached: `{last.id}` ends the flow", mark, "remove them")


def _behind_the_end(steps: Sequence[Step]) -> Iterator[Problem]:
    for step, behind in _behind(steps):
        if ends([step]):
            hint = f"remove it, or move it before `{step.id}`"
            yield Problem("SW224", f"this step is never reached: `{step.id}` ends the flow", behind.mark, hint)
            return


def _behind(steps: Sequence[Step]) -> Iterator[tuple[Step, Step]]:
    """Each step with one that waits for it: the next of a plain sequence."""
    if not has_needs(steps):
        yield from pairwise(steps)
        return
    for behind in in_order(steps):
        after = behind.waits.after if behind.waits else frozenset[str]()
        yield from ((step, behind) for step in steps if step.id in after)


def _one_work(step: Step) -> Iterator[Problem]:
    controls = [key for key in _CONTROLS if step.get(key) is not None]
    if step.is_group:
        controls.append("steps")
    if step.integration:
        controls.insert(0, step.integration.key or "")
    if len(controls) > 1:
        found = " and ".join(f"`{key}`" for key in controls)
        message = f"a step does one work, and here are {found}"
        yield Problem("SW104", message, step.key_mark(controls[1]), "make them two steps")
    if step.keys.type == "RunnableStep" and step.keys.steps is None:
        message = "a step that can be started has `steps`"
        hint = "remove it, or move the step into a file of its own: `uses: FILE`"
        yield Problem("SW107", message, step.mark_of("type"), hint)
    if not controls and not step.outputs:
        hint = "add a work key such as `runs-on`, `record` or `call`, or `outputs`"
        yield Problem("SW106", "the step does nothing", step.mark, hint)
    if step.integration is None:
        yield from _misfits(step, controls[0] if controls else "outputs")
    for key in ("env", "secrets", "permissions"):
        if step.integration and getattr(step.keys, key) is not None and key not in step.integration.code_keys:
            message = f"`{key}` has no effect beside `{step.integration.key}`"
            yield Problem("SW107", message, step.key_mark(key), "remove it")
    if step.keys.on_timeout is not None and not (step.integration and step.integration.waits):
        hint = "catch `States.Timeout`" if step.integration else "remove it"
        yield Problem("SW107", "`on-timeout` is for a step with `wait-for`", step.key_mark("on-timeout"), hint)
    if step.keys.remind is not None and not (step.integration and step.integration.waits):
        yield Problem("SW107", "`remind` is for a step with `wait-for`", step.key_mark("remind"), "remove it")
    if step.keys.heartbeat is not None and step.integration and not step.integration.beats:
        message = "`heartbeat` is for a step with `runs-on: activity`, whose worker can send one"
        yield Problem("SW107", message, step.key_mark("heartbeat"), "remove it; `timeout` is for every step")


def _misfits(step: Step, control: str) -> Iterator[Problem]:
    """Keys that say something only of work, at a step that does none."""
    for key in _TASK_KEYS:
        if step.get(key) is not None and not (control in _WHOLES and key in _FOR_WHOLES):
            instead = _TIMES.get(control) if key == "timeout" else None
            hint = instead or "remove it, or add a work key"
            if control == "switch" and key in _FOR_WHOLES:
                hint = "a group around the `switch`, a step with `steps`, can have it"
            yield Problem("SW107", f"`{key}` is for a step that does work", step.key_mark(key), hint)
    if step.get("inputs") is not None:
        hint = "name the values in `outputs` directly" if control == "outputs" else "remove them"
        yield Problem("SW107", "`inputs` is for a step that does work", step.key_mark("inputs"), hint)
    if control not in (*_WHOLES, "outputs", "switch") and step.get("outputs") is not None:
        mark = step.key_mark("outputs")
        yield Problem("SW107", f"`{control}` gives no outputs", mark, "set values in a step of their own")


def _retries(step: Step) -> Iterator[Problem]:
    rules = step.keys.retry or ()
    for index, rule in enumerate(rules):
        if "States.ALL" in rule.errors and rule.when is None and index + 1 < len(rules):
            message = "the rules behind this one never apply: `States.ALL` is every error"
            yield Problem("SW112", message, step.mark_of("retry", index, "errors"), "move it to the end")


def _catches(step: Step) -> Iterator[Problem]:
    """A catch that an earlier one leaves nothing to."""
    decided: set[str] = set()
    for catch in step.catches:
        if "States.ALL" in decided or set(catch.errors) <= decided:
            mark = step.document.mark(catch.path)
            yield Problem(
                "SW117", "this catch is never reached: an earlier one has its errors", mark, "remove it, or move it up"
            )
        if catch.when is None:
            decided.update(catch.errors)


def _saga(workflow: Workflow) -> Iterator[Problem]:
    pivots = [step for step in workflow.forward if step.keys.pivot]
    for number, step in enumerate(pivots):
        before = next((other for other in pivots[:number] if not _apart(other, step, workflow)), None)
        if before:
            message = f"a second pivot on one path; the first is `{before.id}`"
            yield Problem("SW208", message, step.key_mark("pivot"), "keep one point of no return")
    for loop in workflow.forward:
        for step in walk(loop.inside) if loop.keys.for_each else ():
            if step.keys.pivot:
                message = f"each item of `{loop.title}` would have a point of no return of its own"
                yield Problem("SW112", message, step.key_mark("pivot"), f"make `{loop.title}` the pivot")
    for step in workflow.forward:
        yield from _beside_a_pivot(step)
    passed: Step | None = None
    for top in in_order(workflow.steps):
        for step in walk([top]):
            yield from _undoable(step, passed)
        passed = passed or (top if top.keys.pivot and not top.may_be_skipped else None)
    used = {step.path for step in workflow.undos}
    for name, step in workflow.undo_steps.items():
        if name == NO_UNDO:
            message = f"an undo step cannot be called `{name}`: `undo: {name}` means that there is none"
            yield Problem("SW108", message, step.mark, "give it another name")
        elif step.path not in used:
            yield Problem(
                "SW214", f"the undo step `{name}` is never used", step.mark, f"name it: `undo: {name}`, or remove it"
            )
    undos = {(step.document.file, step.path): step for step in (*workflow.undos, *workflow.undo_steps.values())}
    for step in undos.values():
        yield from _undo_step(step)
    for step in workflow.ending:
        yield from _ending_step(step)
    for step in workflow.finally_:
        if step.keys.needs is not None:
            message = "each step of `finally` runs once those before it have ended, whatever became of them"
            hint = "remove it; steps of a `parallel` in one step run at the same time"
            yield Problem("SW112", message, step.key_mark("needs"), hint)


def _beside_a_pivot(fork: Step) -> Iterator[Problem]:
    """Steps of other branches that may still fail when the pivot of one is passed, and that are then not undone."""
    for branch in fork.branches if not fork.scheduled else ():
        beside = [step for other in fork.branches if other is not branch for step in walk(other.steps) if step.undo]
        for pivot in (step for step in walk(branch.steps) if step.keys.pivot and beside):
            message = (
                f"`{beside[0].title}` runs beside this pivot: it may fail once that is passed, and is then not undone"
            )
            hint = f"move the pivot behind `{fork.title}`"
            yield Problem("SW209", message, pivot.key_mark("pivot"), hint, "warning")


def _apart(one: Step, other: Step, workflow: Workflow) -> bool:
    """Whether the steps are in different arms of a switch, so that only one of them runs."""
    for step in workflow.forward:
        arms = [{id(inner) for inner in walk(arm.steps)} for arm in step.arms]
        where = [next((n for n, arm in enumerate(arms) if id(each) in arm), None) for each in (one, other)]
        if None not in where and where[0] != where[1]:
            return True
    return False


def _undoable(step: Step, passed: Step | None) -> Iterator[Problem]:
    for inner in walk(step.reminder.steps if step.reminder else ()):
        if inner.get("undo") is not None:
            message = "a step of `remind` may run many times, and would be undone once"
            yield Problem("SW112", message, inner.key_mark("undo"), "remove it")
    if passed and step.undo:
        message = f"nothing is undone behind the pivot `{passed.id}`"
        yield Problem("SW209", message, step.key_mark("undo"), "remove `undo`, or move the pivot")
    if step.keys.pivot and step.may_fail_alone:
        message = "a pivot that may fail without a word is no point of no return"
        yield Problem("SW112", message, step.key_mark("on-error"), "remove `on-error`, or move the pivot")
    for catch in step.catches if step.keys.pivot else ():
        if not ends(catch.steps):
            message = "a pivot whose failure is caught, and goes on, is no point of no return"
            mark = step.document.key_mark(catch.path[: len(step.path) + 1])
            yield Problem("SW112", message, mark, "end the steps of the catch with `fail`, or move the pivot")
            break
    if step.keys.pivot and step.undo and step.keys.undo_when == "completed":
        message = "this undo can never run: behind the pivot nothing is undone"
        yield Problem("SW209", message, step.key_mark("undo"), "remove `undo` or `undo-when`")
    if step.keys.ignore is not None:
        yield Problem("SW107", "`ignore` is for undo steps", step.key_mark("ignore"), "use `on-error: continue`")
    if step.get("undo-when") is not None and step.get("undo") in (None, NO_UNDO):
        hint = "add `undo`, or remove it"
        yield Problem("SW107", "`undo-when` needs `undo` beside it", step.key_mark("undo-when"), hint)
    if step.may_fail_alone and step.keys.undo_when == "completed":
        message = "`on-error: continue` and `undo-when: completed` do not go together"
        yield Problem("SW112", message, step.key_mark("undo-when"), "remove one of them")
    if step.may_fail_alone and (step.catches or step.keys.on_timeout):
        key = "on-timeout" if step.keys.on_timeout else "catch"
        message = f"`on-error: continue` and `{key}` do not go together"
        yield Problem("SW112", message, step.key_mark(key), "remove one of them")


def _undo_step(step: Step) -> Iterator[Problem]:
    for key in _UNDO_MISFITS:
        if step.get(key) is not None:
            yield Problem("SW112", f"an undo step cannot have `{key}`", step.key_mark(key), "remove it")
    if step.outputs:
        yield Problem("SW112", "an undo step gives no outputs", step.key_mark("outputs"), "remove them")
    if step.integration is None and not step.keys.for_each and step.keys.steps is None:
        message = "an undo step has to do work"
        yield Problem("SW112", message, step.mark, "add a work key such as `call` or `record`")
    for index, error in enumerate(step.keys.ignore or ()):
        if error in ("States.ALL", "States.TaskFailed"):
            message = f"`{error}` would hide every undo that fails"
            yield Problem(
                "SW112", message, step.mark_of("ignore", index), "name the errors that mean there is nothing to undo"
            )


def _ending_step(step: Step) -> Iterator[Problem]:
    """A step of `on-failure` or `finally`."""
    for key in _ENDING_MISFITS:
        if step.get(key) is not None:
            message = f"a step of `on-failure` or `finally` cannot have `{key}`"
            yield Problem("SW112", message, step.key_mark(key), "remove it")
    if step.keys.ignore is not None:
        yield Problem("SW107", "`ignore` is for undo steps", step.key_mark("ignore"), "use `on-error: continue`")
