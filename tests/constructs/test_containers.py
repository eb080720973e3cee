"""Steps in containers in a CDK app: what is made, what it may do, and what the caller can give in its place."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from stepworkflows_cdk import StepWorkflow
from stepworkflows_cdk.errors import ConfigurationError

FLOW = {
    "name": "flow",
    "inputs": {},
    "resources": {"rows": {"type": "table", "key": "id"}},
    "secrets": {"carrier": {}},
    "steps": [
        {
            "id": "pack",
            "runs-on": {"fargate": {"cpu": 512, "python": "3.13"}},
            "zip-file": "code",
            "env": {"STAGE": "test"},
            "secrets": {"CARRIER": "{secrets.carrier}"},
            "permissions": {"rows": ["dynamodb:PutItem"]},
            "timeout": "10m",
        },
        {"id": "label", "runs-on": "fargate", "zip-file": "code", "handler": "handler.label"},
        {"id": "carry", "runs-on": "activity", "timeout": "1d"},
        {"id": "thank", "runs-on": "lambda", "zip-file": "code"},
    ],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("containers")
    (folder / "code").mkdir()
    (folder / "code" / "handler.py").write_text("def handler(e, c):\n    return e\ndef label(e, c):\n    return e\n")
    return folder


def written(folder, document):
    path = folder / "flow.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def made(folder):
    """The flow, its stack, and the template."""
    context = json.loads((Path(__file__).parents[2] / "cdk.json").read_text("utf-8"))["context"]
    outdir = folder / "out"
    app = cdk.App(context=context, outdir=str(outdir), builtin_cloud_formation_validation=False)
    stack = cdk.Stack(app, "Shop")
    flow = StepWorkflow(stack, "Flow", definition=written(folder, FLOW))
    found = [v for pack in (AwsSolutionsChecks, ServerlessChecks) for v in pack(stack).validate_scope(stack).violations]
    template = app.synth().get_stack_by_name("Shop").template["Resources"]
    return flow, found, template, outdir


def of_type(template, type_):
    return {name: found["Properties"] for name, found in template.items() if found["Type"] == type_}


def task(template, step):
    tasks = of_type(template, "AWS::ECS::TaskDefinition")
    return next(found for name, found in tasks.items() if f"container{step}" in name)


def test_both_packs_find_nothing(made):
    assert made[1] == []


def test_the_task_is_small_and_without_rights(made):
    found = task(made[2], "code")
    (container,) = found["ContainerDefinitions"]
    assert (found["Cpu"], found["Memory"], found["NetworkMode"]) == ("512", "1024", "awsvpc")
    assert found["RuntimePlatform"]["CpuArchitecture"] == "ARM64"
    assert container["Image"] == "public.ecr.aws/lambda/python:3.13-arm64"
    assert container["User"] == "1000:1000"
    assert container["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
    assert container["EntryPoint"][:2] == ["/var/lang/bin/python3", "-c"]


def test_the_container_fetches_the_very_code_that_was_packaged(made):
    _, _, template, outdir = made
    _, key, digest, handler = task(template, "code")["ContainerDefinitions"][0]["Command"]
    packed = (outdir / f"asset.{key}").read_bytes()
    assert (hashlib.sha256(packed).hexdigest(), handler) == (digest, "handler.handler")
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.namelist() == ["handler.py", "stepworkflows_runner.py"]


def test_nothing_is_told_by_the_task_definition(made):
    template = made[2]
    tasks = of_type(template, "AWS::ECS::TaskDefinition").values()
    assert ["Environment" in each for found in tasks for each in found["ContainerDefinitions"]] == [False, False]
    (machine,) = of_type(template, "AWS::StepFunctions::StateMachine").values()
    states = json.loads(machine["DefinitionString"])["States"]
    (overrides,) = states["pack: container"]["Arguments"]["Overrides"]["ContainerOverrides"]
    variables = {each["Name"]: each["Value"] for each in overrides["Environment"]}
    assert variables["STAGE"] == "test"
    assert variables["STEPWORKFLOWS_TIMEOUT"] == "600"
    assert variables["CARRIER"].startswith("${secret_carrier_")


def test_one_network_and_one_cluster_for_all_without_a_nat_gateway(made):
    template = made[2]
    assert len(of_type(template, "AWS::ECS::Cluster")) == len(of_type(template, "AWS::EC2::VPC")) == 1
    assert of_type(template, "AWS::EC2::NatGateway") == {}
    assert len(of_type(template, "AWS::EC2::VPCEndpoint")) == 2
    assert {endpoint["VpcEndpointType"] for endpoint in of_type(template, "AWS::EC2::VPCEndpoint").values()} == {
        "Gateway"
    }
    assert not any("Custom" in found["Type"] for found in template.values())


def test_nobody_comes_in_and_only_https_goes_out(made):
    groups = of_type(made[2], "AWS::EC2::SecurityGroup").values()
    assert len(groups) == 2
    for group in groups:
        assert "SecurityGroupIngress" not in group
        assert [(rule["FromPort"], rule["ToPort"]) for rule in group["SecurityGroupEgress"]] == [(443, 443)]


def test_the_machine_passes_only_the_roles_of_its_containers_and_only_to_ecs(made):
    policies = of_type(made[2], "AWS::IAM::ManagedPolicy")
    statements = [each for policy in policies.values() for each in policy["PolicyDocument"]["Statement"]]
    (passes,) = [each for each in statements if each["Action"] == "iam:PassRole"]
    roles = [arn["Fn::GetAtt"][0] for arn in passes["Resource"]]
    assert len(roles) == 4
    for role in roles:
        assert "ecs-tasks.amazonaws.com" in json.dumps(made[2][role]["Properties"]["AssumeRolePolicyDocument"])
    assert passes["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    (runs,) = [each for each in statements if each["Action"] == "ecs:RunTask"]
    assert list(runs["Condition"]["ArnEquals"]) == ["ecs:cluster"]
    assert all("TaskDefinition" in made[2][arn["Ref"]]["Type"] for arn in runs["Resource"])


def test_the_containers_permissions_are_those_of_its_step(made):
    policy = next(
        found
        for name, found in of_type(made[2], "AWS::IAM::ManagedPolicy").items()
        if name.startswith("FlowcontainercodePermissions")
    )
    actions = {
        action: 1
        for each in policy["PolicyDocument"]["Statement"]
        for action in [each["Action"]]
        if type(action) is str
    }
    assert set(actions) == {"dynamodb:PutItem", "s3:GetObject", "secretsmanager:GetSecretValue"}


def test_steps_lead_to_what_they_became(made):
    flow = made[0]
    assert flow.steps["pack"].container.task_definition_arn
    assert flow.steps["pack"].security_group.security_group_id
    assert flow.steps["carry"].activity.activity_arn
    with pytest.raises(ConfigurationError, match="step 'pack' has no function"):
        _ = flow.steps["pack"].function
    with pytest.raises(ConfigurationError, match="step 'carry' has no container"):
        _ = flow.steps["carry"].container


OWN = {
    "name": "own",
    "inputs": {},
    "resources": {"pool": {"type": "cluster"}, "main": {"type": "network"}},
    "steps": [
        {"id": "a", "runs-on": {"ec2": {"cluster": "pool", "capacity": "gpus"}}, "zip-file": "code"},
        {"id": "b", "runs-on": {"fargate": {"vpc": "main"}}, "image": "ACCOUNT_ID.dkr.ecr.REGION.amazonaws.com/b:1"},
    ],
}


def test_a_network_and_a_cluster_of_the_caller(new_stack, template, folder):
    stack = new_stack()
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "V", vpc_id="vpc-1", availability_zones=["a"], private_subnet_ids=["subnet-1"]
    )
    pool = ecs.Cluster.from_cluster_attributes(stack, "C", cluster_name="theirs", vpc=vpc)
    StepWorkflow(stack, "Flow", definition=written(folder, OWN), resources={"pool": pool, "main": vpc})
    found = template(stack)
    (machine,) = found.of_type("AWS::StepFunctions::StateMachine").values()
    holes = machine["DefinitionSubstitutions"]
    assert holes["container_code_subnets"] == holes["container_b_subnets"] == "subnet-1"
    assert holes["container_code_public_ip"] == holes["container_b_public_ip"] == "DISABLED"
    assert "theirs" in json.dumps(holes["cluster_pool_arn"])
    assert found.of_type("AWS::EC2::VPC") == {}
    on_instances = task(found.resources, "code")
    assert on_instances["RequiresCompatibilities"] == ["EC2"]
    assert on_instances["PlacementConstraints"][0]["Expression"] == "attribute:ecs.cpu-architecture == arm64"
    own = task(found.resources, "b")["ContainerDefinitions"][0]
    assert "User" not in own
    assert "EntryPoint" not in own
    statements = [
        s for p in found.of_type("AWS::IAM::ManagedPolicy").values() for s in p["PolicyDocument"]["Statement"]
    ]
    (pulls,) = [each for each in statements if "ecr:BatchGetImage" in each["Action"]]
    assert ":repository/b" in json.dumps(pulls["Resource"])


def test_the_cluster_of_all_containers_can_be_the_callers(new_stack, template, folder):
    stack = new_stack()
    network = {"vpc_id": "vpc-1", "availability_zones": ["a"], "public_subnet_ids": ["subnet-1"]}
    vpc = ec2.Vpc.from_vpc_attributes(stack, "V", **network)
    cluster = ecs.Cluster.from_cluster_attributes(stack, "C", cluster_name="theirs", vpc=vpc)
    given = {"containers": cluster}
    days = logs.RetentionDays.ONE_WEEK
    StepWorkflow(stack, "Flow", definition=written(folder, FLOW), resources=given, log_retention=days)
    found = template(stack)
    assert found.of_type("AWS::ECS::Cluster") == found.of_type("AWS::EC2::VPC") == {}
    (machine,) = found.of_type("AWS::StepFunctions::StateMachine").values()
    assert machine["DefinitionSubstitutions"]["container_code_subnets"] == "subnet-1"
    assert machine["DefinitionSubstitutions"]["container_code_public_ip"] == "ENABLED"
    kept = {name: group["RetentionInDays"] for name, group in found.of_type("AWS::Logs::LogGroup").items()}
    assert {days for name, days in kept.items() if "container" in name} == {7}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "the cluster 'pool' is not made here, .* resources={'pool': my_cluster}"),
        ({"pool": "mine"}, "'pool' is a cluster; pass an ecs.ICluster, not str"),
        ({"pool": "by arn"}, "the cluster was imported without its network; name one: `vpc: main`"),
        ({"pool": "public"}, "a container on EC2 gets no public address, so its network needs private subnets"),
    ],
)
def test_what_cannot_be_is_said(new_stack, folder, given, message):
    stack = new_stack()
    vpc = ec2.Vpc.from_vpc_attributes(stack, "V", vpc_id="vpc-1", availability_zones=["a"], public_subnet_ids=["s"])
    arn = "arn:aws:ecs:eu-west-1:111122223333:cluster/theirs"
    clusters = {
        "by arn": lambda: ecs.Cluster.from_cluster_arn(stack, "C", arn),
        "public": lambda: ecs.Cluster.from_cluster_attributes(stack, "C", cluster_name="theirs", vpc=vpc),
    }
    chosen = {name: clusters[value]() if value in clusters else value for name, value in given.items()}
    document = {**OWN, "resources": {"pool": {"type": "cluster"}}, "steps": OWN["steps"][:1]}
    with pytest.raises(ConfigurationError, match=message):
        StepWorkflow(stack, "Flow", definition=written(folder, document), resources=chosen)


PRIVATE = {
    "name": "flow",
    "inputs": {},
    "resources": {"jobs": {"type": "queue"}},
    "secrets": {"carrier": {}},
    "steps": [
        {
            "id": "pack",
            "runs-on": {"fargate": {"network": "private"}},
            "image": "ACCOUNT_ID.dkr.ecr.REGION.amazonaws.com/pack:1",
            "secrets": {"CARRIER": "{secrets.carrier}"},
            "permissions": {"jobs": ["sqs:SendMessage"]},
        },
        {"id": "label", "runs-on": "fargate", "zip-file": "code"},
    ],
}


def test_a_private_network_leads_to_what_the_step_may_call_and_nowhere_else(new_stack, template, findings, folder):
    stack = new_stack()
    flow = StepWorkflow(stack, "Flow", definition=written(folder, PRIVATE))
    assert findings(stack) == set()
    found = template(stack)
    ((inside, _),) = (each for each in found.of_type("AWS::EC2::VPC").items() if "Public" not in each[0])
    (machine,) = found.of_type("AWS::StepFunctions::StateMachine").values()
    holes = machine["DefinitionSubstitutions"]
    assert (holes["container_pack_public_ip"], holes["container_code_public_ip"]) == ("DISABLED", "ENABLED")
    subnets = [each["Ref"] for each in holes["container_pack_subnets"]["Fn::Join"][1]]
    assert {found.resources[each]["Properties"]["VpcId"]["Ref"] for each in subnets} == {inside}
    endpoints = [each for each in found.of_type("AWS::EC2::VPCEndpoint").values() if each["VpcId"] == {"Ref": inside}]
    assert {each["ServiceName"]["Fn::Join"][1][-1]: each["VpcEndpointType"] for each in endpoints} == {
        ".dynamodb": "Gateway",
        ".ecr.api": "Interface",
        ".ecr.dkr": "Interface",
        ".logs": "Interface",
        ".s3": "Gateway",
        ".secretsmanager": "Interface",
        ".sqs": "Interface",
    }
    group = holes["container_pack_security_group"]
    assert found.only("AWS::EC2::SecurityGroupIngress")["SourceSecurityGroupId"] == group
    assert stack.resolve(flow.steps["pack"].security_group.security_group_id) == group


def test_a_private_network_leads_to_registries_of_its_region(new_stack, folder):
    stack = new_stack(env=cdk.Environment(account="111122223333", region="eu-west-1"))
    image = "ACCOUNT_ID.dkr.ecr.us-east-1.amazonaws.com/pack:1"
    document = {**PRIVATE, "steps": [{**PRIVATE["steps"][0], "image": image}]}
    with pytest.raises(ConfigurationError, match=r"image is in us-east-1, .* the registries of eu-west-1 only"):
        StepWorkflow(stack, "Flow", definition=written(folder, document))


def test_a_service_without_a_known_endpoint_is_refused(new_stack, folder):
    permissions = {"arn:aws:iot:REGION:ACCOUNT_ID:topic/parcels": ["iot:Publish"]}
    document = {**PRIVATE, "steps": [{**PRIVATE["steps"][0], "permissions": permissions}]}
    with pytest.raises(ConfigurationError, match=r"container-pack runs in a network without .* no endpoint for 'iot'"):
        StepWorkflow(new_stack(), "Flow", definition=written(folder, document))
