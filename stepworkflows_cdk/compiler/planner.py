"""A workflow becomes a machine's plan: its states, in order, each knowing where it goes on and where its errors go.

The machine reads: entry (the contract, the first variables), the steps, the result, the undo chain, ``on-failure``,
``finally``, the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stepworkflows_cdk.compiler import saga
from stepworkflows_cdk.compiler.contract import contract_faults, input_value
from stepworkflows_cdk.compiler.deploy import deploy_plan
from stepworkflows_cdk.compiler.exports import Exports
from stepworkflows_cdk.compiler.fences import guarded
from stepworkflows_cdk.compiler.lanes import Lane
from stepworkflows_cdk.compiler.lock import Lock, LockStates
from stepworkflows_cdk.compiler.outputs import output_data, output_is_certain
from stepworkflows_cdk.compiler.plan import Choice, Data, Fail, Jsonata, MachinePlan, Pass, Rule, State, Succeed
from stepworkflows_cdk.compiler.states import Namer, reachable
from stepworkflows_cdk.compiler.steps.context import Context, Planned, written_states
from stepworkflows_cdk.compiler.steps.sequence import sequence_states
from stepworkflows_cdk.compiler.tasks import Handler
from stepworkflows_cdk.compiler.undoing import Undoing
from stepworkflows_cdk.compiler.values import Names, Values, output_variable, variable
from stepworkflows_cdk.language.checks.modes import LONGEST
from stepworkflows_cdk.language.model import DeployKeys
from stepworkflows_cdk.language.scope import View
from stepworkflows_cdk.language.usage import read_outside, status_readers
from stepworkflows_cdk.language.views import at_end, views
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["FlowStates", "plan_machine"]


def plan_machine(
    workflow: Workflow,
    calls: Mapping[int, Planned],
    values: Callable[[View], Values],
    names: Names,
    lock: Lock | None = None,
) -> MachinePlan:
    """The machine of one workflow. ``calls`` holds what each step (by ``id()``) becomes."""
    machine = FlowStates(workflow, calls, values, names, lock=lock)
    return MachinePlan(
        workflow.id,
        workflow.mark,
        workflow.keys.description or workflow.name,
        reachable(machine.states()),
        workflow.keys.timeout or (LONGEST if workflow.express else None),
        machine.comments(),
        deploy_plan(workflow.keys.deploy or DeployKeys(), values(View(workflow)).text),
        workflow.express,
    )


@dataclass
class FlowStates:
    """The states of one flow, and the names of those that its parts go on to. Where it is a ``guard``, the steps are those
    of another machine.
    """

    workflow: Workflow
    calls: Mapping[int, Planned]
    values: Callable[[View], Values]
    names: Names
    guard: bool = False
    lock: Lock | None = None

    def __post_init__(self) -> None:
        self.namer = Namer(
            [
                *(step.name for step in (*self.workflow.forward, *self.workflow.ending)),
                *(state.name for calls in self.calls.values() for state in written_states(calls)),
            ]
        )
        self.done = self.namer.unique("Done")
        self.result = self.namer.unique("Result")
        self.ended = self.namer.unique("Failed")
        self.left_over = self.namer.unique("Undo failed")
        self.links = () if self.guard else saga.chain(self.workflow)
        self.end = self.namer.unique("Left undone?") if self.links else self.ended
        links = saga.all_links(self.links)
        self.exports = Exports(
            self.names,
            status_readers(self.workflow),
            frozenset(link.step.id for link in links if link.asks),
            read_outside(self.workflow),
            frozenset(link.step.id for link in links if link.links),
            frozenset(step.id for step in saga.unsure_pivots(self.workflow)),
        )
        self.returns: dict[str, str] = {}
        self.context = Context(
            self.calls,
            {id(step): view for step, view in views(self.workflow)},
            self.values,
            self.namer,
            self.exports,
            sequence_states,
        )
        self.undoing = Undoing(self.context, self.links)
        finally_, on_failure = self.workflow.finally_, self.workflow.on_failure
        # A guard comes to its steps only where the flow has not ended well.
        self.ending = self.namer.unique("Ended well?") if finally_ and not self.guard else self.end
        self.last = self.context.first(finally_[0]) if finally_ else self.end
        self.failure = self.context.first(on_failure[0]) if on_failure else self.last
        # Where the result is a variable, what comes between it and the end can be anything.
        self.held = bool(finally_) or any(step.keys.stop for step in self.workflow.forward)
        stop = self.last if finally_ else self.done
        # Whoever has its turn gives it back: no error ends the execution by itself.
        self.lane = Lane((), self._handler, stop, None if self.lock else self.ended)
        self.turn: LockStates | None = None
        if self.lock and self.workflow.keys.concurrency:
            mark, waits = (
                self.workflow.document.key_mark(("concurrency",)),
                self.workflow.keys.concurrency.mode == "queue",
            )
            self.turn = LockStates(self.lock, mark, waits, self.namer.unique)

    def states(self) -> tuple[State, ...]:
        steps = self.workflow.steps
        after = self.done if self._result_is_certain() and not self.held else self.result
        body = self.context.states(steps, self.lane, after)
        body += [
            *self._finish(),
            *self.undoing.states(self.lane, self.failure),
            *self.ending_states(),
        ]
        first = self.context.first(steps[0])
        if self.turn:
            body = [*self.turn.ahead(first), *self.turn.released(body)]
            first = self.turn.first
        return (*self._entry(first), *body, *self._questions())

    def ending_states(self) -> list[State]:
        """``on-failure``, ``finally`` and the end."""
        return [*self._on_failure(), *self._finally(), *self._terminal()]

    def first_values(self) -> dict[str, Data]:
        """The variables that have to be set before the first step, as far as what is planned so far reads them."""
        assign: dict[str, Data] = {"input": Jsonata(input_value(self.workflow.keys.inputs or {}))}
        if self.names.resources:
            resources: dict[str, Data] = dict(sorted(self.names.resources.items()))
            assign["resources"] = resources
        steps = (*self.workflow.steps, *self.workflow.on_failure, *self.workflow.finally_)
        return assign | self.exports.entry(steps, self.lane)

    def comments(self) -> dict[str, str]:
        """State -> the description of its step."""
        names = {step.name: step for step in (*self.workflow.forward, *self.workflow.ending)}
        names |= {self.undoing.name(step): step.undo for step in self.workflow.forward if step.undo}
        return {name: step.keys.description for name, step in names.items() if step.keys.description}

    # The entry comes last to be made: it sets up the variables that everything else was seen to read.
    def _entry(self, first: str) -> list[State]:
        mark = self.workflow.mark
        inputs = self.workflow.keys.inputs or {}
        assign = self.first_values() | (self.turn.entry() if self.turn else {})
        if self.links:
            assign["left"] = ""
        if self.workflow.finally_:
            assign["failure"] = None
        start = self.namer.unique("Input")
        if not inputs:
            return [Pass(start, mark, first, assign)]
        wrong = self.namer.unique("Wrong input")
        faults = contract_faults(inputs)
        rule = Rule(Jsonata(f"({faults}) = ''"), first, assign)
        refusal = Fail(wrong, mark, "InvalidInput", Jsonata(f"'wrong input: ' & $substring(({faults}), 2)"))
        return [Choice(start, mark, (rule,), wrong), refusal]

    def _handler(self, step: Step | None, completed: bool) -> Handler:
        """Where an error goes that ends the flow."""
        first = saga.entry(self.workflow, step, completed=completed)
        caught = self.workflow.on_failure or self.workflow.finally_
        target = self.failure if caught else self.ended
        return Handler(self._return(self.undoing.first(first)) if first else target, self.lane.fails)

    def _return(self, link: str) -> str:
        """Where the chain is entered, or the question whether there is a return."""
        if not self.exports.pivots:
            return link
        return self.returns.setdefault(link, self.namer.unique(f"{link}: no return?"))

    def _questions(self) -> list[State]:
        passed = [
            f"${variable('passed', step.id, 0 if self.context.views[id(step)].frame else None)}"
            for step in saga.unsure_pivots(self.workflow)
        ]
        rules = (Rule(Jsonata(" or ".join(passed)), self.failure),)
        return [Choice(name, self.workflow.mark, rules, link) for link, name in self.returns.items()]

    def _finish(self) -> list[State]:
        mark = self.workflow.mark
        if not self.held and self._result_is_certain():
            return [Succeed(self.done, mark, self._result())]
        failed = self._handler(None, False)
        if not self.held and failed.next == self.lane.ended:
            return [Succeed(self.result, mark, self._result())]
        end = Succeed(self.done, mark, Jsonata("$result"))
        if self._result_is_certain() or failed.next == self.lane.ended:
            return [Pass(self.result, mark, self.lane.stop, {"result": self._result()}), end]
        inside = Pass(self.namer.unique("Result: values"), mark, None, {}, self._result())
        assign: dict[str, Data] = {"result": Jsonata("$states.result[0]")}
        return [guarded(self.result, mark, (inside,), assign, self.lane.stop, failed), end]

    def _result_is_certain(self) -> bool:
        values = self.values(at_end(self.workflow))
        document = self.workflow.document
        own = self.workflow.own_code
        return own is not None or all(output_is_certain(output, document, values) for output in self.workflow.outputs)

    def _result(self) -> Data:
        own = self.workflow.own_code
        if own:
            return Jsonata(f"${output_variable(own.id)}") if own.outputs else {}
        values = self.values(at_end(self.workflow))
        document = self.workflow.document
        return {output.name: output_data(output, document, values) for output in self.workflow.outputs}

    def _on_failure(self) -> list[State]:
        """The steps end with the first of them that fails; the flow's error then tells of it."""
        steps = self.workflow.on_failure

        def failed(step: Step | None, _completed: bool) -> Handler:
            return Handler(self.last, lambda error, _cause: _also_failed(step, error))

        return self.context.states(steps, Lane((), failed, self.last, tries=self.lane.tries), self.last)

    def _finally(self) -> list[State]:
        """Each of the steps runs, whatever becomes of those before it."""
        states: list[State] = []
        steps = self.workflow.finally_
        for step, next_ in zip(steps, [*(self.context.first(step) for step in steps), self.ending][1:], strict=True):

            def failed(inner: Step | None, _completed: bool, next_: str = next_) -> Handler:
                return Handler(next_, lambda error, cause: _failed_at_last(inner, error, cause))

            states += self.context.states((step,), Lane((), failed, next_, tries=self.lane.tries), next_)
        if self.ending != self.end:
            mark = self.workflow.mark
            states.append(Choice(self.ending, mark, (Rule(Jsonata("$failure = null"), self.done),), self.end))
        return states

    def _terminal(self) -> list[State]:
        mark = self.workflow.mark
        ended = Fail(self.ended, mark, Jsonata("$failure.type"), Jsonata("$failure.cause"))
        if not self.links:
            return [ended]
        cause = "'not undone: ' & $left & '; the first error was ' & $failure.type & ': ' & $failure.cause"
        rule = Rule(Jsonata("$left = ''"), self.ended)
        left = Fail(self.left_over, mark, "UndoFailed", Jsonata(_short(cause)))
        return [Choice(self.end, mark, (rule,), self.left_over), ended, left]


def _also_failed(step: Step | None, error: str) -> Mapping[str, Data]:
    """The first error, with a note that a step at the end failed too."""
    value: dict[str, Data] = {"type": Jsonata("$failure.type"), "cause": Jsonata(_short(_note(step, error)))}
    return {"failure": value}


def _failed_at_last(step: Step | None, error: str, cause: str) -> Mapping[str, Data]:
    """The same of a step of ``finally``, whose error is the first where nothing failed before."""
    value: dict[str, Data] = {
        "type": Jsonata(f"$failure = null ? {error} : $failure.type"),
        "cause": Jsonata(f"$failure = null ? {cause} : {_short(_note(step, error))}"),
    }
    return {"failure": value}


def _note(step: Step | None, error: str) -> str:
    return f"$failure.cause & ' (then {(step.title or step.name) if step else 'the result'} failed: ' & {error} & ')'"


def _short(code: str) -> str:
    """Step Functions refuses a cause of more than 32,768 characters."""
    return f"$substring({code}, 0, 32000)"
