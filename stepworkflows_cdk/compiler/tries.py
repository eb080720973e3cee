"""Tries again by the cause of an error become states: a choice on what was caught, a counter, a wait, and back."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from stepworkflows_cdk.compiler.integration import Call
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.plan import Catch, Choice, Data, Jsonata, Parallel, Pass, Rule, State, Wait
from stepworkflows_cdk.compiler.retries import ALL, Retries
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.model import RetryKeys

__all__ = ["Loops", "Route", "Tries", "loop_states"]

_LONGEST = 99_999_999  # seconds that a Wait state can wait: https://states-language.net/spec.html#wait-state
_TASK_FAILED = "States.TaskFailed"


@dataclass
class Tries:
    """The counters of a machine's loops, which its entry sets to 0."""

    names: list[str] = field(default_factory=list)
    lane: str = ""
    """The depth of the lane, which keeps its counters apart from those of other scopes."""

    def add(self, name: str) -> str:
        """A counter's variable, unlike all others."""
        base = f"{name.replace('-', '_')}{self.lane}"
        variable, number = base, 2
        while variable in self.names:
            variable, number = f"{base}__{number}", number + 1
        self.names.append(variable)
        return variable


@dataclass(frozen=True)
class Route:
    """A ``catch`` of the step: its errors, by the names of Step Functions, go to ``next`` where ``condition`` holds."""

    errors: tuple[str, ...]
    next: str
    assign: Callable[[str, str], Mapping[str, Data]]
    condition: str | None = None


@dataclass(frozen=True)
class Loops:
    """What a closer look at an error of the task called ``name`` can lead to. The look is the state ``again``; ignored
    errors go to ``next``.
    """

    again: str
    name: str
    mark: Mark
    step_id: str
    next: str
    plan: Retries
    call: Call
    routes: tuple[Route, ...]
    caught: str
    """The variable of what was caught, which is another one in each scope."""
    back: str
    """Where a further try begins."""
    counted: Mapping[str, Data] = field(default_factory=dict)
    """What every further try assigns."""
    ahead: tuple[Rule, ...] = ()
    """What comes before all tries."""


def loop_states(
    loops: Loops, fallback: tuple[str, Mapping[str, Data]], tries: Tries, unique: Callable[[str], str]
) -> list[State]:
    """The states of all loops of a task. ``fallback`` is where an error goes that is not tried again."""
    rules: list[Rule] = list(loops.ahead)
    waits: list[State] = []
    if loops.call.envelope and loops.plan.ignored:
        rules.append(Rule(Jsonata(_is_one_of(loops.plan.ignored, loops)), loops.next))
    for number, loop in enumerate(loops.plan.loops):
        if loop.rule.attempts == 0:
            continue
        counter = tries.add(f"tries_{loops.step_id}")
        wait = unique(f"{loops.name}: wait")
        tests = [_is_one_of(loop.errors, loops), loop.condition, f"${counter} < {loop.rule.attempts}"]
        before = [error for other in loops.plan.loops[:number] if other.condition == "true" for error in other.errors]
        if before and {ALL, _TASK_FAILED} & set(loop.errors):
            tests.insert(1, f"$not({_is_one_of(before, loops)})")
        if loop.decided:
            tests.insert(1, f"$not({_is_one_of(loop.decided, loops)})")
        # Of several rules that name an error, the first whose condition holds decides, also that there is no further try.
        for other in loops.plan.loops[:number]:
            any_error = {ALL, _TASK_FAILED} & {*other.errors, *loop.errors}
            if other.fenced and (any_error or set(other.errors) & set(loop.errors)):
                tests.insert(1, f"$not({_is_one_of(other.errors, loops)} and {other.condition})")
        condition = " and ".join(test for test in tests if test != "true")
        rules.append(Rule(Jsonata(condition), wait, {counter: Jsonata(f"${counter} + 1"), **loops.counted}))
        waits.append(Wait(wait, loops.mark, loops.back, Jsonata(_seconds(loop.rule, counter))))
    for error in loops.plan.ignored:
        conditions = [loop.condition for loop in loops.plan.loops if error in loop.errors]
        if conditions:
            never = " and ".join(f"$not({condition})" for condition in conditions)
            rules.append(Rule(Jsonata(f"{_is_one_of((error,), loops)} and {never}"), loops.next))
    for route in loops.routes:
        tests = [_is_one_of(route.errors, loops), route.condition or "true"]
        condition = " and ".join(test for test in tests if test != "true") or "true"
        caught = (f"${loops.caught}.type", f"${loops.caught}.cause")
        rules.append(Rule(Jsonata(condition), route.next, route.assign(*caught)))
    if not rules:
        return [Pass(loops.again, loops.mark, fallback[0], fallback[1])]
    if any(loop.fenced for loop in loops.plan.loops) or any(route.condition for route in loops.routes):
        return [*_fenced(loops, rules, fallback, unique), *waits]
    return [Choice(loops.again, loops.mark, tuple(rules), fallback[0], fallback[1]), *waits]


def _fenced(
    loops: Loops, rules: Sequence[Rule], fallback: tuple[str, Mapping[str, Data]], unique: Callable[[str], str]
) -> list[State]:
    """The same where a condition is a user's and may fail: then there is no further try, and the first error stands."""
    inside = unique(f"{loops.name}: which?")
    choice = unique(f"{loops.name}: again")
    number = " : ".join(f"({rule.condition.code}) ? {index}" for index, rule in enumerate(rules, 1)) + " : 0"
    again = re.sub("caught|failed", "again", loops.caught, count=1)
    found = Pass(inside, loops.mark, None, {}, {"rule": Jsonata(number)})
    fence = Parallel(
        loops.again,
        loops.mark,
        ((found,),),
        choice,
        {again: Jsonata("$states.result[0].rule")},
        catch=(Catch((ALL,), fallback[0], fallback[1]),),
    )
    chosen = tuple(Rule(Jsonata(f"${again} = {index}"), rule.next, rule.assign) for index, rule in enumerate(rules, 1))
    return [fence, Choice(choice, loops.mark, chosen, fallback[0], fallback[1])]


def _is_one_of(errors: Sequence[str], loops: Loops) -> str:
    type_ = f"${loops.caught}.type"
    if ALL in errors:
        return "true"
    if _TASK_FAILED in errors:
        # It stands for every error of a task but its time-out.
        others = [error for error in errors if error not in (_TASK_FAILED, "States.Timeout")]
        return "true" if len(others) < len(errors) - 1 else f'{type_} != "States.Timeout"'
    names = [loops.call.errors.get(error, error) for error in errors]
    return f"{type_} in {literal(names)}" if len(names) > 1 else f"{type_} = {literal(names[0])}"


def _seconds(rule: RetryKeys, counter: str) -> str:
    """Whole seconds, at least one, before the try that the counter counts; a random part of them with jitter."""
    longest = _LONGEST if rule.max_interval is None else max(rule.interval, rule.max_interval)
    span = str(rule.interval)
    if rule.backoff > 1 and longest > rule.interval:
        factor = int(rule.backoff) if rule.backoff == int(rule.backoff) else rule.backoff
        # Past this power the longest time is reached; without a bound the number would outgrow all numbers.
        most = math.ceil(math.log(longest / rule.interval) / math.log(rule.backoff))
        span = f"$min([{longest}, {span} * $power({factor}, $min([{most}, ${counter} - 1]))])"
    return f"$ceil({span} * (1 - $random()))" if rule.jitter else f"$ceil({span})"
