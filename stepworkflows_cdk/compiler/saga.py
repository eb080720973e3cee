"""What happens where a flow fails: which undo steps run for a failure at each place, and in which order.

The undo steps form one chain, the last step of the document first, and a failure enters it at the nearest step before it
that has an undo. In a plain sequence it is known then what was attempted. A step that may have been skipped, or that runs
in a branch, has a flag, and its link in the chain asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stepworkflows_cdk.language.workflow import Step, Workflow, walk

__all__ = ["Link", "chain", "entry"]


@dataclass(frozen=True)
class Link:
    """One step that has an undo. ``asks``: whether it was attempted is known only from its flag."""

    step: Step
    asks: bool
    frame: tuple[str, ...] = ()


def chain(workflow: Workflow) -> tuple[Link, ...]:
    """The links, in the order of undoing."""
    return tuple(_links(workflow.steps, False, ()))[::-1]


def entry(workflow: Workflow, failed: Step | None, *, completed: bool = False) -> Step | None:
    """The step whose undo comes first where ``failed`` fails (None: what comes after all steps); None where nothing is
    undone. ``completed``: its work is done, and what belongs to it failed behind; of a ``parallel``: it has joined.
    """
    before: list[Step] = []
    for top in workflow.steps:
        inside = tuple(walk([top]))
        if failed is None or failed not in inside:
            before.extend(inside)
            if top.keys.pivot:
                return None
            continue
        for step in inside:
            if step is failed and not completed and step.keys.undo_when != "attempted":
                break
            before.append(step)
            if step is failed:
                before.extend(walk(inner for branch in step.branches for inner in branch.steps) if completed else ())
                break
        if top.keys.pivot and completed and top is failed and not top.branches:
            return None
        break
    return next((step for step in reversed(before) if step.undo), None)


def _links(steps: Sequence[Step], asks: bool, frame: tuple[str, ...]) -> Iterator[Link]:
    for step in steps:
        unsure = asks or step.may_be_skipped
        if step.undo:
            yield Link(step, unsure or bool(step.catches and step.keys.undo_when == "completed"), frame)
        for arm in step.arms:
            yield from _links(arm.steps, True, frame)
        for branch in step.branches:
            yield from _links(branch.steps, True, (*frame, branch.scope(step)))
        for arm in step.catches:
            yield from _links(arm.steps, True, frame)
