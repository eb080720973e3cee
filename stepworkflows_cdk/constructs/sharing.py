"""What all flows of a stack share: made once per stack by the first that asks, under a fixed construct id.

Three things are the same for every flow and function: where dead letters go, and two policies whose actions take no
resource but ``*``. One of each per stack means that neither the template nor the list of wildcards grows with steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IConstruct

from stepworkflows_cdk.constructs.acknowledgements import TABLE, acknowledge

__all__ = ["dead_letters", "log_delivery", "tracing"]

SCOPE = "StepWorkflowsShared"

_Made = TypeVar("_Made", bound=IConstruct)


def tracing(scope: Construct) -> iam.ManagedPolicy:
    """The stack's policy for sending traces to X-Ray."""
    return _once(scope, "Tracing", lambda shared: _policy(shared, "Tracing", "tracing"))


def log_delivery(scope: Construct) -> iam.ManagedPolicy:
    """The stack's policy with which Step Functions delivers logs."""
    return _once(scope, "LogDelivery", lambda shared: _policy(shared, "LogDelivery", "log-delivery"))


def dead_letters(scope: Construct) -> sqs.Queue:
    """The stack's queue for events that a function could not work off, kept 14 days.

    Step Functions waits for a function's answer and handles its failure itself, so nothing of a flow comes here. What
    comes is what somebody else sent to a step's function as an event, which Lambda would drop after three tries.
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    """
    return _once(scope, "DeadLetters", _queue)


def _once(scope: Construct, construct_id: str, make: Callable[[Construct], _Made]) -> _Made:
    stack = Stack.of(scope)
    shared = cast(Construct, stack.node.try_find_child(SCOPE) or Construct(stack, SCOPE))
    found = shared.node.try_find_child(construct_id)
    return cast(_Made, found) if found is not None else make(shared)


def _policy(shared: Construct, construct_id: str, row: str) -> iam.ManagedPolicy:
    policy = iam.ManagedPolicy(
        shared,
        construct_id,
        statements=[iam.PolicyStatement(actions=list(TABLE[row].subject), resources=["*"])],
    )
    acknowledge(policy, row)
    return policy


def _queue(shared: Construct) -> sqs.Queue:
    queue = sqs.Queue(
        shared,
        "DeadLetters",
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(14),
    )
    acknowledge(queue, "dead-letters")
    return queue
