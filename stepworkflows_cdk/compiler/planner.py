"""A workflow becomes a machine's plan: its states, in order, each knowing where it goes on and where its errors go.

The machine reads: entry (the contract, the first variables), the steps, the result, the undo chain, ``on-failure``,
the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stepworkflows_cdk.compiler import saga
from stepworkflows_cdk.compiler.contract import contract_faults, input_value
from stepworkflows_cdk.compiler.integration import Call
from stepworkflows_cdk.compiler.jsonata import literal
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
from stepworkflows_cdk.compiler.states import Namer, reachable
from stepworkflows_cdk.compiler.tasks import ALL, CAUSE, ERROR, Handler, Tries, needs_handler, task_states
from stepworkflows_cdk.compiler.values import Names, Values, output_variable, status_variable
from stepworkflows_cdk.language.model import FailKeys, RequireKeys
from stepworkflows_cdk.language.scope import View
from stepworkflows_cdk.language.usage import status_readers
from stepworkflows_cdk.language.workflow import Output, Step, Workflow

__all__ = ["Planned", "plan_machine"]


@dataclass(frozen=True)
class Planned:
    """A step with its call, and the call that records its ``DATABASE_`` outputs."""

    call: Call | None
    record: Call | None = None


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
                assign[output_variable(step.id)] = _defaults(step)
            if step.id in self.statuses:
                assign[status_variable(step.id)] = "done"
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
        if planned and planned.call:
            return self._work(step, planned.call, planned.record, values, next_)
        if step.keys.require:
            return self._require(step, step.keys.require, values, next_)
        if step.keys.fail:
            return self._fail(step, step.keys.fail, values)
        return self._set(step, values, next_)

    def _work(self, step: Step, call: Call, record: Call | None, values: Values, next_: str) -> list[State]:
        own = self.values(values.view.of_outputs())
        own = Values(own.view, own.names, own.config, own.resource, own.secret, result=call.result)
        outputs: dict[str, Data] = {output.name: _output(output, step, own) for output in step.outputs}
        assign: dict[str, Data] = {output_variable(step.id): outputs} if outputs else {}
        failed = self._handler(step, next_)
        then = self.namer.unique(f"{step.name}: record") if record else next_
        states = [*self._task(step.name, step, call, values, assign, then, failed)]
        if record:
            states += self._task(then, step, record, values, {}, next_, failed)
        return states

    def _task(
        self, name: str, step: Step, call: Call, values: Values, assign: Mapping[str, Data], next_: str, failed: Handler
    ) -> tuple[State, ...]:
        retry = step.keys.retry or ()
        plain = failed.next == self.ended and not needs_handler(call, retry)
        caught = Values(
            values.view.of_retry(), values.names, values.config, values.resource, values.secret, error="$caught"
        )
        return task_states(
            name,
            step.mark,
            step.id,
            call,
            retry=retry,
            values=caught,
            assign=assign,
            next_=next_,
            failed=None if plain else failed,
            tries=self.tries,
            unique=self.namer.unique,
        )

    def _handler(self, step: Step | None, next_: str) -> Handler:
        """Where the errors of a forward step go."""
        if step and step.may_fail_alone:
            defaults: dict[str, Data] = {output_variable(step.id): _defaults(step)} if step.outputs else {}
            if step.id in self.statuses:
                defaults[status_variable(step.id)] = "failed"
            return Handler(next_, lambda _error, _cause: defaults)
        first = saga.entry(self.workflow, step)
        if first:
            return Handler(self.undo_names[id(first)], _error)
        return Handler(self.failure if self.workflow.on_failure else self.ended, _error)

    def _require(self, step: Step, require: RequireKeys, values: Values, next_: str) -> list[State]:
        failed = self._handler(step, next_)
        refused = self.namer.unique(f"{step.name}: refused")
        condition = values.condition(require.that)
        fail = Fail(refused, step.mark, require.error, _cause(require.message, values))
        if failed.next == self.ended:
            return [Choice(step.name, step.mark, (Rule(condition, next_),), refused), fail]
        inside = self.namer.unique(f"{step.name}: holds?")
        holds = self.namer.unique(f"{step.name}: holds")
        branch = (Choice(inside, step.mark, (Rule(condition, holds),), refused), Succeed(holds, step.mark, {}), fail)
        return [self._guarded(step, branch, {}, next_, failed)]

    def _fail(self, step: Step, fail: FailKeys, values: Values) -> list[State]:
        failed = self._handler(step, self.ended)
        cause = _cause(fail.message, values)
        if failed.next == self.ended:
            return [Fail(step.name, step.mark, fail.error, cause)]
        if values.certain(fail.message):
            error: dict[str, Data] = {"type": fail.error, "cause": cause}
            return [Pass(step.name, step.mark, failed.next, {"error": error})]
        inside = Fail(self.namer.unique(f"{step.name}: fail"), step.mark, fail.error, cause)
        return [self._guarded(step, (inside,), {}, failed.next, failed)]

    def _set(self, step: Step, values: Values, next_: str) -> list[State]:
        failed = self._handler(step, next_)
        outputs: dict[str, Data] = {output.name: _output(output, step, values) for output in step.outputs}
        variable = output_variable(step.id)
        certain = all(values.certain(step.document.get(output.path)) for output in step.outputs)
        if failed.next == self.ended or certain:
            return [Pass(step.name, step.mark, next_, {variable: outputs})]
        inside = Pass(self.namer.unique(f"{step.name}: values"), step.mark, None, {}, outputs)
        return [self._guarded(step, (inside,), {variable: Jsonata("$states.result[0]")}, next_, failed)]

    def _guarded(
        self, step: Step, branch: tuple[State, ...], assign: Mapping[str, Data], next_: str, failed: Handler
    ) -> Parallel:
        """A stretch in a branch of its own: only so can an error of an expression be caught."""
        catch = Catch((ALL,), failed.next, failed.assign(ERROR, CAUSE))
        return Parallel(step.name, step.mark, (branch,), next_, assign, catch=(catch,))

    def _finish(self) -> list[State]:
        mark = self.workflow.mark
        if self._result_is_certain():
            return [Succeed(self.done, mark, self._result())]
        failed = self._handler(None, self.ended)
        if failed.next == self.ended:
            return [Succeed(self.result, mark, self._result())]
        inside = Pass(self.namer.unique("Result: values"), mark, None, {}, self._result())
        catch = Catch((ALL,), failed.next, failed.assign(ERROR, CAUSE))
        guarded = Parallel(
            self.result, mark, ((inside,),), self.done, {"result": Jsonata("$states.result[0]")}, catch=(catch,)
        )
        return [guarded, Succeed(self.done, mark, Jsonata("$result"))]

    def _result_is_certain(self) -> bool:
        values = self.values(View(self.workflow, self.workflow.steps))
        own = self.workflow.own_code
        return own is not None or all(
            values.certain(self.workflow.document.get(output.path)) for output in self.workflow.outputs
        )

    def _result(self) -> Data:
        own = self.workflow.own_code
        if own:
            return Jsonata(f"${output_variable(own.id)}") if own.outputs else {}
        values = self.values(View(self.workflow, self.workflow.steps))
        return {
            output.name: _typed(
                values.data(self.workflow.document.get(output.path)),
                output,
                values,
                self.workflow.document.get(output.path),
            )
            for output in self.workflow.outputs
        }

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
        values = self.values(view)
        caught = Values(view, values.names, values.config, values.resource, values.secret, error="$caught")
        return task_states(
            name,
            step.mark,
            step.id,
            call,
            retry=step.keys.retry or (),
            values=caught,
            assign={},
            next_=next_,
            failed=failed,
            tries=self.tries,
            unique=self.namer.unique,
            ignore=step.keys.ignore or (),
            undo=undo,
        )

    def _terminal(self) -> list[State]:
        mark = self.workflow.mark
        ended = Fail(self.ended, mark, Jsonata("$error.type"), Jsonata("$error.cause"))
        if not self.undo_names:
            return [ended]
        cause = "'not undone: ' & $left & '; the first error was ' & $error.type & ': ' & $error.cause"
        rule = Rule(Jsonata("$left = ''"), self.ended)
        left = Fail(self.left_over, mark, "UndoFailed", Jsonata(_short(cause)))
        return [Choice(self.end, mark, (rule,), self.left_over), ended, left]

    def _undo_name(self, step: Step, undone: Sequence[Step]) -> str:
        assert step.undo
        shared = sum(other.undo is step.undo for other in undone) > 1
        return self.namer.unique(f"{step.undo.name} ({step.id})" if shared else step.undo.name)


def _error(error: str, cause: str) -> Mapping[str, Data]:
    value: dict[str, Data] = {"type": Jsonata(error), "cause": Jsonata(cause)}
    return {"error": value}


def _also_failed(step: Step, error: str) -> Mapping[str, Data]:
    """The first error, with a note that a step of ``on-failure`` failed too."""
    note = f"$error.cause & ' (then {step.id} failed: ' & {error} & ')'"
    value: dict[str, Data] = {"type": Jsonata("$error.type"), "cause": Jsonata(_short(note))}
    return {"error": value}


def _short(code: str) -> str:
    """Step Functions refuses a cause of more than 32,768 characters."""
    return f"$substring({code}, 0, 32000)"


def _cause(message: str, values: Values) -> str | Jsonata:
    data = values.data(message)
    if isinstance(data, str):
        return data
    return Jsonata(f"$string({values.expression(message).code})")


def _defaults(step: Step) -> dict[str, Data]:
    """The outputs of a step that did not finish."""
    return {output.name: _plain(output.default) for output in step.outputs}


def _plain(value: Any) -> Data:
    """A literal of the document as data: what looks like an expression stays text."""
    match value:
        case str():
            return Jsonata(literal(value)) if value.startswith("{%") else value
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case _:
            return value  # type: ignore[no-any-return]  # a number, a truth value, null


def _output(output: Output, step: Step, values: Values) -> Data:
    value = step.document.get(output.path)
    return _typed(values.data(value), output, values, value)


def _typed(data: Data, output: Output, values: Values, value: Any) -> Data:
    """The value with its default and its type, where the document says them."""
    if not output.has_default and output.type is None:
        return data
    if output.has_default and output.type is None and not isinstance(data, Jsonata | dict | list):
        return data
    code = f"$v := {values.expression(value).code}"
    checked = "$v"
    if output.type is not None:
        type_ = "number" if output.type == "integer" else output.type
        whole = " and $floor($v) = $v" if output.type == "integer" else ""
        message = literal(f"the output {output.name} must be of the type {output.type}")
        checked = f"($type($v) = {literal(type_)}{whole} ? $v : $error({message}))"
    if output.has_default:
        checked = f"($exists($v) ? {checked} : {literal(output.default)})"
    return Jsonata(f"({code}; {checked})")
