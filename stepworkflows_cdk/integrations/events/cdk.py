"""A bus need becomes an event bus, or the caller's own bus is taken for it; a rule need becomes a rule with its target."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stepworkflows_cdk.constructs import sharing
from stepworkflows_cdk.constructs.bound import Bindings, Bound
from stepworkflows_cdk.constructs.names import in_account
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.events.needs import BusNeed, RuleNeed

__all__ = ["bind_bus", "bind_rule"]

_NAME = 64
"""Characters of a rule's name: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html"""
_EVENT = ("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail")
"""What an event has: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html"""


def bind_bus(scope: Construct, need: BusNeed, given: object | None) -> Bound:
    """Attributes: ``name``, and ``arn``.

    A bus that may be of another account is named by its ARN, which EventBridge takes as well:
    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
    """
    bus = _created(scope) if given is None else _adopted(need, given)
    name = bus.event_bus_arn if _differences(scope, bus) else bus.event_bus_name
    return Bound(construct=bus, attributes={"name": name, "arn": bus.event_bus_arn})


def bind_rule(scope: Construct, need: RuleNeed, bindings: Bindings) -> Bound:
    """Attributes: ``arn``.

    The function is given each event once EventBridge has it; what it does not take in a day goes where the stack keeps
    dead letters. All rules of a function have names with the same beginning, by which one statement lets them call it: a
    function's policy has 20 kB, which some 40 statements fill.
    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    """
    bus = cast(events.IEventBus, bindings[need.bus].construct) if need.bus else None
    if bus is not None and any(_are_known(*pair) for pair in _differences(scope, bus)):
        raise ConfigurationError(
            f"{need.mark}: the bus is one of another account or region, where this stack makes no rules; have it send "
            "these events on to a bus of this account, and pass that one"
        )
    beginning = _opened(cast(lambda_.Function, bindings[need.function].construct))
    # As an imported one, whose policy the CDK leaves alone.
    function = lambda_.Function.from_function_attributes(
        scope,
        "Function",
        function_arn=bindings[need.function].attributes["arn"],
        same_environment=False,
        skip_permissions=True,
    )
    target = targets.LambdaFunction(
        function,
        dead_letter_queue=sharing.undelivered(scope),
        event=events.RuleTargetInput.from_object({**json.loads(need.beside), "event": _event()}),
    )
    rule = events.Rule(
        scope,
        "Rule",
        rule_name=_named(beginning, need.id),
        event_bus=bus,
        event_pattern=events.EventPattern(
            source=[bindings.fill(need.source)], detail_type=[need.detail_type], detail=_present(need.present) or None
        ),
        targets=[target],
    )
    return Bound(construct=rule, attributes={"arn": rule.rule_arn})


def _opened(function: lambda_.Function) -> str:
    """Lets rules call the function whose names begin with what this gives, whatever bus they are on."""
    beginning = hashlib.sha256(in_account(function).encode()).hexdigest()[:12]
    if function.node.try_find_child("Rules") is None:
        rules = cdk.Stack.of(function).format_arn(service="events", resource="rule", resource_name=f"*{beginning}-*")
        function.add_permission("Rules", principal=iam.ServicePrincipal("events.amazonaws.com"), source_arn=rules)
    return beginning


def _named(beginning: str, id_: str) -> str:
    name = f"{beginning}-{id_}"
    if len(name) <= _NAME:
        return name
    return f"{name[: _NAME - 7]}-{hashlib.sha256(id_.encode()).hexdigest()[:6]}"


def _created(scope: Construct) -> events.IEventBus:
    # A bus has to have a name. By the stack's own, and not its pseudo parameter, which in another stack means that one.
    name = cdk.Names.unique_resource_name(scope, max_length=120, separator="-")
    return events.EventBus(
        scope, "Bus", event_bus_name=f"{cdk.Stack.of(scope).stack_name}-{name}", kms_key=sharing.key(scope)
    )


def _adopted(need: BusNeed, given: object) -> events.IEventBus:
    if not (hasattr(given, "event_bus_arn") and hasattr(given, "event_bus_name")):
        raise ConfigurationError(
            f"resources: {need.name!r} is a bus; pass an events.IEventBus, not {type(given).__name__}"
        )
    return cast(events.IEventBus, given)


def _differences(scope: Construct, bus: events.IEventBus) -> list[tuple[str, str]]:
    """Where account or region of the bus are not, or not for certain, those of the stack: the two values."""
    stack = cdk.Stack.of(scope)
    pairs = [(bus.env.account, stack.account), (bus.env.region, stack.region)]
    return [(theirs, ours) for theirs, ours in pairs if theirs != ours]


def _are_known(*values: str) -> bool:
    return not any(cdk.Token.is_unresolved(value) for value in values)


def _present(paths: Iterable[str]) -> dict[str, Any]:
    """The pattern of a detail in which each of ``paths`` leads to something."""
    pattern: dict[str, Any] = {}
    for path in paths:
        *outer, last = path.split(".")
        inner = pattern
        for name in outer:
            inner = inner.setdefault(name, {})
        inner[last] = [{"exists": True}]
    return pattern


def _event() -> dict[str, str]:
    """The whole event, by the fields that every event has."""
    return {name: events.EventField.from_path(f"$.{name}") for name in _EVENT}
