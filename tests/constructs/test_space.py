"""What workflows share, in one stack and across stacks, and what the caller gives of it."""

import json

import aws_cdk as cdk
import pytest
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from stepworkflows_cdk import ConfigurationError, DocumentError, StepWorkflow, WorkflowSpace
from stepworkflows_cdk.constructs.profile import PROFILES

WORK = "name: {0}\nsteps: [{{id: work, runs-on: lambda, zip-file: charge, inputs: {{}}}}]\n"


@pytest.fixture
def flow(tmp_path, code):
    def written(name, text=WORK):
        (tmp_path / f"{name}.yaml").write_text(text.format(name), encoding="utf-8")
        return tmp_path / f"{name}.yaml"

    return written


def subscribed(found):
    return {json.dumps(alarm["AlarmActions"]) for alarm in found.of_type("AWS::CloudWatch::Alarm").values()}


def test_workflows_of_two_stacks_share_one_topic(new_stack, flow, template):
    home = new_stack()
    app = home.node.root
    space = WorkflowSpace(home, "Space")
    stacks = [cdk.Stack(app, name) for name in ("One", "Two")]
    for stack in stacks:
        StepWorkflow(stack, "Flow", definition=flow(stack.node.id.lower()), space=space)
    assert len(template(home).of_type("AWS::SNS::Topic")) == 1
    for stack in stacks:
        found = template(stack)
        assert found.of_type("AWS::SNS::Topic") == {}
        assert all("SpaceAlarms" in topic for topic in subscribed(found))
        assert len(found.of_type("AWS::SQS::Queue")) == 1, "dead letters stay with the stack"


def test_nothing_is_made_that_no_workflow_needs(stack, template):
    WorkflowSpace(stack, "Space")
    assert "Resources" not in template(stack).body


def test_the_callers_own_are_taken(stack, flow, template, findings):
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-1", availability_zones=["a"], private_subnet_ids=["subnet-1"]
    )
    key = kms.Key(stack, "Key", enable_key_rotation=True)
    topic = sns.Topic(stack, "Topic", master_key=key, enforce_ssl=True)
    space = WorkflowSpace(stack, "Space", network=vpc, key=key, alarms=topic, profile="hipaa")
    made = StepWorkflow(stack, "Flow", definition=flow("work"), space=space)
    found = template(stack)
    assert made.alarm_topic is topic
    assert len(found.of_type("AWS::KMS::Key")) == 1
    assert len(found.of_type("AWS::SNS::Topic")) == 1
    assert found.of_type("AWS::EC2::VPC") == {}
    assert found.of_type("AWS::EC2::VPCEndpoint") == {}, "what can be reached from there is up to its owner"
    (function,) = (each for each in found.of_type("AWS::Lambda::Function").values() if "VpcConfig" in each)
    assert function["VpcConfig"]["SubnetIds"] == ["subnet-1"]
    assert function["KmsKeyArn"] == stack.resolve(key.key_arn)
    assert findings(stack, PROFILES["hipaa"].packs) == set()


def test_what_is_made_for_the_space_is_what_it_tells(stack, flow):
    space = WorkflowSpace(stack, "Space", profile="pci")
    made = StepWorkflow(stack, "Flow", definition=flow("work"), space=space)
    assert made.alarm_topic is space.alarms
    assert made.steps["work"].function.node.scope is not None
    assert space.key.node.scope is space
    assert space.network.node.scope is space


def test_flows_and_steps_of_a_library_are_used_by_name_from_anywhere(stack, flow, tmp_path, template):
    (tmp_path / "elsewhere").mkdir()
    user = tmp_path / "elsewhere" / "user.yaml"
    user.write_text(
        "name: user\nsteps:\n  - {id: whole, uses: payments}\n  - {id: part, uses: payments#work}\n", encoding="utf-8"
    )
    space = WorkflowSpace(stack, "Space", library={"payments": flow("payments")})
    StepWorkflow(stack, "Flow", definition=user, space=space)
    assert len(template(stack).of_type("AWS::StepFunctions::StateMachine")) == 2
    with pytest.raises(DocumentError, match=r"there is no file `payments`"):
        StepWorkflow(stack, "Without", definition=user)


PACKED = "name: {0}\nsteps: [{{id: pack, runs-on: fargate, zip-file: charge, inputs: {{}}}}]\n"


def test_containers_of_two_stacks_share_one_cluster(new_stack, flow, template):
    home = new_stack()
    space = WorkflowSpace(home, "Space")
    stacks = [cdk.Stack(home.node.root, name) for name in ("One", "Two")]
    for stack in stacks:
        StepWorkflow(stack, "Flow", definition=flow(stack.node.id.lower(), PACKED), space=space)
    assert len(template(home).of_type("AWS::ECS::Cluster")) == 1
    assert len(template(home).of_type("AWS::EC2::VPC")) == 1
    assert [template(stack).of_type("AWS::ECS::Cluster") for stack in stacks] == [{}, {}]


def test_containers_run_in_the_callers_cluster_and_network(stack, flow, template):
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-1", availability_zones=["a"], private_subnet_ids=["subnet-1"]
    )
    cluster = ecs.Cluster(stack, "Cluster", vpc=vpc)
    space = WorkflowSpace(stack, "Space", cluster=cluster, network=vpc)
    StepWorkflow(stack, "Flow", definition=flow("pack", PACKED), space=space)
    found = template(stack)
    assert len(found.of_type("AWS::ECS::Cluster")) == 1
    assert found.of_type("AWS::EC2::VPC") == {}


STARTED = """\
name: started
inputs: {{id: string}}
triggers: {{api: {{path: /orders, auth: iam, idempotency-key: "{{input.id}}"}}}}
steps: [{{id: pause, wait: 1h}}]
"""


def test_paths_are_added_to_the_callers_api(stack, flow, template):
    api = apigateway.RestApi(stack, "Api", cloud_watch_role=False)
    api.root.add_method("ANY")
    space = WorkflowSpace(stack, "Space", api=api)
    made = StepWorkflow(stack, "Flow", definition=flow("started", STARTED), space=space)
    found = template(stack)
    assert made.api is api
    assert len(found.of_type("AWS::ApiGateway::RestApi")) == 1
    assert {each["PathPart"] for each in found.of_type("AWS::ApiGateway::Resource").values()} == {"orders", "{id}"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"network": object()}, "network: a space does not take a object for it"),
        ({"cluster": object()}, "cluster: a space does not take"),
        ({"key": object()}, "key: a space does not take"),
        ({"api": object()}, "api: a space does not take"),
        ({"alarms": object()}, "alarms: a space does not take"),
        ({"profile": "hippa"}, "unknown name 'hippa'"),
        ({"library": {"payments": "payments.yaml"}}, "library: the relative path of 'payments'"),
    ],
)
def test_what_a_space_does_not_take(stack, arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        WorkflowSpace(stack, "Space", **arguments)


def test_a_workflow_has_the_profile_of_its_space(stack, flow):
    space = WorkflowSpace(stack, "Space", profile="hipaa")
    with pytest.raises(ConfigurationError, match="'pci' in a space whose profile is 'hipaa'"):
        StepWorkflow(stack, "Flow", definition=flow("work"), space=space, profile="pci")


def test_all_workflows_of_a_stack_are_in_the_same_space(stack, flow):
    space = WorkflowSpace(stack, "Space")
    with pytest.raises(ConfigurationError, match="share is in 'Shop/Space'; give Shop/Flow the same space"):
        StepWorkflow(stack, "Flow", definition=flow("work"))
    StepWorkflow(stack, "Second", definition=flow("second"), space=space)


def test_a_space_comes_before_the_workflows(stack, flow):
    StepWorkflow(stack, "Flow", definition=flow("work"))
    with pytest.raises(ConfigurationError, match="share is in 'the stack itself'"):
        WorkflowSpace(stack, "Space")
