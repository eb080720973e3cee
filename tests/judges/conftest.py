"""What judges that we did not write are asked about: every machine that the golden flows and the order flow become,
and machines with faults planted in them, so that a judge shows that it can say no."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import own_wheels
import pytest

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.reference import order_flow

FLOWS = Path(__file__).parent.parent / "flows"
VALUES = {
    "arn": "arn:aws:lambda:eu-west-1:123456789012:function:Shop-charge-4F1C",
    "name": "Shop-orders-9A0B",
    "url": "https://sqs.eu-west-1.amazonaws.com/123456789012/Shop-jobs-3C2D",
    "partition": "aws",
    "region": "eu-west-1",
    "account": "123456789012",
    "security_group": "sg-0123456789abcdef0",
    "subnets": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
    "public_ip": "ENABLED",
    "family": "ShopPack4F1C",
    "source": "stepworkflows.Shop",
}
"""What CloudFormation would put into a hole, by the attribute that it stands for."""

State = dict[str, Any]


@dataclass(frozen=True)
class Emitted:
    """A definition as the compiler wrote it, and what its holes are filled with."""

    text: str
    substitutions: Mapping[str, str]

    def filled(self, *attributes: str) -> Emitted:
        """With the holes for these attributes filled; for all of them, it is what Step Functions gets."""
        chosen = {name: value for name, value in self.substitutions.items() if value in map(VALUES.get, attributes)}
        text = re.sub(r"\$\{(\w+)\}", lambda hole: chosen.get(hole.group(1), hole.group()), self.text)
        return Emitted(text, {name: value for name, value in self.substitutions.items() if name not in chosen})


@pytest.fixture(scope="session", autouse=True)
def _own_wheels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STEPWORKFLOWS_CACHE", str(own_wheels.laid(tmp_path_factory.mktemp("cache"))))
        yield


@pytest.fixture(scope="session")
def emitted() -> dict[str, Emitted]:
    """``flow/machine`` -> every definition that the right documents become."""
    found: dict[str, Emitted] = {}
    for flow in [order_flow().parent, *sorted(FLOWS.iterdir())]:
        if not flow.name.startswith("wrong-"):
            documents = sorted(flow.glob("workflow.*")) + sorted(flow.glob("step-*.*"))
            for machine in compile_workflow(Definition.load(*documents)).machines:
                values = {hole.name: VALUES[hole.attribute] for hole in machine.holes}
                found[f"{flow.name}/{machine.id}"] = Emitted(machine.text, values)
    return found


@pytest.fixture(scope="session")
def synthesise() -> Callable[[Path, Path], Path]:
    """Runs a CDK app into a folder, with AWS's own reading of templates, which the other tests do without."""

    def done(program: Path, outdir: Path) -> Path:
        environment = {name: value for name, value in os.environ.items() if name != "CDK_VALIDATION"}
        tests = Path(__file__).parents[1]
        environment["PYTHONPATH"] = os.pathsep.join([str(tests.parent), str(tests)])
        command = [sys.executable, str(program), str(outdir)]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
        assert (outdir / "validation-report.json").exists(), ran.stderr
        return outdir

    return done


@pytest.fixture(scope="session")
def assembly(synthesise: Callable[[Path, Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cloud assembly of all golden flows and the order flow, a stack each."""
    return synthesise(Path(__file__).with_name("stacks.py"), tmp_path_factory.mktemp("assembly"))


@pytest.fixture(scope="session")
def planted(emitted: dict[str, Emitted]) -> dict[str, Emitted]:
    """Fault -> the order flow's definition with this one fault in it."""
    sound = next(machine for flow, machine in emitted.items() if flow.startswith("order_flow/"))
    found = {}
    for fault, plant in FAULTS.items():
        definition = copy.deepcopy(json.loads(sound.text))
        plant(definition)
        assert definition != json.loads(sound.text), fault
        found[fault] = Emitted(json.dumps(definition), sound.substitutions)
    return found


def _first(definition: State, type_: str, field: str = "Type") -> State:
    """The first state of a type that has a field, in the order of the text, those in branches too."""
    return next(state for state in _states(definition) if state["Type"] == type_ and field in state)


def _states(machine: State) -> Iterator[State]:
    for state in machine["States"].values():
        yield state
        for branch in state.get("Branches", ()):
            yield from _states(branch)


def _start_nowhere(definition: State) -> None:
    definition["StartAt"] = "nowhere"


def _next_nowhere(definition: State) -> None:
    _first(definition, "Task", "Next")["Next"] = "nowhere"


def _no_next(definition: State) -> None:
    del _first(definition, "Task", "Next")["Next"]


def _next_and_end(definition: State) -> None:
    _first(definition, "Task", "Next")["End"] = True


def _default_nowhere(definition: State) -> None:
    _first(definition, "Choice", "Default")["Default"] = "nowhere"


def _catch_nowhere(definition: State) -> None:
    _first(definition, "Task", "Catch")["Catch"][0]["Next"] = "nowhere"


def _branch_leaves(definition: State) -> None:
    branch = _first(definition, "Parallel")["Branches"][0]
    last = next(state for state in branch["States"].values() if state.pop("End", False))
    last["Next"] = definition["StartAt"]


def _name_twice(definition: State) -> None:
    branch = _first(definition, "Parallel")["Branches"][0]
    branch["States"][definition["StartAt"]] = {"Type": "Succeed"}


def _unreachable(definition: State) -> None:
    definition["States"]["never entered"] = {"Type": "Succeed"}


def _unknown_type(definition: State) -> None:
    _first(definition, "Pass")["Type"] = "Script"


def _unknown_field(definition: State) -> None:
    _first(definition, "Task")["Reslut"] = "{% $states.result %}"


def _unknown_field_of_machine(definition: State) -> None:
    definition["Start"] = definition["StartAt"]


def _jsonpath_field(definition: State) -> None:
    _first(definition, "Pass")["ResultPath"] = "$.result"


def _number_as_text(definition: State) -> None:
    _first(definition, "Task", "Retry")["Retry"][0]["MaxAttempts"] = "3"


def _no_resource(definition: State) -> None:
    del _first(definition, "Task")["Resource"]


def _no_branches(definition: State) -> None:
    del _first(definition, "Parallel")["Branches"]


def _no_condition(definition: State) -> None:
    del _first(definition, "Choice")["Choices"][0]["Condition"]


def _no_next_of_rule(definition: State) -> None:
    del _first(definition, "Choice")["Choices"][0]["Next"]


def _no_errors_of_catcher(definition: State) -> None:
    del _first(definition, "Task", "Catch")["Catch"][0]["ErrorEquals"]


def _no_duration(definition: State) -> None:
    del _first(definition, "Wait")["Seconds"]


def _two_durations(definition: State) -> None:
    _first(definition, "Wait")["Timestamp"] = "2026-01-31T12:00:00Z"


def _no_jsonata(definition: State) -> None:
    _first(definition, "Task")["Assign"] = {"total": "{% $sum( %}"}


def _backoff_below_one(definition: State) -> None:
    _first(definition, "Task", "Retry")["Retry"][0]["BackoffRate"] = 0.5


def _all_not_last(definition: State) -> None:
    retriers = _first(definition, "Task", "Retry")["Retry"]
    retriers.insert(0, {"ErrorEquals": ["States.ALL"], "MaxAttempts": 1})


def _all_not_alone(definition: State) -> None:
    _first(definition, "Task", "Catch")["Catch"][-1]["ErrorEquals"] = ["States.ALL", "States.Timeout"]


FAULTS: dict[str, Callable[[State], None]] = {
    "a branch goes on outside": _branch_leaves,
    "a catcher leads nowhere": _catch_nowhere,
    "a catcher without errors": _no_errors_of_catcher,
    "a choice's default leads nowhere": _default_nowhere,
    "a field of JSONPath": _jsonpath_field,
    "a parallel without branches": _no_branches,
    "a rule without a condition": _no_condition,
    "a rule without a next state": _no_next_of_rule,
    "a state that nothing leads to": _unreachable,
    "a state without a next one": _no_next,
    "a state with a next one that ends": _next_and_end,
    "a task without a resource": _no_resource,
    "a text for a number": _number_as_text,
    "a wait with two durations": _two_durations,
    "a wait without a duration": _no_duration,
    "an expression that is no JSONata": _no_jsonata,
    "an unknown field of a state": _unknown_field,
    "an unknown field of the machine": _unknown_field_of_machine,
    "an unknown type of state": _unknown_type,
    "backoff below one": _backoff_below_one,
    "next leads nowhere": _next_nowhere,
    "one name for two states": _name_twice,
    "start leads nowhere": _start_nowhere,
    "States.ALL is not alone": _all_not_alone,
    "States.ALL is not last": _all_not_last,
}
