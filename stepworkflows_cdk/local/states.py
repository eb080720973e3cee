"""What each type of state does: a generator that waits where the state waits and gives its output and the next state's
name.

https://docs.aws.amazon.com/step-functions/latest/dg/workflow-states.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from datetime import datetime
from typing import Any, Union

from stepworkflows_cdk.local.definition import is_role, service_of
from stepworkflows_cdk.local.errors import DataLimitExceeded, QueryFailed, StateFailed
from stepworkflows_cdk.local.executions import Started
from stepworkflows_cdk.local.interpreter import Execution, Visit
from stepworkflows_cdk.local.limits import PAYLOAD, payload_size
from stepworkflows_cdk.local.maps import map_
from stepworkflows_cdk.local.retry import Retries, catcher_for
from stepworkflows_cdk.local.scheduler import Join, Pause, Work
from stepworkflows_cdk.local.scope import Scope
from stepworkflows_cdk.local.tasks import CALLBACK, IN_SYNC
from stepworkflows_cdk.local.together import fit, together

__all__ = ["BEHAVIOUR"]

Stay = Generator[Union[Pause, Join], None, tuple[Any, Union[str, None]]]
Body = Callable[[Execution, Visit], Work]

_LONGEST_WAIT = 99_999_999
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")


def _pass(run: Execution, visit: Visit) -> Stay:
    yield from ()
    return run.finish(visit, visit.state, "", visit.input), visit.state.get("Next")


def _succeed(run: Execution, visit: Visit) -> Stay:
    yield from ()
    return run.finish(visit, visit.state, "", visit.input), None


def _fail(run: Execution, visit: Visit) -> Stay:
    yield from ()
    error = run.evaluate(visit, "Error", visit.state.get("Error", ""), "string")
    raise StateFailed(error, run.evaluate(visit, "Cause", visit.state.get("Cause", ""), "string"))


def _wait(run: Execution, visit: Visit) -> Stay:
    if "Seconds" in visit.state:
        seconds = run.evaluate(visit, "Seconds", visit.state["Seconds"], "number")
        if not isinstance(seconds, int) or not 0 <= seconds <= _LONGEST_WAIT:
            reason = f"The field 'Seconds' must be a whole number from 0 to {_LONGEST_WAIT}, but was {seconds}"
            raise visit.located(QueryFailed(reason))
    else:
        moment = run.evaluate(visit, "Timestamp", visit.state["Timestamp"], "string")
        seconds = max(0.0, (_moment(visit, moment) - run.world.clock.now()).total_seconds())
    yield Pause(seconds)
    return run.finish(visit, visit.state, "", visit.input), visit.state.get("Next")


def _choice(run: Execution, visit: Visit) -> Stay:
    yield from ()
    for number, rule in enumerate(visit.state["Choices"]):
        if run.evaluate(visit, f"Choices[{number}]/Condition", rule["Condition"], "boolean"):
            return run.finish(visit, rule, f"Choices[{number}]/", visit.input), rule["Next"]
    if "Default" not in visit.state:
        reason = "Failed to transition out of the state. The state does not point to a next state."
        raise visit.located(StateFailed("States.NoChoiceMatched", reason))
    return run.finish(visit, visit.state, "", visit.input), visit.state["Default"]


def _retried(body: Body) -> Callable[[Execution, Visit], Stay]:
    """``body`` tried until no retrier wants it again, then handed to the catchers."""

    def stay(run: Execution, visit: Visit) -> Stay:
        type_ = visit.state["Type"]
        retries = Retries(visit.state.get("Retry", ()), run.rng)
        while True:
            run.journal.attempt(visit.name, visit.step, type_, visit.lane)
            visit.extra = {}
            try:
                result = yield from body(run, visit)
                visit.extra = {"result": run.evaluator.data(result)}
                return run.finish(visit, visit.state, "", result), visit.state.get("Next")
            except StateFailed as failure:
                delay = retries.delay(failure.error)
                run.journal.fail(visit.name, visit.step, visit.retries + 1, failure, delay, visit.lane)
                if delay is None:
                    return _caught(run, visit, failure)
            visit.retries += 1
            yield Pause(delay)

    return stay


def _caught(run: Execution, visit: Visit, failure: StateFailed) -> tuple[Any, str | None]:
    found = catcher_for(visit.state.get("Catch", ()), failure.error)
    if found is None:
        raise failure
    number, catcher = found
    visit.extra = {"errorOutput": failure.output}
    return run.finish(visit, catcher, f"Catch[{number}]/", failure.output), catcher["Next"]


def _task(run: Execution, visit: Visit) -> Work:
    clock = run.world.clock
    service = service_of(visit.state["Resource"])
    if service.endswith(CALLBACK):
        visit.token = run.world.request_id()
        run.tokens.open(visit.token, run.tasks.id(visit.name), visit.index)
    arguments = run.evaluate(visit, "Arguments", visit.state.get("Arguments", {}))
    if "Credentials" in visit.state:
        role = run.evaluate(visit, "Credentials/RoleArn", visit.state["Credentials"]["RoleArn"], "string")
        if not is_role(role):
            reason = f"The field 'Credentials/RoleArn' must be the ARN of a role, but was {role}"
            raise visit.located(QueryFailed(reason))
    limit = None
    if "TimeoutSeconds" in visit.state:
        limit = run.evaluate(visit, "TimeoutSeconds", visit.state["TimeoutSeconds"], "number")
    if payload_size(arguments) > PAYLOAD:
        raise DataLimitExceeded(visit.name)
    began, failure, result, given = clock.elapsed(), None, None, False
    try:
        result, given = run.tasks.perform(
            service, arguments, visit.name, visit.retries + 1, run.journal.prefix, visit.index
        )
    except StateFailed as error:
        failure = error
    # The call is made, with all its effects; now its time passes, in which others go on.
    passed, owed = clock.elapsed() - began, clock.lap()
    if limit is not None and passed + owed > limit:
        yield Pause(max(0.0, limit - passed))
        raise StateFailed("States.Timeout")
    if owed:
        yield Pause(owed)
    if visit.token and (given or failure is not None):
        run.tokens.close(visit.token)
    if failure is not None:
        raise failure
    if visit.token and not given:
        rest = None if limit is None else max(0.0, limit - (clock.elapsed() - began))
        result = yield from run.tokens.wait(visit.token, rest)
    if isinstance(result, Started):
        end = run.executions.told if service == IN_SYNC else run.executions.finished
        result = yield from end(result, limit)
    if payload_size(result) > PAYLOAD:
        raise DataLimitExceeded(service.split(":")[-2] if ":" in service else service)
    return result


def _parallel(run: Execution, visit: Visit) -> Work:
    arguments = (
        run.evaluate(visit, "Arguments", visit.state["Arguments"]) if "Arguments" in visit.state else visit.input
    )
    branches = [
        run.states(branch, arguments, Scope(visit.scope), visit.index, run.journal.lane(visit.lane))
        for branch in visit.state["Branches"]
    ]
    return fit(visit, (yield from together(run, branches, len(branches))))


def _moment(visit: Visit, text: str) -> datetime:
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError(text)
        return datetime.fromisoformat(text)
    except ValueError as error:
        reason = f"The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: {text}"
        raise visit.located(StateFailed("States.Runtime", reason)) from error


BEHAVIOUR: Mapping[str, Callable[[Execution, Visit], Stay]] = {
    "Choice": _choice,
    "Fail": _fail,
    "Map": _retried(map_),
    "Parallel": _retried(_parallel),
    "Pass": _pass,
    "Succeed": _succeed,
    "Task": _retried(_task),
    "Wait": _wait,
}
