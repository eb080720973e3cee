"""``triggers: {event: {source, detail-type}}``: an execution for each event of a kind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field

from stepworkflows_cdk.compiler.integration import Integration, Start, TriggerScope
from stepworkflows_cdk.compiler.plan import Data, Grant, Hole, Need, Text
from stepworkflows_cdk.compiler.texts import json_text
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.triggers.needs import StartRuleNeed
from stepworkflows_cdk.integrations.triggers.promised import missing_inputs, unfit_match
from stepworkflows_cdk.language.checks.triggers import deployed_strings, resource_problems
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.references import is_fixed
from stepworkflows_cdk.language.sent import Sent, can_be
from stepworkflows_cdk.language.workflow import Trigger, Workflow

if TYPE_CHECKING:
    from constructs import Construct

    from stepworkflows_cdk.constructs.bound import Bindings, Bound
    from stepworkflows_cdk.local.world import World

__all__ = ["EventTrigger", "EventTriggerKeys"]

_ENVELOPE = {"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"}
"""What an event has: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html"""


def _paths(match: dict[str, Any]) -> dict[str, Any]:
    for path in match:
        if not all(part and part.replace("-", "_").isidentifier() for part in path.split(".")):
            raise ValueError("names of fields of the detail, with dots between them where one is inside another")
    return match


class EventTriggerKeys(Keys):
    """Starts the flow for each event of a kind, at least once. What cannot be started in a day is kept among the stack's dead
    letters.
    """

    source: str = Field(min_length=1, description="Who sends it; fixed at deployment.")
    detail_type: str = Field(min_length=1, description="What kind of event it is; fixed at deployment.")
    match: Annotated[dict[str, Any], AfterValidator(_paths)] = Field(
        default_factory=dict,
        description="Field of the event's detail, such as `order.status` -> the value that it must have, or a list of them; "
        "`null` where it must not be there.",
    )
    bus: str | None = Field(
        None, description="The name of a bus under `resources`; default: the account's default bus."
    )
    input: Literal["detail", "event"] = Field(
        "detail", description="What the execution is given: the event's detail, or the whole event."
    )


class EventTrigger(Integration):
    """EventBridge: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html."""

    triggers = {"event": EventTriggerKeys}
    needs = (StartRuleNeed,)

    def trigger_id(self, trigger: Trigger) -> str:
        keys = _keys(trigger)
        rest = json.dumps([keys.bus, keys.match], sort_keys=True)
        digest = f" {hashlib.sha256(rest.encode()).hexdigest()[:6]}" if keys.bus or keys.match else ""
        return f"{keys.source} {keys.detail_type}{digest}"

    def check_trigger(self, trigger: Trigger, workflow: Workflow) -> Iterable[Problem]:
        keys = _keys(trigger)
        for key in ("source", "detail-type", "match"):
            yield from deployed_strings(trigger, workflow, key)
        if keys.bus is not None:
            yield from resource_problems(trigger, "bus", keys.bus, "bus", workflow)
        yield from _check_match(trigger, keys.match)
        if keys.input == "event":
            yield from missing_inputs(
                trigger, workflow, _ENVELOPE, "write `input: detail`, or declare what an event has"
            )
        else:
            listed = {path: _listed(value) for path, value in keys.match.items()}
            yield from unfit_match(trigger, workflow, "match", listed)

    def started_by(self, trigger: Trigger, sent: Sent) -> bool:
        keys = _keys(trigger)
        return (
            (sent.kind, sent.to) == ("event", keys.bus)
            and can_be(sent.words["source"], keys.source)
            and can_be(sent.words["detail-type"], keys.detail_type)
            and (
                sent.data is None
                or all(_can_have(sent.data, path.split("."), _listed(value)) for path, value in keys.match.items())
            )
        )

    def plan_trigger(self, trigger: Trigger, scope: TriggerScope) -> Start:
        keys = _keys(trigger)
        source, kind = scope.text(keys.source), scope.text(keys.detail_type)
        if not any(source.parts) or not any(kind.parts):
            raise ConfigurationError(f"{trigger.mark}: with this config `source` or `detail-type` is empty")
        pattern: dict[str, Data] = {"source": [source], "detail-type": [kind]}
        if keys.match:
            pattern["detail"] = _detail({path: scope.data(value) for path, value in keys.match.items()})
        rule = StartRuleNeed(
            id=scope.id,
            mark=trigger.mark,
            bus=scope.resource(keys.bus).id if keys.bus else None,
            pattern=json_text(pattern),
            input=keys.input,
            machine=scope.machine,
        )
        return Start(
            (rule,),
            (Grant(rule.id, ("states:StartExecution",), Text((Hole(scope.machine, "machine_arn"),)), trigger.mark),),
        )

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from stepworkflows_cdk.integrations.triggers.cdk import bind_rule

        assert isinstance(need, StartRuleNeed)
        return bind_rule(scope, need, bindings)

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        return {}  # a run here is started by whoever runs it


def _keys(trigger: Trigger) -> EventTriggerKeys:
    assert isinstance(trigger.keys, EventTriggerKeys)
    return trigger.keys


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _can_have(data: Any, path: Sequence[str], wanted: Sequence[Any]) -> bool:
    """Whether what is at ``path`` in the data can be one of the values."""
    for name in path:
        if isinstance(data, str) and not is_fixed(data):
            return True
        if not isinstance(data, Mapping) or name not in data:
            return None in wanted
        data = data[name]
    if isinstance(data, str):
        return any(can_be(data, each) if isinstance(each, str) else not is_fixed(data) for each in wanted)
    return data in wanted


def _check_match(trigger: Trigger, match: Mapping[str, Any]) -> Iterator[Problem]:
    for path, value in match.items():
        if not _listed(value) or any(isinstance(each, list | dict | float) for each in _listed(value)):
            message = "a value to match is a text, a whole number, a truth value or null, or a list of them"
            yield Problem("SW219", message, trigger.mark_of("match", path), "write the value that the field must have")
        if any(other.startswith(f"{path}.") for other in match):
            message = f"`{path}` cannot be matched as a whole and in part"
            yield Problem("SW219", message, trigger.key_mark("match", path), "keep one of them")


def _detail(match: Mapping[str, Data]) -> Data:
    """The pattern of a detail: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html."""
    pattern: dict[str, Any] = {}
    for path, value in match.items():
        *outer, last = path.split(".")
        inner = pattern
        for name in outer:
            inner = inner.setdefault(name, {})
        # CloudFormation takes no null in a template.
        inner[last] = [{"exists": False} if each is None else each for each in _listed(value)]
    return pattern
