"""The order flow, ready to deploy: from the click to the thank-you mail."""

from __future__ import annotations

from stepworkflows_cdk.constructs.workflow import StepWorkflow
from stepworkflows_cdk.reference import order_flow

__all__ = ["OrderFlow"]


class OrderFlow(StepWorkflow):
    """A :class:`StepWorkflow` of the order flow's documents and step code, which this package carries."""

    documents = order_flow()
