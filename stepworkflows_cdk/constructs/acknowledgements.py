"""The findings of cdk-nag that this library acknowledges, all of them, each with its reason and its source.

The table is closed: a resource acknowledges by naming a row, and nothing else in the library acknowledges anything. A
row is applied to the one resource that causes the finding, never to a stack, so a user's own resource beside it is
judged as ever. Most are shared by the whole stack (see ``sharing``), so their number does not grow with flows or
steps.

Rows about the resource ``*`` are also the only way to it: an action is allowed on ``*`` by the stack's one policy of
its row, and an action without a row is refused (see ``permissions``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

__all__ = ["TABLE", "Acknowledged", "acknowledge"]


@dataclass(frozen=True)
class Acknowledged:
    """``rule`` is the finding's id as cdk-nag spells it, ``subject`` the IAM actions or the setting it is about."""

    rule: str
    subject: tuple[str, ...]
    reason: str
    source: str

    @property
    def text(self) -> str:
        return f"{', '.join(self.subject)}: {self.reason} See {self.source}"


TABLE: Mapping[str, Acknowledged] = MappingProxyType(
    {
        "tracing": Acknowledged(
            "AwsSolutions-IAM5[Resource::*]",
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
            "AwsSolutions-IAM5[Resource::*]",
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
        "task-answers": Acknowledged(
            "AwsSolutions-IAM5[Resource::*]",
            ("states:SendTaskSuccess",),
            "The action takes a task token, which belongs to one task of one execution and cannot be guessed, and has "
            "no resource type, so IAM takes no other resource than *.",
            "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html",
        ),
        "dead-letters": Acknowledged(
            "Serverless-SQSRedrivePolicy",
            ("RedrivePolicy",),
            "This queue is itself the dead-letter queue of functions and rules, the end of the line; a queue behind it "
            "would only move the question.",
            "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html",
        ),
        "secret-rotation": Acknowledged(
            "AwsSolutions-SMG4",
            ("RotationSchedule",),
            "The value is a key that somebody else issues. Rotation needs a function that speaks that provider's API, "
            "which no document describes; pass your own rotated secret in `secrets` where there is one.",
            "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda.html",
        ),
    }
)


def acknowledge(construct: IConstruct, row: str) -> None:
    """Applies one row of the table to the resource that causes its finding."""
    found = TABLE[row]
    Validations.of(construct).acknowledge(Acknowledgment(id=found.rule, reason=found.text))
