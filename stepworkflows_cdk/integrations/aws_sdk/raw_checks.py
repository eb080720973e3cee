"""What is wrong with a state under ``asl``: its fields by its type, the names in it, what only the compiler may write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile
from typing import Any

from stepworkflows_cdk.integrations.aws_sdk.raw import Written, assigned_in, scopes_in, written_states
from stepworkflows_cdk.language.checks.data import is_reserved
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.document import Path_
from stepworkflows_cdk.language.shape import nearest
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["check_states"]

_LONGEST = 80
"""Characters in a state's name: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""
_COMMON = frozenset({"Type", "Comment", "QueryLanguage"})
_ONWARD = frozenset({"Next", "End", "Assign", "Output"})
_TRIED = frozenset({"Retry", "Catch"})
_FIELDS: Mapping[str, frozenset[str]] = {
    "Task": _ONWARD | _TRIED | {"Resource", "Arguments", "Credentials", "TimeoutSeconds", "HeartbeatSeconds"},
    "Pass": _ONWARD,
    "Wait": _ONWARD | {"Seconds", "Timestamp"},
    "Parallel": _ONWARD | _TRIED | {"Branches", "Arguments"},
    "Map": _ONWARD | _TRIED | {"Items", "ItemSelector", "ItemProcessor", "MaxConcurrency"},
    "Choice": frozenset({"Choices", "Default", "Assign", "Output"}),
    "Succeed": frozenset({"Output"}),
    "Fail": frozenset({"Error", "Cause"}),
}
_REQUIRED = {"Task": "Resource", "Parallel": "Branches", "Map": "ItemProcessor", "Choice": "Choices"}
_INSTEAD = {"Choice": "`switch`", "Succeed": "`stop`", "Fail": "`fail`"}
_RETRIER = frozenset(
    {"ErrorEquals", "IntervalSeconds", "BackoffRate", "MaxAttempts", "MaxDelaySeconds", "JitterStrategy", "Comment"}
)
_ENTRIES: Mapping[str, tuple[frozenset[str], tuple[str, ...]]] = {
    "Retry": (_RETRIER, ("ErrorEquals",)),
    "Catch": (frozenset({"ErrorEquals", "Next", "Assign", "Output", "Comment"}), ("ErrorEquals", "Next")),
    "Choices": (frozenset({"Condition", "Next", "Assign", "Output", "Comment"}), ("Condition", "Next")),
}
_JSONPATH = {
    "InputPath": "`Arguments`",
    "ItemsPath": "`Items`",
    "OutputPath": "`Output`",
    "Parameters": "`Arguments`",
    "ResultPath": "`Assign` or `Output`",
    "ResultSelector": "`Output`",
}
"""Fields of the other query language -> what there is instead:
https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html"""
_DISTRIBUTED = frozenset(
    "ItemReader ItemBatcher ResultWriter ToleratedFailureCount ToleratedFailurePercentage Label".split()
)


def check_states(step: Step, workflow: Workflow) -> Iterator[Problem]:
    """All faults of the state and of those inside it, in no order."""
    names = {other.name for other in workflow.all_steps}
    before = takewhile(lambda other: other is not step, workflow.all_steps)
    names |= {state.name for other in before for state in written_states(other)}
    for state in written_states(step):
        yield from _state(step, state)
        if state.name:
            yield from _name(step, state, names)
            names.add(state.name)
        for path, scope in scopes_in(state):
            yield from _scope(step, path, scope)
        for at in assigned_in(state):
            if is_reserved(str(at[-1])):
                message = f"`${at[-1]}` has a meaning of its own in the state machine"
                yield Problem("SW306", message, step.key_mark(*at), "give the variable another name")


def _state(step: Step, state: Written) -> Iterator[Problem]:
    path, body = state.path, state.body
    known = _FIELDS if state.name else {type_: fields for type_, fields in _FIELDS.items() if type_ not in _INSTEAD}
    if state.type not in known:
        yield from _wrong_type(step, state, known)
        return
    fields = known[state.type] | _COMMON
    for field in body:
        if not state.name and field in ("Next", "End", "Assign"):
            hint = "read what the state gives in `outputs`" if field == "Assign" else "remove it"
            message = (
                "what only this state sets is gone behind it" if field == "Assign" else "the flow goes on by itself"
            )
            yield Problem("SW107", f"`{field}`: {message}", step.key_mark(*path, field), hint)
        elif field in _DISTRIBUTED and state.type == "Map":
            message = f"`{field}`: a distributed map under `asl` is not built in this version"
            yield Problem("SW109", message, step.key_mark(*path, field), "use `for-each` with `source`")
        elif field not in fields:
            yield _unknown(step, (*path, field), fields, f"a `{state.type}` state")
    if body.get("QueryLanguage", "JSONata") != "JSONata":
        message = "the query language of a flow is JSONata"
        yield Problem("SW120", message, step.mark_of(*path, "QueryLanguage"), "remove it, and write `{% %}`")
    required = _REQUIRED.get(state.type)
    if required and not body.get(required):
        yield Problem("SW102", f"the field `{required}` is missing", step.mark_of(*path), f"add `{required}`")
    if state.type == "Wait" and ("Seconds" in body) == ("Timestamp" in body):
        yield Problem("SW102", "a `Wait` has either `Seconds` or `Timestamp`", step.mark_of(*path), "write one of them")
    if state.name and "Next" in fields and ("Next" in body) == ("End" in body):
        yield Problem(
            "SW102", "inside, a state has either `Next` or `End: true`", step.mark_of(*path), "write one of them"
        )
    for field in ("Retry", "Catch", "Choices"):
        if field in fields:
            yield from _entries(step, state, field)


def _wrong_type(step: Step, state: Written, known: Iterable[str]) -> Iterator[Problem]:
    mark = step.mark_of(*state.path, "Type") if "Type" in state.body else step.mark_of(*state.path)
    if state.type in _INSTEAD:
        message = f"a `{state.type}` state leads on to others, or to the end, and here is one alone"
        yield Problem(
            "SW112", message, mark, f"use {_INSTEAD[state.type]}, or put it into a `Parallel` with one branch"
        )
    elif "Type" in state.body:
        hint = nearest(state.type, known) or f"write {', '.join(f'`{type_}`' for type_ in known)}"
        yield Problem("SW103", "`Type` must be a type of state", mark, hint)
    else:
        yield Problem("SW102", "the field `Type` is missing", mark, "add `Type`, such as `Type: Task`")


def _unknown(step: Step, path: Path_, fields: Iterable[str], what: str) -> Problem:
    field = str(path[-1])
    mark = step.key_mark(*path)
    if field in _JSONPATH or field.endswith(".$"):
        instead = _JSONPATH.get(field, f"`{field.removesuffix('.$')}` with `{{% %}}`")
        return Problem("SW120", f"`{field}` is a field of JSONPath, and this is JSONata", mark, f"use {instead}")
    hint = nearest(field, fields) or f"known here: {', '.join(f'`{known}`' for known in sorted(fields))}"
    return Problem("SW101", f"`{field}` is no field of {what}", mark, hint)


def _entries(step: Step, state: Written, field: str) -> Iterator[Problem]:
    """The retriers, catchers or rules of a state."""
    fields, required = _ENTRIES[field]
    entries = state.body.get(field, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        yield Problem("SW103", f"`{field}` must be a list of mappings", step.mark_of(*state.path, field))
        return
    for index, entry in enumerate(entries):
        path = (*state.path, field, index)
        for key in entry:
            if not state.name and key == "Next" and field == "Catch":
                message = "`Next`: behind a caught error the flow goes on by itself, with the catcher's `Output` as the result"
                yield Problem("SW107", message, step.key_mark(*path, key), "remove it, or use `catch` of the step")
            elif not state.name and key == "Assign":
                message = "`Assign`: what only this state sets is gone behind it"
                yield Problem("SW107", message, step.key_mark(*path, key), "use `Output`")
            elif key not in fields:
                yield _unknown(step, (*path, key), fields, f"`{field}`")
        for key in required:
            if key not in entry and (state.name or key != "Next"):
                yield Problem("SW102", f"the field `{key}` is missing", step.mark_of(*path), f"add `{key}`")
        errors = entry.get("ErrorEquals")
        if isinstance(errors, list) and "States.ALL" in errors and (len(errors) > 1 or index + 1 < len(entries)):
            message = "`States.ALL` stands alone, and last"
            yield Problem(
                "SW103", message, step.mark_of(*path, "ErrorEquals"), "move it into an entry of its own at the end"
            )


def _scope(step: Step, path: Path_, scope: Mapping[str, Any]) -> Iterator[Problem]:
    """Where a branch begins, and where its states go on."""
    states = scope.get("States")
    if not isinstance(states, dict) or not states or not all(isinstance(state, dict) for state in states.values()):
        yield Problem(
            "SW102", "`States` is missing: names of states, each with its fields", step.mark_of(*path), "add it"
        )
        return
    config = scope.get("ProcessorConfig")
    if isinstance(config, dict) and config.get("Mode", "INLINE") != "INLINE":
        message = "a distributed map under `asl` is not built in this version"
        mark = step.mark_of(*path, "ProcessorConfig", "Mode")
        yield Problem("SW109", message, mark, "use `for-each` with `source`, or `Mode: INLINE`")
    known = {
        "StartAt",
        "States",
        "Comment",
        "QueryLanguage",
        *(("ProcessorConfig",) if path[-1] == "ItemProcessor" else ()),
    }
    for field in scope:
        if field not in known:
            yield _unknown(step, (*path, field), known, "a branch")
    if scope.get("QueryLanguage", "JSONata") != "JSONata":
        message = "the query language of a flow is JSONata"
        yield Problem("SW120", message, step.mark_of(*path, "QueryLanguage"), "remove it, and write `{% %}`")
    if "StartAt" not in scope:
        yield Problem("SW102", "the field `StartAt` is missing", step.mark_of(*path), "add `StartAt`")
    for place, target in ((("StartAt",), scope.get("StartAt")), *_targets(states)):
        if target is not None and target not in states:
            hint = nearest(str(target), states) or f"here are {', '.join(f'`{name}`' for name in states)}"
            yield Problem("SW203", f"no state here is called `{target}`", step.mark_of(*path, *place), hint)


def _targets(states: Mapping[str, Any]) -> Iterator[tuple[Path_, Any]]:
    for name, state in states.items():
        for field in ("Next", "Default"):
            yield ("States", name, field), state.get(field)
        for field in ("Choices", "Catch"):
            entries = state.get(field)
            for index, entry in enumerate(entries if isinstance(entries, list) else ()):
                if isinstance(entry, dict):
                    yield ("States", name, field, index, "Next"), entry.get("Next")


def _name(step: Step, state: Written, taken: set[str]) -> Iterator[Problem]:
    mark = step.key_mark(*state.path)
    if len(state.name) > _LONGEST:
        yield Problem("SW401", f"the name of a state has {_LONGEST} characters at most", mark, "shorten it")
    if state.name in taken:
        yield Problem("SW201", f"the name `{state.name}` stands twice", mark, "give one of them another name")
