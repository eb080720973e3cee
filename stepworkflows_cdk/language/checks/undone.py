"""What stays where a flow fails: steps with an effect that nothing undoes.

Only flows that undo anything are looked at. There a step says `undo: none` where what it did may stay. Nothing is said of a
step without which the flow goes on, of code that may only read, and of a resource that undo steps, or those that run
where the flow fails, see to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.model import NO_UNDO
from stepworkflows_cdk.language.needs import in_order
from stepworkflows_cdk.language.references import strings_in
from stepworkflows_cdk.language.workflow import Step, Workflow, walk

__all__ = ["check"]

_BEYOND_ITS_ROLE = {"account", "role", "vpc"}
"""Settings of code with which it reaches more than its step's permissions say."""
_READS = ("batchget", "describe", "get", "head", "list", "query", "scan")
"""How the names of actions begin that change nothing."""


def check(workflow: Workflow) -> Iterator[Problem]:
    left = {id(step) for step in _left(workflow.steps, False)} if workflow.undos else set[int]()
    raced = {id(inner) for step in workflow.forward if step.is_race for inner in walk(step.inside)}
    alone = {id(inner) for step in workflow.forward if step.may_fail_alone for inner in walk([step])}
    for step in workflow.forward:
        waived = step.keys.undo == NO_UNDO
        forgotten = id(step) in left - alone and step.undo is None and not waived
        if forgotten and _matters(step, workflow):
            message = "where a later step fails, what this one did is not undone"
            hint = f"add `undo`, or `undo: {NO_UNDO}` where it may stay"
            if id(step) in raced:
                hint = f"do it behind the race, or write `undo: {NO_UNDO}` where it may stay"
            yield Problem("SW253", message, step.mark_of("id"), hint, "warning")
        elif (
            waived
            and id(step) not in left
            and step.mark.file == workflow.mark.file
            and (step.integration or step.inside)
        ):
            message = f"`undo: {NO_UNDO}` says nothing here: there is nothing that could be undone"
            yield Problem("SW254", message, step.key_mark("undo"), "remove it", "warning")


def _matters(step: Step, workflow: Workflow) -> bool:
    if step.whole_input or not _may_change_things(step):
        return False
    named = _resources(step, workflow)
    seen_to = {name for other in (*workflow.undos, *workflow.ending) for name in _resources(other, workflow)}
    return not (named and named <= seen_to)


def _may_change_things(step: Step) -> bool:
    """Whether its work may leave something behind. Code whose role is made here can do what its step says, and no more."""
    if step.integration is None or "env" not in step.integration.code_keys:
        return True
    settings = step.get("runs-on", step.integration.runtime or "")
    elsewhere = _BEYOND_ITS_ROLE & set(settings if isinstance(settings, dict) else ())
    theirs = step.get("arn") is not None and step.get("zip-file") is None
    actions = [action for keys in (step.keys.permissions or {}).values() for action in keys.actions]
    reads = all(action.partition(":")[2].lower().startswith(_READS) or action == "read" for action in actions)
    return bool(elsewhere or theirs or step.keys.secrets or not reads)


def _resources(step: Step, workflow: Workflow) -> set[str]:
    """The resources of the flow that a step's work keys and inputs name."""
    texts = (
        text
        for key in (step.integration.key if step.integration else "", "inputs")
        for _, text in strings_in(step.get(key or ""))
    )
    names = {text.removeprefix("{resources.").removesuffix("}") for text in texts}
    return names & set(workflow.resources) | set(step.keys.permissions or ()) & set(workflow.resources)


def _left(steps: Sequence[Step], behind: bool) -> Iterator[Step]:
    """The steps with an effect behind which something may fail; ``behind``: whether anything may behind all of them."""
    steps = in_order(steps)
    pivot = next((index for index, step in enumerate(steps) if step.keys.pivot), None)
    if pivot is not None:  # behind it nothing is undone
        steps, behind = steps[: pivot + 1], False
    last = behind
    for step in reversed(steps):
        if step.waits:  # what runs beside it may fail as well
            others = (other for other in steps if other is not step and other.id not in step.waits.after)
            behind = last or any(map(_may_fail, others))
        if behind and step.integration and step.integration.has_effect(step) and not step.keys.pivot:
            yield step
        if (step.branches or step.arms) and (step.undo or step.keys.undo == NO_UNDO):
            yield step  # what it says holds for all that is inside
            behind = behind or _may_fail(step)
            continue
        for arm in (*step.arms, *step.catches):
            yield from _left(arm.steps, behind)
        for branch in step.branches if not step.keys.pivot else ():
            inside = branch.steps if branch.each else [s for b in step.branches if b is not branch for s in b.steps]
            yield from _left(branch.steps, behind or any(map(_may_fail, inside)))
        behind = behind or _may_fail(step)


def _may_fail(step: Step) -> bool:
    """Whether the flow may end at this step, with an error."""
    if step.may_fail_alone:
        return False
    caught = any("States.ALL" in catch.errors and catch.when is None for catch in step.catches)
    own = bool(step.integration or step.keys.require or step.keys.fail)
    inside = [inner for branch in step.branches for inner in branch.steps]
    if (own or any(map(_may_fail, inside))) and not caught:
        return True
    return any(_may_fail(inner) for arm in (*step.arms, *step.catches) for inner in arm.steps)
