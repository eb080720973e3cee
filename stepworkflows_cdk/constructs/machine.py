"""A compiled machine becomes a state machine: its ASL text, holes filled, a role, logs, traces, a version, an alias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stepworkflows_cdk.compiler.bundle import Machine
from stepworkflows_cdk.compiler.plan import Text
from stepworkflows_cdk.constructs import sharing
from stepworkflows_cdk.constructs.bound import Bindings
from stepworkflows_cdk.constructs.release import release
from stepworkflows_cdk.constructs.settings import Settings

__all__ = ["MachineConstructs", "make_machine"]


@dataclass(frozen=True)
class MachineConstructs:
    """What one machine became."""

    id: str
    state_machine: sfn.StateMachine
    role: iam.Role
    log_group: logs.LogGroup
    version: sfn.CfnStateMachineVersion
    alias: sfn.CfnStateMachineAlias
    alias_name: str
    watch: cloudwatch.Alarm | None = None
    """The alarm that takes a deployment back, where it is watched."""
    express: bool = False
    """Whether its executions are of the short kind, which are never throttled, and leave nothing but logs."""
    inner: bool = False
    """Whether another machine waits for its executions, and tells of them as its own."""


def make_machine(scope: Construct, machine: Machine, bindings: Bindings, settings: Settings) -> MachineConstructs:
    """Makes the machine's resources in ``scope``, which is its own."""
    # Step Functions rewrites the account's one policy for log delivery at every group outside this prefix, and that
    # policy is full after some thirty: https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
    name = f"/aws/vendedlogs/states/{cdk.Aws.STACK_NAME}/{cdk.Names.unique_id(scope)}"
    log_group = sharing.log_group(scope, "Logs", bindings.log_retention, name)
    role = _role(scope)
    state_machine = sfn.StateMachine(
        scope,
        "StateMachine",
        definition_body=sfn.DefinitionBody.from_string(machine.text),
        definition_substitutions={hole.name: bindings.fill(Text((hole,))) for hole in machine.holes} or None,
        role=role,
        state_machine_type=sfn.StateMachineType.EXPRESS if machine.express else None,
    )
    _observe(state_machine, log_group, settings.log_data)
    version, alias, watch = release(scope, state_machine, machine.deploy, settings.failures)
    name, kind = machine.deploy.alias, (machine.express, machine.inner)
    return MachineConstructs(machine.id, state_machine, role, log_group, version, alias, name, watch, *kind)


def _role(scope: Construct) -> iam.Role:
    """A role for this account's machines only: https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html"""
    stack = cdk.Stack.of(scope)
    machines = stack.format_arn(
        service="states", resource="stateMachine", resource_name="*", arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
    )
    return iam.Role(
        scope,
        "Role",
        assumed_by=iam.ServicePrincipal(
            "states.amazonaws.com",
            conditions={
                "ArnLike": {"aws:SourceArn": machines},
                "StringEquals": {"aws:SourceAccount": stack.account},
            },
        ),
        managed_policies=[sharing.policy(scope, "tracing"), sharing.policy(scope, "log-delivery")],
    )


def _observe(state_machine: sfn.StateMachine, log_group: logs.LogGroup, data: bool) -> None:
    """Logs every event, with the ``data`` of the execution only where that is wanted, and traces.

    Set on the resource, since the L2 properties would also write wildcard statements into an inline policy of the
    role. A role that takes no such additions would prevent that, but it would drop the caller's own ``grant_*``
    without a word.
    """
    resource = cast(sfn.CfnStateMachine, state_machine.node.default_child)
    resource.logging_configuration = sfn.CfnStateMachine.LoggingConfigurationProperty(
        destinations=[
            sfn.CfnStateMachine.LogDestinationProperty(
                cloud_watch_logs_log_group=sfn.CfnStateMachine.CloudWatchLogsLogGroupProperty(
                    log_group_arn=log_group.log_group_arn
                )
            )
        ],
        include_execution_data=data,
        level="ALL",
    )
    resource.tracing_configuration = sfn.CfnStateMachine.TracingConfigurationProperty(enabled=True)
