"""What an integration's binding gives back: the construct, and the values for the holes of texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stepworkflows_cdk.compiler.plan import Condition, Grant, Hole, Text
from stepworkflows_cdk.constructs.profile import BASELINE, Profile
from stepworkflows_cdk.constructs.rotation import Rotation

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_logs as logs
    from constructs import IConstruct

__all__ = ["BACKUPS", "Bindings", "Bound", "via"]

BACKUPS = "backups"
"""The holder of grants for the daily backups of a flow's tables."""


@dataclass(frozen=True)
class Bound:
    """One need, bound: ``attributes`` fill the holes that name it; ``role`` receives the grants that it holds.

    ``grants`` are those that only the binding knows of: a function's on its own log group. ``key_actions`` come with
    grants on the need, on the ARN in the attribute ``key_arn``: beginning of the grant's actions (``s3:Put``) -> those on
    the KMS key that encrypts it, and allowed only through the service of the grant's actions; ``key_context`` is what
    else they have to say: a key of KMS's encryption context -> the attribute that it has to equal.

    ``version`` is the published version of a function that ``arn`` means; ``in_network`` is whether its code runs in the
    network that the profile demands, and reaches services through it.
    """

    construct: IConstruct
    attributes: Mapping[str, str]
    role: iam.IRole | None = None
    grants: tuple[Grant, ...] = ()
    key_actions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    version: lambda_.IVersion | None = None
    key_context: Mapping[str, str] = field(default_factory=dict)
    in_network: bool = False

    def key_actions_for(self, actions: Iterable[str]) -> tuple[str, ...]:
        """What a grant of ``actions`` on the need has to allow on its key, sorted."""
        actions = tuple(actions)
        found = (
            on_key for start, on_key in self.key_actions.items() if any(each.startswith(start) for each in actions)
        )
        return tuple(sorted({action for on_key in found for action in on_key}))


class Bindings(dict[str, Bound]):
    """Need id -> what it was bound to. Needs stand behind those that they refer to.

    ``log_retention`` is how long whatever is bound keeps its log; None: as long as the CDK has it kept. ``profile`` is what
    holds for all that is made; ``rotations`` are the caller's, by the ids of the secrets' needs, and ``secrets_key`` is the
    key for secrets, where they have not the stack's.
    """

    def __init__(
        self,
        *,
        partition: str,
        region: str,
        account: str,
        log_retention: logs.RetentionDays | None = None,
        profile: Profile = BASELINE,
        rotations: Mapping[str, Rotation] | None = None,
        secrets_key: kms.IKey | None = None,
    ) -> None:
        super().__init__()
        self.log_retention = log_retention
        self.profile = profile
        self.rotations = rotations or {}
        self.secrets_key = secrets_key
        self._surroundings = {"partition": partition, "region": region, "account": account}

    def fill(self, text: Text) -> str:
        """The text with every hole filled; values may be CDK tokens."""
        return text.fill(
            lambda hole: (
                self._surroundings[hole.attribute] if hole.need == "aws" else self[hole.need].attributes[hole.attribute]
            )
        )


def via(service: str) -> Condition:
    """Only in calls of KMS that come through ``service``, in the stack's region.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    return Condition(
        "StringEquals", "kms:ViaService", (Text((f"{service}.", Hole("aws", "region"), ".amazonaws.com")),)
    )
