"""Tasks that wait for an answer to their token, and the answers: ``SendTaskSuccess`` and ``SendTaskFailure``.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from stepworkflows_cdk.language.coming import Answered, Arrival
from stepworkflows_cdk.language.ids import StepId
from stepworkflows_cdk.local.errors import StateFailed
from stepworkflows_cdk.local.fates import Fate
from stepworkflows_cdk.local.scheduler import Fiber, Join, Pause, Scheduler, Work
from stepworkflows_cdk.local.world import World

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
        self._answered: set[tuple[StepId, int | None]] = set()
        """Steps, or items of them, that have had an answer."""
        self._late: list[tuple[str, tuple[StepId, int | None]]] = []
        """Entries from outside that came when nobody waited, with who had."""
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
        """A line for each answer to a step that did not wait, or not any more, and has had no other."""
        waited = {step for step, _ in self._steps.values()}
        ahead = (
            (arrival.place, f"{answered.step[1]} {'waited no more' if answered.step in waited else 'never waited'}")
            for arrival, answered in self._ahead
        )
        late = ((entry, f"the wait of {who[0][1]} was over") for entry, who in self._late if who not in self._answered)
        return tuple(f"{entry} was not taken: {reason}" for entry, reason in (*ahead, *dict.fromkeys(late)))

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

    def answer(self, operation: str, given: Mapping[str, Any], fate: Fate | None = None) -> None:
        """One call of the API, with its parameters, for an entry from outside or for none. Raises ``_Refused``."""
        token = str(given["taskToken"])
        if token not in self._waiting:
            raise _Refused("InvalidToken", f"Invalid Token: '{token}'")
        fiber = self._waiting[token]
        if fiber.ended:
            if fate is not None and self._steps[token] in self._answered:
                fate.twice = True
            elif fate is not None and not fate.cancels:
                fate.late = True
                self._late.append((fate.entry, self._steps[token]))
            raise _Refused("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
        self._answered.add(self._steps[token])
        if fate is not None:
            fate.taken = True
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
        self._answered |= {self._steps[token] for token, waiting in self._waiting.items() if waiting is fiber}
        self._scheduler.fulfil(fiber, answered.data, failure)


def answer_calls(world: World, tokens: Tokens) -> None:
    """From now on, calls that answer a token, by any client of the run's session, come to ``tokens``."""

    def keep(params: Any, context: dict[str, Any], **_: Any) -> None:
        context[_PARAMETERS] = params

    def answer(model: Any, context: Mapping[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        try:
            tokens.answer(model.name, context[_PARAMETERS], world.fate)
        except _Refused as refused:
            error = {"Code": refused.code, "Message": refused.message}
            return SimpleNamespace(status_code=400), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}
        return SimpleNamespace(status_code=200), {"ResponseMetadata": {"HTTPStatusCode": 200}}

    for operation in _ANSWERS:
        world.session.events.register(f"provide-client-params.sfn.{operation}", keep)
        world.session.events.register(f"before-call.sfn.{operation}", answer)


def _output(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise _Refused("InvalidOutput", f"Invalid Output: 'The output is not valid JSON: {error}'") from error


def _timer(seconds: float) -> Work:
    yield Pause(seconds)
