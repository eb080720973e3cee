"""A workflow becomes a machine's plan: its states, in order, each knowing where it goes on and where its errors go.

The machine reads: entry (the contract, the first variables), the steps, the result, the undo chain, ``on-failure``,
the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from stepworkflows_cdk.compiler import saga
from stepworkflows_cdk.compiler.contract import contract_faults, input_value
from stepworkflows_cdk.compiler.deploy import deploy_plan
from stepworkflows_cdk.compiler.exports import Exports
from stepworkflows_cdk.compiler.fences import guarded
from stepworkflows_cdk.compiler.integration import Call
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.lanes import Lane
from stepworkflows_cdk.compiler.outputs import output_data, output_is_certain
from stepworkflows_cdk.compiler.plan import Choice, Data, Fail, Jsonata, MachinePlan, Pass, Rule, State, Succeed
from stepworkflows_cdk.compiler.states import Namer, reachable
from stepworkflows_cdk.compiler.steps.context import Context, Planned, written_states
from stepworkflows_cdk.compiler.steps.sequence import sequence_states
from stepworkflows_cdk.compiler.tasks import Handler, TaskPlace, task_states
from stepworkflows_cdk.compiler.values import Names, Values, output_variable, variable
from stepworkflows_cdk.language.model import DeployKeys
from stepworkflows_cdk.language.scope import View
from stepworkflows_cdk.language.usage import read_outside, status_readers
from stepworkflows_cdk.language.views import at_end, handling, views
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["plan_machine"]


def plan_machine(
    workflow: Workflow,
    calls: Mapping[int, Planned],
    values: Callable[[View], Values],
    names: Names,
) -> MachinePlan:
    """The machine of one workflow. ``calls`` holds what each step (by ``id()``) becomes."""
    machine = _Machine(workflow, calls, values, names)
    return MachinePlan(
        workflow.id,
        workflow.mark,
        workflow.keys.description or workflow.name,
        reachable(machine.states()),
        workflow.keys.timeout,
        machine.comments(),
        deploy_plan(workflow.keys.deploy or DeployKeys()),
    )


@dataclass
class _Machine:
    workflow: Workflow
    calls: Mapping[int, Planned]
    values: Callable[[View], Values]
    names: Names

    def __post_init__(self) -> None:
        self.namer = Namer(
            [
                *(step.name for step in (*self.workflow.forward, *self.workflow.on_failure)),
                *(state.name for calls in self.calls.values() for state in written_states(calls)),
            ]
        )
        self.done = self.namer.unique("Done")
        self.result = self.namer.unique("Result")
        self.ended = self.namer.unique("Failed")
        self.left_over = self.namer.unique("Undo failed")
        self.links = saga.chain(self.workflow)
        self.undo_names = {id(link.step): self._undo_name(link.step) for link in self.links}
        self.asked = {
            id(link.step): self.namer.unique(f"{self.undo_names[id(link.step)]}: needed?")
            for link in self.links
            if link.asks
        }
        self.end = self.namer.unique("Left undone?") if self.links else self.ended
        on_failure = self.workflow.on_failure
        self.failure = on_failure[0].name if on_failure else self.end
        self.lane = Lane((), self._handler, self.ended)
        flagged = frozenset(link.step.id for link in self.links if link.asks)
        self.exports = Exports(self.names, status_readers(self.workflow), flagged, read_outside(self.workflow))
        self.context = Context(
            self.calls,
            {id(step): view for step, view in views(self.workflow)},
            self.values,
            self.namer,
            self.exports,
            sequence_states,
        )

    def states(self) -> tuple[State, ...]:
        steps = self.workflow.steps
        after = self.done if self._result_is_certain() else self.result
        body = self.context.states(steps, self.lane, after)
        body += [*self._finish(), *self._undo(), *self._on_failure(), *self._terminal()]
        return (*self._entry(self.context.first(steps[0])), *body)

    def comments(self) -> dict[str, str]:
        """State -> the description of its step."""
        names = {step.name: step for step in (*self.workflow.forward, *self.workflow.on_failure)}
        names |= {self.undo_names[id(step)]: step.undo for step in self.workflow.forward if step.undo}
        return {name: step.keys.description for name, step in names.items() if step.keys.description}

    # The entry comes last to be made: it sets up the variables that everything else was seen to read.
    def _entry(self, first: str) -> list[State]:
        mark = self.workflow.mark
        inputs = self.workflow.keys.inputs or {}
        assign: dict[str, Data] = {"input": Jsonata(input_value(inputs))}
        if self.names.resources:
            resources: dict[str, Data] = dict(sorted(self.names.resources.items()))
            assign["resources"] = resources
        assign |= self.exports.entry(self.workflow.steps, self.lane)
        if self.links:
            assign["left"] = ""
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
        target = self.failure if self.workflow.on_failure else self.ended
        return Handler(self._link_name(first) if first else target, self.lane.fails)

    def _link_name(self, step: Step) -> str:
        """Where the chain is entered at a step: its undo, or the question whether it is needed."""
        return self.asked.get(id(step)) or self.undo_names[id(step)]

    def _finish(self) -> list[State]:
        mark = self.workflow.mark
        if self._result_is_certain():
            return [Succeed(self.done, mark, self._result())]
        failed = self._handler(None, False)
        if failed.next == self.ended:
            return [Succeed(self.result, mark, self._result())]
        inside = Pass(self.namer.unique("Result: values"), mark, None, {}, self._result())
        assign: dict[str, Data] = {"result": Jsonata("$states.result[0]")}
        fence = guarded(self.result, mark, (inside,), assign, self.done, failed)
        return [fence, Succeed(self.done, mark, Jsonata("$result"))]

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

    def _undo(self) -> list[State]:
        states: list[State] = []
        following = [*(self._link_name(link.step) for link in self.links), self.failure][1:]
        for link, next_ in zip(self.links, following, strict=True):
            step = link.step
            undo, call = step.undo, self.calls[id(step.undo)].call
            assert undo
            assert call
            name = self.undo_names[id(step)]
            if link.asks:
                tried = variable("tried", step.id, 0 if link.frame else None)
                rule = Rule(Jsonata(f"${tried}"), name)
                states.append(Choice(self.asked[id(step)], undo.mark, (rule,), next_))
            note = literal(step.id)
            left = Jsonata(f"$left = '' ? {note} : $left & ', ' & {note}")
            failed = Handler(next_, lambda _error, _cause, left=left: {"left": left})  # type: ignore[misc]
            states += self._handling(name, undo, call, next_, failed, undo=True)
        return states

    def _on_failure(self) -> list[State]:
        states: list[State] = []
        steps = self.workflow.on_failure
        for step, next_ in zip(steps, [*(step.name for step in steps), self.end][1:], strict=True):
            call = self.calls[id(step)].call
            assert call
            if step.may_fail_alone:
                failed = Handler(next_, lambda _error, _cause: {})
            else:
                failed = Handler(self.end, lambda error, _cause, step=step: _also_failed(step, error))  # type: ignore[misc]
            states += self._handling(step.name, step, call, next_, failed, undo=False)
        return states

    def _handling(
        self, name: str, step: Step, call: Call, next_: str, failed: Handler, *, undo: bool
    ) -> tuple[State, ...]:
        caught = replace(self.values(handling(self.workflow, step)), error="$caught")
        retry, ignore = step.keys.retry or (), step.keys.ignore or ()
        place = TaskPlace(name, step.mark, step.id, next_, failed, retry, ignore=ignore, undo=undo)
        return task_states(place, call, caught, self.lane.tries, self.namer.unique)

    def _terminal(self) -> list[State]:
        mark = self.workflow.mark
        ended = Fail(self.ended, mark, Jsonata("$failure.type"), Jsonata("$failure.cause"))
        if not self.links:
            return [ended]
        cause = "'not undone: ' & $left & '; the first error was ' & $failure.type & ': ' & $failure.cause"
        rule = Rule(Jsonata("$left = ''"), self.ended)
        left = Fail(self.left_over, mark, "UndoFailed", Jsonata(_short(cause)))
        return [Choice(self.end, mark, (rule,), self.left_over), ended, left]

    def _undo_name(self, step: Step) -> str:
        assert step.undo
        shared = sum(link.step.undo is step.undo for link in self.links) > 1
        return self.namer.unique(f"{step.undo.name} ({step.id})" if shared else step.undo.name)


def _also_failed(step: Step, error: str) -> Mapping[str, Data]:
    """The first error, with a note that a step of ``on-failure`` failed too."""
    note = f"$failure.cause & ' (then {step.id} failed: ' & {error} & ')'"
    value: dict[str, Data] = {"type": Jsonata("$failure.type"), "cause": Jsonata(_short(note))}
    return {"failure": value}


def _short(code: str) -> str:
    """Step Functions refuses a cause of more than 32,768 characters."""
    return f"$substring({code}, 0, 32000)"
