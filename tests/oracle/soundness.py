"""What is wrong with a definition whatever it does: targets, names, ``States.ALL``, expressions, variables."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from stepworkflows_cdk.language.expressions import FUNCTIONS, free_variables, syntax_fault

__all__ = ["faults_of"]

State = dict[str, Any]
Facts = frozenset[tuple[str, str]]
"""What is known of variables, where a choice may ask: null, a text in quotes, or that they are neither."""
_ASKED = re.compile(r"\$(\w+) = (null|'[^']*')")
_QUESTION = re.compile(rf"\{{% ({_ASKED.pattern}( or {_ASKED.pattern})*) %\}}")
_EXPRESSION = re.compile(r"\{%(.*)%\}", re.DOTALL)


def faults_of(text: str) -> list[str]:
    """A line for each fault of a definition."""
    machine = json.loads(text)
    names = Counter(name for scope in _scopes(machine) for name in scope["States"])
    found = [f"two states are called {name}" for name, number in names.items() if number > 1]
    for scope in _scopes(machine):
        states = scope["States"]
        targets = {scope["StartAt"], *(target for state in states.values() for target in _targets(state))}
        found += [f"nothing is called {target}" for target in targets - set(states)]
        found += [f"nothing leads to {name}" for name in set(states) - targets]
        found += [fault for name, state in states.items() for fault in _rules(name, state)]
    for code in _expressions(machine):
        if fault := syntax_fault(code):
            found.append(f"{code} is no JSONata: {fault[0]}")
    return found + list(_unassigned(machine, frozenset()))


def _scopes(machine: State) -> Iterator[State]:
    """The machine, and every branch in it."""
    yield machine
    for state in machine["States"].values():
        for inside in (*state.get("Branches", ()), *([state["ItemProcessor"]] if "ItemProcessor" in state else ())):
            yield from _scopes(inside)


def _targets(state: State) -> Iterator[str]:
    yield from (state[key] for key in ("Next", "Default") if key in state)
    yield from (rule["Next"] for rule in (*state.get("Choices", ()), *state.get("Catch", ())))


def _rules(name: str, state: State) -> Iterator[str]:
    for key in ("Retry", "Catch"):
        for number, rule in enumerate(state.get(key, ()), 1):
            if "States.ALL" in rule["ErrorEquals"] and (
                rule["ErrorEquals"] != ["States.ALL"] or number < len(state[key])
            ):
                yield f"{name}: States.ALL does not stand last and alone in {key}"


def _expressions(value: Any) -> Iterator[str]:
    if isinstance(value, str) and (found := _EXPRESSION.fullmatch(value)):
        yield found[1].strip()
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _expressions(item)


def _unassigned(machine: State, outer: frozenset[str]) -> Iterator[str]:
    """Variables that are read where on some way to the state nothing has assigned them.
    https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
    """
    states = machine["States"]
    asked = frozenset(
        name for state in states.values() for condition in _conditions(state) for name, _ in _questions(condition)
    )
    known: dict[tuple[str, Facts], frozenset[str]] = {(machine["StartAt"], frozenset()): outer}
    waiting = list(known)
    while waiting:
        here = waiting.pop()
        for target, assigned in _ways(states[here[0]], here[1]):
            facts = {name: value for name, value in here[1] if name not in assigned}
            facts |= {name: _told(value) for name, value in assigned.items() if name in asked and _is_told(value)}
            there = (target, frozenset(facts.items()))
            now = known[here].union(assigned) & known.get(there, known[here].union(assigned))
            if there not in known or now != known[there]:
                known[there] = now
                waiting.append(there)
    found: dict[str, None] = {}
    for (name, _), before in known.items():
        state = states[name]
        inside = [*state.get("Branches", ()), *([state["ItemProcessor"]] if "ItemProcessor" in state else ())]
        own = {key: value for key, value in state.items() if key not in ("Branches", "ItemProcessor")}
        read = {variable for code in _expressions(own) for variable in free_variables(code)}
        for variable in read - before - FUNCTIONS - {"states", ""}:
            found[f"{name} reads ${variable}, which not every way there assigns"] = None
        distributed = state.get("ItemProcessor", {}).get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED"
        for scope in inside:
            found |= dict.fromkeys(_unassigned(scope, frozenset() if distributed else before))
            again = {made for one in scope["States"].values() for _, new in _ways(one, frozenset()) for made in new}
            for variable in again & before:
                found[f"{name} assigns ${variable} inside, which is assigned outside"] = None
    yield from found


def _is_told(value: Any) -> bool:
    """Whether it is seen here what the value is, or at least that it is an object."""
    return value is None or isinstance(value, dict) or (isinstance(value, str) and not value.startswith("{%"))


def _told(value: Any) -> str:
    return "null" if value is None else f"'{value}'" if isinstance(value, str) else "{}"


def _questions(condition: str) -> list[tuple[str, str]]:
    """The variables that a condition asks for, with what; one of them has to be so."""
    return [(name, value) for name, value in _ASKED.findall(condition)] if _QUESTION.fullmatch(condition) else []


def _conditions(state: State) -> list[str]:
    return [rule.get("Condition", "") for rule in state.get("Choices", ())]


def _ways(state: State, facts: Facts) -> Iterator[tuple[str, dict[str, Any]]]:
    """Where a state leads to, and what is assigned on that way."""
    told = dict(facts)
    for rule in (*state.get("Choices", ()), *state.get("Catch", ())):
        questions = _questions(rule.get("Condition", ""))
        answers = [told[name] == value if name in told else None for name, value in questions]
        holds = True if True in answers else None if None in answers or not answers else False
        holds = True if rule.get("Condition") == "{% true %}" else holds
        if holds is not False:
            yield rule["Next"], rule.get("Assign", {})
        if holds:
            return
    for key in {"Next", "Default"} & set(state):
        yield state[key], state.get("Assign", {})
