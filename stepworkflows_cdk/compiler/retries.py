"""The rules for tries of a step become retriers of its task, and loops for what a retrier cannot decide.

A step's own rules come first, in their order; an error that one of them names is no longer the default's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stepworkflows_cdk.compiler.integration import Call
from stepworkflows_cdk.compiler.plan import Retry
from stepworkflows_cdk.compiler.values import Values
from stepworkflows_cdk.language.model import RetryKeys

__all__ = ["ALL", "BUSY", "Loop", "Retries", "aws_names", "caught_as", "default_retry", "retries"]

ALL = "States.ALL"
BUSY = "$contains($cause, /Status Code: (429|50[0-9])|Throttl/)"
"""A condition on the cause of an error under a service's own name, which stands for all that its model does not list: whether
the service had too much to do, or fell ill. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/throttling.html
"""
_ANY = frozenset({ALL, "States.TaskFailed"})
_TRANSIENT = "transient"
_DEFAULT = RetryKeys.model_validate({})


@dataclass(frozen=True)
class Loop:
    """Tries again on ``errors``, by the names of Step Functions, where ``condition`` on what was caught holds.

    ``fenced``: the condition is a user's, and may fail. ``decided`` are errors that a retrier before it has the word on.
    """

    errors: tuple[str, ...]
    condition: str
    rule: RetryKeys
    fenced: bool = False
    decided: tuple[str, ...] = ()


@dataclass(frozen=True)
class Retries:
    """All of one task. ``ignored`` are the errors that an undo step takes for nothing to undo."""

    retriers: tuple[Retry, ...]
    loops: tuple[Loop, ...]
    ignored: tuple[str, ...]

    @property
    def looped(self) -> tuple[str, ...]:
        """The errors that go through loops; ``States.ALL`` alone where it is among them."""
        errors = tuple(dict.fromkeys(error for loop in self.loops for error in loop.errors))
        return (ALL,) if ALL in errors else errors


def retries(
    rules: Sequence[RetryKeys],
    call: Call,
    values: Values,
    ignore: Sequence[str],
    *,
    undo: bool,
    looped: Sequence[str] = (),
    whole: bool = False,
) -> Retries:
    """The retriers and loops of one task. An undo step is tried again on every error that nothing else is said of. A rule
    for one of the errors ``looped`` becomes a loop in any case; of a ``whole`` chain, every rule does.
    """
    ignored = tuple(aws_names(ignore, call))
    plan = _Plan(call, values, ignored, undo, looped, whole)
    for rule in rules:
        plan.add(rule)
    plan.add_default()
    return Retries(tuple(plan.finished()), tuple(plan.loops), ignored)


def default_retry(errors: Sequence[str]) -> Retry:
    """The retrier for errors that nobody says anything of."""
    return Retry(tuple(errors), _DEFAULT.attempts, _DEFAULT.interval, _DEFAULT.backoff, _DEFAULT.max_interval)


class _Plan:
    """Collects rules in their order, with what each error is decided by already."""

    def __init__(
        self,
        call: Call,
        values: Values,
        ignored: Sequence[str],
        undo: bool,
        always_looped: Sequence[str],
        whole: bool,
    ) -> None:
        self._call = call
        self._values = values
        self._ignored = ignored
        self._undo = undo
        self._retriers: list[Retry] = []
        self._answered = call.instead.errors if call.instead else ()
        self._always_looped = always_looped
        self._whole = whole
        self._decided: set[str] = set(self._answered)
        self.loops: list[Loop] = []
        self._before: tuple[str, ...] = ()
        """What goes through loops by the rules before the first for any error."""
        plain = tuple(error for error in ignored if error not in call.transient_when)
        if plain and not call.envelope:
            self._retrier(plain, RetryKeys.model_validate({"attempts": 0}))

    def add(self, rule: RetryKeys) -> None:
        """A rule of the user."""
        if ALL in self._decided:
            return
        errors = [error for error in aws_names(rule.errors, self._call) if error not in self._decided]
        looped = {error for loop in self.loops for error in loop.errors}
        when = None if rule.when is None else f"({self._values.condition(rule.when).code})"
        if _ANY & set(errors):
            again_on = dict.fromkeys([*self._always_looped, *(error for loop in self.loops for error in loop.errors)])
            errors = [*errors, *(error for error in again_on if error not in {*errors, *self._decided, *_ANY})]
            self._before = self._before or tuple(again_on)
        # A retrier would act before the catcher: once an error goes through a loop, its other rules do too.
        looped |= set(self._always_looped)
        inside = set(errors) - set(self._call.transient) if self._call.envelope else set()
        again = [error for error in errors if when or error in looped or ALL in looped or error in inside]
        plain = [error for error in errors if error not in again]
        if again:
            before = [error for retrier in self._retriers if retrier.attempts for error in retrier.errors]
            decided = tuple(before) if _ANY & {*again, *before} else ()
            self.loops.append(Loop(tuple(again), when or "true", rule, when is not None, decided))
        if plain:
            self._retrier(tuple(plain), rule)
        if _TRANSIENT in rule.errors:
            self._lost_races(rule, when)

    def add_default(self) -> None:
        """What is tried again where the user says nothing of an error."""
        looped = {error for loop in self.loops for error in loop.errors}
        if ALL in self._decided or ALL in looped:
            return
        if self._undo:
            left = tuple(error for error in self._always_looped if error not in {*looped, *self._decided})
            if left:
                self.loops.append(Loop(left, "true", _DEFAULT))
            self._lost_races(_DEFAULT, None)
            if self._call.envelope:
                self._retrier(self._call.transient, _DEFAULT)
                self.loops.append(Loop((ALL,), "true", _DEFAULT))
            else:
                self._retrier((ALL,), _DEFAULT)
            return
        plain = tuple(error for error in self._call.transient if error not in self._decided | looped)
        if plain:
            self._retrier(plain, _DEFAULT)
        self._lost_races(_DEFAULT, None)

    def finished(self) -> list[Retry]:
        """The retriers, with what goes elsewhere taken from those that take any error."""
        taken = {error for retrier in self._retriers for error in retrier.errors}
        looped = [error for loop in self.loops for error in loop.errors]
        if ALL not in taken:
            looped = [error for error in looped if error in (*self._always_looped, *self._before)]
        never = tuple(dict.fromkeys([*self._answered, *looped])) if taken & _ANY else ()
        return [Retry(never, 0), *self._retriers] if never else self._retriers

    def _lost_races(self, rule: RetryKeys, when: str | None) -> None:
        """Errors that are transient by their cause. An undo that does not ignore them is tried again in any case."""
        looped = {error for loop in self.loops for error in loop.errors}
        for error, condition in self._call.transient_when.items():
            if error in self._decided or error in looped or (self._undo and error not in self._ignored):
                continue
            cause = f"({condition.replace('$cause', f'{self._values.error}.cause')})"
            self.loops.append(Loop((error,), f"{cause} and {when}" if when else cause, rule, when is not None))

    def _retrier(self, errors: tuple[str, ...], rule: RetryKeys) -> None:
        if ALL in errors:
            errors = (ALL,)
        if self._whole:
            self.loops.append(Loop(errors, "true", rule))
            self._decided.update(errors)
            return
        self._decided.update(errors)
        capped = rule.max_interval is not None and rule.max_interval <= rule.interval
        backoff = 1.0 if capped else rule.backoff
        maximum = None if capped else rule.max_interval
        self._retriers.append(Retry(errors, rule.attempts, rule.interval, backoff, maximum, rule.jitter))


def aws_names(errors: Sequence[str], call: Call) -> list[str]:
    """The names by which Step Functions knows the errors that a document names."""
    found: list[str] = []
    for error in errors:
        if error == _TRANSIENT:
            found += call.transient
        else:
            found += [aws for aws, ours in call.errors.items() if ours == error] or [error]
    return list(dict.fromkeys(found))


def caught_as(errors: Sequence[str], call: Call) -> tuple[str, ...]:
    """The names by which a catcher takes the errors: those that come in an envelope have its name."""
    if not call.envelope or ALL in errors:
        return tuple(errors)
    own = [error for error in errors if error.startswith("States.") or error in call.transient]
    inside = [call.envelope] if any(error not in own or error == "States.Timeout" for error in errors) else []
    return tuple(dict.fromkeys([*own, *inside]))
