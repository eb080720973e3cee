"""``resources: {jobs: {type: queue}, news: {type: topic}}``: queues and topics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.compiler.plan import Hole, Need, Text, need_id
from stepworkflows_cdk.integrations.messages.needs import QueueNeed, TopicNeed
from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.durations import Duration
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.workflow import Resource, Workflow

if TYPE_CHECKING:
    from constructs import Construct

    from stepworkflows_cdk.constructs.bound import Bindings, Bound
    from stepworkflows_cdk.local.world import World

__all__ = ["QueueKeys", "Queues", "TopicKeys", "Topics"]

_DAY = 86_400
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
_KEPT = (60, 14 * _DAY)
_TAKEN = 43_200


class QueueKeys(Keys):
    """A queue, with a second one behind it for messages that nobody could work off, kept 14 days."""

    fifo: bool = Field(False, description="Messages of one group are taken in order, each once.")
    keep: Duration = Field(4 * _DAY, description="How long a message is kept that nobody takes, 1m to 14d.")
    timeout: Duration = Field(30, description="The time that whoever takes a message has for it, at most 12h.")
    tries: int = Field(5, ge=1, le=1000, description="How often a message is taken before it is a dead letter.")


class TopicKeys(Keys):
    """A topic, whose messages go to all who subscribe to it."""

    fifo: bool = Field(False, description="Messages of one group come in order, each once.")


class Queues(Integration):
    """SQS: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html."""

    resource_types = {"queue": QueueKeys}
    access = {
        "read": (
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
        ),
        "write": ("sqs:SendMessage",),
    }
    needs = (QueueNeed,)
    tasks = ("sqs:",)

    def check_resource(self, resource: Resource, workflow: Workflow) -> Iterable[Problem]:
        assert isinstance(resource.keys, QueueKeys)
        if not _KEPT[0] <= resource.keys.keep <= _KEPT[1]:
            mark = workflow.document.mark(("resources", resource.name, "keep"))
            yield Problem("SW401", "a queue keeps messages from 1 minute to 14 days", mark, "write 1m to 14d")
        if resource.keys.timeout > _TAKEN:
            mark = workflow.document.mark(("resources", resource.name, "timeout"))
            yield Problem("SW401", "a message can be taken for 12 hours at most", mark, "write up to 12h")

    def plan_resource(self, name: str, type_: str, keys: Any, mark: Mark) -> Need:
        return QueueNeed(
            id=need_id("queue", name),
            mark=mark,
            name=name,
            fifo=keys.fifo,
            keep=keys.keep,
            timeout=keys.timeout,
            tries=keys.tries,
        )

    def identity(self, need: Need) -> Text:
        return Text((Hole(need.id, "url"),))

    def arn(self, need: Need) -> Text:
        return Text((Hole(need.id, "arn"),))

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from stepworkflows_cdk.integrations.messages.cdk import bind_queue

        assert isinstance(need, QueueNeed)
        return bind_queue(scope, need, given)

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        from stepworkflows_cdk.integrations.messages.local import realise_queue

        assert isinstance(need, QueueNeed)
        return realise_queue(need, world)

    def perform(self, resource: str, arguments: Any, world: World) -> Any:
        from stepworkflows_cdk.integrations.messages.local import perform

        return perform(resource, arguments, world)


class Topics(Integration):
    """SNS: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html."""

    resource_types = {"topic": TopicKeys}
    access = {"write": ("sns:Publish",)}
    needs = (TopicNeed,)
    tasks = ("sns:",)

    def plan_resource(self, name: str, type_: str, keys: Any, mark: Mark) -> Need:
        return TopicNeed(id=need_id("topic", name), mark=mark, name=name, fifo=keys.fifo)

    def identity(self, need: Need) -> Text:
        return Text((Hole(need.id, "arn"),))

    def arn(self, need: Need) -> Text:
        return Text((Hole(need.id, "arn"),))

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from stepworkflows_cdk.integrations.messages.cdk import bind_topic

        assert isinstance(need, TopicNeed)
        return bind_topic(scope, need, given)

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        from stepworkflows_cdk.integrations.messages.local import realise_topic

        assert isinstance(need, TopicNeed)
        return realise_topic(need, world)

    def perform(self, resource: str, arguments: Any, world: World) -> Any:
        from stepworkflows_cdk.integrations.messages.local import perform

        return perform(resource, arguments, world)
