"""What a step needs that is a flow which nobody wrote here: its state machine."""

from __future__ import annotations

from dataclasses import dataclass

from stepworkflows_cdk.compiler.plan import Need

__all__ = ["WorkflowNeed"]


@dataclass(frozen=True, kw_only=True)
class WorkflowNeed(Need):
    """A state machine that exists already. Attributes for holes, as a machine's own: ``arn``, ``machine_arn``, ``name``,
    and of a workflow of this library ``signals``, the source of signals to it.
    """

    name: str
    """The name under ``resources`` in the document, which the caller injects by."""
