"""Compliance profiles, judged by all six packs of cdk-nag and by what stands in the template."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import given
import pytest
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from stepworkflows_cdk import (
    ConfigurationError,
    Definition,
    DocumentError,
    OrderFlow,
    Profile,
    StepWorkflow,
    WorkflowSpace,
)
from stepworkflows_cdk.constructs.profile import PACKS, PROFILES
from stepworkflows_cdk.language.diagnostics import Mark

FLOWS = Path(__file__).parent.parent / "flows"
GOLDEN = Path(__file__).parent / "acknowledged.txt"
EVERYTHING = replace(Profile.named("nist"), name="everything", packs=PACKS)
"""What the strictest profile makes, judged by all packs."""
OUTSIDE = ("tokens",)
"""Flows with functions that call what is not AWS's; see ``test_tokens``."""
REFUSED = {
    "container": [23],
    "container-and-canary": [11],
    "container-in-a-saga": [7, 17, 25, 29, 34, 40],
    "inputs-as-one": [20],
    "order-flow-in-short": [57],
}
"""Flows whose containers fetch a public image, and the lines that say so."""
STRICT = [name for name in PROFILES if name != "baseline"]


@pytest.fixture(scope="module")
def stacks(new_stack: Callable[..., cdk.Stack]) -> dict[str, cdk.Stack]:
    """Profile -> a stack with the order flow."""
    made = {}
    for profile in PROFILES:
        made[profile] = new_stack()
        OrderFlow(made[profile], "Flow", profile=profile)
    return made


@pytest.fixture(scope="module")
def all_flows(new_stack: Callable[..., cdk.Stack]) -> cdk.Stack:
    """One stack with the order flow and every golden flow."""
    stack = new_stack()
    OrderFlow(stack, "order-flow", profile=EVERYTHING)
    for folder in sorted(FLOWS.iterdir()):
        documents = [*sorted(folder.glob("workflow.*")), *sorted(folder.glob("step-*.*"))]
        if not folder.name.startswith("wrong-") and folder.name not in (*REFUSED, *OUTSIDE):
            definition = Definition.load(*documents)
            callers = Construct(stack, f"given-{folder.name}")
            own, kept = given.resources(callers, definition), given.secrets(callers, definition)
            StepWorkflow(stack, folder.name, definition=definition, resources=own, secrets=kept, profile=EVERYTHING)
    return stack


@pytest.fixture(scope="module")
def templates(stacks: Mapping[str, cdk.Stack], template: Callable[[cdk.Stack], Any]) -> dict[str, Any]:
    return {profile: template(stack) for profile, stack in stacks.items()}


@pytest.mark.parametrize("profile", PROFILES)
def test_the_order_flow_passes_the_packs_of_each_profile(
    stacks: Mapping[str, cdk.Stack], findings: Callable[..., Any], profile: str
) -> None:
    assert findings(stacks[profile], PROFILES[profile].packs) == set()


def test_all_flows_pass_all_six_packs(all_flows: cdk.Stack, findings: Callable[..., Any]) -> None:
    assert len(all_flows.node.children) > 40
    assert findings(all_flows, PACKS) == set()


def test_the_packs_would_find_something(stacks: Mapping[str, cdk.Stack], findings: Callable[..., Any]) -> None:
    found = {rule for rule, _ in findings(stacks["baseline"], PACKS)}
    assert {
        "HIPAA.Security-CloudWatchLogGroupEncrypted",
        "HIPAA.Security-DynamoDBInBackupPlan",
        "HIPAA.Security-LambdaConcurrency",
        "NIST.800.53.R4-LambdaInsideVPC",
        "NIST.800.53.R5-SecretsManagerUsingKMSKey",
        "PCI.DSS.321-LambdaInsideVPC",
    } <= found


def test_what_is_acknowledged_is_known(
    stacks: Mapping[str, cdk.Stack], all_flows: cdk.Stack, acknowledged: Callable[..., Any]
) -> None:
    found = "".join(
        f"# {name}\n\n" + "".join(f"{line}\n" for line in lines(acknowledged(stack))) + "\n"
        for name, stack in [*((f"the order flow, {each}", stack) for each, stack in stacks.items()), ("all", all_flows)]
    )
    print(found)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8")


def lines(found: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Each reason, and below it where it holds."""
    for reason in sorted(set(found.values())):
        yield reason
        yield from (f"    {path}: {rule}" for path, rule in sorted(found) if found[path, rule] == reason)


@pytest.mark.parametrize("profile", STRICT)
def test_everything_that_is_kept_is_encrypted_with_the_key_of_the_stack(
    templates: Mapping[str, Any], profile: str
) -> None:
    template = templates[profile]
    keys = template.of_type("AWS::KMS::Key")
    ((key, properties),) = (each for each in keys.items() if each[0].startswith("StepWorkflowsSharedKey"))
    arn = {"Fn::GetAtt": [key, "Arn"]}
    assert properties["EnableKeyRotation"] is True
    assert template.resources[key]["DeletionPolicy"] == "Retain"
    where = {
        "AWS::DynamoDB::Table": lambda each: each["SSESpecification"]["KMSMasterKeyId"],
        "AWS::Lambda::Function": lambda each: each["KmsKeyArn"],
        "AWS::Logs::LogGroup": lambda each: each["KmsKeyId"],
        "AWS::SecretsManager::Secret": lambda each: each["KmsKeyId"],
        "AWS::SQS::Queue": lambda each: each["KmsMasterKeyId"],
        **({"AWS::Backup::BackupVault": lambda each: each["EncryptionKeyArn"]} if profile != "pci" else {}),
    }
    for type_, key_of in where.items():
        assert template.of_type(type_)
        assert all(key_of(each) == arn for each in template.of_type(type_).values()), type_


def test_files_messages_and_events_are_encrypted_with_the_key_of_the_stack(new_stack, template) -> None:
    stack = new_stack()
    for flow in ("files", "messages", "emit"):
        StepWorkflow(stack, flow, definition=FLOWS / flow / "workflow.yaml", profile="pci")
    found = template(stack)
    (key,) = (id_ for id_ in found.of_type("AWS::KMS::Key") if id_.startswith("StepWorkflowsSharedKey"))
    arn = {"Fn::GetAtt": [key, "Arn"]}
    topics = found.of_type("AWS::SNS::Topic").items()
    assert {str(each["KmsMasterKeyId"]) for id_, each in topics if "Alarms" not in id_} == {str(arn)}
    assert {str(each["KmsMasterKeyId"]) for each in found.of_type("AWS::SQS::Queue").values()} == {str(arn)}
    assert {str(each["KmsKeyIdentifier"]) for each in found.of_type("AWS::Events::EventBus").values()} == {str(arn)}
    for id_, bucket in found.of_type("AWS::S3::Bucket").items():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        if "AccessLogs" in id_:
            (kept,) = (each["ExpirationInDays"] for each in bucket["LifecycleConfiguration"]["Rules"])
            assert (rule, kept) == ({"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}, 365)
        else:
            assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}
            assert rule["BucketKeyEnabled"] is True
    through = {each.split(".")[0] for each in SERVICE.findall(json.dumps(found.of_type("AWS::IAM::ManagedPolicy")))}
    assert {"s3", "sns", "sqs"} <= through


SERVICE = re.compile(r'"kms:ViaService": {"Fn::Join": \["", \["([a-z0-9]+\.)"')


@pytest.mark.parametrize("profile", STRICT)
def test_roles_use_the_key_for_what_they_may_do_and_no_more(templates: Mapping[str, Any], profile: str) -> None:
    policies = templates[profile].of_type("AWS::IAM::ManagedPolicy").values()
    on_key = [
        (action, statement.get("Condition"))
        for policy in policies
        for statement in policy["PolicyDocument"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if action.startswith("kms:")
    ]
    assert {action for action, condition in on_key if condition is None} <= {"kms:DescribeKey"}
    services = {json.dumps(each) for _, each in on_key if each is not None}
    for service in ("dynamodb", "secretsmanager", "sqs"):
        assert any(f'"kms:ViaService": {{"Fn::Join": ["", ["{service}."' in each for each in services), service
    secrets = [each for each in services if '["secretsmanager."' in each]
    assert all("kms:EncryptionContext:SecretARN" in each for each in secrets)


@pytest.mark.parametrize(
    ("profile", "days", "outlive"),
    [("baseline", 90, False), ("hipaa", 2192, True), ("pci", 365, True), ("nist", 365, True)],
)
def test_logs_are_kept_as_long_as_the_profile_says(
    templates: Mapping[str, Any], profile: str, days: int, outlive: bool
) -> None:
    groups = [each for each in templates[profile].resources.values() if each["Type"] == "AWS::Logs::LogGroup"]
    assert {each["Properties"]["RetentionInDays"] for each in groups} == {days}
    assert {each["DeletionPolicy"] for each in groups} == {"Retain" if outlive else "Delete"}
    # A stack that is made again must not meet the group that it left behind.
    named = [json.dumps(each["Properties"]["LogGroupName"]) for each in groups if "LogGroupName" in each["Properties"]]
    assert len(named) == 1
    assert ("AWS::StackId" in named[0]) is outlive


@pytest.mark.parametrize(("profile", "number"), [("baseline", None), ("hipaa", 10), ("pci", None), ("nist", 10)])
def test_functions_have_calls_set_aside(templates: Mapping[str, Any], profile: str, number: int | None) -> None:
    functions = templates[profile].of_type("AWS::Lambda::Function").values()
    assert {each.get("ReservedConcurrentExecutions") for each in functions} == {number}


@pytest.mark.parametrize("profile", ["hipaa", "nist"])
def test_all_tables_are_backed_up_every_day(templates: Mapping[str, Any], profile: str) -> None:
    template = templates[profile]
    selection = template.only("AWS::Backup::BackupSelection")["BackupSelection"]
    tables = [{"Fn::GetAtt": [id_, "Arn"]} for id_ in template.of_type("AWS::DynamoDB::Table")]
    assert sorted(map(str, selection["Resources"])) == sorted(map(str, tables))
    (rule,) = template.only("AWS::Backup::BackupPlan")["BackupPlan"]["BackupPlanRule"]
    assert (rule["ScheduleExpression"], rule["Lifecycle"]) == ("cron(0 5 * * ? *)", {"DeleteAfterDays": 35})
    vault = template.only("AWS::Backup::BackupVault")["BackupVaultName"]
    assert len(vault["Fn::Join"][1][0]) + 36 <= 50  # with the last part of the stack's id, as long as a name may be
    allowed = {str(each["Resource"]) for each in template.statements("backup.amazonaws.com")}
    assert any("Vault" in each for each in allowed)


@pytest.mark.parametrize("profile", STRICT)
def test_functions_run_where_nothing_leads_to_the_internet(templates: Mapping[str, Any], profile: str) -> None:
    template = templates[profile]
    subnets = [{"Ref": id_} for id_ in template.of_type("AWS::EC2::Subnet")]
    assert len(subnets) == 2
    for function in template.of_type("AWS::Lambda::Function").values():
        assert function["VpcConfig"]["SubnetIds"] == subnets
    types = {each["Type"] for each in template.resources.values()}
    assert not types & {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::Route", "AWS::EC2::EIP"}
    assert not any(each.get("MapPublicIpOnLaunch") for each in template.of_type("AWS::EC2::Subnet").values())
    assert template.only("AWS::EC2::FlowLog")["TrafficType"] == "ALL"
    ingress = template.only("AWS::EC2::SecurityGroupIngress")
    assert (ingress["FromPort"], ingress["ToPort"], "SourceSecurityGroupId" in ingress) == (443, 443, True)


@pytest.mark.parametrize("profile", STRICT)
def test_endpoints_are_those_of_the_services_that_step_code_may_call(
    templates: Mapping[str, Any], profile: str
) -> None:
    found = {
        each["ServiceName"]["Fn::Join"][1][-1]: each["VpcEndpointType"]
        for each in templates[profile].of_type("AWS::EC2::VPCEndpoint").values()
    }
    assert found == {
        ".dynamodb": "Gateway",
        ".email": "Interface",
        ".secretsmanager": "Interface",
        ".states": "Interface",
    }


def test_a_service_without_a_known_endpoint_is_refused(stack, shop, make, bind) -> None:
    grant = replace(make.grant("function-charge", "table-orders", "quantum:Guess"), mark=Mark("flow.yaml", 7, 3))
    bundle = replace(shop, grants=(*shop.grants, grant))
    with pytest.raises(ConfigurationError, match=r"flow\.yaml:7:3: function-charge .* 'quantum' is known"):
        bind(stack, bundle, profile=PROFILES["pci"])


@pytest.mark.parametrize("flow", REFUSED)
def test_containers_with_a_public_image_are_refused(new_stack, flow: str) -> None:
    """All of them at once, each where it stands."""
    with pytest.raises(DocumentError, match=r"with this profile containers run .* public\.ecr\.aws") as refused:
        StepWorkflow(new_stack(), "Flow", definition=FLOWS / flow / "workflow.yaml", profile="hipaa")
    problems = refused.value.report.problems
    assert [(problem.mark.file, problem.mark.line) for problem in problems] == [
        ("workflow.yaml", line) for line in REFUSED[flow]
    ]


IMAGE = {"id": "pack", "runs-on": "fargate", "image": "ACCOUNT_ID.dkr.ecr.REGION.amazonaws.com/pack:1"}


@pytest.mark.parametrize("profile", STRICT)
def test_containers_run_where_nothing_leads_to_the_internet(new_stack, template, findings, tmp_path, profile) -> None:
    stack = new_stack()
    (tmp_path / "flow.json").write_text(json.dumps({"name": "flow", "inputs": {}, "steps": [IMAGE]}), encoding="utf-8")
    StepWorkflow(stack, "Flow", definition=tmp_path / "flow.json", profile=profile)
    assert findings(stack, PROFILES[profile].packs) == set()
    found = template(stack)
    assert not found.of_type("AWS::EC2::InternetGateway")
    assert (
        found.only("AWS::StepFunctions::StateMachine")["DefinitionSubstitutions"]["container_pack_public_ip"]
        == "DISABLED"
    )
    services = [each["ServiceName"]["Fn::Join"][1][-1] for each in found.of_type("AWS::EC2::VPCEndpoint").values()]
    assert sorted(services) == [".dynamodb", ".ecr.api", ".ecr.dkr", ".logs", ".s3"]


@pytest.mark.parametrize("subnets", ["private", "public"])
def test_a_network_of_the_caller_wins(new_stack, template, tmp_path, subnets: str) -> None:
    stack = new_stack()
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "handler.py").write_text("def handler(event, context):\n    return event\n", encoding="utf-8")
    step = {"id": "pack", "runs-on": {"fargate": {"vpc": "main"}}, "zip-file": "code"}
    document = {"name": "flow", "inputs": {}, "resources": {"main": {"type": "network"}}, "steps": [step]}
    (tmp_path / "flow.json").write_text(json.dumps(document), encoding="utf-8")
    values = {"vpc_id": "vpc-1", "availability_zones": ["a"], f"{subnets}_subnet_ids": ["subnet-1"]}
    given = {"resources": {"main": ec2.Vpc.from_vpc_attributes(stack, "Network", **values)}, "profile": "pci"}
    if subnets == "public":
        with pytest.raises(ConfigurationError, match="with this profile a container gets no public address"):
            StepWorkflow(stack, "Flow", definition=tmp_path / "flow.json", **given)
        return
    StepWorkflow(stack, "Flow", definition=tmp_path / "flow.json", **given)
    assert template(stack).of_type("AWS::EC2::VPC") == {}


def test_the_network_of_a_space_may_have_a_way_to_public_images(new_stack, template) -> None:
    stack = new_stack()
    values = {"vpc_id": "vpc-1", "availability_zones": ["a"], "private_subnet_ids": ["subnet-1"]}
    space = WorkflowSpace(
        stack, "Space", network=ec2.Vpc.from_vpc_attributes(stack, "Network", **values), profile="pci"
    )
    StepWorkflow(stack, "Flow", definition=FLOWS / "container" / "workflow.yaml", space=space)
    found = template(stack)
    holes = found.only("AWS::StepFunctions::StateMachine")["DefinitionSubstitutions"]
    assert (holes["container_pack_subnets"], holes["container_pack_public_ip"]) == ("subnet-1", "DISABLED")
    assert found.of_type("AWS::EC2::VPC") == found.of_type("AWS::EC2::VPCEndpoint") == {}


def test_the_network_asks_aws_nothing(new_stack, template, tmp_path) -> None:
    stack = new_stack(tmp_path, env=cdk.Environment(account="111122223333", region="eu-west-1"))
    OrderFlow(stack, "Flow", profile="pci")
    zones = {json.dumps(each["AvailabilityZone"]) for each in template(stack).of_type("AWS::EC2::Subnet").values()}
    assert len(zones) == 2
    assert "missing" not in json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))


def test_the_baseline_costs_nothing(templates: Mapping[str, Any]) -> None:
    types = {each["Type"] for each in templates["baseline"].resources.values()}
    assert not any(type_.startswith(("AWS::EC2::", "AWS::Backup::")) for type_ in types)
    assert [id_[:-8] for id_ in templates["baseline"].of_type("AWS::KMS::Key")] == ["StepWorkflowsSharedAlarmsKey"]


def test_an_unknown_profile_is_refused(stack) -> None:
    with pytest.raises(ConfigurationError) as refused:
        OrderFlow(stack, "Flow", profile="hippa")
    assert str(refused.value) == "profile: unknown name 'hippa'; profiles are baseline, hipaa, pci, nist"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"packs": ("SOC2",)}, "profile: unknown pack 'SOC2'; packs are AwsSolutions, "),
        ({"log_retention": "ONE_DAYS"}, "profile: log_retention is a name of aws_logs.RetentionDays, such as ONE_YEAR"),
        ({"concurrency": 0}, "profile: concurrency is a number from 1, not 0"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(changes: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        replace(Profile.named("nist"), **changes)


def test_a_profile_of_ones_own(stack, shop, bind, template) -> None:
    own = replace(Profile.named("hipaa"), concurrency=50, private_network=False, log_retention="ONE_MONTH")
    bind(stack, shop, profile=own)
    found = template(stack)
    assert found.only("AWS::Lambda::Function")["ReservedConcurrentExecutions"] == 50
    assert {each["RetentionInDays"] for each in found.of_type("AWS::Logs::LogGroup").values()} == {30}
    assert found.of_type("AWS::KMS::Key")
    assert not found.of_type("AWS::EC2::VPC")


def test_flows_of_a_stack_have_one_profile(stack, shop, bind, template) -> None:
    bind(stack, shop, profile=PROFILES["nist"])
    bind(stack, shop, "Second", profile=PROFILES["nist"])
    with pytest.raises(
        ConfigurationError, match=r"another flow of the stack Shop has 'nist'.*give Shop/Third the same"
    ):
        bind(stack, shop, "Third")
    found = template(stack)
    for shared in ("KMS::Key", "EC2::VPC", "Backup::BackupVault", "Backup::BackupPlan", "EC2::FlowLog"):
        found.only(f"AWS::{shared}")
    assert len(found.of_type("AWS::Backup::BackupSelection")) == 2


def test_a_table_of_the_callers_is_not_backed_up(stack, shop, bind, template) -> None:
    from aws_cdk import aws_dynamodb as dynamodb

    key = dynamodb.Attribute(name="order_id", type=dynamodb.AttributeType.STRING)
    bind(stack, shop, resources={"orders": dynamodb.Table(stack, "Own", partition_key=key)}, profile=PROFILES["hipaa"])
    assert not template(stack).of_type("AWS::Backup::BackupSelection")
