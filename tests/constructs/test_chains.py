"""Beside what others wrote by hand: a workflow is a state of an L2 chain, and an L2 machine is a step of a workflow."""

import json

import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

from stepworkflows_cdk import ConfigurationError, StepWorkflow


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


GIVEN = """\
name: outer
inputs: {name: string}
resources: {greet: {type: workflow}}
steps:
  - {id: run, uses: "{resources.greet}", inputs: {name: "{name}"}, outputs: {text: "{text}"}}
outputs: {text: "{text}"}
"""


def by_hand(stack, flow):
    chain = sfn.Pass(stack, "Hello")
    return sfn.StateMachine(stack, "Greet", definition_body=sfn.DefinitionBody.from_chainable(chain))


def compiled(stack, flow):
    return StepWorkflow(stack, "Greet", definition=flow)


def imported(stack, flow):
    return StepWorkflow.from_arn(stack, "Greet", f"{ARN}:live")


@pytest.mark.parametrize("make", [by_hand, compiled, imported])
def test_a_machine_of_the_callers_is_a_step_of_a_workflow(stack, flow, template, findings, make):
    (flow.parent / "outer.yaml").write_text(GIVEN, encoding="utf-8")
    given = make(stack, flow)
    outer = StepWorkflow(stack, "Outer", definition=flow.parent / "outer.yaml", resources={"greet": given})
    found = template(stack).resources[stack.get_logical_id(outer.state_machine.node.default_child)]["Properties"]
    started = found["DefinitionSubstitutions"]["workflow_greet_arn"]
    machine = given if make is by_hand else given.state_machine
    assert started == stack.resolve(machine.state_machine_arn if make is by_hand else given.start_arn)
    assert json.dumps(stack.resolve(machine.state_machine_arn)) in json.dumps(template(stack).resources)
    own = [place for _, place in findings(stack) if place.startswith(("Shop/Outer", "Shop/StepWorkflowsShared"))]
    assert own == []


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ({}, "the workflow 'greet' is not made here; pass one"),
        ({"greet": 1}, "'greet' is a workflow; pass a StepWorkflow or an sfn.IStateMachine, not int"),
    ],
)
def test_what_is_no_workflow_is_not_taken(stack, flow, resources, message):
    (flow.parent / "outer.yaml").write_text(GIVEN, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=message):
        StepWorkflow(stack, "Outer", definition=flow.parent / "outer.yaml", resources=resources)


ARN = "arn:aws:states:eu-west-1:111122223333:stateMachine:greet"


@pytest.mark.parametrize("alias", ["", ":live"])
def test_a_workflow_deployed_elsewhere_is_imported(stack, template, alias):
    greet = StepWorkflow.from_arn(stack, "Greet", f"{ARN}{alias}")
    caller = iam.Role(stack, "Caller", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    greet.grant_start_execution(caller)
    assert greet.start_arn == f"{ARN}{alias}"
    assert stack.resolve(greet.metric_failed().dimensions) == {"StateMachineArn": ARN}
    (policy,) = template(stack).of_type("AWS::IAM::Policy").values()
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Resource"] == ARN
    assert ("Condition" in statement) == bool(alias)


@pytest.mark.parametrize("arn", ["greet", "arn:aws:lambda:eu-west-1:111122223333:function:greet", f"{ARN}:live:x"])
def test_what_is_no_machine_is_not_imported(stack, arn):
    with pytest.raises(ConfigurationError, match="is no ARN of a state machine"):
        StepWorkflow.from_arn(stack, "Greet", arn)
