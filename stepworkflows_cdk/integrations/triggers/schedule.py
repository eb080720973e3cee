"""``triggers: {schedule: {every: 1h}}``: an execution at certain times."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from stepworkflows_cdk.compiler.added import DEAD_LETTERS, Added, with_key
from stepworkflows_cdk.compiler.integration import Integration, Start, TriggerScope
from stepworkflows_cdk.compiler.plan import Grant, Hole, Need, Text
from stepworkflows_cdk.compiler.texts import json_text
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.triggers.needs import ScheduleNeed
from stepworkflows_cdk.integrations.triggers.promised import missing_inputs, unfit_inputs
from stepworkflows_cdk.integrations.triggers.times import check_cron, check_zone
from stepworkflows_cdk.language.checks.triggers import deployed_strings
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.durations import Duration
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.workflow import Trigger, Workflow

if TYPE_CHECKING:
    from constructs import Construct

    from stepworkflows_cdk.constructs.bound import Bindings, Bound
    from stepworkflows_cdk.local.world import World

__all__ = ["Schedule", "ScheduleKeys"]

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))
_REFERENCE = re.compile(r"\{config\.[\w-]+\}\Z")


class ScheduleKeys(Keys):
    """Starts the flow at certain times, by EventBridge Scheduler. A start that fails is tried again for an hour, and then
    kept among the stack's dead letters.
    """

    every: Duration | None = Field(None, description="The time between two starts, in whole minutes.")
    cron: str | None = Field(
        None,
        description="Instead: minutes, hours, day of the month, month, day of the week, year, such as `0 6 ? * MON-FRI *`.",
    )
    timezone: str | None = Field(
        None,
        pattern=r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$",
        description="For `cron`: a name such as `Europe/Vienna`; default: UTC.",
    )
    input: dict[str, Any] = Field(
        default_factory=dict,
        description="The input of each execution, fixed at deployment. `<aws.scheduler.scheduled-time>` in it becomes the time.",
    )
    enabled: bool | str = Field(
        True, description="Whether it starts anything: true, false, or a truth value of `config`."
    )


class Schedule(Integration):
    """EventBridge Scheduler: https://docs.aws.amazon.com/scheduler/latest/UserGuide/what-is-scheduler.html."""

    triggers = {"schedule": ScheduleKeys}
    needs = (ScheduleNeed,)

    def trigger_id(self, trigger: Trigger) -> str:
        keys = _keys(trigger)
        times = _rate(keys.every) if keys.every else f"cron {keys.cron} {keys.timezone or ''}".strip()
        given = json.dumps(keys.input, sort_keys=True)
        return f"{times} {hashlib.sha256(given.encode()).hexdigest()[:6]}" if keys.input else times

    def check_trigger(self, trigger: Trigger, workflow: Workflow) -> Iterable[Problem]:
        keys = _keys(trigger)
        if (keys.every is None) == (keys.cron is None):
            yield Problem("SW232", "a schedule has `every` or `cron`", trigger.mark, "write one of them")
        elif keys.every is not None:
            yield from _check_every(trigger, keys.every, keys.timezone)
        else:
            yield from check_cron(str(keys.cron), trigger.mark_of("cron"))
            yield from check_zone(keys.timezone, trigger.mark_of("timezone"))
        yield from deployed_strings(trigger, workflow, "input")
        yield from _check_enabled(trigger, workflow)
        yield from missing_inputs(trigger, workflow, keys.input.keys(), "give them under `input`")
        yield from unfit_inputs(trigger, workflow, "input", keys.input)

    def plan_trigger(self, trigger: Trigger, scope: TriggerScope) -> Start:
        keys = _keys(trigger)
        enabled = scope.data(keys.enabled)
        if not isinstance(enabled, bool):
            raise ConfigurationError(f"{trigger.mark_of('enabled')}: with this config `enabled` is no truth value")
        schedule = ScheduleNeed(
            id=scope.id,
            mark=trigger.mark,
            expression=f"rate({_rate(keys.every)})" if keys.every else f"cron({keys.cron})",
            timezone=keys.timezone,
            enabled=enabled,
            input=json_text(scope.data(keys.input)),
            machine=scope.machine,
        )
        start = Grant(
            schedule.id, ("states:StartExecution",), Text((Hole(scope.machine, "machine_arn"),)), trigger.mark
        )
        return Start((schedule,), (start,))

    def added(self, need: Need) -> Iterable[Added]:
        return (DEAD_LETTERS, with_key("kms:Decrypt", "kms:GenerateDataKey"))

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from stepworkflows_cdk.integrations.triggers.cdk import bind_schedule

        assert isinstance(need, ScheduleNeed)
        return bind_schedule(scope, need, bindings)

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        return {}  # a run here is started by whoever runs it


def _keys(trigger: Trigger) -> ScheduleKeys:
    assert isinstance(trigger.keys, ScheduleKeys)
    return trigger.keys


def _rate(seconds: int) -> str:
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#rate-based"""
    size, unit = next((each for each in _UNITS if seconds % each[0] == 0), _UNITS[-1])
    return f"{seconds // size} {unit}{'' if seconds == size else 's'}"


def _check_every(trigger: Trigger, every: int, timezone: str | None) -> Iterator[Problem]:
    if every == 0 or every % 60:
        yield Problem("SW232", "`every` is a time of whole minutes", trigger.mark_of("every"), "write `1m` or longer")
    if timezone is not None:
        message = "`timezone` has no effect on `every`"
        yield Problem("SW107", message, trigger.key_mark("timezone"), "remove it, or write `cron`")


def _check_enabled(trigger: Trigger, workflow: Workflow) -> Iterator[Problem]:
    enabled = _keys(trigger).enabled
    if isinstance(enabled, str) and not _REFERENCE.match(enabled):
        hint = "write true, false or `{config.NAME}`"
        yield Problem("SW232", "`enabled` is a truth value", trigger.mark_of("enabled"), hint)
    elif isinstance(enabled, str):
        yield from deployed_strings(trigger, workflow, "enabled")
