"""A chain of calls becomes states: one task each, and one look at whatever went wrong in any of them.

What a flow sees of it is what it sees of a single call. So all errors of the chain come to one choice, whether Step
Functions reports them or the work has left word of them, and every further try begins with the first call: what was done
before is made anew, by the values of that try.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from stepworkflows_cdk.compiler.integration import CAUSE, ERROR, ROUND, Call
from stepworkflows_cdk.compiler.place import TaskPlace, replaced
from stepworkflows_cdk.compiler.plan import Catch, Data, Jsonata, Retry, State, Task
from stepworkflows_cdk.compiler.retries import ALL, Retries, default_retry, retries
from stepworkflows_cdk.compiler.tries import Loops, Route, Tries, loop_states
from stepworkflows_cdk.compiler.values import ATTEMPT, Values

__all__ = ["chain_states"]

_UNREAD = "States.QueryEvaluationError"
_CAUGHT: dict[str, Data] = {"type": Jsonata(ERROR), "cause": Jsonata(CAUSE)}


def chain_states(
    place: TaskPlace, first: Call, values: Values, tries: Tries, unique: Callable[[str], str]
) -> tuple[State, ...]:
    """The states of the chain that ``first`` begins; its own has the step's name."""
    parts = tuple(_parts(first))
    work = next(call for _, call in parts if not call.beside)
    plan = retries(place.retry, work, values, place.ignore, undo=place.undo, whole=True)
    again = unique(f"{place.name}: again?")
    counter = tries.add(f"attempts_{place.step_id}") if plan.loops else ""
    round_ = f"${counter}" if counter else "0"
    attempt = f"${counter} + 1" if counter else "1"
    names = [place.name, *(unique(f"{place.name}: {name}") for name, _ in parts[1:])]
    states: list[State] = []
    for (_, call), name, next_ in zip(parts, names, [*names[1:], place.next], strict=True):
        arguments = replaced(replaced(call.arguments, ATTEMPT, attempt), ROUND, round_)
        states += _call(place, replace(call, arguments=arguments), name, next_, again, unique)
    counted: Mapping[str, Data] = {counter: Jsonata(attempt)} if counter else {}
    return (*states, *_look(place, work, plan, again, counted, tries, unique))


def _parts(first: Call) -> Iterator[tuple[str, Call]]:
    """The calls of the chain in order, each with the name that is put behind the step's."""
    name, call = "", first
    while True:
        yield name, call
        if call.then is None:
            return
        name, call = call.then.name, call.then.call


def _call(
    place: TaskPlace, call: Call, name: str, next_: str, again: str, unique: Callable[[str], str]
) -> Iterator[State]:
    last = call.then is None
    caught: Mapping[str, Data] = {place.caught: _CAUGHT}
    catches: list[Catch] = []
    if last and place.unread and not any({ALL, _UNREAD} & set(route.errors) for route in place.routes):
        catches.append(Catch((_UNREAD,), place.unread.next, place.unread.assign(ERROR, CAUSE)))
    blame = unique(f"{place.name}: {call.blame.name}") if call.blame else ""
    if blame:
        catches.append(Catch(("States.TaskFailed",), blame, caught, call.output))
    catches.append(Catch((ALL,), again, caught))
    yield _task(place, call, name, next_, place.assign(call) if last else {}, *catches)
    if call.blame:
        found = Jsonata(call.blame.error.replace("$caught", f"${place.caught}"))
        # Where nothing can be read of the failure, what Step Functions said of it stands.
        yield _task(place, call.blame.call, blame, again, {place.caught: found}, Catch((ALL,), again))


def _task(place: TaskPlace, call: Call, name: str, next_: str, assign: Mapping[str, Data], *catches: Catch) -> Task:
    retry: tuple[Retry, ...] = (default_retry(call.transient),) if call.beside and call.transient else ()
    return Task(
        name,
        place.mark,
        call.resource,
        call.arguments,
        next_,
        assign,
        call.output,
        call.timeout,
        retry,
        catches,
        credentials=call.credentials,
        heartbeat=call.heartbeat,
        beside=call.beside,
    )


def _look(
    place: TaskPlace,
    work: Call,
    plan: Retries,
    again: str,
    counted: Mapping[str, Data],
    tries: Tries,
    unique: Callable[[str], str],
) -> list[State]:
    """The choice that every error of the chain comes to, and the waits behind it."""
    assert place.failed is not None
    nothing = Route(plan.ignored, place.next, lambda _error, _cause: {})
    loops = Loops(
        again,
        place.name,
        place.mark,
        place.step_id,
        place.next,
        replace(plan, ignored=()),
        work,
        (nothing, *place.routes) if plan.ignored else place.routes,
        place.caught,
        place.name,
        counted,
    )
    fallback = (place.failed.next, place.failed.assign(f"${place.caught}.type", f"${place.caught}.cause"))
    return loop_states(loops, fallback, tries, unique)
