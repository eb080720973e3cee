"""``wait-for: {event, match}`` and its like: a step that ends when the outside world answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from stepworkflows_cdk.compiler.ahead import Ahead
from stepworkflows_cdk.compiler.integration import Call, Integration, Scope
from stepworkflows_cdk.compiler.plan import Jsonata
from stepworkflows_cdk.integrations.waits.approvals import approval_wait
from stepworkflows_cdk.integrations.waits.cancels import ahead_of
from stepworkflows_cdk.integrations.waits.checks import check_alone, check_among
from stepworkflows_cdk.integrations.waits.claims import TABLE, TRANSIENT
from stepworkflows_cdk.integrations.waits.keys import WaitForKeys, spec_of
from stepworkflows_cdk.integrations.waits.paths import api_wait
from stepworkflows_cdk.integrations.waits.queues import queue_wait
from stepworkflows_cdk.integrations.waits.rules import event_wait, signal_wait
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.workflow import Step, Workflow

if TYPE_CHECKING:
    from stepworkflows_cdk.local.world import World

__all__ = ["WaitFor"]


_DECISION = frozenset({"approved", "choice", "by", "comment"})
_EVENT = frozenset("version id detail-type source account time region resources detail replay-name".split())
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html"""


class WaitFor(Integration):
    """A task token in a table: https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token."""

    key = "wait-for"
    keys = WaitForKeys
    transient = TRANSIENT
    waits = True
    cancels = True
    borrows = {"email": (("approval", "from"), ("approval", "identity"))}
    raises = {"WaitTaken": "another execution waits, or waited, for the same; what is matched has to single out one"}

    def takes_whole(self, step: Step) -> bool:
        return True

    def has_effect(self, step: Step) -> bool:
        return False

    def gives(self, step: Step) -> frozenset[str] | None:
        spec = spec_of(step)
        return _DECISION if spec.approval else _EVENT if spec.event else None

    def check(self, step: Step, workflow: Workflow) -> Iterable[Problem]:
        return check_alone(step, workflow)

    def check_together(self, step: Step, workflow: Workflow, workflows: Sequence[Workflow]) -> Iterable[Problem]:
        return check_among(step, workflow, workflows)

    def beyond_express(self, step: Step, workflow: Workflow) -> str:
        return "SW410"

    def plan_ahead(self, step: Step, match: Sequence[Jsonata], scope: Scope) -> Ahead:
        return ahead_of(step, match, scope)

    def notes(self, world: World) -> Iterable[str]:
        from stepworkflows_cdk.integrations.waits.local import notes

        return notes(TABLE, world)

    def plan(self, step: Step, scope: Scope) -> Call:
        spec = spec_of(step)
        if spec.event is not None:
            return event_wait(step, spec.event, scope)
        if spec.signal is not None:
            return signal_wait(step, spec.signal, scope)
        if spec.queue is not None:
            return queue_wait(step, spec.queue, scope)
        if spec.api is not None:
            return api_wait(step, spec.api, scope)
        assert spec.approval is not None
        return approval_wait(step, spec.approval, scope)
