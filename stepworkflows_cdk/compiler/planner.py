"""A workflow becomes a machine's plan: its states, in order, each knowing where it goes on and where its errors go.

The machine reads: entry (the contract, the first variables), the steps, the result, the undo chain, ``on-failure``,
the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stepworkflows_cdk.compiler import saga
from stepworkflows_cdk.compiler.contract import contract_faults, input_value
from stepworkflows_cdk.compiler.integration import Call
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.outputs import defaults, output_data, output_is_certain
from stepworkflows_cdk.compiler.plan import (
    Catch,
    Choice,
    Data,
    Fail,
    Jsonata,
    MachinePlan,
    Parallel,
    Pass,
    Rule,
    State,
    Succeed,
)
from stepworkflows_cdk.compiler.retries import ALL
from stepworkflows_cdk.compiler.states import Namer, reachable
from stepworkflows_cdk.compiler.tasks import CAUSE, ERROR, Handler, TaskPlace, needs_handler, task_states
from stepworkflows_cdk.compiler.tries import Tries
from stepworkflows_cdk.compiler.values import Names, Values, output_variable, status_variable
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.model import FailKeys, RequireKeys
from stepworkflows_cdk.language.scope import View
from stepworkflows_cdk.language.usage import status_readers
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["Planned", "plan_machine"]


@dataclass(frozen=True)
class Planned:
    """A step with its call, and the call that records its ``DATABASE_`` outputs."""

    call: Call | None
    record: Call | None = None

    def __iter__(self) -> Iterator[Call]:
        return (call for call in (self.call, self.record) if call)


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
    )


@dataclass
class _Machine:
    workflow: Workflow
    calls: Mapping[int, Planned]
    values: Callable[[View], Values]
    names: Names
    tries: Tries = field(default_factory=Tries)

    def __post_init__(self) -> None:
        self.statuses = status_readers(self.workflow)
        self.namer = Namer([step.name for step in (*self.workflow.steps, *self.workflow.on_failure)])
        self.done = self.namer.unique("Done")
        self.result = self.namer.unique("Result")
        self.ended = self.namer.unique("Failed")
        self.left_over = self.namer.unique("Undo failed")
        undone = list(saga.chain(self.workflow))
        self.undo_names = {id(step): self._undo_name(step, undone) for step in undone}
        undo = bool(undone)
        self.end = self.namer.unique("Left undone?") if undo else self.ended
        on_failure = self.workflow.on_failure
        self.failure = on_failure[0].name if on_failure else self.end

    def states(self) -> tuple[State, ...]:
        body = [*self._forward(), *self._finish(), *self._undo(), *self._on_failure(), *self._terminal()]
        return (*self._entry(body[0].name), *body)

    def comments(self) -> dict[str, str]:
        """State -> the description of its step."""
        names = {step.name: step for step in (*self.workflow.steps, *self.workflow.on_failure)}
        names |= {self.undo_names[id(step)]: step.undo for step in self.workflow.steps if step.undo}
        return {name: step.keys.description for name, step in names.items() if step.keys.description}

    # The entry comes last to be made: it sets up the variables that everything else was seen to read.
    def _entry(self, first: str) -> list[State]:
        mark = self.workflow.mark
        inputs = self.workflow.keys.inputs or {}
        assign: dict[str, Data] = {"input": Jsonata(input_value(inputs))}
        if self.names.resources:
            resources: dict[str, Data] = dict(sorted(self.names.resources.items()))
            assign["resources"] = resources
        for step in self.workflow.steps:
            if step.id in self.names.uncertain:
                assign[output_variable(step.id)] = defaults(step)
            assign |= self._status(step, "skipped")
        assign.update(dict.fromkeys(self.tries.names, 0))
        if self.undo_names:
            assign["left"] = ""
        start = self.namer.unique("Input")
        if not inputs:
            return [Pass(start, mark, first, assign)]
        wrong = self.namer.unique("Wrong input")
        faults = contract_faults(inputs)
        rule = Rule(Jsonata(f"({faults}) = ''"), first, assign)
        refusal = Fail(wrong, mark, "InvalidInput", Jsonata(f"'wrong input: ' & $substring(({faults}), 2)"))
        return [Choice(start, mark, (rule,), wrong), refusal]

    def _forward(self) -> list[State]:
        states: list[State] = []
        following = [*(step.name for step in self.workflow.steps[1:]), self._after_steps()]
        for index, (step, next_) in enumerate(zip(self.workflow.steps, following, strict=True)):
            view = View(self.workflow, self.workflow.steps[:index], step)
            states += self._step(step, self.values(view), next_)
        return states

    def _after_steps(self) -> str:
        return self.done if self._result_is_certain() else self.result

    def _step(self, step: Step, values: Values, next_: str) -> list[State]:
        planned = self.calls.get(id(step))
        record = planned.record if planned else None
        if planned and planned.call:
            return self._work(step, planned.call, record, values, next_)
        if step.keys.require:
            return self._require(step, step.keys.require, values, next_)
        if step.keys.fail:
            return self._fail(step, step.keys.fail, values)
        return self._set(step, record, values, next_)

    def _work(self, step: Step, call: Call, record: Call | None, values: Values, next_: str) -> list[State]:
        own = replace(self.values(values.view.of_outputs()), result=call.result)
        outputs: dict[str, Data] = {output.name: output_data(output, step.document, own) for output in step.outputs}
        assign: dict[str, Data] = {output_variable(step.id): outputs} if outputs else {}
        then = self.namer.unique(f"{step.name}: record") if record else next_
        failed = self._handler(step, next_)
        unread = None
        if outputs and step.keys.undo_when == "completed":
            # The work is done where only its result cannot be read.
            unread = self._handler(step, next_, completed=True)
        states = [
            *self._task(step.name, step, call, values, {**assign, **self._status(step, "done")}, then, failed, unread)
        ]
        if record:
            recorded = self._handler(step, next_, completed=True)
            states += self._task(then, step, record, values, {}, next_, recorded)
        return states

    def _task(
        self,
        name: str,
        step: Step,
        call: Call,
        values: Values,
        assign: Mapping[str, Data],
        next_: str,
        failed: Handler,
        unread: Handler | None = None,
    ) -> tuple[State, ...]:
        retry = step.keys.retry or ()
        plain = failed.next == self.ended and not needs_handler(call, retry)
        place = TaskPlace(
            name, step.mark, step.id, next_, None if plain else failed, retry, assign, None if plain else unread
        )
        caught = replace(values, view=values.view.of_retry(), error="$caught")
        return task_states(place, call, caught, self.tries, self.namer.unique)

    def _record(self, step: Step, record: Call | None, values: Values, next_: str) -> tuple[str, list[State]]:
        """The states that record the outputs of a step without work, and where to go to begin."""
        if record is None:
            return next_, []
        name = self.namer.unique(f"{step.name}: record")
        return name, list(self._task(name, step, record, values, {}, next_, self._handler(step, next_)))

    def _status(self, step: Step, status: str) -> dict[str, Data]:
        return {status_variable(step.id): status} if step.id in self.statuses else {}

    def _handler(self, step: Step | None, next_: str, *, completed: bool = False) -> Handler:
        """Where the errors of a forward step go. ``completed``: its work is done, and something behind it failed."""
        if step and step.may_fail_alone:
            failed: dict[str, Data] = {}
            if not completed:
                failed = {output_variable(step.id): defaults(step)} if step.outputs else {}
                failed |= self._status(step, "failed")
            return Handler(next_, lambda _error, _cause: failed)
        first = saga.entry(self.workflow, step, completed=completed)
        status = self._status(step, "failed") if step and not completed else {}
        target = self.ended
        if first:
            target = self.undo_names[id(first)]
        elif self.workflow.on_failure:
            target = self.failure
        return Handler(target, lambda error, cause: {**_failure(error, cause), **status})

    def _require(self, step: Step, require: RequireKeys, values: Values, next_: str) -> list[State]:
        failed = self._handler(step, next_)
        refused = self.namer.unique(f"{step.name}: refused")
        condition = values.condition(require.that)
        fail = Fail(refused, step.mark, require.error, _cause(require.message, values))
        done = self._status(step, "done")
        if failed.next == self.ended:
            return [Choice(step.name, step.mark, (Rule(condition, next_, done),), refused), fail]
        inside = self.namer.unique(f"{step.name}: holds?")
        holds = self.namer.unique(f"{step.name}: holds")
        branch = (Choice(inside, step.mark, (Rule(condition, holds),), refused), Succeed(holds, step.mark, {}), fail)
        return [_guarded(step.name, step.mark, branch, done, next_, failed)]

    def _fail(self, step: Step, fail: FailKeys, values: Values) -> list[State]:
        failed = self._handler(step, self.ended)
        cause = _cause(fail.message, values)
        if failed.next == self.ended:
            return [Fail(step.name, step.mark, fail.error, cause)]
        if values.certain(fail.message):
            error: dict[str, Data] = {"type": fail.error, "cause": cause}
            return [Pass(step.name, step.mark, failed.next, {"failure": error, **self._status(step, "failed")})]
        inside = Fail(self.namer.unique(f"{step.name}: fail"), step.mark, fail.error, cause)
        return [_guarded(step.name, step.mark, (inside,), {}, failed.next, failed)]

    def _set(self, step: Step, record: Call | None, values: Values, next_: str) -> list[State]:
        failed = self._handler(step, next_)
        outputs: dict[str, Data] = {output.name: output_data(output, step.document, values) for output in step.outputs}
        variable = output_variable(step.id)
        then, recording = self._record(step, record, values, next_)
        done = self._status(step, "done")
        certain = all(output_is_certain(output, step.document, values) for output in step.outputs)
        if failed.next == self.ended or certain:
            return [Pass(step.name, step.mark, then, {variable: outputs, **done}), *recording]
        inside = Pass(self.namer.unique(f"{step.name}: values"), step.mark, None, {}, outputs)
        assign = {variable: Jsonata("$states.result[0]"), **done}
        return [_guarded(step.name, step.mark, (inside,), assign, then, failed), *recording]

    def _finish(self) -> list[State]:
        mark = self.workflow.mark
        if self._result_is_certain():
            return [Succeed(self.done, mark, self._result())]
        failed = self._handler(None, self.ended)
        if failed.next == self.ended:
            return [Succeed(self.result, mark, self._result())]
        inside = Pass(self.namer.unique("Result: values"), mark, None, {}, self._result())
        assign: dict[str, Data] = {"result": Jsonata("$states.result[0]")}
        guarded = _guarded(self.result, mark, (inside,), assign, self.done, failed)
        return [guarded, Succeed(self.done, mark, Jsonata("$result"))]

    def _result_is_certain(self) -> bool:
        values = self.values(View(self.workflow, self.workflow.steps))
        document = self.workflow.document
        own = self.workflow.own_code
        return own is not None or all(output_is_certain(output, document, values) for output in self.workflow.outputs)

    def _result(self) -> Data:
        own = self.workflow.own_code
        if own:
            return Jsonata(f"${output_variable(own.id)}") if own.outputs else {}
        values = self.values(View(self.workflow, self.workflow.steps))
        document = self.workflow.document
        return {output.name: output_data(output, document, values) for output in self.workflow.outputs}

    def _undo(self) -> list[State]:
        states: list[State] = []
        undone = tuple(saga.chain(self.workflow))
        following = [*(self.undo_names[id(step)] for step in undone), self.failure][1:]
        for step, next_ in zip(undone, following, strict=True):
            undo, call = step.undo, self.calls[id(step.undo)].call
            assert undo
            assert call
            note = literal(step.id)
            left = Jsonata(f"$left = '' ? {note} : $left & ', ' & {note}")
            failed = Handler(next_, lambda _error, _cause, left=left: {"left": left})  # type: ignore[misc]
            states += self._handling(self.undo_names[id(step)], undo, call, next_, failed, undo=True)
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
        view = View(self.workflow, self.workflow.steps, step, handling=True, error=True)
        caught = replace(self.values(view), error="$caught")
        retry, ignore = step.keys.retry or (), step.keys.ignore or ()
        place = TaskPlace(name, step.mark, step.id, next_, failed, retry, ignore=ignore, undo=undo)
        return task_states(place, call, caught, self.tries, self.namer.unique)

    def _terminal(self) -> list[State]:
        mark = self.workflow.mark
        ended = Fail(self.ended, mark, Jsonata("$failure.type"), Jsonata("$failure.cause"))
        if not self.undo_names:
            return [ended]
        cause = "'not undone: ' & $left & '; the first error was ' & $failure.type & ': ' & $failure.cause"
        rule = Rule(Jsonata("$left = ''"), self.ended)
        left = Fail(self.left_over, mark, "UndoFailed", Jsonata(_short(cause)))
        return [Choice(self.end, mark, (rule,), self.left_over), ended, left]

    def _undo_name(self, step: Step, undone: Sequence[Step]) -> str:
        assert step.undo
        shared = sum(other.undo is step.undo for other in undone) > 1
        return self.namer.unique(f"{step.undo.name} ({step.id})" if shared else step.undo.name)


def _guarded(
    name: str, mark: Mark, branch: tuple[State, ...], assign: Mapping[str, Data], next_: str, failed: Handler
) -> Parallel:
    """A stretch in a branch of its own: only so can an error of an expression be caught."""
    catch = Catch((ALL,), failed.next, failed.assign(ERROR, CAUSE))
    return Parallel(name, mark, (branch,), next_, assign, catch=(catch,))


def _failure(error: str, cause: str) -> Mapping[str, Data]:
    value: dict[str, Data] = {"type": Jsonata(error), "cause": Jsonata(cause)}
    return {"failure": value}


def _also_failed(step: Step, error: str) -> Mapping[str, Data]:
    """The first error, with a note that a step of ``on-failure`` failed too."""
    note = f"$failure.cause & ' (then {step.id} failed: ' & {error} & ')'"
    value: dict[str, Data] = {"type": Jsonata("$failure.type"), "cause": Jsonata(_short(note))}
    return {"failure": value}


def _short(code: str) -> str:
    """Step Functions refuses a cause of more than 32,768 characters."""
    return f"$substring({code}, 0, 32000)"


def _cause(message: str, values: Values) -> str | Jsonata:
    data = values.data(message)
    if isinstance(data, str):
        return data
    return Jsonata(f"$string({values.expression(message).code})")
