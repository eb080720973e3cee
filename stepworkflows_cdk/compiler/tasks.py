"""One step's call becomes states: the task itself, its retriers and catchers, and the loop for errors that need a
closer look.

Step Functions retries and catches by the error's name alone. Where the name does not tell (a cancelled transaction is
a lost race, or a condition that failed for good), the catcher leads to a choice on the cause, and from there to a
wait and back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from stepworkflows_cdk.compiler.integration import Call
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.plan import Catch, Choice, Data, Jsonata, Retry, Rule, State, Task, Wait
from stepworkflows_cdk.compiler.values import Values
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.model import RetryKeys

__all__ = ["ALL", "CAUSE", "ERROR", "Handler", "Tries", "needs_handler", "task_states"]

ALL = "States.ALL"
ERROR = "$states.errorOutput.Error"
CAUSE = "($exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : '')"
TRANSIENT = "transient"


@dataclass(frozen=True)
class Handler:
    """Where an error goes. ``assign`` makes the variables from JSONata for the error's name and for its cause."""

    next: str
    assign: Callable[[str, str], Mapping[str, Data]]


@dataclass
class Tries:
    """The counters of a machine's loops, which its entry sets to 0."""

    names: list[str] = field(default_factory=list)

    def add(self, step_id: str) -> str:
        base = f"tries_{step_id.replace('-', '_')}"
        name = base if base not in self.names else f"{base}_{sum(known.startswith(base) for known in self.names) + 1}"
        self.names.append(name)
        return name


@dataclass(frozen=True)
class _Loop:
    """Tries again on ``errors``, as the flow sees their names, where ``condition`` on ``$caught`` holds."""

    errors: tuple[str, ...]
    condition: str
    rule: RetryKeys


def task_states(
    name: str,
    mark: Mark,
    step_id: str,
    call: Call,
    *,
    retry: Sequence[RetryKeys],
    values: Values,
    assign: Mapping[str, Data],
    next_: str,
    failed: Handler | None,
    tries: Tries,
    unique: Callable[[str], str],
    ignore: Sequence[str] = (),
    undo: bool = False,
) -> tuple[State, ...]:
    """The states of one call.

    ``failed`` is None where nothing handles an error: then the execution fails with it by itself. ``ignore`` are errors
    that lead to ``next_``. An ``undo`` is tried again on every error.
    """
    ignored = tuple(_aws_names(ignore, call))
    retriers, loops = _retriers(retry, call, values, ignored, undo)
    looped = tuple(dict.fromkeys(error for loop in loops for error in loop.errors))
    retriers = [Retry(looped, 0), *retriers] if looped and any(ALL in r.errors for r in retriers) else retriers
    states: list[State] = []
    catch: list[Catch] = []
    again = unique(f"{name}: again?") if loops else ""
    if loops:
        caught: Data = {"type": _error(call), "cause": Jsonata(CAUSE)}
        catch.append(Catch(looped, again, {"caught": caught}))
    if plain := tuple(error for error in ignored if error not in looped):
        catch.append(Catch(plain, next_))
    if failed:
        catch.append(Catch((ALL,), failed.next, failed.assign(_error(call).code, CAUSE)))
    elif call.errors or loops:
        raise AssertionError("a task whose errors get other names needs a handler")
    states.append(
        Task(name, mark, call.resource, call.arguments, next_, assign, {}, call.timeout, tuple(retriers), tuple(catch))
    )
    if loops and failed:
        states += _loop_states(name, again, mark, step_id, call, loops, ignored, next_, failed, tries, unique)
    return tuple(states)


def needs_handler(call: Call, retry: Sequence[RetryKeys]) -> bool:
    """Whether a task needs somewhere to send its errors even where nothing is to be undone."""
    return bool(call.errors or call.transient_when or any(rule.when for rule in retry))


def _retriers(
    retry: Sequence[RetryKeys], call: Call, values: Values, ignored: Sequence[str], undo: bool
) -> tuple[list[Retry], list[_Loop]]:
    retriers: list[Retry] = []
    loops: list[_Loop] = []
    default = RetryKeys.model_validate({})
    if plain := [error for error in ignored if error not in call.transient_when]:
        retriers.append(Retry(tuple(plain), 0))
    for rule in (*retry, default):
        if any(ALL in known.errors for known in retriers):
            break
        errors = _aws_names(rule.errors, call)
        if rule.when is not None:
            loops.append(_Loop(tuple(errors), f"({values.condition(rule.when).code})", rule))
            continue
        if errors:
            retriers.append(_retry(tuple(errors), rule))
        if TRANSIENT in rule.errors:
            # Where an undo ignores such an error, only a look at the cause tells a lost race from nothing to undo.
            loops += [
                _Loop((error,), f"({condition.replace('$cause', '$caught.cause')})", rule)
                for error, condition in call.transient_when.items()
                if not undo or error in ignored
            ]
    if undo and not any(ALL in known.errors for known in retriers):
        retriers = [known for known in retriers if known.attempts == 0 or known.errors != call.transient]
        retriers.append(_retry((ALL,), default))
    return retriers, loops


def _retry(errors: tuple[str, ...], rule: RetryKeys) -> Retry:
    if ALL in errors:
        errors = (ALL,)
    return Retry(errors, rule.attempts, rule.interval, rule.backoff, rule.max_interval, rule.jitter)


def _aws_names(errors: Sequence[str], call: Call) -> list[str]:
    """The names by which Step Functions knows the errors that a document names."""
    found: list[str] = []
    for error in errors:
        if error == TRANSIENT:
            found += call.transient
        else:
            found += [aws for aws, ours in call.errors.items() if ours == error] or [error]
    return list(dict.fromkeys(found))


def _error(call: Call) -> Jsonata:
    """The error's name, as the flow sees it."""
    if not call.errors:
        return Jsonata(ERROR)
    return Jsonata(f"($name := $lookup({literal(dict(call.errors))}, {ERROR}); $exists($name) ? $name : {ERROR})")


def _loop_states(
    name: str,
    again: str,
    mark: Mark,
    step_id: str,
    call: Call,
    loops: Sequence[_Loop],
    ignored: Sequence[str],
    next_: str,
    failed: Handler,
    tries: Tries,
    unique: Callable[[str], str],
) -> list[State]:
    rules: list[Rule] = []
    waits: list[State] = []
    for loop in loops:
        counter = tries.add(step_id)
        wait = unique(f"{name}: wait")
        condition = f"{_is_one_of(loop.errors, call)} and {loop.condition} and ${counter} < {loop.rule.attempts}"
        rules.append(Rule(Jsonata(condition), wait, {counter: Jsonata(f"${counter} + 1")}))
        waits.append(Wait(wait, mark, Jsonata(_seconds(loop.rule, counter)), name))
    for error in ignored:
        conditions = [loop.condition for loop in loops if error in loop.errors]
        if conditions:
            never = " and ".join(f"$not{condition}" for condition in conditions)
            rules.append(Rule(Jsonata(f"{_is_one_of((error,), call)} and {never}"), next_))
    assign = failed.assign("$caught.type", "$caught.cause")
    return [Choice(again, mark, tuple(rules), failed.next, assign), *waits]


def _is_one_of(errors: Sequence[str], call: Call) -> str:
    if ALL in errors:
        return "true"
    names = [call.errors.get(error, error) for error in errors]
    return f"$caught.type in {literal(names)}" if len(names) > 1 else f"$caught.type = {literal(names[0])}"


def _seconds(rule: RetryKeys, counter: str) -> str:
    """Whole seconds, at least one, before the try that the counter counts; a random part of them with jitter."""
    factor = int(rule.backoff) if rule.backoff == int(rule.backoff) else rule.backoff
    span = f"{rule.interval} * $power({factor}, ${counter} - 1)"
    if rule.max_interval is not None:
        span = f"$min([{rule.max_interval}, {span}])"
    return f"$ceil({span} * (1 - $random()))" if rule.jitter else f"$ceil({span})"
