"""A flow compiled and run here, held against the reading of its document."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oracle.reading import Act, Outcome, Together, Trace, read
from oracle.service import HANDLER, Service
from oracle.soundness import faults_of
from oracle.writing import Made
from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.local import RunResult, run

__all__ = ["compare", "differences", "outcome"]

_CODES = re.compile(r'\{"errorMessage": "(\w*)".*?["\]]\}', re.DOTALL)
_ENGINES = re.compile(
    r"(An error occurred while executing [^\n]*?)?The JSONata expression .*?(?= \(then |\Z)", re.DOTALL
)


@dataclass(frozen=True)
class Place:
    """When a call may be made: ``path`` are pairs of a number in a sequence and a number of what runs at the same time."""

    path: tuple[tuple[int, int], ...]

    def before(self, other: Place) -> bool:
        """Whether this call has to come before the other one."""
        for (ours, branch), (theirs, other_branch) in zip(self.path, other.path, strict=False):
            if ours != theirs:
                return ours < theirs
            if branch != other_branch:
                return False
        return False


def compare(made: Made, folder: Path) -> None:
    """Fails where the compiled flow does anything else than its document says."""
    found = differences(made, folder)
    assert not found, "\n".join([*found, json.dumps(made.document, ensure_ascii=False), repr(made.faults)])


@dataclass(frozen=True)
class Came:
    """What has to come of a flow, and what came."""

    expected: Outcome
    result: RunResult

    @property
    def calls(self) -> list[dict[str, Any]]:
        """What the service was called with, in order."""
        return [json.loads(line.text)["call"] for line in self.result.logs]


def outcome(made: Made, folder: Path) -> Came:
    """Reads the flow, and runs what it becomes."""
    definition = _written(made, folder)
    expected = read(definition.workflows[0], made.input, Service(made.faults))
    return Came(expected, run(compile_workflow(definition), made.input, integrations=BUILTIN))


def differences(made: Made, folder: Path) -> list[str]:
    """What the compiled flow does otherwise, a line each; first what is wrong with it whatever it does."""
    bundle = compile_workflow(_written(made, folder))
    found = [fault for machine in bundle.machines for fault in faults_of(machine.text)]
    if found:
        return found
    came = outcome(made, folder)
    return _of_run(came.expected, came.result)


def _written(made: Made, folder: Path) -> Definition:
    """The document and the code of its steps, in files."""
    (folder / "code").mkdir(exist_ok=True)
    (folder / "code" / "handler.py").write_text(HANDLER, encoding="utf-8")
    (folder / "code" / "table.json").write_text(
        json.dumps([fault.to_json() for fault in made.faults]), encoding="utf-8"
    )
    (folder / "flow.json").write_text(json.dumps(made.document, ensure_ascii=False, indent=1), encoding="utf-8")
    return Definition.load(folder / "flow.json")


def _of_run(expected: Outcome, result: RunResult) -> list[str]:
    found = []
    if result.error != expected.error:
        found.append(f"ends with {result.error} ({result.cause}), and has to with {expected.error}")
    elif _plain(expected.cause) != _plain(result.cause):
        found.append(f"its cause is {result.cause}, and has to be {expected.cause}")
    if expected.error is None and _text(result.output) != _text(expected.output):
        found.append(f"gives {_text(result.output)}, and has to give {_text(expected.output)}")
    if expected.error is None and expected.seconds is not None and result.simulated_seconds != expected.seconds:
        found.append(f"takes {result.simulated_seconds} seconds, and has to take {expected.seconds}")
    return found + _of_calls(expected.trace, [json.loads(line.text) for line in result.logs])


def _of_calls(trace: Trace, calls: list[dict[str, Any]]) -> list[str]:
    places: dict[str, list[Place]] = defaultdict(list)
    for act, place in _placed(trace, ()):
        places[_text({"call": act.inputs, "effect": act.effect})].append(place)
    found, made = [], []
    for call in calls:
        text = _text(call)
        if places[text]:
            made.append((text, places[text].pop(0)))
        else:
            found.append(f"makes the call {text}")
    found += [f"does not make the call {text}" for text, left in places.items() for _ in left]
    for number, (text, place) in enumerate(made):
        late = [other for other, behind in made[number + 1 :] if behind.before(place)]
        found += [f"makes {text} before {other}" for other in late[:1]]
    return found


def _placed(trace: Trace, path: tuple[tuple[int, int], ...]) -> list[tuple[Act, Place]]:
    found = []
    for number, entry in enumerate(trace):
        if isinstance(entry, Together):
            for branch, inside in enumerate(entry.traces):
                found += _placed(inside, (*path, (number, branch)))
        else:
            found.append((entry, Place((*path, (number, 0)))))
    return found


def _plain(value: Any) -> Any:
    """The value, with nothing in its texts that only code or an engine says of an error: stacks, ids, expressions."""
    match value:
        case str():
            return _ENGINES.sub("?", _CODES.sub(r"\1", value))
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case _:
            return value


def _text(value: Any) -> str:
    """As JSON, where true is not 1."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False)
