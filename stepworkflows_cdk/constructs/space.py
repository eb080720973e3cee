"""A space: what the workflows of an app share, so that there is one of each, or the caller's own.

Without one, the workflows of a stack share what they need, made when the first of them needs it. With one, workflows of
several stacks share too, and each thing may be yours. Nothing is made that no workflow needs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from stepworkflows_cdk.constructs import sharing
from stepworkflows_cdk.constructs.network import network
from stepworkflows_cdk.constructs.profile import BASELINE, Profile, settle
from stepworkflows_cdk.errors import ConfigurationError

__all__ = ["WorkflowSpace"]


class WorkflowSpace(Construct):
    """What workflows share: a network, a cluster, a key, a topic for alarms, an API, a profile, and a library of flows
    and steps.

    Pass it to each: ``StepWorkflow(..., space=space)``; all workflows of a stack have the same. A stack that is
    another than the space's takes what it needs from the outputs of that, so the space is deployed first, and goes last.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        network: ec2.IVpc | None = None,
        cluster: ecs.ICluster | None = None,
        key: kms.IKey | None = None,
        alarms: sns.ITopic | None = None,
        api: apigateway.RestApi | None = None,
        profile: str | Profile = BASELINE,
        library: Mapping[str, str | os.PathLike[str]] | None = None,
    ) -> None:
        """
        :param network: where containers run, and functions whose profile demands a network; with private subnets, or isolated
            ones and the endpoints that step code needs. Default: one with public subnets for containers, one without a way
            to the Internet for what a profile or a step demands that of; each made when it is needed.
        :param cluster: where containers run. Default: one, made when it is needed.
        :param key: what tables, queues, logs and all else is encrypted with whose profile demands a key. Its policy has to
            let CloudWatch Logs use it. Default: one, made when it is needed.
        :param alarms: the topic for alarms and messages about executions of all workflows. Default: one, made when it is
            needed.
        :param api: the API that flows with ``triggers: {api: ...}`` add their paths to, made in the stack of these flows; its
            stage, logs and firewall are yours. Default: one for each stack, made when it is needed.
        :param profile: what compliance demands of all workflows of the space; see :class:`StepWorkflow`.
        :param library: flows, and flows whose steps are used, by names of yours: with
            ``{"payments": Path(__file__).parent / "payments.yaml"}`` documents say ``uses: payments`` or
            ``uses: payments#refund``.
        """
        for name, given, attribute in (
            ("network", network, "vpc_id"),
            ("cluster", cluster, "cluster_arn"),
            ("key", key, "key_arn"),
            ("alarms", alarms, "topic_arn"),
            ("api", api, "deployment_stage"),
        ):
            if given is not None and not hasattr(given, attribute):
                raise ConfigurationError(f"{name}: a space does not take a {type(given).__name__} for it")
        chosen = Profile.named(profile)
        super().__init__(scope, construct_id)
        settle(self, chosen, self)
        sharing.give(self, {"Network": network, "Cluster": cluster, "Key": key, "Alarms": alarms, "Api": api})
        self.profile = chosen
        self.library: Mapping[str, Path] = {name: Path(path) for name, path in (library or {}).items()}
        for name, path in self.library.items():
            if not path.is_absolute():
                raise ConfigurationError(
                    f"library: the relative path of {name!r} would depend on the folder that synth is run in; pass "
                    f'Path(__file__).parent / "{path.as_posix()}"'
                )

    @property
    def network(self) -> ec2.IVpc:
        """The network: yours, or the one that is made now if no workflow has needed it yet."""
        return network(self).vpc

    @property
    def key(self) -> kms.IKey | None:
        """The key, None where the profile demands none."""
        return sharing.key(self)

    @property
    def alarms(self) -> sns.ITopic:
        """The topic for alarms."""
        return sharing.alarm_topic(self)
