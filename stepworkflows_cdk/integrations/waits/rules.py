"""Waits that an event ends: any event of a kind, or a signal, which is an event whose source is the flow that it is sent to.

EventBridge hands the event to the function that answers waits.
"""

from __future__ import annotations

from stepworkflows_cdk.compiler.integration import Call, Scope
from stepworkflows_cdk.compiler.plan import Hole, Text
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.events.needs import RuleNeed
from stepworkflows_cdk.integrations.waits.claims import FUNCTION, beside, claimed
from stepworkflows_cdk.integrations.waits.keys import EventSpec, spec_of
from stepworkflows_cdk.integrations.waits.needs import SignalsNeed
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["event_wait", "signal_wait", "signals_of"]


def event_wait(step: Step, spec: EventSpec, scope: Scope) -> Call:
    """A wait for an event."""
    source = _text(step, "source", scope.text(spec.source))
    kind = _text(step, "detail-type", scope.text(spec.detail_type))
    bus = scope.resource(spec.bus).id if spec.bus else None
    rule = _rule(step, scope, Text((source,)), kind, bus, beside(step, scope.workflow))
    return claimed(step, scope, (rule,), ())


def signal_wait(step: Step, name: str, scope: Scope) -> Call:
    """A wait for a signal."""
    signals = signals_of(scope.workflow, step)
    source = Text((Hole(signals.id, "source"),))
    rule = _rule(step, scope, source, name, None, beside(step, scope.workflow, signal=True))
    return claimed(step, scope, (signals, rule), ())


def signals_of(workflow: Workflow, step: Step) -> SignalsNeed:
    """The source of the signals to a flow."""
    return SignalsNeed(id=f"signals-{workflow.known_as}", mark=step.mark, flow=workflow.known_as)


def _rule(step: Step, scope: Scope, source: Text, kind: str, bus: str | None, beside: str) -> RuleNeed:
    return RuleNeed(
        id="-".join(part for part in ("rule", step.id, scope.distinct) if part),
        mark=step.key_mark("wait-for"),
        bus=bus,
        source=source,
        detail_type=kind,
        present=tuple(spec_of(step).match or ()),
        function=FUNCTION,
        beside=beside,
    )


def _text(step: Step, key: str, text: Text) -> str:
    found = "".join(str(part) for part in text.parts)
    if not found:
        raise ConfigurationError(f"{step.mark_of('wait-for', 'event', key)}: with this config `{key}` is empty")
    return found
