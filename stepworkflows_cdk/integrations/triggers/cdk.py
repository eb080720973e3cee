"""Schedules, rules and sources in a CDK app. What starts a machine starts what its attribute ``arn`` says."""

from __future__ import annotations

import json
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct, IConstruct

from stepworkflows_cdk.compiler.plan import Data, Grant, Hole, Text
from stepworkflows_cdk.compiler.texts import json_text
from stepworkflows_cdk.constructs import sharing
from stepworkflows_cdk.constructs.acknowledgements import acknowledge
from stepworkflows_cdk.constructs.bound import Bindings, Bound, via
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.triggers.needs import QueueSourceNeed, ScheduleNeed, StartRuleNeed

__all__ = ["bind_rule", "bind_schedule", "bind_source"]

# Each try of a start has the same name, so a second one of what was started already changes nothing:
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
_NAME = "<aws.scheduler.execution-id>"
_HOUR = 3600


def bind_schedule(scope: Construct, need: ScheduleNeed, bindings: Bindings) -> Bound:
    """Attributes: ``arn``, and ``dead_letters_arn``, where the schedule's role sends what could not be started, with
    ``key_arn``, the key that the stack may have for them.

    It calls StartExecution as a universal target, since the templated one gives executions no name:
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
    """
    group = scheduler.CfnScheduleGroup(scope, "Group")
    # https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    role = _role(scope, "scheduler.amazonaws.com", {"StringEquals": {"aws:SourceArn": group.attr_arn}})
    dead_letters = sharing.dead_letters(scope)
    call: dict[str, Data] = {"StateMachineArn": Text((Hole(need.machine, "arn"),)), "Name": _NAME, "Input": need.input}
    schedule = scheduler.CfnSchedule(
        scope,
        "Schedule",
        group_name=group.ref,
        schedule_expression=need.expression,
        schedule_expression_timezone=need.timezone,
        state="ENABLED" if need.enabled else "DISABLED",
        flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
        target=scheduler.CfnSchedule.TargetProperty(
            arn=f"arn:{cdk.Aws.PARTITION}:scheduler:::aws-sdk:sfn:startExecution",
            role_arn=role.role_arn,
            input=bindings.fill(json_text(call)),
            retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(maximum_event_age_in_seconds=_HOUR),
            dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=dead_letters.queue_arn),
        ),
    )
    # https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
    letters = Grant(need.id, ("sqs:SendMessage",), Text((Hole(need.id, "dead_letters_arn"),)), need.mark)
    attributes = {"arn": schedule.attr_arn, "dead_letters_arn": dead_letters.queue_arn}
    key = sharing.key(scope)
    if key is None:
        return Bound(construct=schedule, attributes=attributes, role=role, grants=(letters,))
    on_key = Text((Hole(need.id, "key_arn"),))
    encrypts = Grant(need.id, ("kms:Decrypt", "kms:GenerateDataKey"), on_key, need.mark, (via("sqs"),))
    return Bound(
        construct=schedule,
        attributes={**attributes, "key_arn": key.key_arn},
        role=role,
        grants=(letters, encrypts),
    )


def bind_rule(scope: Construct, need: StartRuleNeed, bindings: Bindings) -> Bound:
    """Attributes: ``arn``. A bucket of this flow is made to send its events."""
    if need.bucket:
        _has_events(scope, need, bindings[need.bucket].construct)
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/cross-service-confused-deputy-prevention.html
    rules = cdk.Stack.of(scope).format_arn(service="events", resource="rule", resource_name="*")
    role = _role(scope, "events.amazonaws.com", {"ArnLike": {"aws:SourceArn": rules}})
    machine = sfn.StateMachine.from_state_machine_arn(scope, "Machine", bindings[need.machine].attributes["arn"])
    pattern = json.loads(bindings.fill(need.pattern))
    whole = events.RuleTargetInput.from_event_path("$")
    rule = events.Rule(
        scope,
        "Rule",
        event_bus=cast(events.IEventBus, bindings[need.bus].construct) if need.bus else None,
        event_pattern=events.EventPattern(
            source=pattern["source"], detail_type=pattern["detail-type"], detail=pattern.get("detail")
        ),
        targets=[
            targets.SfnStateMachine(
                machine,
                # The role's permissions are grants of the plan.
                role=role.without_policy_updates(),
                input=whole if need.input == "event" else events.RuleTargetInput.from_event_path("$.detail"),
                dead_letter_queue=sharing.undelivered(scope),
            )
        ],
    )
    return Bound(construct=rule, attributes={"arn": rule.rule_arn}, role=role)


def bind_source(scope: Construct, need: QueueSourceNeed, bindings: Bindings) -> Bound:
    """Attributes: none. The function gives back the messages that it could not work off, one by one."""
    source = lambda_.EventSourceMapping(
        scope,
        "Source",
        target=cast(lambda_.IFunction, bindings[need.function].construct),
        event_source_arn=bindings[need.queue].attributes["arn"],
        batch_size=need.batch,
        report_batch_item_failures=True,
    )
    acknowledge(source, "queue-source")
    return Bound(construct=source, attributes={})


def _role(scope: Construct, service: str, conditions: dict[str, dict[str, str]]) -> iam.Role:
    """A role for what is of this account only."""
    account = {"aws:SourceAccount": cdk.Stack.of(scope).account}
    equal = {**conditions.get("StringEquals", {}), **account}
    principal = iam.ServicePrincipal(service, conditions={**conditions, "StringEquals": equal})
    return iam.Role(scope, "Role", assumed_by=principal)


def _has_events(scope: Construct, need: StartRuleNeed, bucket: IConstruct) -> None:
    """Has a bucket that was made here send its events to EventBridge. The L2 property would do it by a custom resource.

    Whether a bucket of the caller's does, only buckets of this app show.
    """
    resource = bucket.node.default_child
    if not isinstance(resource, s3.CfnBucket):
        return
    flow = scope.node.scope
    if flow is not None and f"{bucket.node.path}/".startswith(f"{flow.node.path}/"):
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )
    elif resource.notification_configuration is None and bucket.node.try_find_child("Notifications") is None:
        raise ConfigurationError(
            f"{need.mark}: the bucket {bucket.node.path} does not send its events to EventBridge; make it with "
            "event_bridge_enabled=True"
        )
