"""What leaves the scope that it is set in: outputs, statuses and flags that something outside of a branch reads.

A branch hands them out as its output; the join assigns them under names that tell its depth.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from stepworkflows_cdk.compiler.jsonata import literal, path
from stepworkflows_cdk.compiler.lanes import Lane
from stepworkflows_cdk.compiler.plan import Data, Jsonata
from stepworkflows_cdk.compiler.values import Names, output_variable, status_variable, variable
from stepworkflows_cdk.language.workflow import Branch, Step, walk

__all__ = ["Exports", "column"]

_NOTHING: dict[str, Data] = {"step": None, "status": "skipped", "tried": False, "undo": [], "passed": False}


@dataclass(frozen=True)
class Exports:
    """``statuses`` are the steps whose status is read, ``flagged`` those whose attempt has to be noted, ``read`` those
    that something outside of their branch reads; ``undone`` are the loops in which something is to be undone,
    ``pivots`` the points of no return that are not passed on every way.
    """

    names: Names
    statuses: frozenset[str]
    flagged: frozenset[str]
    read: frozenset[str]
    undone: frozenset[str]
    pivots: frozenset[str]

    def entry(self, steps: Sequence[Step], lane: Lane) -> dict[str, Data]:
        """What has to be set where a lane begins, since something may read it in any case."""
        return {**self.fresh(steps, lane), **dict.fromkeys(lane.tries.names, 0)}

    def fresh(self, steps: Sequence[Step], lane: Lane) -> dict[str, Data]:
        """What has to be set before the first of the steps: what each of them says as long as it has not run."""
        found: dict[str, Data] = {}
        for step in _in_lane(steps):
            if step.id in self.names.uncertain or (lane.frame and step.id in self.read):
                found[output_variable(step.id)] = None
            found |= self.status(step, "skipped")
            if step.id in self.flagged:
                found[variable("tried", step.id)] = False
            if step.id in self.undone:
                found[variable("undo", step.id)] = []
            if step.id in self.pivots:
                found[variable("passed", step.id)] = False
            if step.reminder:
                found[variable("since", step.id)] = 0
            if self.counts_turns(step):
                found[variable("turn", step.id)] = 0
        for step in _in_lane(steps):
            for branch in () if step.is_race else step.branches:
                for kind, inner, _, _ in self._of(branch, lane.depth + 1):
                    nothing: Data = [] if branch.each and kind == "status" else _NOTHING[kind]
                    found[variable(kind, inner.id, lane.depth)] = nothing
        return found

    def status(self, step: Step, status: str) -> dict[str, Data]:
        """The assignment of a step's status, where anything reads it."""
        return {status_variable(step.id): status} if step.id in self.statuses else {}

    def finished(self, step: Step) -> dict[str, Data]:
        """What is assigned where a step is done: its status, that the point of no return is passed, and that there is
        something to undo, where that is so only now.
        """
        passed: dict[str, Data] = {variable("passed", step.id): True} if step.id in self.pivots else {}
        return {
            **self.status(step, "done"),
            **passed,
            **(self.tried(step) if step.keys.undo_when == "completed" else {}),
        }

    def tried(self, step: Step) -> dict[str, Data]:
        """The assignment of a step's flag, where its undo asks for it."""
        return {variable("tried", step.id): True} if step.id in self.flagged else {}

    def counts_turns(self, step: Step) -> bool:
        """Whether anything planned so far reads the number of the step's try as a whole, or of its reminder."""
        again = step.reminder is not None or (bool(step.keys.retry) and bool(step.arms or step.branches))
        return again and step.id in self.names.turns

    def turn(self, step: Step) -> dict[str, Data]:
        """The assignment by which a step's next turn begins, where it is counted."""
        name = variable("turn", step.id)
        return {name: Jsonata(f"${name} + 1")} if self.counts_turns(step) else {}

    def items_read(self, loop: Step) -> list[str]:
        """``index`` and ``item``, as far as anything planned so far inside the loop reads them."""
        return sorted(what for id_, what in self.names.items if id_ == loop.id)

    def handed_out(self, branch: Branch, depth: int) -> dict[str, Data]:
        """What the branch, which is ``depth`` deep, gives as its output."""
        return {variable(kind, step.id): Jsonata(f"${inside}") for kind, step, inside, _ in self._of(branch, depth)}

    def unset(self, branch: Branch) -> dict[str, Data]:
        """What has to be set first where the outputs are :meth:`written`."""
        return {output_variable(step.id): None for step in _in_lane(branch.steps) if step.outputs}

    def written(self, branch: Branch) -> Data:
        """What the execution for an item gives where it is written into files: the outputs of the step that does its work
        for each item; of a group those of each step in it, under its id.
        """
        steps = [step for step in _in_lane(branch.steps) if step.outputs]
        if len(steps) == 1 and steps[0] is branch.steps[0] and len(branch.steps) == 1:
            return Jsonata(f"${output_variable(steps[0].id)}")
        return {step.id: Jsonata(f"${output_variable(step.id)}") for step in steps}

    def taken_in(self, branch: Branch, depth: int, result: str) -> dict[str, Data]:
        """What the join, which is ``depth`` deep, assigns from the branch's output, the JSONata ``result``."""
        return {
            variable(kind, step.id, depth): Jsonata(f"{result}.{variable(kind, step.id)}")
            for kind, step, _, _ in self._of(branch, depth + 1)
        }

    def listed(self, branch: Branch, depth: int, result: str) -> dict[str, Data]:
        """The same of a loop: from ``result``, the list of what was handed out for each item, a list for each output."""
        found: dict[str, Data] = {}
        for kind, step, _, listed in self._of(branch, depth + 1):
            handed = f"$r.{variable(kind, step.id)}"
            if kind == "status":
                found[variable(kind, step.id, depth)] = Jsonata(column(result, handed, [] if listed else "skipped"))
            elif kind == "step":
                found[variable(kind, step.id, depth)] = {
                    output.name: Jsonata(
                        column(result, path(handed, (output.name,)), [] if listed else output.default), "array"
                    )
                    for output in step.outputs
                }
        return found

    def _of(self, branch: Branch, depth: int) -> Iterator[tuple[str, Step, str, bool]]:
        """Kind, step, the variable inside the branch, and whether that holds lists."""
        own = {id(step) for step in _in_lane(branch.steps)}
        listed = {id(step) for step in _in_loops(branch.steps)}
        for step in _reached(branch.steps):
            level, many = None if id(step) in own else depth, id(step) in listed
            if step.id in self.read and step.outputs:
                yield "step", step, variable("step", step.id, level), many
            if step.id in self.read and step.id in self.statuses:
                yield "status", step, variable("status", step.id, level), many
            if step.id in self.flagged:
                yield "tried", step, variable("tried", step.id, level), many
            if step.id in self.undone:
                yield "undo", step, variable("undo", step.id, level), many
            if step.id in self.pivots:
                yield "passed", step, variable("passed", step.id, level), many


def column(result: str, value: str, missing: Any) -> str:
    """JSONata for the list of ``value``, an expression on ``$r``, of each of the results.

    A list that a value is stays one item, a value that is missing is ``missing``, and one result makes a list too: where
    JSONata makes a sequence, it keeps neither.
    """
    code = f"$exists({value}) ? {value} : {literal(missing)}"
    item = f"($v := {code}; $type($v) = 'array' ? [[$v]] : [$v])"
    return f"$reduce({result}, function($l, $r) {{ $append($l, {item}) }}, [])"


def _reached(steps: Sequence[Step]) -> Iterator[Step]:
    """The steps and those inside them, but for the branches of a race: what they gave is the race's to tell."""
    for step in steps:
        yield step
        yield from _reached([inner for arm in step.arms for inner in arm.steps])
        yield from _reached([inner for branch in step.branches for inner in branch.steps] if not step.is_race else [])
        yield from _reached([inner for catch in step.catches for inner in catch.steps])


def _in_loops(steps: Sequence[Step]) -> Iterator[Step]:
    """The steps that are inside of loops among these."""
    for step in steps:
        for branch in step.branches:
            yield from walk(branch.steps) if branch.each else _in_loops(branch.steps)
        for arm in step.aside:
            yield from _in_loops(arm.steps)


def _in_lane(steps: Sequence[Step]) -> Iterator[Step]:
    """The steps that run in the same scope: arms and catches among them, branches not."""
    for step in steps:
        yield step
        for arm in step.aside:
            yield from _in_lane(arm.steps)
