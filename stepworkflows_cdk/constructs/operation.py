"""What tells people that a workflow is unwell: alarms, and a message for each execution that did not end well.

Both go to one topic. An alarm says that something is wrong with the workflow, and stays on while it is; a message names
one execution, so that somebody can look at it, mend what is wrong, and redrive it. A message has no data of the execution:
input, output and the cause of an error may be personal, and mails are kept by whoever gets them.

Executions that fail or time out raise an alarm; one that is throttled for a quarter of an hour does, since a short one
heals itself; one that was aborted does not, since somebody did that on purpose, but it has a message. Of executions of the
short kind (``mode: express``) EventBridge is told nothing, and no quota holds them back: they have the first two alarms. What
a guard waits for (``guard: true``) has the third alone, since the guard fails with it.

https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from stepworkflows_cdk.constructs import sharing
from stepworkflows_cdk.constructs.dashboard import make_dashboard
from stepworkflows_cdk.constructs.machine import MachineConstructs
from stepworkflows_cdk.constructs.settings import Settings

__all__ = ["Operated", "operate"]

_PERIOD = Duration.minutes(5)


@dataclass(frozen=True)
class Operated:
    """What was made: the topic that all goes to, the alarms, and the dashboard if there is one."""

    topic: sns.ITopic
    alarms: tuple[cloudwatch.Alarm, ...]
    dashboard: cloudwatch.Dashboard | None


def operate(
    scope: Construct,
    machines: Iterable[MachineConstructs],
    functions: Mapping[str, lambda_.IFunction],
    settings: Settings,
) -> Operated:
    """Makes alarms, messages and a dashboard in ``scope``. ``functions`` stand under the names of their steps."""
    machines = tuple(machines)
    topic = settings.alarms or sharing.alarm_topic(scope)
    _open(scope, topic)
    alarms = tuple(alarm for machine in machines for alarm in _alarms(machine, settings.failures))
    for alarm in (*alarms, *(machine.watch for machine in machines if machine.watch is not None)):
        alarm.add_alarm_action(actions.SnsAction(topic))
    told = [machine for machine in machines if not (machine.express or machine.inner)]
    if settings.notify and told:
        _notify(scope, told, topic)
    # Behind the rule, which makes the queue where no function has.
    alarms = (*alarms, sharing.dead_letters_alarm(scope, topic))
    return Operated(topic, alarms, make_dashboard(scope, machines, functions, alarms) if settings.dashboard else None)


def _open(scope: Construct, topic: sns.ITopic) -> None:
    """Lets the alarms of this account publish, also where the topic is encrypted; of an imported topic that is up to whoever
    made it.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    account = {"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}}
    topic.grant_publish(iam.ServicePrincipal("cloudwatch.amazonaws.com", conditions=account))


def _alarms(machine: MachineConstructs, failures: int) -> Iterator[cloudwatch.Alarm]:
    scope = cast(Construct, machine.state_machine.node.scope)
    made = machine.state_machine
    if not machine.inner:
        yield _alarm(scope, "Failed", "executions fail", made.metric_failed(period=_PERIOD), failures)
        yield _alarm(scope, "TimedOut", "executions time out", made.metric_timed_out(period=_PERIOD), failures)
    if machine.express:
        return
    throttled = made.metric_throttled(period=_PERIOD, statistic="Sum")
    yield _alarm(scope, "Throttled", "executions are held back by the account's quota", throttled, 1, periods=3)


def _alarm(
    scope: Construct, id_: str, what: str, metric: cloudwatch.Metric, threshold: int, periods: int = 1
) -> cloudwatch.Alarm:
    return cloudwatch.Alarm(
        scope,
        id_,
        alarm_description=f"{scope.node.path}: {what}",
        metric=metric,
        threshold=threshold,
        evaluation_periods=periods,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )


def _notify(scope: Construct, machines: Iterable[MachineConstructs], topic: sns.ITopic) -> None:
    """The target lets EventBridge publish, and use the topic's key, without a condition on the source: EventBridge takes
    none, in neither policy, and would lose the messages.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    field = events.EventField.from_path
    link = f"https://console.aws.amazon.com/states/home?region={field('$.region')}#/v2/executions/details/"
    message = {
        "workflow": scope.node.path,
        "status": field("$.detail.status"),
        "execution": field("$.detail.name"),
        "arn": field("$.detail.executionArn"),
        "time": field("$.time"),
        "console": f"{link}{field('$.detail.executionArn')}",
    }
    events.Rule(
        scope,
        "Failures",
        description=f"Executions of {scope.node.path} that did not end well",
        event_pattern=events.EventPattern(
            source=["aws.states"],
            detail_type=["Step Functions Execution Status Change"],
            detail={
                "status": ["FAILED", "TIMED_OUT", "ABORTED"],
                "stateMachineArn": [machine.state_machine.state_machine_arn for machine in machines],
            },
        ),
        targets=[
            targets.SnsTopic(
                topic,
                message=events.RuleTargetInput.from_object(message),
                dead_letter_queue=sharing.undelivered(scope),
            )
        ],
    )
