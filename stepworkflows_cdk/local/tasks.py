"""The calls of task states: made by the integration that performs the resource, or answered from outside. What starts
executions, the engine does itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.errors import LocalRunError
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.ids import StepId
from stepworkflows_cdk.language.outside import Returns, Throws
from stepworkflows_cdk.local.errors import TaskFailed
from stepworkflows_cdk.local.jsonata import plain_numbers
from stepworkflows_cdk.local.world import TaskCall, World

if TYPE_CHECKING:
    from stepworkflows_cdk.local.executions import Started

__all__ = ["CALLBACK", "IN_SYNC", "Tasks"]

_PATTERNS = (".sync", ".sync:2")
_WAITED_FOR = "states:startExecution.sync:2"
IN_SYNC = "aws-sdk:sfn:startSyncExecution"
"""What starts an execution of the short kind, and tells how it ended."""
_DESCRIBE = "aws-sdk:sfn:describeExecution"
_STARTS = ("states:startExecution", _WAITED_FOR, IN_SYNC)
CALLBACK = ".waitForTaskToken"
"""A task with this behind its resource makes its call, and then waits for an answer to its token."""


class Tasks:
    """Performs tasks. ``states`` tells the step of each state, ``start`` starts an execution with a prefix for its
    states, ``describe`` tells how one is. Calls of states ``beside`` are never answered from outside.
    """

    def __init__(
        self,
        integrations: Sequence[Integration],
        states: Mapping[str, Mark],
        world: World,
        start: Callable[[Any, str], Started],
        describe: Callable[[Any], Any],
        beside: Collection[str] = (),
    ) -> None:
        self._start = start
        self._describe = describe
        self._integrations = integrations
        self._states = states
        self._beside = beside
        self._world = world

    def step(self, state: str) -> str:
        """The id of the step that caused a state, empty where none did."""
        mark = self._states.get(state)
        return mark.step if mark is not None else ""

    def id(self, state: str) -> StepId:
        """The step that caused a state, by its flow and its id."""
        mark = self._states.get(state)
        return (mark.flow, mark.step) if mark is not None else ("", "")

    def refusal(self, resource: str, state: str) -> str | None:
        """Why a task cannot be performed here, or None. A step that is answered from outside needs nobody."""
        step, resource = self.step(state), resource.removesuffix(CALLBACK)
        given = state not in self._beside and self._world.outside.answers(self.id(state))
        if resource in (*_STARTS, _DESCRIBE) or given or self._performer(resource) is not None:
            return None
        way_out = f"; say what it gives: {{at: {step or 'step-id'}, returns: ...}}"
        for pattern in _PATTERNS:
            if resource.endswith(pattern):
                return f"the pattern {pattern} of {resource} is not supported on this machine{way_out}"
        return f"nothing on this machine performs {resource}{way_out}"

    def perform(
        self, resource: str, arguments: Any, state: str, attempt: int, prefix: str = "", item: int | None = None
    ) -> tuple[Any, bool]:
        """The result of one call, plain JSON, and whether it was given from outside, or a ``TaskFailed``. Of an execution
        that is waited for the result is the ``Started``. ``prefix`` stands before the state's name where others are told
        of it, ``item`` is the index of the item of a loop that the state is at work for.
        """
        resource = resource.removesuffix(CALLBACK)
        step = self.step(state)
        self._world.call = TaskCall(prefix + state, step, attempt, item, self.id(state))
        made = {"state": prefix + state, "step": step, "call": resource, "arguments": arguments}
        self._world.calls.append(made)
        try:
            result, given = self._performed(resource, arguments, state, prefix, item)
            if given or resource not in (_WAITED_FOR, IN_SYNC):
                made["result"] = result
            return result, given
        except TaskFailed as failed:
            made |= {"error": failed.error, "cause": failed.cause}
            self._world.watch(f"the error of {state}", failed.cause)
            raise
        finally:
            self._world.call = None

    def _performed(self, resource: str, arguments: Any, state: str, prefix: str, item: int | None) -> tuple[Any, bool]:
        entry = None if state in self._beside else self._world.outside.take(self.id(state), item)
        match entry:
            case Returns(value=value):
                return self._answer(resource, value, arguments), True
            case Throws(error=error, cause=cause, after_effect=after):
                if after:
                    self._make(resource, arguments, state, prefix)
                if resource == IN_SYNC and not error.startswith(("States.", "Sfn.")):
                    return {"Status": "FAILED", "Error": error, "Cause": cause}, True
                raise _failure(resource, error, cause)
        return self._make(resource, arguments, state, prefix), False

    def _make(self, resource: str, arguments: Any, state: str, prefix: str) -> Any:
        if resource in _STARTS:
            started = self._start(arguments, f"{prefix}{state}/")
            return started.receipt if resource == _STARTS[0] else started
        if resource == _DESCRIBE:
            return self._describe(arguments)
        performer = self._performer(resource)
        if performer is None:
            raise LocalRunError(f"state '{state}': {self.refusal(resource, state)}; all given answers are used up")
        with self._world.clock.shown():
            result = performer.perform(resource, arguments, self._world)
        try:
            text = json.dumps(result, allow_nan=False)
            self._world.watch(f"what {state} gives", text)
            return plain_numbers(json.loads(text))
        except (TypeError, ValueError) as error:
            raise LocalRunError(f"state '{state}': {resource} gave something that is no JSON: {error}") from error

    def _answer(self, resource: str, value: Any, arguments: Any) -> Any:
        """For flows, people write what they give; Step Functions describes their execution around it."""
        if resource == _WAITED_FOR:
            return {"Output": value, "Status": "SUCCEEDED"}
        if resource == IN_SYNC:
            return {"Output": json.dumps(value, ensure_ascii=False), "Status": "SUCCEEDED"}
        performer = self._performer(resource)
        return performer.answer(resource, value, arguments, self._world) if performer else value

    def _performer(self, resource: str) -> Integration | None:
        if resource.endswith(_PATTERNS):
            found = [i for i in self._integrations if resource in i.tasks]
        else:
            found = [i for i in self._integrations if resource.startswith(tuple(i.tasks))]
        # The longest beginning is the most special one.
        return max(found, key=lambda i: max(len(t) for t in i.tasks if resource.startswith(t)), default=None)


def _failure(resource: str, error: str, cause: str) -> TaskFailed:
    """The error of a flow comes inside the description of its execution."""
    if resource == _WAITED_FOR and not error.startswith(("States.", "StepFunctions.")):
        described = {"Cause": cause, "Error": error, "Status": "FAILED"}
        said = json.dumps(described, separators=(",", ":"), ensure_ascii=False)
        return TaskFailed("States.TaskFailed", said, (error, cause))
    return TaskFailed(error, cause)
