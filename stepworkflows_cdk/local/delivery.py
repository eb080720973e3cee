"""Events and messages handed to the functions that take them, as EventBridge, SQS and Lambda do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from stepworkflows_cdk.local.clock import timestamp
from stepworkflows_cdk.local.errors import TaskFailed
from stepworkflows_cdk.local.scheduler import Pause, Work
from stepworkflows_cdk.local.world import ACCOUNT, REGION, World

__all__ = ["deliver", "deliver_message", "deliver_request"]

_ACCEPTED = (200, 202, 409)
_AGAIN = (60, 120)
"""Seconds before Lambda calls a function again that failed with an event:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"""


def deliver(world: World, bus: str, source: str, detail_type: str, detail: Mapping[str, Any]) -> int:
    """Hands an event to the functions whose rules take it; how many those are."""
    event = {
        "version": "0",
        "id": world.request_id(),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": timestamp(world.clock.now()).replace(".000Z", "Z"),
        "region": REGION,
        "resources": [],
        "detail": detail,
    }
    calls = world.buses.calls(bus, event)
    for call in calls:
        world.start(_called(call, f"the event {detail_type} from {source}", world))
    return len(calls)


def deliver_message(world: World, queue: str, body: Any) -> bool:
    """Hands a message to the function that takes those of the queue; whether there is one."""
    taker = world.takers.get(queue)
    if taker is None:
        return False
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    record = {"messageId": world.request_id(), "body": text, "eventSourceARN": world.queues[queue].arn}
    call = world.buses.functions[taker]
    world.start(_taken(lambda: call({"Records": [record]}), queue, world))
    return True


def deliver_request(
    world: World, method: str, path: str, body: Any, parameters: Mapping[str, str] | None = None
) -> bool:
    """Hands a request to the function that answers the path; whether there is one. ``parameters`` are parts of the path."""
    function = world.paths.get((method, path))
    if function is None:
        return False
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    event = {
        "httpMethod": method,
        "path": path,
        "resource": path,
        "headers": {},
        "pathParameters": parameters,
        "body": text,
    }
    world.start(_answered(lambda: world.buses.functions[function](event), f"{method} {path}", world))
    return True


def _answered(call: Callable[[], Any], what: str, world: World) -> Work:
    """A request; whoever made it is not here to be told that it was no answer. That another was first is no fault of it."""
    yield Pause(0)
    answer = call()
    world.clock.lap()
    if answer["statusCode"] not in _ACCEPTED:
        world.notes.append(f"{what} was answered {answer['statusCode']}{_title(answer['body'])}")


def _title(body: str) -> str:
    try:
        return f": {json.loads(body)['title']}"
    except ValueError:
        return ""


def _called(call: Callable[[], Any], what: str, world: World) -> Work:
    """A function called as Lambda calls one for a rule: where it fails, twice again."""
    failure: TaskFailed | None = None
    for delay in (0, *_AGAIN):
        yield Pause(delay)
        try:
            call()
            return
        except TaskFailed as failed:
            failure = failed
        finally:
            world.clock.lap()  # the time of that function is not the flow's
    assert failure
    world.notes.append(f"{what} was not handled, and is a dead letter: {failure.error}: {failure.cause}")


def _taken(call: Callable[[], Any], queue: str, world: World) -> Work:
    """A message taken as often as the queue gives it out."""
    for delay in (0, *[world.queues[queue].hidden] * (world.queues[queue].tries - 1)):
        yield Pause(delay)
        try:
            if not call()["batchItemFailures"]:
                return
        except TaskFailed:
            pass  # it is given back
        finally:
            world.clock.lap()
    world.notes.append(f"a message to the queue {queue} was not taken, and is a dead letter")
