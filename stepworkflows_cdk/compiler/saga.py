"""What happens where a flow fails: which undo steps run for a failure at each step, and in which order.

In a sequence this is known before anything runs. Where a step fails, every attempted step before it, and (``undo-when:
attempted``) itself, is undone in reverse; behind the pivot nothing is. So the undo steps form one chain, last step
first, and a failure enters it at the nearest undo of what was attempted.
"""

from __future__ import annotations

from collections.abc import Iterator

from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["chain", "entry"]


def chain(workflow: Workflow) -> Iterator[Step]:
    """The steps that have an undo, in the order of undoing."""
    return (step for step in reversed(workflow.steps) if step.undo)


def entry(workflow: Workflow, failed: Step | None, *, completed: bool = False) -> Step | None:
    """The step whose undo comes first where ``failed`` fails (None: what comes after all steps); None where nothing is
    undone. ``completed``: its work is done, and what belongs to it failed behind.
    """
    attempted: list[Step] = []
    for step in workflow.steps:
        if step is failed and not completed:
            if step.keys.undo_when == "attempted":
                attempted.append(step)
            break
        attempted.append(step)
        if step.keys.pivot:
            return None
        if step is failed:
            break
    return next((step for step in reversed(attempted) if step.undo), None)
