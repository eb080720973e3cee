"""The findings of cdk-nag that this library acknowledges, all of them, each with its reason and its source.

The table is closed: a resource acknowledges by naming a row, and nothing else in the library acknowledges anything. A
row is applied to the one resource that causes the finding, never to a stack, so a user's own resource beside it is
judged as ever. Most are shared by the whole stack (see ``sharing``), so their number does not grow with flows or
steps.

Rows about wildcards are also the only way to them: an action is allowed on ``*`` by the stack's one policy of its row, on
a resource that has a wildcard in its name, or on ``*`` under conditions, by a policy that all share who may do just the
same, and an action without a row is refused (see ``permissions``). So their number grows with the targets that documents
name, not with steps.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct

from stepworkflows_cdk.compiler.unscoped import JOB_ACTIONS, UNSCOPED
from stepworkflows_cdk.constructs.profile import profile_of

__all__ = ["REASONED", "TABLE", "Acknowledged", "acknowledge", "row_of", "target_of"]


@dataclass(frozen=True)
class Acknowledged:
    """``rules`` are the finding's ids as packs of cdk-nag spell it, ``subject`` is the IAM actions or the setting it is
    about. In a stack count the rules of those packs that the stack's profile passes.

    A row for resources with a wildcard has a ``target``, the pattern of what :func:`target_of` gives for them, which
    stands as ``{target}`` in the rules; any of the actions may be allowed on one. ``conditions`` are keys without which
    the row does not hold.
    """

    rules: tuple[str, ...]
    subject: tuple[str, ...]
    reason: str
    source: str
    target: str | None = None
    conditions: tuple[str, ...] = ()
    denied: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """IAM conditions under which the policy of the row denies its actions all the same."""

    @property
    def text(self) -> str:
        return f"{', '.join(self.subject)}: {self.reason} See {self.source}"


REASONED = "reasoned"
"""The row of permissions on more than one thing for which a document gives the reason."""

TABLE: Mapping[str, Acknowledged] = MappingProxyType(
    {
        "tracing": Acknowledged(
            ("AwsSolutions-IAM5[Resource::*]",),
            (
                "xray:PutTraceSegments",
                "xray:PutTelemetryRecords",
                "xray:GetSamplingRules",
                "xray:GetSamplingTargets",
            ),
            "X-Ray has no resource type for sending traces and for reading which requests to sample, so IAM takes no "
            "other resource than *.",
            "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html",
        ),
        "log-delivery": Acknowledged(
            ("AwsSolutions-IAM5[Resource::*]",),
            (
                "logs:CreateLogDelivery",
                "logs:GetLogDelivery",
                "logs:UpdateLogDelivery",
                "logs:DeleteLogDelivery",
                "logs:ListLogDeliveries",
                "logs:PutResourcePolicy",
                "logs:DescribeResourcePolicies",
                "logs:DescribeLogGroups",
            ),
            "Step Functions sets up the delivery of its logs by actions on the account, which have no resource type "
            "for a log group.",
            "https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html",
        ),
        "network-interfaces": Acknowledged(
            ("AwsSolutions-IAM5[Resource::*]",),
            (
                "ec2:CreateNetworkInterface",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSubnets",
                "ec2:DeleteNetworkInterface",
                "ec2:AssignPrivateIpAddresses",
                "ec2:UnassignPrivateIpAddresses",
            ),
            "Lambda puts a function into a network by interfaces that it makes and removes with the function's role. Their "
            "ARNs are not known before, and listing them has no resource type. The function's own code is denied all of it.",
            "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
            # Code's calls name their function, Lambda's own for interfaces do not:
            # https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
            denied={"Null": {"lambda:SourceFunctionArn": "false"}},
        ),
        "task-answers": Acknowledged(
            ("AwsSolutions-IAM5[Resource::*]",),
            ("states:SendTaskFailure", "states:SendTaskSuccess"),
            "The actions take a task token, which belongs to one task of one execution and cannot be guessed, and have "
            "no resource type, so IAM takes no other resource than *.",
            "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html",
        ),
        "http-endpoints": Acknowledged(
            ("AwsSolutions-IAM5[Resource::*]",),
            ("states:InvokeHTTPEndpoint",),
            "The action has no resource type; which method is called at which address is said by conditions.",
            "https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html",
            target=r"\*",
            conditions=("states:HTTPEndpoint", "states:HTTPMethod"),
        ),
        "account-reads": Acknowledged(
            ("AwsSolutions-IAM5[Resource::*]",),
            tuple(sorted(UNSCOPED)),
            "These actions only read, and have no resource type, so IAM takes no other resource than *. Each is allowed to the "
            "machine whose document calls it.",
            "https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html",
            target=r"\*",
        ),
        "executions": Acknowledged(
            ("AwsSolutions-IAM5[Resource::{target}]",),
            ("states:DescribeExecution", "states:RedriveExecution", "states:StopExecution"),
            "The executions of one machine, of which steps and the API's front door ask how they are, and stop or redrive "
            "some; the ARN of one ends in its name, which is made while the flow runs. All else in it is exact.",
            "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html",
            target=r"arn:[^*?]+:execution:[^*?]+:\*",
        ),
        "objects": Acknowledged(
            ("AwsSolutions-IAM5[Resource::{target}]",),
            (
                "s3:AbortMultipartUpload",
                "s3:DeleteObject",
                "s3:DeleteObjectTagging",
                "s3:DeleteObjectVersion",
                "s3:GetObject",
                "s3:GetObjectAttributes",
                "s3:GetObjectTagging",
                "s3:GetObjectVersion",
                "s3:ListMultipartUploadParts",
                "s3:PutObject",
                "s3:PutObjectTagging",
            ),
            "The objects of one bucket whose keys begin, and end, as the document says; the rest of a key is known only "
            "while the flow runs.",
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html",
            target=r"[^*?]+/.+",
        ),
        "jobs": Acknowledged(
            ("AwsSolutions-IAM5[Resource::{target}]",),
            JOB_ACTIONS,
            "Jobs that steps begin and wait for, whose names or ids are known, or made, only while the flow runs. All else in "
            "the ARN is exact, and Step Functions follows and stops no others than those that it has begun.",
            "https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html",
            target=r"arn:[^*?]+:[^*?]*:[^*?]*:/?[A-Za-z-]+/.+",
        ),
        REASONED: Acknowledged(
            ("AwsSolutions-IAM5[Resource::{target}]",),
            ("permissions",),
            "The document says that a step needs this, and why; it names the actions, and all of the ARN but its end.",
            "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html",
            target=r".*\*",
        ),
        "default-security-group": Acknowledged(
            (
                "HIPAA.Security-VPCDefaultSecurityGroupClosed",
                "NIST.800.53.R4-VPCDefaultSecurityGroupClosed",
                "NIST.800.53.R5-VPCDefaultSecurityGroupClosed",
                "PCI.DSS.321-VPCDefaultSecurityGroupClosed",
            ),
            ("DefaultSecurityGroup",),
            "CloudFormation cannot change the rules of the security group that every network comes with; a function of our "
            "own would have to. Nothing here is in that group: functions and endpoints have groups of their own.",
            "https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html",
        ),
        "bucket-copies": Acknowledged(
            (
                "HIPAA.Security-S3BucketReplicationEnabled",
                "NIST.800.53.R4-S3BucketReplicationEnabled",
                "NIST.800.53.R5-S3BucketReplicationEnabled",
                "PCI.DSS.321-S3BucketReplicationEnabled",
            ),
            ("ReplicationConfiguration",),
            "A copy is a bucket of another stack, in another region or account, with a key and an owner of its own, which no "
            "document describes. All versions of a file are kept; pass your own replicated bucket in `resources`.",
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html",
        ),
        "bucket-lock": Acknowledged(
            ("NIST.800.53.R4-S3BucketDefaultLockEnabled",),
            ("ObjectLockConfiguration",),
            "A default lock keeps every file for a time that only its owner can set, and nobody can shorten afterwards. All "
            "versions of a file are kept; pass your own locked bucket in `resources`.",
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html",
        ),
        "access-logs-key": Acknowledged(
            (
                "HIPAA.Security-S3DefaultEncryptionKMS",
                "NIST.800.53.R5-S3DefaultEncryptionKMS",
                "PCI.DSS.321-S3DefaultEncryptionKMS",
            ),
            ("BucketEncryption",),
            "S3 writes its logs of access only into buckets that are encrypted with keys of S3.",
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html",
        ),
        "api-callers": Acknowledged(
            ("AwsSolutions-COG4",),
            ("AuthorizationType",),
            "The document says who may call: principals of IAM, those whom a function of the author's lets through, or bearers "
            "of tokens of an issuer. Every method asks.",
            "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-control-access-to-api.html",
        ),
        "api-open": Acknowledged(
            ("AwsSolutions-APIG4",),
            ("AuthorizationType",),
            "Who decides here has a link in a mail and no account. What decides is a secret of 256 bits in the part of the link "
            "that browsers do not send, which is taken once, by the body of a request; all else is answered with a page.",
            "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-control-access-to-api.html",
        ),
        "api-open-users": Acknowledged(
            ("AwsSolutions-COG4",),
            ("AuthorizerId",),
            "Who decides here has a link in a mail and no account, in no pool of users either.",
            "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-control-access-to-api.html",
        ),
        "api-firewall": Acknowledged(
            ("AwsSolutions-APIG3", "NIST.800.53.R5-APIGWAssociatedWithWAF", "PCI.DSS.321-APIGWAssociatedWithWAF"),
            ("WebACLAssociation",),
            "Callers are known, bodies are checked and requests throttled. What a firewall is to hold back is the account's "
            "to say; associate a web ACL with the stage where it has one.",
            "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-control-access-aws-waf.html",
        ),
        "api-cache": Acknowledged(
            (
                "HIPAA.Security-APIGWCacheEnabledAndEncrypted",
                "NIST.800.53.R4-APIGWCacheEnabledAndEncrypted",
                "NIST.800.53.R5-APIGWCacheEnabledAndEncrypted",
                "PCI.DSS.321-APIGWCacheEnabledAndEncrypted",
            ),
            ("CacheClusterEnabled",),
            "Nothing is cached: what a path answers is about one caller's execution and changes while it runs, so an answer "
            "that is kept would be old, or somebody else's.",
            "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-caching.html",
        ),
        "api-certificate": Acknowledged(
            ("HIPAA.Security-APIGWSSLEnabled", "NIST.800.53.R5-APIGWSSLEnabled", "PCI.DSS.321-APIGWSSLEnabled"),
            ("ClientCertificateId",),
            "A client certificate shows an HTTP server that API Gateway calls it. There is no such server here: a function "
            "answers, called over TLS with a role.",
            "https://docs.aws.amazon.com/apigateway/latest/developerguide/getting-started-client-side-ssl-authentication.html",
        ),
        "api-logs": Acknowledged(
            (
                "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]",
            ),
            ("CloudWatchRoleArn",),
            "The role is API Gateway's own, for the logs of all APIs of the account and region, whose groups it names "
            "itself; AWS has this policy for it.",
            "https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html",
        ),
        "queue-source": Acknowledged(
            ("Serverless-LambdaEventSourceMappingDestination",),
            ("DestinationConfig",),
            "Lambda has no such destination for queues: a message that fails goes back, and the queue itself sends what was "
            "received too often to the queue behind it.",
            "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html",
        ),
        "task-ids": Acknowledged(
            ("AwsSolutions-IAM5[Resource::{target}]",),
            ("ecs:DescribeTasks", "ecs:StopTask"),
            "The id of a task is made when it is run, so a policy can only name the tasks of a cluster. Step Functions stops "
            "no others than those that it has run.",
            "https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html",
            target=r"[^*?]+:task/[^*?]+/\*",
        ),
        "registry-login": Acknowledged(
            ("AwsSolutions-IAM5[Resource::*]",),
            ("ecr:GetAuthorizationToken",),
            "The token logs in to the account's registry, before any repository is named, and the action has no resource "
            "type; which images can be fetched with it is said by the other actions, on one repository.",
            "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html",
        ),
        "dead-letters": Acknowledged(
            ("Serverless-SQSRedrivePolicy",),
            ("RedrivePolicy",),
            "This queue is itself the dead-letter queue of functions and rules, the end of the line; a queue behind it "
            "would only move the question.",
            "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html",
        ),
        "dead-letters-of-rules": Acknowledged(
            ("AwsSolutions-SQS3",),
            ("RedrivePolicy",),
            "This queue is the dead-letter queue of rules, which the check does not look at: it knows queues and functions.",
            "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html",
        ),
        "secret-rotation": Acknowledged(
            (
                "AwsSolutions-SMG4",
                "HIPAA.Security-SecretsManagerRotationEnabled",
                "NIST.800.53.R5-SecretsManagerRotationEnabled",
            ),
            ("RotationSchedule",),
            "The value is a key that somebody else issues. Rotation needs a function that speaks that provider's API, "
            "which no document describes; pass it in `rotations`, or your own rotated secret in `secrets`.",
            "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda.html",
        ),
    }
)


def acknowledge(construct: IConstruct, row: str, target: str = "", reason: str = "") -> None:
    """Applies one row of the table to the resource that causes its finding; ``reason`` is what the document adds."""
    found = TABLE[row]
    packs = tuple(f"{pack}-" for pack in profile_of(construct).packs)
    for rule in found.rules:
        if rule.startswith(packs):
            id_ = rule.replace("{target}", target)
            Validations.of(construct).acknowledge(Acknowledgment(id=id_, reason=f"{reason} {found.text}".strip()))


def row_of(actions: Iterable[str], target: str, conditions: Iterable[str] = ()) -> str | None:
    """The row that allows these actions on a resource with a wildcard, if there is one. On ``*`` without conditions it
    is the one about these actions and no other, whose policy allows them all.
    """
    wanted, under = set(actions), set(conditions)
    for name, row in TABLE.items():
        if row.target is None:
            if target == "*" and not under and wanted == set(row.subject):
                return name
        elif re.fullmatch(row.target, target) and wanted <= set(row.subject) and under >= set(row.conditions):
            return name
    return None


def target_of(scope: IConstruct, arn: str) -> str:
    """A resource of a policy as cdk-nag spells it: ``<Bucket83908E77.Arn>/invoices/*``.

    https://github.com/cdklabs/cdk-nag#suppressing-a-rule
    """
    return _spelt(Stack.of(scope).resolve(arn))


def _spelt(value: Any) -> str:
    match value:
        case str():
            return value.replace("${", "<").replace("}", ">")
        case {"Fn::Join": [str(between), [*parts]]}:
            return between.join(map(_spelt, parts))
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{_spelt(name)}.{_spelt(attribute)}>"
        case {"Fn::ImportValue": name}:
            return _spelt(name)
        case {"Ref": name}:
            return f"<{_spelt(name)}>"
        case _:
            return json.dumps(value, separators=(",", ":"))
