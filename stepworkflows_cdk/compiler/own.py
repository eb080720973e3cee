"""States that stand in the place of a task, in a branch of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from stepworkflows_cdk.compiler.plan import Choice, Fail, Parallel, Pass, Raw, State, Succeed, Task, Wait

__all__ = ["in_a_branch"]


def in_a_branch(task: Task, branch: Sequence[State], unique: Callable[[str], str]) -> Parallel:
    """What surrounds the task, around the branch instead, whose states are named behind the task."""
    names = {state.name: unique(f"{task.name}: {state.name}") for state in branch}
    return Parallel(
        task.name,
        task.mark,
        (tuple(_renamed(state, names) for state in branch),),
        task.next,
        task.assign,
        task.output,
        task.retry,
        task.catch,
        arguments=task.arguments,
    )


def _renamed(state: State, names: Mapping[str, str]) -> State:
    name = names[state.name]
    match state:
        case Task():
            catches = tuple(replace(catch, next=names[catch.next]) for catch in state.catch)
            return replace(state, name=name, next=_at(state.next, names), catch=catches)
        case Pass() | Wait():
            return replace(state, name=name, next=_at(state.next, names))
        case Choice():
            rules = tuple(replace(rule, next=names[rule.next]) for rule in state.rules)
            return replace(state, name=name, rules=rules, default=names[state.default])
        case Raw():
            return replace(state, name=name, caught=_at(state.caught, names))
        case Succeed() | Fail():
            return replace(state, name=name)
        case _:
            raise TypeError(f"a {type(state).__name__} inside a branch of a call")


def _at(next_: str | None, names: Mapping[str, str]) -> str | None:
    return next_ and names[next_]
