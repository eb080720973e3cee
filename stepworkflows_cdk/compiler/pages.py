"""A call that answers in pages becomes two tasks and a choice: the first page, whether there is more, each further page.

What was gathered stands in a variable, with what asks for the next page; it is 0 where there is none, so that a step that
runs again begins anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from stepworkflows_cdk.compiler.integration import Call
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.place import TaskPlace
from stepworkflows_cdk.compiler.plan import Choice, Data, Fail, Jsonata, Rule, State
from stepworkflows_cdk.compiler.tries import Tries

__all__ = ["MOST", "TOO_LARGE", "TOO_MANY", "Pages", "paged_states"]

MOST = 100
"""Pages that are read where a step says nothing else."""
TOO_MANY = "TooManyPages"
TOO_LARGE = "TooMuchData"
_SIZE = 100_000  # characters; a variable has 256 KiB, and the step's outputs are set beside it
_CAUSES = {
    TOO_MANY: "there are more pages than the step reads",
    TOO_LARGE: f"all pages together are more than the {_SIZE:,} characters that an execution can hold of them",
}


@dataclass(frozen=True)
class Pages:
    """An answer in pages. ``field`` is the list of the answer that is gathered, ``tokens`` the parameters that ask for the
    next page, and where the answer has them, ``more`` JSONata for whether there is one; ``most`` pages are read.
    """

    field: str
    tokens: Mapping[str, str]
    more: str
    most: int


def paged_states(
    place: TaskPlace,
    call: Call,
    pages: Pages,
    tries: Tries,
    unique: Callable[[str], str],
    states: Callable[[TaskPlace, Call], tuple[State, ...]],
) -> tuple[State, ...]:
    """The states of the step; ``states`` makes those of one call."""
    variable = tries.add(f"pages_{place.step_id}")
    more, further = unique(f"{place.name}: more?"), unique(f"{place.name}: next page")
    first = _part(place, call, pages, variable, more)
    again: Mapping[str, Data] = {name: Jsonata(f"${variable}.token.{name}") for name in pages.tokens}
    assert isinstance(call.arguments, dict)
    other = replace(call, arguments={**call.arguments, **again})
    second = _part(replace(place, name=further), other, pages, variable, more, f"${variable}")
    return (
        *states(*first),
        *_more(place, more, further, variable, unique),
        *states(*second),
    )


def _part(
    place: TaskPlace, call: Call, pages: Pages, variable: str, more: str, before: str = ""
) -> tuple[TaskPlace, Call]:
    """One of the tasks: what it gives is all up to its page, and it sets what asks for the next one."""
    found = f"$append({f'{before}.items' if before else '[]'}, $states.result.{pages.field})"
    number = f"{before}.number + 1" if before else "1"
    token = ", ".join(f"{literal(name)}: $states.result.{path}" for name, path in pages.tokens.items())
    code = (
        f"({pages.more}) ? ($all := {found}; $number := {number}; $length($string($all)) > {_SIZE}"
        f" ? {{'over': {literal(TOO_LARGE)}}} : $number >= {pages.most} ? {{'over': {literal(TOO_MANY)}}}"
        f" : {{'items': $all, 'number': $number, 'token': {{{token}}}}}) : 0"
    )
    whole = f"$merge([$states.result, {{{literal(pages.field)}: {found}}}])"

    def assign(made: Call) -> Mapping[str, Data]:
        return {**place.assign(made), variable: Jsonata(code)}

    return replace(place, next=more, assign=assign), replace(call, result=whole, pages=None)


def _more(place: TaskPlace, more: str, further: str, variable: str, unique: Callable[[str], str]) -> Iterator[State]:
    ended = unique(f"{place.name}: too much") if place.failed is None else ""
    rules = [Rule(Jsonata(f"${variable} = 0"), place.next)]
    for error, cause in _CAUSES.items():
        target, assign = _goes(place, error, cause, ended)
        rules.append(Rule(Jsonata(f"${variable}.over = {literal(error)}"), target, {**assign, variable: 0}))
    yield Choice(more, place.mark, tuple(rules), further)
    if ended:
        cause = f"$lookup({literal(_CAUSES)}, ${variable}.over)"
        yield Fail(ended, place.mark, Jsonata(f"${variable}.over"), Jsonata(cause))


def _goes(place: TaskPlace, error: str, cause: str, ended: str) -> tuple[str, Mapping[str, Data]]:
    """Where one of the two errors goes, and what is assigned there."""
    taken = {error, "States.ALL", "States.TaskFailed"}
    route = next((route for route in place.routes if route.condition is None and taken & set(route.errors)), None)
    if route is not None:
        return route.next, route.assign(literal(error), literal(cause))
    if place.failed is not None:
        return place.failed.next, place.failed.assign(literal(error), literal(cause))
    return ended, {}
