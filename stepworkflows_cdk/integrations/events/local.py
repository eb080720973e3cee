"""Buses and rules on this machine, and the sending of events: ``events:putEvents``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from stepworkflows_cdk.errors import LocalRunError
from stepworkflows_cdk.integrations.events.needs import BusNeed, RuleNeed
from stepworkflows_cdk.local.buses import DEFAULT, Rule
from stepworkflows_cdk.local.errors import TaskFailed
from stepworkflows_cdk.local.services import ServiceError, call
from stepworkflows_cdk.local.world import World

__all__ = ["perform", "realise_bus", "realise_rule"]


def realise_bus(need: BusNeed, world: World) -> Mapping[str, str]:
    """Creates the bus."""
    created = world.client("events").create_event_bus(Name=need.id)
    world.buses.names[need.name] = need.id
    return {"name": need.id, "arn": created["EventBusArn"]}


def realise_rule(need: RuleNeed, world: World) -> Mapping[str, str]:
    """Has the function called for the events of the rule."""
    bus = world.attributes[need.bus]["name"] if need.bus else DEFAULT
    function = world.attributes[need.function]["arn"]
    rule = Rule(bus, world.fill(need.source), need.detail_type, need.present, function, json.loads(need.beside))
    world.buses.rules.append(rule)
    return {"arn": world.arn("events", f"rule/{need.id}")}


def perform(resource: str, arguments: Any, world: World) -> Any:
    """``events:putEvents``: https://docs.aws.amazon.com/step-functions/latest/dg/connect-eventbridge.html."""
    if resource != "events:putEvents":
        raise LocalRunError(f"{resource} is no task of Step Functions; there is events:putEvents")
    result = call(world, "events", "putEvents", _written(arguments), _failure)
    if result.get("FailedEntryCount"):
        raise TaskFailed("EventBridge.FailedEntry", json.dumps(result))
    return result


def _written(arguments: Any) -> Any:
    """The parameters with each detail as JSON text, as Step Functions writes it."""
    entries = arguments.get("Entries") if isinstance(arguments, Mapping) else None
    if not isinstance(entries, list):
        return arguments
    written = [
        {**entry, "Detail": json.dumps(entry["Detail"], ensure_ascii=False)}
        if isinstance(entry, Mapping) and not isinstance(entry.get("Detail", ""), str)
        else entry
        for entry in entries
    ]
    return {**arguments, "Entries": written}


def _failure(error: ServiceError) -> TaskFailed:
    return TaskFailed(
        f"EventBridge.{error.exception or 'AmazonEventBridgeException'}",
        f"{error.message} (Service: AmazonEventBridge; Status Code: {error.status}; Error Code: {error.code}; "
        f"Request ID: {error.request_id}; Proxy: null)",
    )
