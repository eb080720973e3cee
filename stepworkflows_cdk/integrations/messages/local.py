"""Queues and topics on this machine, and the sending of messages: ``sqs:sendMessage``, ``sns:publish``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from stepworkflows_cdk.errors import LocalRunError
from stepworkflows_cdk.integrations.messages.needs import QueueNeed, TopicNeed
from stepworkflows_cdk.local.errors import TaskFailed
from stepworkflows_cdk.local.services import ServiceError, call
from stepworkflows_cdk.local.world import Queue, World

__all__ = ["perform", "realise_queue", "realise_topic"]

_BODIES = {"sqs:sendMessage": "MessageBody", "sns:publish": "Message"}


def realise_queue(need: QueueNeed, world: World) -> Mapping[str, str]:
    """Creates the queue."""
    attributes = {"MessageRetentionPeriod": str(need.keep), "VisibilityTimeout": str(need.timeout)}
    name = f"{need.id}.fifo" if need.fifo else need.id
    order = {"FifoQueue": "true"} if need.fifo else {}
    url = world.client("sqs").create_queue(QueueName=name, Attributes={**attributes, **order})["QueueUrl"]
    world.destinations[url] = {"queue": need.name}
    world.queues[need.name] = Queue(world.arn("sqs", name), need.timeout, need.tries)
    return {"url": url, "arn": world.arn("sqs", name)}


def realise_topic(need: TopicNeed, world: World) -> Mapping[str, str]:
    """Creates the topic."""
    name = f"{need.id}.fifo" if need.fifo else need.id
    order = {"FifoTopic": "true"} if need.fifo else {}
    arn = world.client("sns").create_topic(Name=name, Attributes=order)["TopicArn"]
    world.destinations[arn] = {"topic": need.name}
    return {"arn": arn}


def perform(resource: str, arguments: Any, world: World) -> Any:
    """https://docs.aws.amazon.com/step-functions/latest/dg/connect-sqs.html and connect-sns.html"""
    if resource not in _BODIES:
        raise LocalRunError(f"{resource} is no task of Step Functions; there are {', '.join(_BODIES)}")
    service, _, action = resource.partition(":")

    def failure(error: ServiceError) -> TaskFailed:
        name = service.upper()
        return TaskFailed(
            f"{name}.{error.exception or f'Amazon{name}Exception'}",
            f"{error.message} (Service: Amazon{name}; Status Code: {error.status}; Error Code: {error.code}; "
            f"Request ID: {error.request_id}; Proxy: null)",
        )

    return call(world, service, action, _written(arguments, _BODIES[resource]), failure)


def _written(arguments: Any, body: str) -> Any:
    """The parameters with the body as JSON text, as Step Functions writes it."""
    if not isinstance(arguments, Mapping) or isinstance(arguments.get(body, ""), str):
        return arguments
    return {**arguments, body: json.dumps(arguments[body], separators=(",", ":"), ensure_ascii=False)}
