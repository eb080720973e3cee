"""What is deployed, read afresh: the files of the cloud assembly, as JSON, without the CDK and without cdk-nag.

Untyped resources, custom resources and inline policies are what cdk-nag does not see, or only where a rule happens to
look. So these checks are small, stand alone, and each shows by a planted fault that it can say no.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from cfnlint import api
from cfnlint.config import ManualArgs
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from stepworkflows_cdk.constructs.acknowledgements import REASONED, TABLE

ROWS = {action for row in TABLE.values() for action in row.subject}
GIVEN = {
    "ec2:StartInstances": "Whoever starts the flow says which machine is meant, and those of the team are.",
    "cloudwatch:PutMetricData": "AWS has no resources for metrics.",
}
"""What the documents allow on more than one thing, and why: ``permissions-with-a-reason``."""
STRICT = ("hipaa", "pci", "nist")
KNOWN_TYPES = frozenset(PROVIDER_SCHEMA_MANAGER.get_resource_types("us-east-1"))

Resources = Mapping[str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def templates(assembly: Path) -> dict[str, dict[str, Any]]:
    """Stack -> its resources."""
    files = sorted(assembly.glob("*.template.json"))
    return {
        file.name.removesuffix(".template.json"): json.loads(file.read_text(encoding="utf-8"))["Resources"]
        for file in files
    }


def statements(resources: Resources) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(logical id, type, statement) of every policy of whatever kind, wherever in a resource it stands."""
    for id_, resource in resources.items():
        for found in everything(resource.get("Properties", {})):
            if isinstance(found, dict) and "Effect" in found:
                yield id_, resource["Type"], found


def everything(value: Any) -> Iterator[Any]:
    yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from everything(each)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def of_type(resources: Resources, *types: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((id_, each.get("Properties", {})) for id_, each in resources.items() if each["Type"] in types)


def wildcards(resources: Resources) -> Iterator[str]:
    """``*`` in actions or resources that are allowed, but where a row of the table says so, or a document with its reason. In
    the policy of a key, ``*`` is the key.
    """
    for id_, type_, statement in statements(resources):
        if statement["Effect"] == "Allow" and type_ != "AWS::KMS::Key":
            actions = listed(statement.get("Action", []))
            wide = any(
                "*" in json.dumps(each) or "?" in json.dumps(each) for each in listed(statement.get("Resource", ""))
            )
            allowed = GIVEN if "Reasoned" in id_ else ROWS
            yield from (f"{id_}: {action}" for action in actions if "*" in action)
            yield from (
                f"{id_}: {action} on *" for action in actions if wide and not (shared(id_) and action in allowed)
            )


def shared(id_: str) -> bool:
    """What is shared, and a machine's own policy about its own executions, which has to come behind the machine."""
    return id_.startswith("StepWorkflowsShared") or "OwnPermissions" in id_


def everything_but(resources: Resources) -> Iterator[str]:
    for id_, _, statement in statements(resources):
        yield from (f"{id_}: {key}" for key in ("NotAction", "NotResource", "NotPrincipal") if key in statement)


def anybody(resources: Resources) -> Iterator[str]:
    for id_, _, statement in statements(resources):
        if statement["Effect"] == "Allow" and '"*"' in json.dumps(statement.get("Principal")):
            yield f"{id_}: anybody may {statement['Action']}"


def strangers(resources: Resources) -> Iterator[str]:
    """Roles that others than AWS services may take on."""
    for id_, properties in of_type(resources, "AWS::IAM::Role"):
        for statement in properties["AssumeRolePolicyDocument"]["Statement"]:
            if statement["Action"] != "sts:AssumeRole" or set(statement["Principal"]) != {"Service"}:
                yield f"{id_}: {statement['Principal']}"


def inline_policies(resources: Resources) -> Iterator[str]:
    kinds = ("AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy", "AWS::IAM::GroupPolicy")
    yield from (id_ for id_, _ in of_type(resources, *kinds))
    yield from (id_ for id_, properties in of_type(resources, "AWS::IAM::Role") if properties.get("Policies"))


def policies_of_aws(resources: Resources) -> Iterator[str]:
    """All but the one of the row ``api-logs``, on the role that API Gateway logs with."""
    for id_, properties in of_type(resources, "AWS::IAM::Role"):
        for arn in map(json.dumps, properties.get("ManagedPolicyArns", [])):
            logger = id_.startswith("StepWorkflowsSharedApiLogger") and "/AmazonAPIGatewayPushToCloudWatchLogs" in arn
            if ":aws:policy/" in arn and not logger:
                yield id_


def custom_resources(resources: Resources) -> Iterator[str]:
    for id_, resource in resources.items():
        if resource["Type"].startswith("Custom::") or resource["Type"] == "AWS::CloudFormation::CustomResource":
            yield f"{id_}: {resource['Type']}"


def unknown_types(resources: Resources) -> Iterator[str]:
    """Types that are not in AWS's specification, as cfn-lint carries it."""
    yield from (f"{id_}: {each['Type']}" for id_, each in resources.items() if each["Type"] not in KNOWN_TYPES)


def logs_for_ever(resources: Resources) -> Iterator[str]:
    for id_, properties in of_type(resources, "AWS::Logs::LogGroup"):
        if not properties.get("RetentionInDays"):
            yield id_


def not_encrypted(resources: Resources) -> Iterator[str]:
    """DynamoDB always encrypts, with a key of AWS's own where nothing else is said."""
    for id_, properties in of_type(resources, "AWS::S3::Bucket"):
        if "BucketEncryption" not in properties:
            yield id_
    for id_, properties in of_type(resources, "AWS::SQS::Queue"):
        if not (properties.get("SqsManagedSseEnabled") or properties.get("KmsMasterKeyId")):
            yield id_
    for id_, properties in of_type(resources, "AWS::SNS::Topic"):
        if not properties.get("KmsMasterKeyId"):
            yield id_
    for id_, properties in of_type(resources, "AWS::DynamoDB::Table"):
        if properties.get("SSESpecification", {}).get("SSEEnabled") is False:
            yield id_


def unguarded_keys(resources: Resources) -> Iterator[str]:
    """Use of a key by a role, that is not tied to a service or to what is encrypted."""
    for id_, type_, statement in statements(resources):
        actions = [
            each for each in listed(statement["Action"]) if each.startswith("kms:") and each != "kms:DescribeKey"
        ]
        if actions and type_ != "AWS::KMS::Key" and not statement.get("Condition"):
            yield f"{id_}: {actions}"


def keys_that_stay(resources: Resources) -> Iterator[str]:
    yield from (
        id_ for id_, properties in of_type(resources, "AWS::KMS::Key") if not properties.get("EnableKeyRotation")
    )


def open_calls(resources: Resources) -> Iterator[str]:
    """Services that may call a function for anybody; a role may by its own ARN."""
    for id_, properties in of_type(resources, "AWS::Lambda::Permission"):
        if isinstance(properties["Principal"], str) and "SourceArn" not in properties:
            yield id_


def lost_with_the_stack(resources: Resources) -> Iterator[str]:
    """Data that goes when the stack goes, or the key to data that stays. A table whose rows expire serves running executions
    only, and a key that only encrypts what is sent keeps nothing.
    """
    kept = {
        id_: each
        for id_, each in resources.items()
        if each.get("DeletionPolicy") == each.get("UpdateReplacePolicy") == "Retain"
    }
    for id_, properties in of_type(resources, "AWS::DynamoDB::Table", "AWS::SecretsManager::Secret", "AWS::S3::Bucket"):
        if id_ not in kept and "TimeToLiveSpecification" not in properties:
            yield id_
    for id_, _ in of_type(resources, "AWS::KMS::Key"):
        if id_ not in kept and any(f'"{id_}"' in json.dumps(each) for each in kept.values()):
            yield id_


def values_of_secrets(resources: Resources) -> Iterator[str]:
    yield from (id_ for id_, each in of_type(resources, "AWS::SecretsManager::Secret") if "SecretString" in each)
    # CloudFormation fills in what a connection sends; its properties cannot be read back.
    others = ((id_, each) for id_, each in resources.items() if each["Type"] != "AWS::Events::Connection")
    yield from (id_ for id_, each in others if "{{resolve:" in json.dumps(each))


def ways_in(resources: Resources) -> Iterator[str]:
    """Security groups that let in addresses, not other groups."""
    for id_, properties in of_type(resources, "AWS::EC2::SecurityGroup"):
        yield from (id_ for each in properties.get("SecurityGroupIngress", []) if "SourceSecurityGroupId" not in each)
    for id_, properties in of_type(resources, "AWS::EC2::SecurityGroupIngress"):
        if "SourceSecurityGroupId" not in properties:
            yield id_


ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/b"}


def policy(**changes: Any) -> dict[str, Any]:
    document = {"Statement": [{**ALLOW, **changes}]}
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}


def role(**changes: Any) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": [trust]}, **changes}}


def plain(type_: str, **properties: Any) -> dict[str, Any]:
    return {"Type": type_, "Properties": properties}


FROM_ANYWHERE = {"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp"}
CHECKS: dict[Callable[[Resources], Iterator[str]], list[dict[str, Any]]] = {
    wildcards: [
        policy(Resource="*"),
        policy(Resource=["arn:aws:s3:::a/b", {"Fn::Join": ["", [{"Ref": "Bucket"}, "/*"]]}]),
        policy(Action=["s3:Get*"]),
        policy(Action="xray:PutTraceSegments", Resource="*"),
        plain("AWS::SQS::QueuePolicy", PolicyDocument=policy(Resource="*")["Properties"]["PolicyDocument"]),
    ],
    everything_but: [
        policy(NotAction="s3:PutObject"),
        policy(NotResource="arn:aws:s3:::a/b"),
        policy(NotPrincipal="a"),
    ],
    anybody: [policy(Principal="*"), policy(Principal={"AWS": ["*"]})],
    strangers: [
        role(
            AssumeRolePolicyDocument={
                "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "111122223333"}}]
            }
        )
    ],
    inline_policies: [plain("AWS::IAM::Policy"), role(Policies=[policy()["Properties"]])],
    policies_of_aws: [role(ManagedPolicyArns=[{"Fn::Join": ["", ["arn:aws:iam::aws:policy/AdministratorAccess"]]}])],
    custom_resources: [plain("Custom::AutoDelete"), plain("AWS::CloudFormation::CustomResource")],
    unknown_types: [plain("AWS::DynamoDB::Tabel")],
    logs_for_ever: [plain("AWS::Logs::LogGroup")],
    not_encrypted: [
        plain("AWS::S3::Bucket"),
        plain("AWS::SQS::Queue"),
        plain("AWS::SNS::Topic"),
        plain("AWS::DynamoDB::Table", SSESpecification={"SSEEnabled": False}),
    ],
    unguarded_keys: [policy(Action=["kms:Decrypt"])],
    keys_that_stay: [plain("AWS::KMS::Key")],
    open_calls: [plain("AWS::Lambda::Permission", Principal=each) for each in ("events.amazonaws.com", "*")],
    lost_with_the_stack: [plain("AWS::DynamoDB::Table"), plain("AWS::S3::Bucket")],
    values_of_secrets: [
        plain("AWS::SecretsManager::Secret", SecretString="s3cr3t"),
        plain("AWS::Lambda::Function", Environment={"A": "{{resolve:secretsmanager:a}}"}),
    ],
    ways_in: [
        plain("AWS::EC2::SecurityGroup", SecurityGroupIngress=[FROM_ANYWHERE]),
        plain("AWS::EC2::SecurityGroupIngress", **FROM_ANYWHERE),
    ],
}
"""Check -> resources that it must find, each the only fault in a template."""


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_templates_are_as_they_should_be(
    templates: Mapping[str, Resources], check: Callable[..., Iterator[str]]
) -> None:
    assert len(templates) > 40
    assert {stack: found for stack, resources in templates.items() if (found := list(check(resources)))} == {}


@pytest.mark.parametrize(
    ("check", "fault"),
    [
        pytest.param(check, fault, id=f"{check.__name__}-{number}")
        for check, faults in CHECKS.items()
        for number, fault in enumerate(faults)
    ],
)
def test_a_planted_fault_is_found(templates: Mapping[str, Resources], check: Any, fault: Any) -> None:
    planted = {**copy.deepcopy(dict(templates["OrderFlow-nist"])), "Planted": fault}
    assert {line.partition(":")[0] for line in check(planted)} == {"Planted"}


def test_a_key_that_goes_before_what_it_encrypts_is_found(templates: Mapping[str, Resources]) -> None:
    planted = copy.deepcopy(dict(templates["OrderFlow-nist"]))
    (key,) = (id_ for id_ in planted if id_.startswith("StepWorkflowsSharedKey"))
    planted[key] = {**planted[key], "DeletionPolicy": "Delete"}
    assert list(lost_with_the_stack(planted)) == [key]


@pytest.mark.parametrize("profile", STRICT)
def test_with_a_profile_everything_has_the_key_of_the_stack(templates: Mapping[str, Resources], profile: str) -> None:
    resources = templates[f"OrderFlow-{profile}"]
    (key,) = (id_ for id_, _ in of_type(resources, "AWS::KMS::Key") if id_.startswith("StepWorkflowsSharedKey"))
    kept = ("AWS::DynamoDB::Table", "AWS::Logs::LogGroup", "AWS::SecretsManager::Secret", "AWS::SQS::Queue")
    without = [id_ for id_, each in of_type(resources, *kept, "AWS::Lambda::Function") if key not in json.dumps(each)]
    assert without == []


@pytest.mark.parametrize("stack", ["OrderFlow", "OrderFlow-nist"])
def test_the_linter_finds_nothing_in_what_is_around_the_machine(templates: Mapping[str, Resources], stack: str) -> None:
    """The machine's text is linted by itself: see ``test_cfn_lint``. W3005 is what the CDK writes about roles twice."""
    resources = copy.deepcopy(dict(templates[stack]))
    for _, properties in of_type(resources, "AWS::StepFunctions::StateMachine"):
        machine = cast(dict[str, Any], properties)
        del machine["DefinitionSubstitutions"]
        machine["DefinitionString"] = '{"StartAt": "a", "States": {"a": {"Type": "Succeed"}}}'
    config = ManualArgs(regions=["us-east-1"], ignore_checks=["W3005"])
    assert api.lint(json.dumps({"Resources": resources}), config=config) == []


PLACES = ("Secret", "Bucket", "DeadLetters", "Source", "OwnPermissions")


def test_only_rows_of_the_table_are_acknowledged(assembly: Path) -> None:
    reasons = {row.text for row in TABLE.values()}
    files = sorted(assembly.glob("*.metadata.json"))
    assert len(files) > 40
    found = 0
    for file in files:
        for path, entries in json.loads(file.read_text(encoding="utf-8")).items():
            for entry in entries:
                if entry["type"] == "aws:cdk:acknowledged-rules":
                    for text in entry["data"].values():
                        reason = text.removesuffix(TABLE[REASONED].text).strip()
                        assert text in reasons or reason in GIVEN.values(), path
                    assert path.split("/")[2] == "StepWorkflowsShared" or path.rpartition("/")[2] in PLACES, path
                    found += 1
    assert found > 30
    assert not any(
        word in file.read_text(encoding="utf-8")
        for file in assembly.glob("*.template.json")
        for word in ("cdk_nag", "cfn_nag", "rules_to_suppress", "checkov")
    )
