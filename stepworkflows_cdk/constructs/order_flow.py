"""The order flow, ready to deploy: from the click to the thank-you mail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from constructs import Construct

from stepworkflows_cdk.constructs.profile import Profile
from stepworkflows_cdk.constructs.rotation import Rotation
from stepworkflows_cdk.constructs.space import WorkflowSpace
from stepworkflows_cdk.constructs.workflow import StepWorkflow
from stepworkflows_cdk.reference import order_flow

__all__ = ["OrderFlow"]


class OrderFlow(StepWorkflow):
    """A :class:`StepWorkflow` of the order flow's documents and step code, which this package carries."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        resources: Mapping[str, object] | None = None,
        secrets: Mapping[str, secretsmanager.ISecret] | None = None,
        config: Mapping[str, Any] | None = None,
        overrides: Mapping[str, Mapping[str, Any]] | None = None,
        space: WorkflowSpace | None = None,
        alarms: sns.ITopic | None = None,
        failures: int = 1,
        notify: bool = True,
        dashboard: bool = True,
        log_retention: logs.RetentionDays | None = None,
        log_data: bool = False,
        profile: str | Profile | None = None,
        rotations: Mapping[str, Rotation] | None = None,
        secrets_key: kms.IKey | None = None,
    ) -> None:
        """
        :param resources: your own tables, by their names in the document. Default: created and retained.
        :param secrets: your own secrets, by their names in the document. Default: created with a placeholder value.
        :param config: values for names under ``config`` in the document. Default: those in the document.
        :param overrides: changes to steps, by their ids; as for :class:`StepWorkflow`.

        The others are those of :class:`StepWorkflow`, with its defaults.
        """
        super().__init__(
            scope,
            construct_id,
            definition=order_flow(),
            resources=resources,
            secrets=secrets,
            config=config,
            overrides=overrides,
            space=space,
            alarms=alarms,
            failures=failures,
            notify=notify,
            dashboard=dashboard,
            log_retention=log_retention,
            log_data=log_data,
            profile=profile,
            rotations=rotations,
            secrets_key=secrets_key,
        )
