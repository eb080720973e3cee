"""A guarded flow, in a stack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aws_cdk import aws_iam as iam
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from stepworkflows_cdk import StepWorkflow

FLOW = Path(__file__).parent.parent / "flows" / "guard" / "workflow.yaml"


@pytest.fixture(scope="module")
def made(new_stack, template):
    stack = new_stack()
    flow = StepWorkflow(stack, "Flow", definition=FLOW)
    return stack, flow, template(stack)


def inner(name):
    return "guarded" in name


def test_the_flow_is_the_machine_that_waits(made):
    stack, flow, template = made
    machines = template.of_type("AWS::StepFunctions::StateMachine")
    assert sorted(map(inner, machines)) == [False, True]
    outer = stack.get_logical_id(flow.state_machine.node.default_child)
    assert not inner(outer)
    (schedule,) = template.of_type("AWS::Scheduler::Schedule").values()
    assert not inner(json.dumps(schedule["Target"]["Arn"]))


def test_alarms_and_messages_are_about_the_flow_once(made):
    _, _, template = made
    alarms = {
        id_: p["MetricName"] for id_, p in template.of_type("AWS::CloudWatch::Alarm").items() if "MetricName" in p
    }
    assert [name for id_, name in alarms.items() if inner(id_)] == ["ExecutionThrottled"]
    assert sum(name == "ExecutionsFailed" for name in alarms.values()) == 1
    (rule,) = template.of_type("AWS::Events::Rule").values()
    (told,) = rule["EventPattern"]["detail"]["stateMachineArn"]
    assert not inner(json.dumps(told))


def test_each_machine_may_do_what_it_does(made):
    _, _, template = made
    actions = {
        inner(id_): sorted(
            {
                action
                for statement in policy["PolicyDocument"]["Statement"]
                for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
            }
        )
        for id_, policy in template.of_type("AWS::IAM::ManagedPolicy").items()
        if "machineguard" in id_
    }
    assert "states:StartExecution" in actions[False]
    assert "dynamodb:UpdateItem" in actions[False]
    assert "dynamodb:PutItem" not in actions[False]
    assert actions[True] == ["dynamodb:PutItem", "dynamodb:UpdateItem", "lambda:InvokeFunction"]


def test_who_may_stop_it_stops_what_does_the_work(made, template, new_stack):
    stack = new_stack()
    flow = StepWorkflow(stack, "Flow", definition=FLOW)
    flow.grant_stop_execution(iam.Role(stack, "Person", assumed_by=iam.AccountRootPrincipal()))
    policies = template(stack).of_type("AWS::IAM::Policy")
    (allowed,) = (
        statement
        for policy in policies.values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "states:StopExecution"
    )
    assert inner(json.dumps(allowed["Resource"]))


def test_both_packs_find_nothing(made):
    for pack in (AwsSolutionsChecks, ServerlessChecks):
        assert [each.rule_name for each in pack(made[0]).validate_scope(made[0]).violations] == []
