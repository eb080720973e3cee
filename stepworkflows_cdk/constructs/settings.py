"""How a workflow is operated, as whoever made the construct wants it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import IConstruct

from stepworkflows_cdk.constructs.profile import BASELINE, Profile
from stepworkflows_cdk.constructs.rotation import Rotation
from stepworkflows_cdk.errors import ConfigurationError

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """See the arguments of ``StepWorkflow`` of the same names. A value that cannot be is a ``ConfigurationError``."""

    alarms: sns.ITopic | None = None
    failures: int = 1
    notify: bool = True
    dashboard: bool = True
    log_retention: logs.RetentionDays | None = None
    log_data: bool = False
    profile: Profile = BASELINE
    rotations: Mapping[str, Rotation] | None = None
    secrets_key: kms.IKey | None = None
    space: IConstruct | None = None

    @property
    def retention(self) -> logs.RetentionDays:
        """How long logs are kept."""
        return self.log_retention or self.profile.retention

    def __post_init__(self) -> None:
        if self.alarms is not None and not hasattr(self.alarms, "topic_arn"):
            raise ConfigurationError(f"alarms: pass an sns.ITopic, not {type(self.alarms).__name__}")
        if isinstance(self.failures, bool) or not isinstance(self.failures, int) or self.failures < 1:
            raise ConfigurationError(f"failures: a whole number from 1, not {self.failures!r}")
        if not isinstance(self.log_retention, logs.RetentionDays | None):
            raise ConfigurationError(f"log_retention: a value of logs.RetentionDays, not {self.log_retention!r}")
