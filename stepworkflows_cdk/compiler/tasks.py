"""One step's call becomes states: the task, its retriers and catchers, and the loop for errors that need a closer look.

Step Functions retries and catches by the error's name alone. Where the name does not tell (a cancelled transaction is
a lost race, or a condition that failed for good), the catcher leads to a choice on the cause, and from there to a wait
and back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from stepworkflows_cdk.compiler.chains import chain_states
from stepworkflows_cdk.compiler.integration import CAUSE, ERROR, ROUND, STATE, Call
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.own import in_a_branch
from stepworkflows_cdk.compiler.pages import paged_states
from stepworkflows_cdk.compiler.place import Handler, TaskPlace, reads, replaced
from stepworkflows_cdk.compiler.plan import Catch, Data, Jsonata, State, Task
from stepworkflows_cdk.compiler.reminders import TIMEOUT
from stepworkflows_cdk.compiler.retries import ALL, Retries, aws_names, caught_as, retries
from stepworkflows_cdk.compiler.tries import Loops, Route, Tries, loop_states
from stepworkflows_cdk.compiler.values import ATTEMPT, Values
from stepworkflows_cdk.language.model import RetryKeys

__all__ = ["CAUSE", "ERROR", "Handler", "TaskPlace", "needs_handler", "task_states"]


def task_states(
    place: TaskPlace, call: Call, values: Values, tries: Tries, unique: Callable[[str], str]
) -> tuple[State, ...]:
    """The states of one call, of what is called instead, or of a chain. ``values`` compiles the conditions on errors."""
    if call.then:
        return chain_states(place, call, values, tries, unique)
    if call.pages:

        def states(here: TaskPlace, part: Call) -> tuple[State, ...]:
            return _states(here, part, values, tries, unique)

        return paged_states(place, call, call.pages, tries, unique, states)
    if call.instead is None:
        return _states(place, call, values, tries, unique)
    second = replace(place, name=unique(f"{place.name}: {call.instead.name}"))
    other = call.instead.call
    other = replace(other, arguments=replaced(other.arguments, STATE, literal(place.name)))
    ahead = Catch(call.instead.errors, second.name)
    return (
        *_states(place, call, values, tries, unique, ahead=ahead),
        # The rules for these errors are for what the second call says of them; a further try begins with the first.
        *_states(
            replace(second, reminder=None),
            other,
            values,
            tries,
            unique,
            again_from=place.name,
            again_on=call.instead.errors,
        ),
    )


def needs_handler(call: Call, retry: Sequence[RetryKeys], routes: Sequence[Route] = ()) -> bool:
    """Whether a task needs somewhere to send its errors even where nothing is to be undone."""
    looked_at = any(rule.when for rule in retry) or any(route.condition for route in routes)
    return bool(call.errors or call.envelope or call.transient_when or call.then or looked_at)


def _states(
    place: TaskPlace,
    call: Call,
    values: Values,
    tries: Tries,
    unique: Callable[[str], str],
    *,
    ahead: Catch | None = None,
    again_from: str = "",
    again_on: Sequence[str] = (),
) -> tuple[State, ...]:
    reminder = place.reminder
    by_cause = (*again_on, TIMEOUT) if reminder else again_on
    plan = retries(place.retry, call, values, place.ignore, undo=place.undo, looped=by_cause)
    routes = tuple(replace(route, errors=tuple(aws_names(route.errors, call))) for route in place.routes)
    closer = _looked_at(plan, routes, call, (TIMEOUT,) if reminder else ())
    again = unique(f"{place.name}: again?") if closer else ""
    arguments, counted = _counted(call.arguments, place.step_id, plan, tries)
    counted = {**counted, **(reminder.noted if reminder else {})}
    task = Task(
        place.name,
        place.mark,
        call.resource,
        arguments,
        place.next,
        place.assign(call),
        {},
        reminder.timeout if reminder else call.timeout,
        plan.retriers,
        tuple(_catchers(place, call, plan, routes, closer, again, counted, ahead)),
        credentials=call.credentials,
        heartbeat=call.heartbeat,
        beside=call.beside,
    )
    own = in_a_branch(task, call.branch, unique) if call.branch else task
    if not closer or place.failed is None:
        return (own,)
    back = again_from or place.name
    loops = Loops(again, place.name, place.mark, place.step_id, place.next, plan, call, routes, place.caught, back)
    if reminder:
        # A further try is a new wait.
        loops = replace(loops, ahead=(reminder.rule(place.caught),), counted={reminder.since: 0})
    fallback = (place.failed.next, place.failed.assign(f"${place.caught}.type", f"${place.caught}.cause"))
    return (own, *loop_states(loops, fallback, tries, unique))


def _looked_at(plan: Retries, routes: Sequence[Route], call: Call, always: Sequence[str]) -> tuple[str, ...]:
    """The errors that go through the choice on their cause; ``States.ALL`` alone where it is among them."""
    conditional = [error for route in routes if route.condition for error in route.errors]
    if call.envelope:
        conditional += [error for route in routes for error in route.errors if error != ALL]
        conditional += plan.ignored
    errors = tuple(dict.fromkeys([*always, *plan.looped, *conditional]))
    return (ALL,) if ALL in errors else errors


def _catchers(
    place: TaskPlace,
    call: Call,
    plan: Retries,
    routes: Sequence[Route],
    closer: tuple[str, ...],
    again: str,
    counted: Mapping[str, Data],
    ahead: Catch | None,
) -> list[Catch]:
    found: list[Catch] = [ahead] if ahead else []
    caught_anyway = {ALL, "States.QueryEvaluationError"}
    if place.unread and not any(caught_anyway & set(route.errors) for route in routes):
        error = ("States.QueryEvaluationError",)
        found.append(Catch(error, place.unread.next, place.unread.assign(ERROR, CAUSE)))
    looped = {*closer, *(error for loop in plan.loops for error in loop.errors)}
    plain = tuple(error for error in plan.ignored if error not in looped)
    if plain and not call.envelope:
        found.append(Catch(plain, place.next))
    if closer:
        caught: Data = {"type": _error(call), "cause": Jsonata(call.cause)}
        found.append(Catch(caught_as(closer, call), again, {place.caught: caught, **counted}))
    decided = {*closer, *(ahead.errors if ahead else ())}
    for route in routes:
        errors = tuple(error for error in route.errors if error not in decided)
        if errors and ALL not in decided:
            errors = (ALL,) if ALL in errors else errors
            found.append(Catch(errors, route.next, route.assign(_error(call).code, call.cause)))
            decided.update(errors)
    if place.failed and ALL not in decided:
        found.append(Catch((ALL,), place.failed.next, place.failed.assign(_error(call).code, call.cause)))
    return found


def _error(call: Call) -> Jsonata:
    """The error's name, as the flow sees it."""
    if not call.errors:
        return Jsonata(call.error)
    return Jsonata(
        f"($name := $lookup({literal(dict(call.errors))}, {call.error}); $exists($name) ? $name : {call.error})"
    )


def _counted(arguments: Data, step_id: str, plan: Retries, tries: Tries) -> tuple[Data, Mapping[str, Data]]:
    """The arguments with ``{step.attempt}`` and :data:`ROUND` counting on over loops, and what a catcher assigns for
    that.
    """
    counted: dict[str, Data] = {}
    if plan.loops and reads(arguments, ATTEMPT):
        variable = tries.add(f"attempts_{step_id}")
        sofar = f"${variable} + {ATTEMPT}"
        arguments, counted[variable] = replaced(arguments, ATTEMPT, f"({sofar})"), Jsonata(sofar)
    if plan.loops and reads(arguments, ROUND):
        variable = tries.add(f"rounds_{step_id}")
        arguments, counted[variable] = replaced(arguments, ROUND, f"${variable}"), Jsonata(f"${variable} + 1")
    return replaced(arguments, ROUND, "0"), counted
