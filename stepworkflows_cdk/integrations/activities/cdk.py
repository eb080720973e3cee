"""An activity need becomes an activity. Who works on it is not part of the stack."""

from __future__ import annotations

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stepworkflows_cdk.constructs.bound import Bound
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.activities.needs import ActivityNeed

__all__ = ["bind"]


def bind(scope: Construct, need: ActivityNeed, given: object | None) -> Bound:
    """Attributes: ``arn``."""
    if given is not None:
        raise ConfigurationError(f"{need.mark}: {need.id} takes no construct of the caller")
    activity = sfn.Activity(scope, "Activity")
    return Bound(construct=activity, attributes={"arn": activity.activity_arn})
