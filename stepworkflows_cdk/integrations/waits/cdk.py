"""What signals are called by in an account: the name of the stack, the place of the workflow in it, the flow."""

from __future__ import annotations

from constructs import Construct

from stepworkflows_cdk.constructs.bound import Bindings, Bound
from stepworkflows_cdk.constructs.names import in_account
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.waits.needs import SignalsNeed

__all__ = ["bind_signals"]


def bind_signals(scope: Construct, need: SignalsNeed, bindings: Bindings) -> Bound:
    """Attributes: ``source``, known when the app is synthesised, so that whoever sends signals needs nothing of the stack."""
    if need.given is not None:
        given = bindings[need.given]
        if "signals" not in given.attributes:
            raise ConfigurationError(
                f"{need.mark}: signals go to workflows of this library; pass the StepWorkflow itself in "
                f"resources={{{need.flow!r}: ...}}"
            )
        return Bound(construct=given.construct, attributes={"source": given.attributes["signals"]})
    workflow = scope.node.scope
    assert isinstance(workflow, Construct)
    return Bound(construct=scope, attributes={"source": f"{in_account(workflow)}/{need.flow}"})
