"""``signal: {to, name}``: sends a signal to a flow that runs, directly from the state machine.

A signal is an event on the account's default bus. Its source is the flow that it is sent to, its detail type the name, and
its detail the data. So code and people send one by ``PutEvents``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from stepworkflows_cdk.compiler.integration import Call, Integration, Scope
from stepworkflows_cdk.compiler.plan import Condition, Grant, Hole, Need, Text
from stepworkflows_cdk.integrations.waits.keys import WaitForKeys, spec_of
from stepworkflows_cdk.integrations.waits.needs import SignalsNeed
from stepworkflows_cdk.language.checks.resources import undeclared
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.references import given_flow
from stepworkflows_cdk.language.shape import nearest
from stepworkflows_cdk.language.workflow import Step, Workflow

if TYPE_CHECKING:
    from constructs import Construct

    from stepworkflows_cdk.constructs.bound import Bindings, Bound
    from stepworkflows_cdk.local.world import World

__all__ = ["Signal", "SignalKeys", "SignalSpec"]

_TIMEOUT = 60
_TRANSIENT = ("EventBridge.InternalException", "EventBridge.SdkClientException", "EventBridge.ThrottlingException")
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
_NOT_TAKEN = "$contains($cause, /InternalFailure|InternalException|ThrottlingException/)"


class SignalSpec(Keys):
    """A signal. Its data are the step's `inputs`, which have what the other flow matches."""

    to: str = Field(
        min_length=1,
        description='The id of the flow that waits for it, one of this definition, or `"{resources.x}"`: a flow that the '
        "caller gives.",
    )
    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$", description="The signal's name.")


class SignalKeys(Keys):
    """The key of a step that sends a signal to executions of another flow, or of the same."""

    signal: SignalSpec = Field(
        description="Whom it is sent to, and its name; its data are the step's `inputs`. With `error` and `cause` among "
        "them it is an error."
    )


class Signal(Integration):
    """EventBridge by the optimised integration: https://docs.aws.amazon.com/step-functions/latest/dg/connect-eventbridge.html."""

    key = "signal"
    keys = SignalKeys
    transient = _TRANSIENT
    needs = (SignalsNeed,)

    def check(self, step: Step, workflow: Workflow) -> Iterable[Problem]:
        if given := given_flow(_spec(step).to):
            yield from undeclared(step, ("signal", "to"), given, "workflow", workflow)

    def check_together(self, step: Step, workflow: Workflow, workflows: Sequence[Workflow]) -> Iterable[Problem]:
        spec = _spec(step)
        if given_flow(spec.to):
            return
        flows = {flow.id: flow for flow in workflows}
        if spec.to not in flows:
            known = ", ".join(f"`{id_}`" for id_ in flows)
            hint = nearest(spec.to, flows) or f"there are {known}; declare others as resources of the type `workflow`"
            yield Problem("SW227", f"no flow here has the id `{spec.to}`", step.mark_of("signal", "to"), hint)
            return
        waits = _waits(flows[spec.to])
        if spec.name not in waits:
            known = ", ".join(f"`{name}`" for name in sorted(waits))
            hint = nearest(spec.name, waits) or (f"it waits for {known}" if known else "have a step of it wait for one")
            message = f"the flow `{spec.to}` does not wait for a signal `{spec.name}`"
            yield Problem("SW229", message, step.mark_of("signal", "name"), hint)
            return
        if not step.given_whole:
            yield from _missing(step, waits[spec.name], flows[spec.to])

    def plan(self, step: Step, scope: Scope) -> Call:
        spec = _spec(step)
        given = given_flow(spec.to)
        to = scope.resource(given).id if given else None
        signals = SignalsNeed(
            id=f"signals-of-{to}" if to else f"signals-{spec.to}",
            mark=step.mark,
            flow=given or spec.to,
            given=to,
        )
        source = Text((Hole(signals.id, "source"),))
        surroundings = ("arn:", _aws("partition"), ":events:", _aws("region"), ":", _aws("account"))
        # The keys are lists, since one request has many events:
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
        only = (
            Condition("ForAllValues:StringEquals", "events:detail-type", (Text((spec.name,)),)),
            Condition("ForAllValues:StringEquals", "events:source", (source,)),
        )
        bus = Text((*surroundings, ":event-bus/default"))
        return Call(
            resource="events:putEvents",
            arguments={"Entries": [{"Source": source, "DetailType": spec.name, "Detail": scope.inputs()}]},
            timeout=step.keys.timeout or _TIMEOUT,
            transient=_TRANSIENT,
            transient_when={"EventBridge.FailedEntry": _NOT_TAKEN},
            needs=(signals,),
            grants=(Grant(scope.machine, ("events:PutEvents",), bus, step.key_mark("signal"), only),),
        )

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from stepworkflows_cdk.integrations.waits.cdk import bind_signals

        assert isinstance(need, SignalsNeed)
        return bind_signals(scope, need, bindings)

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        assert isinstance(need, SignalsNeed)
        if need.given:
            return {"source": f"given/{need.flow}"}
        world.signals.add(f"here/{need.flow}")
        return {"source": f"here/{need.flow}"}


def _spec(step: Step) -> SignalSpec:
    assert isinstance(step.work, SignalKeys)
    return step.work.signal


def _aws(attribute: str) -> Hole:
    return Hole("aws", attribute)


def _waits(workflow: Workflow) -> dict[str, list[Step]]:
    """The signals that a flow waits for, each with the steps that do."""
    found: dict[str, list[Step]] = {workflow.keys.cancel.signal: []} if workflow.keys.cancel else {}
    for step in workflow.forward:
        if isinstance(step.work, WaitForKeys) and (name := spec_of(step).signal):
            found.setdefault(name, []).append(step)
    return found


def _missing(step: Step, waits: Sequence[Step], workflow: Workflow) -> Iterator[Problem]:
    """Fields that are matched, and that no data of the signal have."""
    given = step.named_inputs
    cancel = workflow.keys.cancel
    for path in cancel.match if cancel and cancel.signal == _spec(step).name else ():
        name = path.partition(".")[0]
        if name not in given:
            message = f"`cancel` of the flow `{workflow.id}` matches `{name}`, which the signal has not"
            mark = step.key_mark("inputs") if given else step.key_mark("signal")
            yield Problem("SW229", message, mark, f"add `{name}` to `inputs`")
    for wait in waits:
        for path in spec_of(wait).match or {}:
            name = path.partition(".")[0]
            if name not in given:
                message = f"the step `{wait.title}` matches `{name}`, which the signal has not"
                mark = step.key_mark("inputs") if given else step.key_mark("signal")
                yield Problem("SW229", message, mark, f"add `{name}` to `inputs`")
