"""What a workflow does, on one page: how executions end, how long they take, what its functions do, what was left lying."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stepworkflows_cdk.constructs import sharing
from stepworkflows_cdk.constructs.machine import MachineConstructs

__all__ = ["make_dashboard"]

_PERIOD = Duration.minutes(5)
_WIDTH, _HEIGHT = 12, 6
_ALARMS_HEIGHT = 3


def make_dashboard(
    scope: Construct,
    machines: Sequence[MachineConstructs],
    functions: Mapping[str, lambda_.IFunction],
    alarms: Sequence[cloudwatch.IAlarm],
) -> cloudwatch.Dashboard:
    """The dashboard ``Dashboard`` in ``scope``; ``functions`` stand under the names of their steps."""
    state = cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=2 * _WIDTH, height=_ALARMS_HEIGHT)
    rows: list[list[cloudwatch.IWidget]] = [[state], *(_executions(machine) for machine in machines)]
    if functions:
        rows.append(_functions(functions))
    queue = sharing.dead_letters(scope)
    waiting = queue.metric_approximate_number_of_messages_visible(period=_PERIOD, label="messages")
    throttled = [
        machine.state_machine.metric_throttled(period=_PERIOD, label=machine.id, statistic="Sum")
        for machine in machines
        if not machine.express
    ]
    held_back = [_graph("Throttled", throttled)] if throttled else []
    rows.append([*held_back, _graph("Dead letters of the stack", [waiting])])
    return cloudwatch.Dashboard(scope, "Dashboard", widgets=rows)


def _executions(machine: MachineConstructs) -> list[cloudwatch.IWidget]:
    of = machine.state_machine
    results = [
        of.metric_started(period=_PERIOD, label="started"),
        of.metric_succeeded(period=_PERIOD, label="succeeded"),
        of.metric_failed(period=_PERIOD, label="failed"),
        of.metric_timed_out(period=_PERIOD, label="timed out"),
        of.metric_aborted(period=_PERIOD, label="aborted"),
    ]
    lengths = [of.metric_time(period=_PERIOD, label=name, statistic=name) for name in ("p50", "p99")]
    return [_graph(f"{machine.id}: executions", results), _graph(f"{machine.id}: milliseconds", lengths)]


def _functions(functions: Mapping[str, lambda_.IFunction]) -> list[cloudwatch.IWidget]:
    errors = [function.metric_errors(period=_PERIOD, label=name) for name, function in functions.items()]
    lengths = [
        function.metric_duration(period=_PERIOD, label=name, statistic="p99") for name, function in functions.items()
    ]
    return [_graph("Errors of functions", errors), _graph("Functions: milliseconds, p99", lengths)]


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=_WIDTH, height=_HEIGHT)
