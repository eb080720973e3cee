"""Beside what others wrote by hand: a workflow is a state of an L2 chain, and an L2 machine is a step of a workflow."""

import json

import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

from stepworkflows_cdk import StepWorkflow


@pytest.fixture
def flow(tmp_path):
    (tmp_path / "flow.yaml").write_text(
        'name: greet\ninputs: {name: string}\nsteps: [{id: say, outputs: {text: "Hello {name}"}}]\n'
        'outputs: {text: "{text}"}\n',
        encoding="utf-8",
    )
    return tmp_path / "flow.yaml"


def test_a_workflow_is_a_state_of_a_hand_written_chain(stack, flow, template):
    greet = StepWorkflow(stack, "Greet", definition=flow)
    start = tasks.StepFunctionsStartExecution(
        stack,
        "Run",
        state_machine=greet.state_machine,
        integration_pattern=sfn.IntegrationPattern.RUN_JOB,
        input=sfn.TaskInput.from_object({"name": "Ada"}),
    )
    chain = sfn.Pass(stack, "Before").next(start).next(sfn.Succeed(stack, "After"))
    outer = sfn.StateMachine(stack, "Outer", definition_body=sfn.DefinitionBody.from_chainable(chain))
    found = template(stack)
    arn = stack.resolve(greet.state_machine.state_machine_arn)
    assert json.dumps(arn)[1:-1] in json.dumps(found.resources)
    allowed = json.dumps([p["PolicyDocument"] for p in found.of_type("AWS::IAM::Policy").values()])
    assert "states:StartExecution" in allowed
    assert json.dumps(arn) in allowed
    assert outer.role.node.path != greet.role.node.path


def test_what_may_start_a_workflow_may_start_it_alone(stack, flow, template):
    greet = StepWorkflow(stack, "Greet", definition=flow)
    caller = iam.Role(stack, "Caller", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    greet.grant_start_execution(caller)
    (policy,) = template(stack).of_type("AWS::IAM::Policy").values()
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == "states:StartExecution"
    assert "*" not in json.dumps(statement["Resource"])
