"""Further tries of what failed, by the rules of its `retry` and those that hold without being said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from oracle.going import Failed, Going
from oracle.lanes import Lane
from stepworkflows_cdk.language.model import RetryKeys

if TYPE_CHECKING:
    from oracle.walking import Walk

__all__ = ["Tries", "named"]

TRANSIENT = frozenset(
    f"Lambda.{name}"
    for name in (
        "ClientExecutionTimeoutException",
        "ServiceException",
        "AWSLambdaException",
        "SdkClientException",
        "TooManyRequestsException",
    )
)
"""What the service of a function calls its passing troubles:
https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html."""
DEFAULT = RetryKeys.model_validate({})
ALWAYS = RetryKeys.model_validate({"errors": ["States.ALL"]})
NEVER = RetryKeys.model_validate({"errors": ["States.ALL"], "attempts": 0})


class Tries:
    """The tries of one step, counted for each rule. ``calls``: it calls a function; else nothing is tried again that is not
    said, but for the errors of an ``undo``.
    """

    def __init__(self, rules: Sequence[RetryKeys], *, calls: bool = False, undo: bool = False) -> None:
        self._rules = [*rules, ALWAYS if undo else DEFAULT if calls else NEVER]
        self._taken = [0] * len(self._rules)

    def next(self, walk: Walk, failed: Failed, lane: Lane) -> Going[None]:
        """The time until the next try. Raises the error where there is none."""
        number = self._rule(walk, failed, lane)
        if number is None or self._taken[number] >= self._rules[number].attempts:
            raise failed
        rule = self._rules[number]
        walk.run.time.exact &= not rule.jitter
        pause = rule.interval * rule.backoff ** self._taken[number]
        self._taken[number] += 1
        yield min(pause, rule.max_interval) if rule.max_interval else pause

    def _rule(self, walk: Walk, failed: Failed, lane: Lane) -> int | None:
        """The rule that says what becomes of the error: the first that names it and whose condition holds. The last, which
        nobody wrote, says nothing of an error that another one names.
        """
        found = [number for number, rule in enumerate(self._rules) if named(rule.errors, failed.error)]
        if len(found) > 1 and found[-1] == len(self._rules) - 1:
            found.pop()
        for number in found:
            when = self._rules[number].when
            if when is None or walk.known.holds(when, replace(lane, error=failed)):
                return number
        return None


def named(errors: Sequence[str], error: str) -> bool:
    """Whether a list of errors has that one in it."""
    groups = {"States.ALL", *(["States.TaskFailed"] if error != "States.Timeout" else [])}
    return bool({error, *groups, *(["transient"] if error in TRANSIENT else [])} & set(errors))
