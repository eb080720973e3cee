"""What all kinds of steps are planned with: names, values, and where the errors of a step go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stepworkflows_cdk.compiler.ahead import Ahead
from stepworkflows_cdk.compiler.exports import Exports
from stepworkflows_cdk.compiler.integration import Call
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.lanes import Lane
from stepworkflows_cdk.compiler.outputs import defaults
from stepworkflows_cdk.compiler.place import Handler
from stepworkflows_cdk.compiler.plan import Data, Jsonata, Raw, State
from stepworkflows_cdk.compiler.reminders import anew
from stepworkflows_cdk.compiler.states import Namer
from stepworkflows_cdk.compiler.tries import Route
from stepworkflows_cdk.compiler.values import Values, output_variable, variable
from stepworkflows_cdk.language.scope import View
from stepworkflows_cdk.language.workflow import Step

__all__ = ["Context", "Planned", "noted", "written_states"]


@dataclass(frozen=True)
class Planned:
    """A step with its call, the call that records its ``DATABASE_`` outputs, and those that count its branches, by their
    names; ``ahead`` is called before the step.
    """

    call: Call | None
    record: Call | None = None
    counts: Mapping[str, Call] = field(default_factory=dict)
    ahead: Ahead | None = None

    def __iter__(self) -> Iterator[Call]:
        calls = (self.call, self.record, *self.counts.values(), self.ahead.call if self.ahead else None)
        return (call for call in calls if call)


@dataclass(frozen=True)
class Context:
    """What the steps of one machine are planned with.

    ``calls`` is what each step becomes, ``views`` what it can name, ``kept`` the variables of an iteration that undoing a
    loop takes, all by ``id()``; ``sequence`` plans the steps inside a step, the last going on to the state that it names.
    """

    calls: Mapping[int, Planned]
    views: Mapping[int, View]
    values_of: Callable[[View], Values]
    namer: Namer
    exports: Exports
    sequence: Callable[[Context, Sequence[Step], Lane, str], list[State]]
    kept: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def states(self, steps: Sequence[Step], lane: Lane, next_: str) -> list[State]:
        """The states of steps inside a step."""
        return self.sequence(self, steps, lane, next_)

    def first(self, step: Step) -> str:
        """The name of the state at which a step begins."""
        return self.namer.fixed(f"{step.name}: if", step) if step.may_be_skipped else self.begins(step)

    def begins(self, step: Step) -> str:
        """The name of the state at which a step begins that is not skipped."""
        return self.namer.fixed(f"{step.name}: cancelled?", step) if self.ahead(step) else self.works(step)

    def ahead(self, step: Step) -> Ahead | None:
        """The call that finds out whether the execution is to end before the step."""
        planned = self.calls.get(id(step))
        return planned.ahead if planned else None

    def works(self, step: Step) -> str:
        """The name of the state at which the work of a step begins."""
        if step.keys.repeat:
            return self.namer.fixed(f"{step.name}: rounds", step)
        return self.round(step)

    def round(self, step: Step) -> str:
        """The name of the state at which each round of a step begins."""
        return step.name if not step.is_group or self.has_entry(step) else self.first(step.arms[0].steps[0])

    def has_entry(self, group: Step) -> bool:
        """Whether a group begins with a state of its own."""
        return bool(group.keys.retry) or group.id in self.exports.flagged

    def record(self, step: Step) -> Call | None:
        """The call that records the step's ``DATABASE_`` outputs."""
        planned = self.calls.get(id(step))
        return planned.record if planned else None

    def values(self, step: Step) -> Values:
        """What compiles the values of a step."""
        return self.values_of(self.views[id(step)])

    def of_outputs(self, step: Step, result: str) -> Values:
        """What compiles the step's own outputs, from the JSONata of its ``result``."""
        return replace(self.values_of(self.views[id(step)].of_outputs()), result=result)

    def of_round(self, step: Step, result: str) -> Values:
        """What compiles the condition on which a step with ``repeat`` ends."""
        return replace(self.values_of(self.views[id(step)].of_round()), result=result)

    def of_try(self, step: Step, caught: str) -> Values:
        """What compiles a condition on the error in a variable."""
        return replace(self.values_of(self.views[id(step)].of_try()), error=f"${caught}")

    def handler(self, step: Step, lane: Lane, next_: str) -> Handler:
        """Where the errors of a step's work go."""
        if step.may_fail_alone:
            gone = self.gone(step)
            return Handler(next_, lambda _error, _cause: gone)
        notes = {**self.exports.status(step, "failed"), **self.attempted(step), **anew(step)}
        return noted(lane.handler(step, False), notes)

    def behind(self, step: Step, lane: Lane, next_: str) -> Handler:
        """Where the errors go of what belongs to a step whose work is done."""
        if step.may_fail_alone:
            return Handler(next_, lambda _error, _cause: {})
        return lane.handler(step, True)

    def failed(self, step: Step, lane: Lane, *, completed: bool = False) -> Handler:
        """Where an error goes that ends the step and its lane."""
        return noted(lane.handler(step, completed), self.exports.status(step, "failed"))

    def around(self, step: Step, lane: Lane, notes: Mapping[str, Data]) -> Lane:
        """The lane of steps that belong to another one: their errors end that too. ``notes`` are then assigned."""
        notes = {**self.exports.status(step, "failed"), **notes}
        if not notes:
            return lane
        return replace(lane, handler=lambda inner, done: noted(lane.handler(inner, done), notes), ended=None)

    def done_though(self, step: Step, error: str, cause: str) -> dict[str, Data]:
        """The flag of a step that is undone where its work was done: also where only its result could not be read."""
        if step.keys.undo_when != "completed" or not step.outputs:
            return {}
        before = literal("specified for the field 'Arguments")
        unread = f"{error} = 'States.QueryEvaluationError' and $not($contains({cause}, {before}))"
        return {name: Jsonata(unread) for name in self.exports.tried(step)}

    def gone(self, step: Step) -> dict[str, Data]:
        """What is assigned where a step failed, and the flow goes on behind it."""
        outputs: dict[str, Data] = {output_variable(step.id): defaults(step)} if step.outputs else {}
        return {**outputs, **self.exports.status(step, "failed"), **self.attempted(step), **anew(step)}

    def attempted(self, step: Step) -> dict[str, Data]:
        """The flag of a step that is undone also where it failed, once it has begun."""
        return self.exports.tried(step) if step.keys.undo_when == "attempted" else {}

    def routes(self, step: Step, caught_in: str, next_: str) -> tuple[Route, ...]:
        """The step's own catches, as ways for the error in a variable."""
        caught = self.of_try(step, caught_in)
        found: list[Route] = []
        for catch in step.catches:
            condition = None if catch.when is None else f"({caught.condition(catch.when).code})"

            def assign(error: str, cause: str) -> Mapping[str, Data]:
                value: dict[str, Data] = {"type": Jsonata(error), "cause": Jsonata(cause)}
                return {variable("error", step.id): value, **self.gone(step), **self.done_though(step, error, cause)}

            target = self.first(catch.steps[0]) if catch.steps else next_
            found.append(Route(catch.errors, target, assign, condition))
        return tuple(found)

    def catches(self, step: Step, lane: Lane, next_: str) -> list[State]:
        """The states of the steps in the step's catches."""
        return [state for catch in step.catches for state in self.states(catch.steps, lane, next_)]


def written_states(planned: Planned) -> tuple[Raw, ...]:
    """The states that the author of the step named."""
    branch = planned.call.branch if planned.call else ()
    return tuple(inner for state in branch if isinstance(state, Raw) for inner in state.inside)


def noted(handler: Handler, notes: Mapping[str, Data]) -> Handler:
    """The handler, which also assigns the notes."""
    return Handler(handler.next, lambda error, cause: {**handler.assign(error, cause), **notes})
