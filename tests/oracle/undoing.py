"""Where a flow fails: what was attempted and can be undone is undone, the last first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from oracle.going import Failed
from oracle.graphs import before
from oracle.lanes import Lane
from oracle.traces import Together, Trace
from oracle.tries import Tries
from stepworkflows_cdk.language.workflow import Step

if TYPE_CHECKING:
    from oracle.walking import Walk

__all__ = ["Undoing"]


@dataclass
class Undoing:
    """The undoing of one execution after an error. ``left`` are the ids of the steps that could not be undone."""

    walk: Walk
    error: Failed
    left: list[str] = field(default_factory=list)

    def steps(self, steps: Sequence[Step], lane: Lane, trace: Trace) -> None:
        """All steps of a list: one after the other, as far as they were so."""
        if any(step.waits for step in steps):
            waited = before(steps)
            behind = {n: {m for m in waited if n in waited[m]} for n in waited}
            together = Together([[] for _ in steps], behind)
            trace.append(together)
            for step, inside in zip(steps, together.traces, strict=True):
                self._step(step, lane, inside)
            return
        for step in reversed(steps):
            self._step(step, lane, trace)

    def _step(self, step: Step, lane: Lane, trace: Trace) -> None:
        """What is inside a step, of a loop the last item first; then the step itself."""
        run = self.walk.run
        for arm in reversed((*step.arms, *step.catches)):
            self.steps(arm.steps, lane, trace)
        for branch in reversed(step.branches):
            for inside in reversed(run.lanes.get((step.id, lane.place), [])) if branch.each else [lane]:
                self.steps(branch.steps, inside, trace)
        if step.undo and (step.id, lane.place) in run.attempted and not self._undone(step.undo, lane, trace):
            self.left.append(f"{step.title} of item {lane.place[-1]}" if lane.place else step.title)

    def _undone(self, undo: Step, lane: Lane, trace: Trace) -> bool:
        """Whether the undo step worked in the end, or there was nothing to undo. Every error is tried again."""
        tries = Tries(undo.keys.retry or (), undo=True)
        lane = replace(lane, error=self.error, trace=trace)
        while True:
            try:
                self.walk.call(undo, lane)
            except Failed as failed:
                if failed.error in (undo.keys.ignore or ()):
                    return True
                self.walk.run.time.exact = False
                try:
                    list(tries.next(self.walk, failed, lane))
                except Failed:
                    return False
                continue
            return True
