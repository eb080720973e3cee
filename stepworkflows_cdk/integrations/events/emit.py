"""``emit: {bus, source, detail-type}``: sends an event, directly from the state machine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pydantic import Field

from stepworkflows_cdk.compiler.integration import Call, Integration, Scope
from stepworkflows_cdk.compiler.plan import Data, Grant, Hole, Text
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.language.checks.resources import undeclared
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.sent import Sent
from stepworkflows_cdk.language.workflow import Step, Workflow

if TYPE_CHECKING:
    from stepworkflows_cdk.local.world import World

__all__ = ["Emit", "EmitKeys", "EmitSpec"]

_TIMEOUT = 60
_TRANSIENT = ("EventBridge.InternalException", "EventBridge.SdkClientException", "EventBridge.ThrottlingException")
# An entry that was not taken, for a reason that passes:
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
_NOT_TAKEN = "$contains($cause, /InternalFailure|InternalException|ThrottlingException/)"


class EmitSpec(Keys):
    """An event. Its detail are the step's `inputs`."""

    source: str = Field(min_length=1, description="Who sends it, such as `shop.orders`.")
    detail_type: str = Field(min_length=1, description="What kind of event it is, such as `OrderPlaced`.")
    bus: str | None = Field(
        None, description="The name of a bus under `resources`; default: the account's default bus."
    )


class EmitKeys(Keys):
    """The key of a step that sends an event."""

    emit: EmitSpec = Field(description="The event; its detail are the step's `inputs`.")


class Emit(Integration):
    """EventBridge by the optimised integration: https://docs.aws.amazon.com/step-functions/latest/dg/connect-eventbridge.html."""

    key = "emit"
    keys = EmitKeys
    transient = _TRANSIENT
    tasks = ("events:putEvents",)

    def takes_whole(self, step: Step) -> bool:
        return True

    def gives(self, step: Step) -> frozenset[str] | None:
        return frozenset({"Entries", "FailedEntryCount", "SdkHttpMetadata", "SdkResponseMetadata"})

    def check(self, step: Step, workflow: Workflow) -> Iterable[Problem]:
        spec = _spec(step)
        if spec.source.startswith("aws."):
            message = "sources that begin with `aws.` are AWS's own"
            yield Problem("SW219", message, step.mark_of("emit", "source"), "name your own, such as `shop.orders`")
        if spec.bus is not None:
            yield from undeclared(step, ("emit", "bus"), spec.bus, "bus", workflow)

    def sends(self, step: Step) -> Iterable[Sent]:
        spec = _spec(step)
        words = {"source": spec.source, "detail-type": spec.detail_type}
        yield Sent(
            "event", spec.bus, ("emit",), words, None if step.whole_input or step.given_whole else step.named_inputs
        )

    def plan(self, step: Step, scope: Scope) -> Call:
        spec = _spec(step)
        entry: dict[str, Data] = {
            "Source": scope.data(spec.source),
            "DetailType": scope.data(spec.detail_type),
            "Detail": scope.inputs(),
        }
        for key, given in (("source", entry["Source"]), ("detail-type", entry["DetailType"])):
            if given == "" or (key == "source" and isinstance(given, str) and given.startswith("aws.")):
                raise ConfigurationError(f"{step.mark_of('emit', key)}: with this config `{key}` is {given!r}")
        bus = Text(("arn:", _aws("partition"), ":events:", _aws("region"), ":", _aws("account"), ":event-bus/default"))
        if spec.bus is not None:
            need = scope.resource(spec.bus)
            entry["EventBusName"] = Text((Hole(need.id, "name"),))
            bus = scope.arn(need)
        return Call(
            resource="events:putEvents",
            arguments={"Entries": [entry]},
            timeout=step.keys.timeout or _TIMEOUT,
            transient=_TRANSIENT,
            transient_when={"EventBridge.FailedEntry": _NOT_TAKEN},
            grants=(Grant(scope.machine, ("events:PutEvents",), bus, step.key_mark("emit")),),
        )

    def perform(self, resource: str, arguments: Any, world: World) -> Any:
        from stepworkflows_cdk.integrations.events.local import perform

        return perform(resource, arguments, world)


def _spec(step: Step) -> EmitSpec:
    assert isinstance(step.work, EmitKeys)
    return step.work.emit


def _aws(attribute: str) -> Hole:
    return Hole("aws", attribute)
