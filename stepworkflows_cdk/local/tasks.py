"""The calls of task states: made by the integration that performs the resource, or answered from outside."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.errors import LocalRunError
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.local.errors import TaskFailed
from stepworkflows_cdk.local.jsonata import plain_numbers
from stepworkflows_cdk.local.outside import Returns, Throws
from stepworkflows_cdk.local.world import TaskCall, World

__all__ = ["CALLBACK", "Tasks"]

_PATTERNS = (".sync", ".sync:2")
CALLBACK = ".waitForTaskToken"
"""A task with this behind its resource makes its call, and then waits for an answer to its token."""


class Tasks:
    """Performs tasks. ``states`` tells the step of each state; calls of those ``beside`` are never answered from outside."""

    def __init__(
        self,
        integrations: Sequence[Integration],
        states: Mapping[str, Mark],
        world: World,
        beside: Collection[str] = (),
    ) -> None:
        self._integrations = integrations
        self._states = states
        self._beside = beside
        self._world = world

    def step(self, state: str) -> str:
        """The id of the step that caused a state, empty where none did."""
        mark = self._states.get(state)
        return mark.step if mark is not None else ""

    def refusal(self, resource: str, state: str) -> str | None:
        """Why a task cannot be performed here, or None. A step that is answered from outside needs nobody."""
        step, resource = self.step(state), resource.removesuffix(CALLBACK)
        given = state not in self._beside and self._world.outside.answers(step)
        if given or self._performer(resource) is not None:
            return None
        way_out = f"; say what it gives: {{at: {step or 'step-id'}, returns: ...}}"
        for pattern in _PATTERNS:
            if resource.endswith(pattern):
                return f"the pattern {pattern} of {resource} is not supported on this machine{way_out}"
        return f"nothing on this machine performs {resource}{way_out}"

    def perform(self, resource: str, arguments: Any, state: str, attempt: int) -> tuple[Any, bool]:
        """The result of one call, plain JSON, and whether it was given from outside, or a ``TaskFailed``."""
        resource = resource.removesuffix(CALLBACK)
        step = self.step(state)
        self._world.call = TaskCall(state, step, attempt)
        try:
            entry = None if state in self._beside else self._world.outside.take(step)
            match entry:
                case Returns(value=value):
                    performer = self._performer(resource)
                    answer = performer.answer(resource, value, arguments, self._world) if performer else value
                    return answer, True
                case Throws(error=error, cause=cause, after_effect=after):
                    if after:
                        self._make(resource, arguments, state)
                    raise TaskFailed(error, cause)
            return self._make(resource, arguments, state), False
        except TaskFailed as failed:
            self._world.watch(f"the error of {state}", failed.cause)
            raise
        finally:
            self._world.call = None

    def _make(self, resource: str, arguments: Any, state: str) -> Any:
        performer = self._performer(resource)
        if performer is None:
            raise LocalRunError(f"state '{state}': {self.refusal(resource, state)}; all given answers are used up")
        result = performer.perform(resource, arguments, self._world)
        try:
            text = json.dumps(result, allow_nan=False)
            self._world.watch(f"what {state} gives", text)
            return plain_numbers(json.loads(text))
        except (TypeError, ValueError) as error:
            raise LocalRunError(f"state '{state}': {resource} gave something that is no JSON: {error}") from error

    def _performer(self, resource: str) -> Integration | None:
        if resource.endswith(_PATTERNS):
            found = [i for i in self._integrations if resource in i.tasks]
        else:
            found = [i for i in self._integrations if resource.startswith(tuple(i.tasks))]
        # The longest beginning is the most special one.
        return max(found, key=lambda i: max(len(t) for t in i.tasks if resource.startswith(t)), default=None)
