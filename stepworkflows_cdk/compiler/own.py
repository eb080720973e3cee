"""A state of its author's own becomes a branch that stands in the place of a task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from stepworkflows_cdk.compiler.plan import Jsonata, Parallel, Pass, Raw, State, Task

__all__ = ["in_a_branch"]


def in_a_branch(task: Task, raw: Raw, unique: Callable[[str], str]) -> Parallel:
    """What surrounds the task, around the state instead. Where its own catchers take an error, what they give is its
    output.
    """
    caught = unique(f"{task.name}: caught") if "Catch" in raw.body else None
    branch: list[State] = [replace(raw, name=unique(f"{task.name}: state"), caught=caught)]
    if caught:
        branch.append(Pass(caught, task.mark, None, {}, Jsonata("$states.input")))
    return Parallel(
        task.name,
        task.mark,
        (tuple(branch),),
        task.next,
        task.assign,
        task.output,
        task.retry,
        task.catch,
        arguments=task.arguments,
    )
