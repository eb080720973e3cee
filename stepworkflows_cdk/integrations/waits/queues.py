"""Waits that a message in a queue ends. A function takes all messages of the queue, for all steps of the flow that wait on it."""

from __future__ import annotations

import json

from stepworkflows_cdk.compiler.integration import Call, Scope
from stepworkflows_cdk.compiler.plan import Grant, Text, need_id
from stepworkflows_cdk.integrations.triggers.needs import QueueSourceNeed
from stepworkflows_cdk.integrations.waits.claims import answering, beside, claimed, resolver
from stepworkflows_cdk.integrations.waits.keys import spec_of
from stepworkflows_cdk.language.workflow import Step

__all__ = ["queue_wait"]

_BATCH = 10
# https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#events-sqs-permissions
_READ = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")


def queue_wait(step: Step, name: str, scope: Scope) -> Call:
    """A wait for a message."""
    workflow, queue = scope.workflow, scope.resource(name)
    waits = [each for each in workflow.forward if each.integration is step.integration and spec_of(each).queue == name]
    told = json.dumps([json.loads(beside(each, workflow)) for each in waits])
    mark = waits[0].mark
    function = resolver(mark, need_id("wait-messages", name), "messages", {"WAITS": Text((told,))})
    source = QueueSourceNeed(
        id=need_id("wait-queue", name),
        mark=mark,
        queue=queue.id,
        function=function.id,
        batch=_BATCH,
        waited_for=True,
    )
    grants = (Grant(function.id, _READ, scope.arn(queue), mark), *answering(function.id, mark))
    return claimed(step, scope, (function, source), grants)
