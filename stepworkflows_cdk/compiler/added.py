"""Permissions that no line of a document asks for: constructs add them to what they make, so that it can log, trace and keep
what failed.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEAD_LETTERS", "INTERFACES", "MACHINE", "OWN_LOG", "TRACES", "Added", "with_key"]


@dataclass(frozen=True)
class Added:
    """``actions`` that the role of something made may do, ``on`` what, in words. ``holder`` is whose role it is, where it is
    another's.
    """

    actions: tuple[str, ...]
    on: str
    holder: str = ""


OWN_LOG = Added(("logs:CreateLogStream", "logs:PutLogEvents"), "its log group")
DEAD_LETTERS = Added(("sqs:SendMessage",), "the stack's dead letters")
TRACES = Added(
    ("xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments"), "*"
)
INTERFACES = Added(
    (
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
    ),
    "*, where it is in a network",
)
_LOG_DELIVERY = Added(
    (
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
    ),
    "*",
)
MACHINE = (_LOG_DELIVERY, TRACES)
"""What a state machine's role may do."""


def with_key(*actions: str) -> Added:
    """What comes with a profile that demands a key."""
    return Added(actions, "the stack's key, where the profile demands one")
