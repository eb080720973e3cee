"""Tasks that wait for an answer to their token, and the answers: ``SendTaskSuccess`` and ``SendTaskFailure``.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from stepworkflows_cdk.language.ids import StepId
from stepworkflows_cdk.local.coming import Answered, Arrival
from stepworkflows_cdk.local.errors import StateFailed
from stepworkflows_cdk.local.scheduler import Fiber, Join, Pause, Scheduler, Work

__all__ = ["Tokens", "answer_calls"]

_PARAMETERS = "stepworkflows-parameters"
_ANSWERS = ("SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat")


class _Refused(Exception):
    """An answer that Step Functions does not take, by the name of its error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Tokens:
    """The tokens of one execution."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._waiting: dict[str, Fiber] = {}
        self._steps: dict[str, tuple[StepId, int | None]] = {}
        self._ahead: list[tuple[Arrival, Answered]] = []
        """Answers to steps that do not wait yet."""

    def open(self, token: str, step: StepId = ("", ""), item: int | None = None) -> None:
        """From now on the token can be answered. It is that of a step, in a loop of the item with that index."""
        self._waiting[token] = self._scheduler.expect()
        self._steps[token] = (step, item)
        for arrival, answered in self._ahead:
            if self._is_for(answered, token):
                self._ahead.remove((arrival, answered))
                self._give(answered, self._waiting[token])
                return

    def answer_step(self, arrival: Arrival, answered: Answered) -> None:
        """Answers the step, or keeps the answer until the step waits."""
        for token, fiber in self._waiting.items():
            if not fiber.ended and self._is_for(answered, token):
                self._give(answered, fiber)
                return
        self._ahead.append((arrival, answered))

    def unused(self) -> tuple[str, ...]:
        """A line for each answer to a step that did not wait any more."""
        return tuple(
            f"{arrival.place} was never used: {answered.step[1]} did not wait" for arrival, answered in self._ahead
        )

    def close(self, token: str) -> None:
        """Nobody waits for the token any more."""
        self._scheduler.stop(self._waiting[token])

    def wait(self, token: str, seconds: float | None) -> Work:
        """The answer to the token. Raises the failure that it was answered with, or that of a time-out."""
        answer = self._waiting[token]
        try:
            if not answer.ended:
                timer = () if seconds is None else (self._scheduler.start(_timer(seconds)),)
                yield Join((answer, *timer), first=True)
                self._scheduler.stop(*timer)
            if not answer.ended:
                raise StateFailed("States.Timeout")
            if answer.failure is not None:
                raise answer.failure
            return answer.result
        finally:
            self.close(token)

    def answer(self, operation: str, given: Mapping[str, Any]) -> None:
        """One call of the API, with its parameters. Raises ``_Refused``."""
        token = str(given["taskToken"])
        if token not in self._waiting:
            raise _Refused("InvalidToken", f"Invalid Token: '{token}'")
        fiber = self._waiting[token]
        if fiber.ended:
            raise _Refused("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
        match operation:
            case "SendTaskSuccess":
                self._scheduler.fulfil(fiber, _output(given["output"]))
            case "SendTaskFailure":
                failure = StateFailed(str(given.get("error", "")), str(given.get("cause", "")))
                self._scheduler.fulfil(fiber, None, failure)

    def _is_for(self, answered: Answered, token: str) -> bool:
        step, item = self._steps[token]
        return step == answered.step and answered.item in (None, item)

    def _give(self, answered: Answered, fiber: Fiber) -> None:
        failure = StateFailed(answered.error, answered.cause) if answered.error else None
        self._scheduler.fulfil(fiber, answered.data, failure)


def answer_calls(session: Any, tokens: Tokens) -> None:
    """From now on, calls that answer a token, by any client of the session, come to ``tokens``."""

    def keep(params: Any, context: dict[str, Any], **_: Any) -> None:
        context[_PARAMETERS] = params

    def answer(model: Any, context: Mapping[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        try:
            tokens.answer(model.name, context[_PARAMETERS])
        except _Refused as refused:
            error = {"Code": refused.code, "Message": refused.message}
            return SimpleNamespace(status_code=400), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}
        return SimpleNamespace(status_code=200), {"ResponseMetadata": {"HTTPStatusCode": 200}}

    for operation in _ANSWERS:
        session.events.register(f"provide-client-params.sfn.{operation}", keep)
        session.events.register(f"before-call.sfn.{operation}", answer)


def _output(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise _Refused("InvalidOutput", f"Invalid Output: 'The output is not valid JSON: {error}'") from error


def _timer(seconds: float) -> Work:
    yield Pause(seconds)
