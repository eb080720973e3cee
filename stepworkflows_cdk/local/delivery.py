"""Events and messages handed to the functions that take them, as EventBridge, SQS and Lambda do."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from stepworkflows_cdk.local.clock import timestamp
from stepworkflows_cdk.local.errors import TaskFailed
from stepworkflows_cdk.local.fates import Fate, handled
from stepworkflows_cdk.local.scheduler import Pause, Work
from stepworkflows_cdk.local.world import ACCOUNT, REGION, World

__all__ = ["deliver", "deliver_message", "deliver_request"]

_ACCEPTED = (200, 202, 409)
_PAGE = re.compile(r"<h1>(.*?)</h1><pre>(.*?)</pre>", re.DOTALL)
_CHOICE = re.compile(r'name="choice" value="([^"]*)"')
_AGAIN = (60, 120)
"""Seconds before Lambda calls a function again that failed with an event:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"""


def deliver(world: World, bus: str, source: str, detail_type: str, detail: Mapping[str, Any], entry: str = "") -> int:
    """Hands an event to the functions whose rules take it; how many those are. ``entry`` is what it comes from, where that is
    one from outside.
    """
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
    for rule, call in calls:
        step, matched = str(rule.beside.get("wait", "")).rpartition("/")[2], ", ".join(rule.beside.get("match", ()))
        fate = Fate(entry, bool(rule.beside.get("cancel")), step, matched) if entry else None
        world.start(_called(call, entry or f"the event {detail_type} from {source}", world, fate))
    return len(calls)


def deliver_message(world: World, queue: str, body: Any, entry: str = "") -> bool:
    """Hands a message to the function that takes those of the queue; whether there is one."""
    taker = world.takers.get(queue)
    if taker is None:
        return False
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    record = {"messageId": world.request_id(), "body": text, "eventSourceARN": world.queues[queue].arn}
    call = world.buses.functions[taker]
    world.start(
        _taken(lambda: call({"Records": [record]}), queue, world, Fate(entry or f"a message to the queue {queue}"))
    )
    return True


def deliver_request(
    world: World, method: str, path: str, body: Any, parameters: Mapping[str, str] | None = None, *, entry: str
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
    world.start(_answered(lambda: world.buses.functions[function](event), Fate(entry), world))
    return True


def _answered(call: Callable[[], Any], fate: Fate, world: World) -> Work:
    """A request; whoever made it is not here to be told that it was no answer. That another was first is no fault of it."""
    yield Pause(0)
    with handled(world, fate):
        answer = call()
    world.clock.lap()
    if answer["statusCode"] in _ACCEPTED:
        world.settled.add(fate.entry)
    elif not fate.late:
        world.notes.append(f"{fate.entry} was not taken: {answer['statusCode']}{_said(answer['body'])}")


def _said(body: str) -> str:
    """What an answer says for people: the title of a problem, or of a page, with its text and the choices on it."""
    try:
        return f", {json.loads(body)['title']}"
    except ValueError:
        pass
    page = _PAGE.search(body)
    if page is None:
        return ""
    choices = ", ".join(map(html.unescape, _CHOICE.findall(body)))
    if choices:
        return f", the choices are {choices}"
    return f", {html.unescape(page[1])}: {html.unescape(page[2])}"


def _called(call: Callable[[], Any], what: str, world: World, fate: Fate | None) -> Work:
    """A function called as Lambda calls one for a rule: where it fails, twice again."""
    failure: TaskFailed | None = None
    for delay in (0, *_AGAIN):
        yield Pause(delay)
        try:
            with handled(world, fate):
                call()
            world.notes.extend(filter(None, [str(fate or "")]))
            return
        except TaskFailed as failed:
            failure = failed
        finally:
            world.clock.lap()  # the time of that function is not the flow's
    assert failure
    world.notes.append(f"{what} was not handled, and is a dead letter: {failure.error}: {failure.cause}")


def _taken(call: Callable[[], Any], queue: str, world: World, fate: Fate) -> Work:
    """A message taken as often as the queue gives it out."""
    for delay in (0, *[world.queues[queue].hidden] * (world.queues[queue].tries - 1)):
        yield Pause(delay)
        try:
            with handled(world, fate):
                given_back = call()["batchItemFailures"]
            if not given_back:
                world.notes.extend(filter(None, [str(fate)]))
                return
        except TaskFailed:
            pass  # it is given back
        finally:
            world.clock.lap()
    reason = "no step waits for what it has in the fields that are matched, or it can be no answer"
    world.notes.append(f"{fate.entry} was not taken, and is a dead letter: {reason}")
