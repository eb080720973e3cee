"""Flows that start others, in a stack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from stepworkflows_cdk import StepWorkflow

FLOW = Path(__file__).parent.parent / "flows" / "uses" / "workflow.yaml"


@pytest.fixture(scope="module")
def made(new_stack, template):
    stack = new_stack()
    StepWorkflow(stack, "Flow", definition=FLOW)
    return stack, template(stack)


def machine(template, name):
    return next(id_ for id_ in template.of_type("AWS::StepFunctions::StateMachine") if f"machine{name}" in id_)


def test_each_flow_is_a_machine_once(made):
    assert len(made[1].of_type("AWS::StepFunctions::StateMachine")) == 4


def test_a_machine_names_those_that_it_starts(made):
    _, template = made
    holes = template.of_type("AWS::StepFunctions::StateMachine")[machine(template, "shop")]["DefinitionSubstitutions"]
    aliases = template.of_type("AWS::StepFunctions::StateMachineAlias")
    for name in ("reserve", "tell"):
        alias = holes[f"machine_{name}_arn"]["Ref"]
        assert f"machine{name}" in alias
        assert alias in aliases


def test_a_machine_may_start_what_its_steps_use_and_nothing_else(made):
    _, template = made
    allowed = {
        action: json.dumps(statement["Resource"])
        for id_, policy in template.of_type("AWS::IAM::ManagedPolicy").items()
        if "machineshop" in id_
        for statement in policy["PolicyDocument"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    assert sorted(allowed) == [
        "events:DescribeRule",
        "events:PutRule",
        "events:PutTargets",
        "states:StartExecution",
    ]
    started = allowed["states:StartExecution"]
    assert machine(template, "reserve") in started
    assert machine(template, "tell") in started
    assert machine(template, "count") not in started
    assert "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule" in allowed["events:PutRule"]


def test_executions_are_those_of_one_machine(made):
    _, template = made
    found = [
        json.dumps(statement["Resource"])
        for policy in template.of_type("AWS::IAM::ManagedPolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if "states:StopExecution" in statement["Action"]
    ]
    names = [name for name in ("count", "reserve", "shop", "tell") if any(machine(template, name) in f for f in found)]
    assert names == ["count", "reserve"]  # nobody waits for `tell`
    assert all(f.endswith('":*"]]}') for f in found)


def test_both_packs_find_nothing_about_permissions(made):
    for pack in (AwsSolutionsChecks, ServerlessChecks):
        found = [each.rule_name for each in pack(made[0]).validate_scope(made[0]).violations]
        assert [name for name in found if "IAM" in name] == []
