"""Names of states, which are unique in a machine, and which states can be reached at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from stepworkflows_cdk.compiler.plan import Choice, Fail, Map, Parallel, Pass, Raw, State, Succeed, Task, Wait

__all__ = ["Namer", "all_states", "reachable", "targets"]

_LONGEST = 80  # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html


class Namer:
    """Gives names of generated states, away from those that the user gave."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._fixed: dict[tuple[str, int], str] = {}

    def fixed(self, name: str, owner: object) -> str:
        """The name that ``owner`` got for ``name`` when it first asked."""
        key = (name, id(owner))
        if key not in self._fixed:
            self._fixed[key] = self.unique(name)
        return self._fixed[key]

    def unique(self, name: str) -> str:
        """The name, shortened to 80 characters, with a number where it is taken."""
        candidate = name[:_LONGEST]
        number = 2
        while candidate in self._taken:
            ending = f" ({number})"
            candidate = name[: _LONGEST - len(ending)] + ending
            number += 1
        self._taken.add(candidate)
        return candidate


def targets(state: State) -> Iterator[str]:
    """The names of the states that can come next."""
    match state:
        case Task() | Parallel() | Map():
            yield from [state.next] if state.next else []
            yield from (catch.next for catch in state.catch)
        case Pass() | Wait():
            yield from [state.next] if state.next else []
        case Choice():
            yield from (rule.next for rule in state.rules)
            yield state.default
        case Raw():
            yield from [state.caught] if state.caught else []
        case Succeed() | Fail():
            return


def reachable(states: Sequence[State]) -> tuple[State, ...]:
    """The states that can be reached from the first, in their order."""
    by_name = {state.name: state for state in states}
    seen: set[str] = set()
    ahead = [states[0].name]
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            ahead.extend(targets(by_name[name]))
    return tuple(state for state in states if state.name in seen)


def all_states(states: Sequence[State]) -> Iterator[State]:
    """The states and those of their branches."""
    for state in states:
        yield state
        if isinstance(state, Parallel):
            for branch in state.branches:
                yield from all_states(branch)
        elif isinstance(state, Map):
            yield from all_states(state.body)
        elif isinstance(state, Raw):
            yield from state.inside
