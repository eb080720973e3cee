"""``triggers: {queue: {queue: orders}}``: an execution for each message of a queue.

A function reads the queue, since EventBridge Pipes would hand the machine a list of messages, also of one
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-batching-concurrency.html). It names each execution by its
message, so that a message which is delivered twice starts one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from stepworkflows_cdk.compiler.integration import Integration, Start, TriggerScope
from stepworkflows_cdk.compiler.plan import Grant, Hole, Need, Text
from stepworkflows_cdk.integrations.lambda_.needs import FunctionNeed
from stepworkflows_cdk.integrations.triggers.needs import QueueSourceNeed
from stepworkflows_cdk.language.checks.triggers import resource_problems
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.sent import Sent
from stepworkflows_cdk.language.workflow import Trigger, Workflow

if TYPE_CHECKING:
    from constructs import Construct

    from stepworkflows_cdk.constructs.bound import Bindings, Bound
    from stepworkflows_cdk.local.world import World

__all__ = ["QueueTrigger", "QueueTriggerKeys"]

_INLET = Path(__file__).parent / "inlet"
# A queue's messages have to be hidden for as long as the function may take, which is 30 seconds by default:
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
_TIMEOUT = 15
# https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#events-sqs-permissions
_READ = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")


class QueueTriggerKeys(Keys):
    """Starts the flow for each message of a queue, once. The message's body, a JSON object, is the input. A message that is
    none, or cannot be started, stays in the queue, and goes where the queue sends what was received too often; the others of
    its batch are not held up.
    """

    queue: str = Field(description="The name of a queue under `resources`.")
    batch: int = Field(10, ge=1, le=10, description="How many messages are read at a time.")


class QueueTrigger(Integration):
    """SQS by Lambda: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html."""

    triggers = {"queue": QueueTriggerKeys}
    exclusive = frozenset({"queue"})
    needs = (QueueSourceNeed,)

    def trigger_id(self, trigger: Trigger) -> str:
        return _keys(trigger).queue

    def check_trigger(self, trigger: Trigger, workflow: Workflow) -> Iterable[Problem]:
        name = _keys(trigger).queue
        yield from resource_problems(trigger, "queue", name, "queue", workflow)
        resource = workflow.resources.get(name)
        hidden = getattr(resource.keys, "timeout", _TIMEOUT) if resource else _TIMEOUT
        if hidden < _TIMEOUT:
            message = f"messages of `{name}` are hidden for {hidden} seconds, and those that are read for this need {_TIMEOUT}"
            yield Problem(
                "SW401", message, trigger.mark_of("queue"), f"write `timeout: {_TIMEOUT}s` or more in the queue"
            )

    def started_by(self, trigger: Trigger, sent: Sent) -> bool:
        return (sent.kind, sent.to) == ("queue", _keys(trigger).queue)

    def plan_trigger(self, trigger: Trigger, scope: TriggerScope) -> Start:
        keys = _keys(trigger)
        queue = scope.resource(keys.queue)
        function = FunctionNeed(
            id=f"{scope.id}-inlet",
            mark=trigger.mark,
            code=_INLET,
            handler="handler.handler",
            env=(("MACHINE", Text((Hole(scope.machine, "arn"),))),),
            timeout=_TIMEOUT,
            memory=256,
            python="3.14",
            architecture="arm64",
        )
        source = QueueSourceNeed(id=scope.id, mark=trigger.mark, queue=queue.id, function=function.id, batch=keys.batch)
        return Start(
            (function, source),
            (
                Grant(function.id, _READ, scope.arn(queue), trigger.mark),
                Grant(
                    function.id, ("states:StartExecution",), Text((Hole(scope.machine, "machine_arn"),)), trigger.mark
                ),
            ),
        )

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from stepworkflows_cdk.integrations.triggers.cdk import bind_source

        assert isinstance(need, QueueSourceNeed)
        return bind_source(scope, need, bindings)

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        assert isinstance(need, QueueSourceNeed)
        if need.waited_for:  # else it starts flows, and a run here is started by whoever runs it
            arn = world.attributes[need.queue]["arn"]
            name = next(name for name, queue in world.queues.items() if queue.arn == arn)
            world.takers[name] = world.attributes[need.function]["arn"]
        return {}


def _keys(trigger: Trigger) -> QueueTriggerKeys:
    assert isinstance(trigger.keys, QueueTriggerKeys)
    return trigger.keys
