"""A flow compiled and run here, held against the reading of its document."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oracle.going import Undecided
from oracle.made import Made
from oracle.reading import Outcome, read
from oracle.service import HANDLER, Fault, Service
from oracle.soundness import faults_of
from oracle.traces import Place, Trace, placed
from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.local import RunResult, run

__all__ = ["Came", "Compiled", "compare", "differences", "told"]

_CODES = re.compile(r'\{"errorMessage": "(\w*)".*?["\]]\}', re.DOTALL)
_ENGINES = re.compile(
    r"(An error occurred while executing [^\n]*?)?The JSONata expression .*?(?= \(then |; b\d: |\Z)", re.DOTALL
)


@dataclass(frozen=True)
class Came:
    """What has to come of a flow, and what came."""

    expected: Outcome
    result: RunResult

    @property
    def calls(self) -> list[dict[str, Any]]:
        """What the service was called with, in order."""
        return [json.loads(line.text)["call"] for line in self.result.logs]

    @property
    def differences(self) -> list[str]:
        """What came otherwise, a line each."""
        return _of_run(self.expected, self.result)


class Compiled:
    """A flow with its documents and the code of its steps in ``folder``, and what it becomes."""

    def __init__(self, made: Made, folder: Path) -> None:
        self.made = made
        self._table = folder / "code" / "table.json"
        self._table.parent.mkdir(exist_ok=True)
        (folder / "code" / "handler.py").write_text(HANDLER, encoding="utf-8")
        for name, document in {"flow.json": made.document, **made.others}.items():
            (folder / name).write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
        self._definition = Definition.load(folder / "flow.json")
        self.bundle = compile_workflow(self._definition)

    @property
    def faults(self) -> list[str]:
        """What is wrong with the machines whatever they do."""
        return [fault for machine in self.bundle.machines for fault in faults_of(machine.text)]

    def outcome(self, *more: Fault) -> Came:
        """What comes of it, where some calls fail that did not. Raises :class:`oracle.going.Undecided`."""
        faults = (*more, *self.made.faults)
        expected = read(self._definition.workflows[0], self.made.input, Service(faults), self.made.outside)
        self._table.write_text(json.dumps([fault.to_json() for fault in faults]), encoding="utf-8")
        return Came(expected, run(self.bundle, self.made.input, integrations=BUILTIN, outside=self.made.outside))


def differences(made: Made, folder: Path) -> list[str]:
    """What the compiled flow does otherwise, a line each; first what is wrong with it whatever it does."""
    compiled = Compiled(made, folder)
    if compiled.faults:
        return compiled.faults
    try:
        return compiled.outcome().differences
    except Undecided:
        return []


def compare(made: Made, folder: Path) -> None:
    """Fails where the compiled flow does anything else than its document says."""
    found = differences(made, folder)
    assert not found, told(found, made)


def told(found: list[str], made: Made) -> str:
    """What a failed comparison shows."""
    documents = [json.dumps(document, ensure_ascii=False) for document in (made.document, *made.others.values())]
    return "\n".join([*found, *documents, repr(made.faults), repr(made.outside)])


def _of_run(expected: Outcome, result: RunResult) -> list[str]:
    found = []
    if result.error != expected.error:
        found.append(f"ends with {result.error} ({result.cause}), and has to with {expected.error}")
    elif _plain(expected.cause) != _plain(result.cause):
        found.append(f"its cause is {result.cause}, and has to be {expected.cause}")
    if expected.error is None and _text(result.output) != _text(expected.output):
        found.append(f"gives {_text(result.output)}, and has to give {_text(expected.output)}")
    if expected.seconds is not None and result.simulated_seconds != expected.seconds:
        found.append(f"takes {result.simulated_seconds} seconds, and has to take {expected.seconds}")
    return found + _of_calls(expected.trace, [json.loads(line.text) for line in result.logs])


def _of_calls(trace: Trace, calls: list[dict[str, Any]]) -> list[str]:
    places: dict[str, list[Place]] = defaultdict(list)
    for act, place in placed(trace):
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
