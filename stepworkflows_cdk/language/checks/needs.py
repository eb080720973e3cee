"""The order of steps: what `needs` may name, and what of it can be kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.needs import circle, direct, has_needs, lists
from stepworkflows_cdk.language.schedule import lost
from stepworkflows_cdk.language.shape import nearest
from stepworkflows_cdk.language.workflow import Step, Workflow, walk

__all__ = ["check"]


def check(workflow: Workflow) -> Iterator[Problem]:
    for steps in lists(workflow):
        if has_needs(steps):
            yield from _names(steps, workflow)
            yield from _circles(steps)
            if all(step.waits for step in steps):
                yield from _lost(steps)


def _names(steps: Sequence[Step], workflow: Workflow) -> Iterator[Problem]:
    beside = {step.title: step for step in steps}
    for step in steps:
        seen: set[str] = set()
        for index, name in enumerate(step.keys.needs or ()):
            mark = step.mark_of("needs", index)
            if name in seen:
                yield Problem("SW263", f"`{name}` stands twice here", mark, "remove one of them")
            elif name == step.title:
                yield Problem("SW262", "a step cannot wait for itself", mark, "remove it")
            elif name not in beside:
                others = [other for other in beside if other != step.title]
                yield Problem(
                    "SW260",
                    f"no step beside this one is called `{name}`",
                    mark,
                    _instead(name, others, steps, workflow),
                )
            seen.add(name)


def _instead(name: str, others: Sequence[str], steps: Sequence[Step], workflow: Workflow) -> str:
    """What was meant by a name that is not beside the step."""
    around = next((step for step in steps if any(inner.title == name for inner in walk([step]))), None)
    if around:
        return f"it is inside `{around.title}`: name that"
    if any(step.title == name for step in workflow.forward):
        return "`needs` is for steps of the same list: write it at the step of that list which this one is inside of"
    close = nearest(name, others)
    return close or f"there are {', '.join(f'`{other}`' for other in others) or 'none'}"


def _circles(steps: Sequence[Step]) -> Iterator[Problem]:
    graph = direct(steps)
    by_id = {step.id: step for step in steps}
    graph = {id_: [other for other in needed if other != id_] for id_, needed in graph.items()}
    while found := circle(graph):
        members = [by_id[id_] for id_ in found]
        start = next(number for number, step in enumerate(members) if step.keys.needs)
        members = members[start:] + members[:start]
        told = ", ".join(
            f"`{step.title}` for `{then.title}`" for step, then in zip(members, [*members[1:], members[0]], strict=True)
        )
        silent = next((step for step in members if step.keys.needs is None), None)
        hint = "remove one of these from its `needs`"
        if silent:
            hint = f"`{silent.title}` has no `needs`, and so waits for all steps before it: give it some, or move it up"
        yield Problem("SW261", f"these steps wait for each other: {told}", members[0].key_mark("needs"), hint)
        graph = {id_: needed for id_, needed in graph.items() if id_ not in found}


def _lost(steps: Sequence[Step]) -> Iterator[Problem]:
    for step, others in lost(steps):
        names = [other.title for other in others]
        told = " and ".join(f"`{name}`" for name in names)
        message = (
            f"`{step.title}` also waits for {told}, which it does not need: no nesting of forks keeps all of this order"
        )
        say = f"move it behind {told}"
        if step.keys.needs is not None:
            say = f"say so, `needs: [{', '.join([*step.keys.needs, *names])}]`"
        hint = f"{say}, or change what waits for what"
        yield Problem("SW264", message, step.key_mark("needs"), hint, "warning")
