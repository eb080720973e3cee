"""A compliance profile: what it demands of everything that a flow becomes in a stack, and which packs of cdk-nag it passes.

A profile is one name for settings that belong together. It is one for the whole stack, since flows of a stack share
queues, keys and policies. What it cannot meet by a setting stands in the acknowledgements.

What profiles other than the baseline cost beside what they protect, in us-east-1:

* the stack's key: $1 a month, and $1 for each of its first two rotations; $0.03 for 10,000 uses
  (https://aws.amazon.com/kms/pricing/);
* the network: $0.01 an hour for each service that step code calls, in each of two zones, so $14.60 a month a service;
  none for DynamoDB and S3; three more, $43.80 a month, where the stack has containers; $0.01 a GB (https://aws.amazon.com/privatelink/pricing/);
* logs that are kept: $0.03 a GB and month, and $0.50 a GB of flow logs when they come in
  (https://aws.amazon.com/cloudwatch/pricing/);
* daily backups of tables: $0.10 a GB and month (https://aws.amazon.com/backup/pricing/);
* reserved concurrency: no money, but of the 1,000 calls at once that an account has, which leaves 100 for the rest
  (https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, cast

from aws_cdk import Stack
from aws_cdk import aws_logs as logs
from constructs import Construct, IConstruct

from stepworkflows_cdk.errors import ConfigurationError

__all__ = ["BASELINE", "PACKS", "PROFILES", "Profile", "profile_of", "settle", "shared", "space_path"]

PACKS: tuple[str, ...] = (
    "AwsSolutions",
    "Serverless",
    "HIPAA.Security",
    "PCI.DSS.321",
    "NIST.800.53.R4",
    "NIST.800.53.R5",
)
"""What the ids of a pack's rules begin with."""

SCOPE = "StepWorkflowsShared"
_CONTEXT = "stepworkflows:profile"
_SPACE = "stepworkflows:space"


@dataclass(frozen=True)
class Profile:
    """What holds for all flows of a stack.

    One that differs in a setting: ``dataclasses.replace(Profile.named("hipaa"), concurrency=50)``.
    """

    name: str
    packs: tuple[str, ...] = PACKS[:2]
    """The packs of cdk-nag that find nothing, as :data:`PACKS` spells them."""
    customer_key: bool = False
    """Whether tables, buckets, queues, topics, buses, secrets, logs, backups and the variables of functions are encrypted
    with a KMS key of the stack, which rotates every year. The data of executions stays under a key of AWS's own.
    """
    private_network: bool = False
    """Whether functions, and containers on Fargate, run in a network without a way to the Internet, and reach the AWS services
    that they have permissions for through endpoints in it.
    """
    concurrency: int | None = None
    """How many calls of one function may run at once, set aside for it. More are tried again by the machine."""
    backups: bool = False
    """Whether tables made here are backed up every day, for 35 days, beside their point-in-time recovery. AWS Backup
    manages these backups by itself, so the role that starts them can delete none; an account that has used it since before
    November 2021 has to turn that on for DynamoDB:
    https://docs.aws.amazon.com/aws-backup/latest/devguide/advanced-ddb-backup.html
    """
    log_retention: str = "THREE_MONTHS"
    """How long logs are kept: a name of ``aws_logs.RetentionDays``."""
    keep_logs: bool = False
    """Whether logs outlive the stack."""

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.packs) - set(PACKS)):
            raise ConfigurationError(f"profile: unknown pack {unknown[0]!r}; packs are {', '.join(PACKS)}")
        if self.log_retention not in _DAYS:
            raise ConfigurationError(
                f"profile: log_retention is a name of aws_logs.RetentionDays, such as ONE_YEAR, not {self.log_retention!r}"
            )
        if self.concurrency is not None and self.concurrency < 1:
            raise ConfigurationError(f"profile: concurrency is a number from 1, not {self.concurrency}")

    @classmethod
    def named(cls, profile: str | Profile) -> Profile:
        """The profile of that name, or the caller's own. An unknown name is a :class:`ConfigurationError`."""
        if isinstance(profile, Profile):
            return profile
        if profile not in PROFILES:
            raise ConfigurationError(f"profile: unknown name {profile!r}; profiles are {', '.join(PROFILES)}")
        return PROFILES[profile]

    @property
    def days(self) -> int:
        """How many days logs are kept."""
        return _DAYS[self.log_retention]

    @property
    def retention(self) -> logs.RetentionDays:
        return logs.RetentionDays[self.log_retention]


# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_DAYS: Mapping[str, int] = {
    "ONE_DAY": 1,
    "THREE_DAYS": 3,
    "FIVE_DAYS": 5,
    "ONE_WEEK": 7,
    "TWO_WEEKS": 14,
    "ONE_MONTH": 30,
    "TWO_MONTHS": 60,
    "THREE_MONTHS": 90,
    "FOUR_MONTHS": 120,
    "FIVE_MONTHS": 150,
    "SIX_MONTHS": 180,
    "ONE_YEAR": 365,
    "THIRTEEN_MONTHS": 400,
    "EIGHTEEN_MONTHS": 545,
    "TWO_YEARS": 731,
    "THREE_YEARS": 1096,
    "FIVE_YEARS": 1827,
    "SIX_YEARS": 2192,
    "SEVEN_YEARS": 2557,
    "EIGHT_YEARS": 2922,
    "NINE_YEARS": 3288,
    "TEN_YEARS": 3653,
}
BASELINE = Profile("baseline")
"""AwsSolutions and Serverless."""

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "baseline": BASELINE,
        # 45 CFR 164.316(b)(2)(i): documentation is kept six years.
        "hipaa": Profile(
            "hipaa",
            packs=(*PACKS[:2], "HIPAA.Security"),
            customer_key=True,
            private_network=True,
            concurrency=10,
            backups=True,
            log_retention="SIX_YEARS",
            keep_logs=True,
        ),
        # PCI DSS 3.2.1, 10.7: the audit trail is kept a year.
        "pci": Profile(
            "pci",
            packs=(*PACKS[:2], "PCI.DSS.321"),
            customer_key=True,
            private_network=True,
            log_retention="ONE_YEAR",
            keep_logs=True,
        ),
        # NIST SP 800-53 AU-11 leaves the time to the organization; a year is what OMB M-21-31 asks of agencies at hand.
        "nist": Profile(
            "nist",
            packs=(*PACKS[:2], "NIST.800.53.R4", "NIST.800.53.R5"),
            customer_key=True,
            private_network=True,
            concurrency=10,
            backups=True,
            log_retention="ONE_YEAR",
            keep_logs=True,
        ),
    }
)


def settle(scope: Construct, profile: Profile, space: IConstruct | None = None) -> None:
    """Makes ``profile`` that of the stack, and ``space`` its space. Another flow of the stack with others is a
    :class:`ConfigurationError`.
    """
    path = space.node.path if space is not None else None
    name = Stack.of(scope).stack_name
    if Stack.of(scope).node.try_find_child(SCOPE) is None:
        shared(scope).node.set_context(_CONTEXT, json.dumps(asdict(profile)))
        shared(scope).node.set_context(_SPACE, path)
    elif path != space_path(scope):
        raise ConfigurationError(
            f"space: what the flows of the stack {name} share is in {space_path(scope) or 'the stack itself'!r}; give "
            f"{scope.node.path} the same space, or a stack of its own"
        )
    elif profile_of(scope) != profile:
        raise ConfigurationError(
            f"profile: another flow of the stack {name} has {profile_of(scope).name!r}, and they share queues, keys and "
            f"policies; give {scope.node.path} the same one, or a stack of its own"
        )


def space_path(scope: IConstruct) -> str | None:
    """The path of the stack's space; None where it has none."""
    path: str | None = shared(scope).node.try_get_context(_SPACE)
    return path


def profile_of(scope: IConstruct) -> Profile:
    """The profile of the stack: the baseline where none was settled."""
    text: str | None = shared(scope).node.try_get_context(_CONTEXT)
    if text is None:
        return BASELINE
    found: dict[str, Any] = json.loads(text)
    return Profile(**{**found, "packs": tuple(found["packs"])})


def shared(scope: IConstruct) -> Construct:
    """The scope of all that flows of the stack share."""
    stack = Stack.of(scope)
    return cast(Construct, stack.node.try_find_child(SCOPE) or Construct(stack, SCOPE))
