"""A machine's ASL text with its holes filled, as a definition that this engine can run; everything it cannot run is
found here.

The language: https://states-language.net/spec.html and
https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stepworkflows_cdk.compiler.bundle import Machine
from stepworkflows_cdk.compiler.plan import Hole
from stepworkflows_cdk.errors import LocalRunError
from stepworkflows_cdk.local.jsonata import code_of

__all__ = ["Definition", "Refusals", "is_role", "load", "service_of"]

_HOLE = re.compile(r"\$\{(\w+)\}")
_RESOURCE = re.compile(r"arn:[^:]+:states:[^:]*:[^:]*:(.+)")
_ROLE = re.compile(r"arn:[\w-]+:iam::\d{12}:role/\S+", re.ASCII)
_COMMON = frozenset({"Type", "Comment", "QueryLanguage"})
_ONWARD = frozenset({"Next", "End", "Assign", "Output"})
_DISTRIBUTED = frozenset(
    "ItemReader ItemBatcher ResultWriter ToleratedFailureCount ToleratedFailurePercentage Label".split()
)
_FIELDS: Mapping[str, frozenset[str]] = {
    "Choice": frozenset({"Choices", "Default", "Assign", "Output"}),
    "Fail": frozenset({"Error", "Cause"}),
    "Map": _ONWARD | {"Items", "ItemSelector", "ItemProcessor", "MaxConcurrency", "Retry", "Catch"} | _DISTRIBUTED,
    "Parallel": _ONWARD | {"Branches", "Arguments", "Retry", "Catch"},
    "Pass": _ONWARD,
    "Succeed": frozenset({"Output"}),
    "Task": _ONWARD | {"Resource", "Arguments", "Credentials", "HeartbeatSeconds", "TimeoutSeconds", "Retry", "Catch"},
    "Wait": _ONWARD | {"Seconds", "Timestamp"},
}
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "Choice": ("Choices",),
    "Map": ("ItemProcessor",),
    "Parallel": ("Branches",),
    "Task": ("Resource",),
}
_MACHINE = frozenset({"Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds", "Version"})
_RETRIER = frozenset(
    {"ErrorEquals", "IntervalSeconds", "BackoffRate", "MaxAttempts", "MaxDelaySeconds", "JitterStrategy", "Comment"}
)
_CATCHER = frozenset({"ErrorEquals", "Next", "Assign", "Output", "Comment"})
_RULE = frozenset({"Condition", "Next", "Assign", "Output", "Comment"})
_INPUTS = ("CSV", "JSON", "JSONL")
_PROCESSOR = frozenset({"ProcessorConfig", "Comment", "StartAt", "States", "QueryLanguage"})


@dataclass(frozen=True)
class Definition:
    """A machine that can be run: the parsed text, checked."""

    document: Mapping[str, Any]

    @property
    def timeout(self) -> float | None:
        """Seconds that the whole execution may take."""
        value = self.document.get("TimeoutSeconds")
        return None if value is None else float(value)


@dataclass(frozen=True)
class Refusals:
    """What the check asks of the rest of the engine; each answers with what is wrong, or None."""

    expression: Callable[[str], str | None]
    """Is this code JSONata?"""
    task: Callable[[str, str], str | None]
    """Can the task resource (what follows ``states:::``) of the state with this name be performed?"""


def load(machine: Machine, value: Callable[[Hole], str], refusals: Refusals) -> Definition:
    """Fills the holes of ``machine.text``, parses it and checks it. All faults at once, as one ``LocalRunError``."""
    holes = {hole.name: hole for hole in machine.holes}

    def fill(found: re.Match[str]) -> str:
        if found.group(1) not in holes:
            raise LocalRunError(f"machine {machine.id}: ${{{found.group(1)}}} is none of its holes")
        return json.dumps(value(holes[found.group(1)]))[1:-1]

    try:
        document = json.loads(_HOLE.sub(fill, machine.text))
    except json.JSONDecodeError as error:
        raise LocalRunError(f"machine {machine.id}: its definition is no JSON: {error}") from error
    faults = list(_Check(refusals).machine(document))
    if faults:
        raise LocalRunError(f"machine {machine.id} cannot be run on this machine:\n  " + "\n  ".join(faults))
    return Definition(document)


def service_of(resource: str) -> str:
    """``lambda:invoke`` of ``arn:aws:states:::lambda:invoke``; an ARN of another kind stays as it is."""
    found = _RESOURCE.fullmatch(resource)
    return found.group(1) if found else resource


class _Check:
    """Walks a definition and gives one line for each fault, each beginning with where it is."""

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals
        self._names: set[str] = set()

    def machine(self, document: Any) -> Iterator[str]:
        if not isinstance(document, dict):
            yield "the definition is no object"
            return
        yield from _unknown("the machine", document, _MACHINE)
        if document.get("QueryLanguage") != "JSONata":
            yield "the machine: field QueryLanguage must be 'JSONata'; JSONPath is not supported"
        timeout = document.get("TimeoutSeconds")
        if timeout is not None and not _positive(timeout):
            yield f"the machine: field TimeoutSeconds must be a positive whole number, not {timeout!r}"
        yield from self._scope("the machine", document, frozenset())

    def _scope(self, place: str, document: Any, outer: frozenset[str]) -> Iterator[str]:
        states = document.get("States") if isinstance(document, dict) else None
        if not isinstance(states, dict) or not states or document.get("StartAt") not in states:
            yield f"{place}: field StartAt must name one of its States"
            return
        assigned = frozenset(name for state in states.values() for name in _assigned(state))
        for name, state in states.items():
            where = f"state '{name}'"
            if name in self._names:
                yield f"{where}: the name is used twice in the machine"
            self._names.add(name)
            type_ = state.get("Type") if isinstance(state, dict) else None
            if not isinstance(type_, str) or type_ not in _FIELDS:
                yield f"{where}: field Type {type_!r} is not supported; supported: {', '.join(_FIELDS)}"
                continue
            for variable in sorted(set(_assigned(state)) & outer):
                yield f"{where}: field Assign sets ${variable}, a variable of an outer scope"
            yield from self._state(where, name, type_, state, states)
            for number, inner in enumerate(state.get("Branches", ())):
                yield from self._scope(f"{where}, branch {number}", inner, outer | assigned)
            if type_ == "Map":
                yield from self._processor(where, state, outer | assigned)

    def _state(self, where: str, name: str, type_: str, state: dict[str, Any], states: dict[str, Any]) -> Iterator[str]:
        yield from _unknown(where, state, _COMMON | _FIELDS[type_])
        if state.get("QueryLanguage", "JSONata") != "JSONata":
            yield f"{where}: field QueryLanguage must be 'JSONata'"
        for field in _REQUIRED.get(type_, ()):
            if not state.get(field):
                yield f"{where}: field {field} is missing"
        if _FIELDS[type_] >= _ONWARD and ("Next" in state) == (state.get("End") is True):
            yield f"{where}: either field Next or End must be given"
        for field, target in _targets(state):
            if target not in states:
                yield f"{where}: field {field} names '{target}', which is no state beside it"
        if "States" in state.get("Assign", {}) or "states" in _assigned(state):
            yield f"{where}: field Assign sets $states, which is reserved"
        for field in sorted(state.keys() - {"Branches", "ItemProcessor", "Comment", "Resource"}):
            yield from self._expressions(where, field, state[field])
        yield from _lists(where, state)
        yield from _numbers(where, type_, state)
        if type_ == "Task" and isinstance(state.get("Resource"), str):
            fault = self._refusals.task(service_of(state["Resource"]), name)
            if fault is not None:
                yield f"{where}: field Resource: {fault}"
        if type_ == "Task" and "Credentials" in state:
            yield from _credentials(where, state["Credentials"])

    def _processor(self, where: str, state: Mapping[str, Any], outer: frozenset[str]) -> Iterator[str]:
        place, processor = f"{where}, ItemProcessor", state.get("ItemProcessor")
        if not isinstance(processor, dict):
            return
        yield from _unknown(place, processor, _PROCESSOR)
        config = processor.get("ProcessorConfig", {})
        mode = config.get("Mode", "INLINE")
        if mode not in ("INLINE", "DISTRIBUTED"):
            yield f"{place}: field ProcessorConfig: mode {mode!r} is not supported; supported: 'INLINE', 'DISTRIBUTED'"
        if mode == "DISTRIBUTED":
            if config.get("ExecutionType") != "STANDARD":
                yield f"{place}: field ProcessorConfig: ExecutionType must be 'STANDARD', no other is supported"
            yield from _distributed(where, state)
        for field in sorted(_DISTRIBUTED & state.keys()) if mode == "INLINE" else ():
            yield f"{where}: field {field} is for maps whose mode is 'DISTRIBUTED'"
        # The executions of a distributed map see no variable of an outer scope, so its names are free.
        yield from self._scope(place, processor, outer if mode == "INLINE" else frozenset())

    def _expressions(self, where: str, field: str, value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, item in value.items():
                yield from self._expressions(where, f"{field}/{key}", item)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._expressions(where, f"{field}[{index}]", item)
        elif (code := code_of(value)) is not None and (fault := self._refusals.expression(code)) is not None:
            yield f"{where}: field {field}: {fault}"


def _distributed(where: str, state: Mapping[str, Any]) -> Iterator[str]:
    """https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html"""
    reader, writer, batcher = (state.get(field, {}) for field in ("ItemReader", "ResultWriter", "ItemBatcher"))
    services = ("s3:getObject", "s3:listObjectsV2")
    config = reader.get("ReaderConfig", {})
    if reader and service_of(str(reader.get("Resource"))) not in services:
        yield f"{where}: field ItemReader/Resource is not supported; supported: {', '.join(services)}"
    elif reader and service_of(reader["Resource"]) == "s3:getObject" and config.get("InputType") not in _INPUTS:
        yield f"{where}: field ItemReader/ReaderConfig/InputType must be one of {', '.join(_INPUTS)}"
    if config.get("InputType") == "CSV" and config.get("CSVHeaderLocation") != "FIRST_ROW":
        yield f"{where}: field ItemReader/ReaderConfig/CSVHeaderLocation must be FIRST_ROW, no other is supported"
    known = frozenset({"InputType", "CSVHeaderLocation", "MaxItems"})
    yield from _unknown(f"{where}, ItemReader/ReaderConfig", config, known)
    if writer and service_of(str(writer.get("Resource"))) != "s3:putObject":
        yield f"{where}: field ResultWriter/Resource is not supported; supported: s3:putObject"
    yield from _unknown(f"{where}, ResultWriter", writer, frozenset({"Resource", "Arguments"}))
    if batcher and not _positive(batcher.get("MaxItemsPerBatch")):
        yield f"{where}: field ItemBatcher/MaxItemsPerBatch must be a positive whole number"
    yield from _unknown(f"{where}, ItemBatcher", batcher, frozenset({"MaxItemsPerBatch", "BatchInput"}))
    for field in ("ToleratedFailureCount", "ToleratedFailurePercentage"):
        value = state.get(field, 0)
        if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
            yield f"{where}: field {field} must be a number from 0, not {value!r}"


def _credentials(where: str, value: Any) -> Iterator[str]:
    """https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html#task-state-fields"""
    if not isinstance(value, dict) or set(value) != {"RoleArn"}:
        yield f"{where}: field Credentials must be an object with the field RoleArn alone"
    elif code_of(value["RoleArn"]) is None and not is_role(value["RoleArn"]):
        yield f"{where}: field Credentials/RoleArn must be the ARN of a role or an expression, not {value['RoleArn']!r}"


def is_role(value: Any) -> bool:
    """Whether a value is the ARN of an IAM role."""
    return isinstance(value, str) and _ROLE.fullmatch(value) is not None


def _unknown(where: str, found: Mapping[str, Any], known: frozenset[str]) -> Iterator[str]:
    for field in sorted(found.keys() - known):
        yield f"{where}: field {field} is not supported; supported: {', '.join(sorted(known))}"


def _assigned(state: Any) -> Iterator[str]:
    """The variables that a state sets, also where it catches or chooses."""
    if isinstance(state, dict):
        for holder in (state, *_entries(state, "Choices"), *_entries(state, "Catch")):
            if isinstance(holder.get("Assign"), dict):
                yield from holder["Assign"]


def _targets(state: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for field in ("Next", "Default"):
        if field in state:
            yield field, state[field]
    for field in ("Choices", "Catch"):
        for number, entry in enumerate(_entries(state, field)):
            yield f"{field}[{number}]/Next", entry.get("Next")


def _lists(where: str, state: dict[str, Any]) -> Iterator[str]:
    for field, known in (("Retry", _RETRIER), ("Catch", _CATCHER), ("Choices", _RULE)):
        entries = _entries(state, field)
        for number, entry in enumerate(entries):
            place = f"{where}: field {field}[{number}]"
            yield from _unknown(place, entry, known)
            if field == "Choices":
                if "Condition" not in entry:
                    yield f"{place}: field Condition is missing"
                continue
            names = entry.get("ErrorEquals")
            if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
                yield f"{place}: field ErrorEquals must be a list of error names"
            elif "States.ALL" in names and (len(names) > 1 or number < len(entries) - 1):
                yield f"{place}: States.ALL must stand alone, and last"


def _numbers(where: str, type_: str, state: dict[str, Any]) -> Iterator[str]:
    for number, entry in enumerate(_entries(state, "Retry")):
        place = f"{where}: field Retry[{number}]"
        for field, least in (("IntervalSeconds", 1), ("MaxDelaySeconds", 1), ("MaxAttempts", 0)):
            value = entry.get(field, least)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                yield f"{place}: field {field} must be a whole number from {least}, not {value!r}"
        rate = entry.get("BackoffRate", 2.0)
        if not isinstance(rate, int | float) or rate < 1:
            yield f"{place}: field BackoffRate must be a number from 1, not {rate!r}"
        if entry.get("JitterStrategy", "NONE") not in ("FULL", "NONE"):
            yield f"{place}: field JitterStrategy must be FULL or NONE, not {entry['JitterStrategy']!r}"
    for field, least in (("HeartbeatSeconds", 1), ("TimeoutSeconds", 1), ("Seconds", 0), ("MaxConcurrency", 0)):
        value = state.get(field, least)
        if code_of(value) is None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
            yield f"{where}: field {field} must be a whole number from {least} or an expression, not {value!r}"
    if type_ == "Wait" and ("Seconds" in state) == ("Timestamp" in state):
        yield f"{where}: either field Seconds or Timestamp must be given"


def _entries(state: dict[str, Any], field: str) -> list[dict[str, Any]]:
    found = state.get(field)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _positive(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
