"""Flows of the short kind, in a stack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aws_cdk import aws_stepfunctions as sfn
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from stepworkflows_cdk import StepWorkflow

FLOWS = Path(__file__).parent.parent / "flows"


@pytest.fixture(scope="module")
def made(new_stack, template):
    stack = new_stack()
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:quick"
    quick = sfn.StateMachine.from_state_machine_arn(stack, "Quick", arn)
    definition = FLOWS / "express-flows" / "workflow.yaml"
    StepWorkflow(stack, "Flow", definition=definition, resources={"quick": quick})
    return stack, template(stack)


def test_each_machine_is_of_its_kind(made):
    machines = made[1].of_type("AWS::StepFunctions::StateMachine")
    kinds = {id_: properties.get("StateMachineType", "STANDARD") for id_, properties in machines.items()}
    assert sorted(kinds.values()) == ["EXPRESS", "EXPRESS", "STANDARD"]
    assert next(kind for id_, kind in kinds.items() if "expressflows" in id_) == "STANDARD"
    assert all(properties["LoggingConfiguration"]["Level"] == "ALL" for properties in machines.values())


def test_who_waits_may_start_and_nothing_else(made):
    actions = {
        action
        for policy in made[1].of_type("AWS::IAM::ManagedPolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if action.startswith(("states:", "events:"))
    }
    assert actions == {"states:StartExecution", "states:StartSyncExecution"}


def test_alarms_are_those_that_express_executions_can_raise(made):
    alarms = made[1].of_type("AWS::CloudWatch::Alarm")
    metrics = sorted(properties["MetricName"] for properties in alarms.values() if "MetricName" in properties)
    assert metrics.count("ExecutionsFailed") == 3
    assert metrics.count("ExecutionsTimedOut") == 3
    assert metrics.count("ExecutionThrottled") == 1


def test_messages_are_about_standard_executions(made):
    (rule,) = made[1].of_type("AWS::Events::Rule").values()
    assert len(rule["EventPattern"]["detail"]["stateMachineArn"]) == 1
    assert "expressflows" in json.dumps(rule["EventPattern"]["detail"]["stateMachineArn"])


def test_both_packs_find_nothing(made):
    for pack in (AwsSolutionsChecks, ServerlessChecks):
        assert [each.rule_name for each in pack(made[0]).validate_scope(made[0]).violations] == []


def test_a_flow_that_is_express_alone(new_stack, template):
    stack = new_stack()
    StepWorkflow(stack, "Flow", definition=FLOWS / "express-flows" / "currency.yaml")
    found = template(stack)
    assert found.of_type("AWS::Events::Rule") == {}
    (page,) = found.of_type("AWS::CloudWatch::Dashboard").values()
    assert "Throttled" not in json.dumps(page)
