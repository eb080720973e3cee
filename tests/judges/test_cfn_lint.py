"""cfn-lint, AWS's linter for CloudFormation, reads every definition as it stands in a template: E3601 is its schema of
the States Language, and all its other rules look at the machine around it.

https://github.com/aws-cloudformation/cfn-lint/blob/main/docs/rules.md
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from cfnlint import api
from cfnlint.config import ManualArgs

ROLE = "arn:aws:iam::123456789012:role/Shop-machine"
BLIND = {
    "States.ALL is not alone",
    "States.ALL is not last",
    "a branch goes on outside",
    "a catcher leads nowhere",
    "a choice's default leads nowhere",
    "a state that nothing leads to",
    "a text for a number",
    "a wait with two durations",
    "a wait without a duration",
    "an expression that is no JSONata",
    "backoff below one",
    "next leads nowhere",
    "one name for two states",
}
"""Planted faults that this judge does not see. What it learns to see has to leave this list."""
MISTAKEN = re.compile(r"E3601 '\{% .* %\}' is not of type 'number'( at \S*TimeoutSeconds'?)?")
"""What it says of a time-out that is an expression, which JSONata states may have:
https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html. AWS's own validation in the CDK takes it."""


@pytest.mark.parametrize("form", ["DefinitionString", "Definition"])
def test_every_machine_passes_all_rules(emitted: Mapping[str, Any], form: str) -> None:
    # The text is what deploys. As an object it is read with stricter rules for JSONata, which cfn-lint leaves out for
    # texts.
    assert len(emitted) > 20
    found = complaints(emitted, form)
    assert [line for lines in found.values() for line in lines if not MISTAKEN.fullmatch(line)] == []
    assert found  # once the linter takes them, what is mistaken can go


def test_the_linter_reads_the_substitutions(emitted: Mapping[str, Any]) -> None:
    # In its schema a resource begins with arn:aws:, so a hole at that place is a fault to it, whatever fills it.
    unfilled = template(emitted, "DefinitionString", filled=())
    assert any("arn:${aws_partition}" in match.message for match in api.lint(unfilled, config=CONFIG))


def test_the_linter_finds_planted_faults(planted: Mapping[str, Any]) -> None:
    found = complaints(planted, "Definition")
    assert set(planted) - set(found) == BLIND
    assert all(line.startswith("E3601 ") for lines in found.values() for line in lines)
    assert found["a state without a next one"] == ["E3601 Only one of ['Next', 'End'] is a required property"]


CONFIG = ManualArgs(regions=["us-east-1"])


def complaints(machines: Mapping[str, Any], form: str) -> dict[str, list[str]]:
    """Machine -> what any rule says about it."""
    names = list(machines)
    found: dict[str, list[str]] = {}
    for match in api.lint(template(machines, form), config=CONFIG):
        resource = str(match.path[1]) if match.path and len(match.path) > 1 else ""
        name = names[int(resource.removeprefix("Machine"))] if resource else "the template"
        found.setdefault(name, []).append(f"{match.rule.id} {match.message}")
    return found


def template(machines: Mapping[str, Any], form: str, filled: tuple[str, ...] = ("partition",)) -> str:
    """One template with all the machines: loading the linter's schemas takes longer than reading them."""
    resources = {}
    for number, machine in enumerate(machines.values()):
        ready = machine.filled(*filled)
        properties = {"RoleArn": ROLE, form: ready.text if form == "DefinitionString" else json.loads(ready.text)}
        if ready.substitutions:
            properties["DefinitionSubstitutions"] = dict(ready.substitutions)
        resources[f"Machine{number}"] = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    return json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources})
