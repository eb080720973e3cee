"""``triggers: {api: {path: /orders, auth: iam}}``: a path of an API that starts the flow, and tells how it goes.

``POST /orders`` starts an execution, whose input is the body, and answers with the address of its status. A function answers,
the front door: an execution must belong to whoever started it, which Step Functions does not know. A table keeps it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from stepworkflows_cdk.compiler.integration import Integration, Start, TriggerScope
from stepworkflows_cdk.compiler.plan import Grant, Hole, Need, Text, machine_key
from stepworkflows_cdk.compiler.texts import executions_arn
from stepworkflows_cdk.integrations.api.needs import AddressNeed, AnswerPathNeed, ApiNeed
from stepworkflows_cdk.integrations.api.schema import body_schema
from stepworkflows_cdk.integrations.api.tokens import JwtKeys, authorizer, check_tokens
from stepworkflows_cdk.integrations.callers import TYPES, Callers, Route, caller_of
from stepworkflows_cdk.integrations.dynamodb.needs import TableNeed
from stepworkflows_cdk.integrations.lambda_.needs import FunctionNeed
from stepworkflows_cdk.language.checks.modes import excluded
from stepworkflows_cdk.language.checks.security import DYNAMIC_REFERENCE
from stepworkflows_cdk.language.checks.triggers import resource_problems
from stepworkflows_cdk.language.contract import type_at
from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.ids import guarded_id
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.references import Reference, Template, WrongValue, parse_value
from stepworkflows_cdk.language.scope import Unresolved, View, resolve
from stepworkflows_cdk.language.shape import nearest
from stepworkflows_cdk.language.workflow import Trigger, Workflow

if TYPE_CHECKING:
    from constructs import Construct

    from stepworkflows_cdk.constructs.bound import Bindings, Bound
    from stepworkflows_cdk.local.world import World

__all__ = ["Api", "ApiKeys", "CallerKeys", "ThrottleKeys"]

_FRONT_DOOR = Path(__file__).parent / "front_door"
_TABLE = "table-starts"  # `starts` is no name for a resource
_DAY = 86_400
# An execution lasts a year at most, and can be looked at for 90 days more:
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
_YEAR, _KEPT = 365 * _DAY, 90 * _DAY


class CallerKeys(Callers):
    """Who says who is calling: one of these."""

    jwt: JwtKeys | None = Field(None, description="The issuer of tokens that callers show.")


class ThrottleKeys(Keys):
    """How many requests each method of the path takes; those above are answered 429."""

    rate: int = Field(50, ge=1, le=10_000, description="Requests a second.")
    burst: int = Field(100, ge=1, le=5_000, description="Requests at once.")


class ApiKeys(Keys):
    """Starts the flow by `POST` on a path; the body, a JSON object of at most 256 KiB, is the input. The answer is 202 with the
    address of the status, which `GET` on it tells to whoever started the execution, and to nobody else.
    """

    path: Route = Field(description="The path, such as `/orders`.")
    auth: str | CallerKeys = Field(
        description="Who may call: `iam`, `cognito` (the flow's one user pool), `{cognito: NAME}`, `{function: NAME}` or "
        "`{jwt: ...}`."
    )
    idempotency_key: str | None = Field(
        None,
        description="A field of the input, such as `{input.order_id}`: letters, digits, `_` and `-`, at most 80. It is the "
        "execution's name, so that a request made twice starts one. Default: a new name each time.",
    )
    throttle: ThrottleKeys | None = Field(None, description="How many requests are taken.")
    cancel: bool = Field(
        False,
        description="Whether `DELETE` on the address of the status stops the execution; nothing is undone then, but of a flow "
        "with `guard` the end is run.",
    )
    cors: list[str] | None = Field(
        None, min_length=1, description="Origins whose pages may call it, such as `https://shop.example.com`."
    )


class Api(Integration):
    """API Gateway, a REST API: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-rest-api.html."""

    triggers = {"api": ApiKeys}
    exclusive = frozenset({"api"})
    needs = (ApiNeed, AnswerPathNeed, AddressNeed)

    def trigger_id(self, trigger: Trigger) -> str:
        return _keys(trigger).path

    def check_trigger(self, trigger: Trigger, workflow: Workflow) -> Iterable[Problem]:
        keys = _keys(trigger)
        if workflow.express:
            yield excluded("SW416", trigger.mark)
            if keys.idempotency_key is not None:
                yield excluded("SW415", trigger.key_mark("idempotency-key"))
        yield from _check_auth(trigger, keys, workflow)
        if keys.idempotency_key is not None:
            yield from _check_key(trigger, keys.idempotency_key, workflow)
        for index, origin in enumerate(keys.cors or ()):
            scheme, _, host = origin.partition("://")
            if scheme not in ("http", "https") or not host or any(char in host for char in "/*?#'\\ "):
                hint = "write it such as `https://shop.example.com`"
                yield Problem("SW233", f"`{origin}` is no origin", trigger.mark_of("cors", index), hint)
        if DYNAMIC_REFERENCE in json.dumps(workflow.document.get(("inputs",))):
            message = "CloudFormation would resolve this reference, for all to see"
            yield Problem("SW607", message, workflow.document.mark(("inputs",)), "write it otherwise")
        if keys.cancel and workflow.undos:
            message = "an execution that is cancelled so stops where it is, and nothing is undone"
            hint = "remove `cancel`, unless that is meant"
            yield Problem("SW234", message, trigger.key_mark("cancel"), hint, "warning")

    def plan_trigger(self, trigger: Trigger, scope: TriggerScope) -> Start:
        keys, mark = _keys(trigger), trigger.mark
        kind, name = _auth(keys, scope.workflow)
        throttle = keys.throttle or ThrottleKeys()
        table = TableNeed(id=_TABLE, mark=mark, name="starts", partition_key="key", sort_key=None, expires="expires")
        function = _front_door(trigger, scope, kind, name)
        reader = authorizer(trigger, tokens, keys.path, scope) if (tokens := _tokens(keys)) else None
        asked = reader or (scope.resource(name) if name else None)
        api = ApiNeed(
            id=scope.id,
            mark=mark,
            path=keys.path,
            auth=kind,
            authorizer=asked.id if asked else None,
            function=function.id,
            schema=json.dumps(body_schema(scope.workflow.keys.inputs or {})),
            rate=throttle.rate,
            burst=throttle.burst,
            cancel=keys.cancel,
            cors=tuple(keys.cors or ()),
        )
        grants = [*_grants(function.id, scope, keys.cancel, mark), _invoke(api, Text((Hole(function.id, "arn"),)))]
        if reader:
            grants.append(_invoke(api, Text((Hole(reader.id, "arn"),))))
        elif asked and kind == "function":
            grants.append(_invoke(api, scope.arn(asked)))
        return Start((table, function, *([reader] if reader else []), api), tuple(grants))

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from stepworkflows_cdk.integrations.api.cdk import bind_address, bind_answers, bind_api

        if isinstance(need, AddressNeed):
            return bind_address(scope)
        if isinstance(need, AnswerPathNeed):
            return bind_answers(scope, need, bindings)
        assert isinstance(need, ApiNeed)
        return bind_api(scope, need, bindings)

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        if isinstance(need, AddressNeed):
            return {"url": "https://api.example.com/live"}
        if isinstance(need, AnswerPathNeed):
            function = world.attributes[need.function]["arn"]
            world.paths |= {(method, need.path): function for method in need.methods}
        return {}  # a run here is started by whoever runs it


def _keys(trigger: Trigger) -> ApiKeys:
    assert isinstance(trigger.keys, ApiKeys)
    return trigger.keys


def _tokens(keys: ApiKeys) -> JwtKeys | None:
    return keys.auth.jwt if isinstance(keys.auth, CallerKeys) else None


def _auth(keys: ApiKeys, workflow: Workflow) -> tuple[Literal["iam", "cognito", "function", "jwt"], str | None]:
    """Who says who is calling, and its name under ``resources``; None where there is none, or more than one could be meant."""
    return ("jwt", None) if _tokens(keys) else caller_of(keys.auth, workflow)


def _check_auth(trigger: Trigger, keys: ApiKeys, workflow: Workflow) -> Iterator[Problem]:
    mark = trigger.mark_of("auth")
    if keys.auth == "jwt":
        message = "`auth: jwt` does not say whose tokens are taken"
        hint = "write `{jwt: {issuer: https://login.example.com, audience: orders}}`"
        yield Problem("SW233", message, mark, hint)
    elif isinstance(keys.auth, str) and keys.auth not in ("iam", "cognito"):
        message = "`auth` must be `iam`, `cognito`, `{cognito: NAME}`, `{function: NAME}` or `{jwt: ...}`"
        yield Problem("SW103", message, mark, nearest(keys.auth, ("iam", "cognito")) or "write `auth: iam`")
    elif isinstance(keys.auth, CallerKeys):
        if sum(each is not None for each in (keys.auth.cognito, keys.auth.function, keys.auth.jwt)) != 1:
            yield Problem("SW233", "`auth` has `cognito`, `function` or `jwt`", mark, "write one of them")
            return
        kind, name = _auth(keys, workflow)
        if keys.auth.jwt:
            yield from check_tokens(trigger, keys.auth.jwt, workflow)
        else:
            yield from resource_problems(trigger, f"auth.{kind}", str(name), TYPES[kind], workflow)
    elif keys.auth == "cognito" and _auth(keys, workflow)[1] is None:
        message = "`auth: cognito` means the one user pool of the flow"
        hint = "declare it: `resources: {users: {type: user-pool}}`; of several, name one: `{cognito: NAME}`"
        yield Problem("SW216", message, mark, hint)


def _check_key(trigger: Trigger, key: str, workflow: Workflow) -> Iterator[Problem]:
    mark = trigger.mark_of("idempotency-key")
    path = _path(key)
    if path is None:
        message = "an idempotency key is one field of the input, which the caller gives"
        yield Problem("SW233", message, mark, "write it such as `{input.order_id}`")
        return
    try:
        resolve(Reference(("input", *path), key), View(workflow))
    except Unresolved as error:
        yield Problem(error.code, str(error), mark, error.hint)
        return
    type_ = type_at(workflow.keys.inputs or {}, path)
    if type_ not in (None, "string"):
        message = f"an idempotency key is a string, and the contract makes this a value of the type {type_}"
        yield Problem("SW233", message, mark, "name another field, or mend the contract")


def _path(key: str) -> tuple[str | int, ...] | None:
    """Where the key is in the input: names of fields, one inside the other."""
    try:
        value = parse_value(key)
    except WrongValue:
        return None
    parts = value.parts if isinstance(value, Template) else ()
    if len(parts) != 1 or not isinstance(parts[0], Reference) or parts[0].root != "input":
        return None
    path = parts[0].parts[1:]
    return path if path and all(isinstance(part, str) for part in path) else None


def _front_door(trigger: Trigger, scope: TriggerScope, auth: str, authority: str | None) -> FunctionNeed:
    keys, flow = _keys(trigger), scope.workflow
    path = _path(keys.idempotency_key) if keys.idempotency_key else None
    env = {
        "AUTH": Text((auth,)),
        # Two functions may both know an `alice`, who are not the same; users of pools have ids that no others have.
        "AUTHORITY": Text((f"function:{authority}" if auth == "function" else auth,)),
        "EXECUTIONS": executions_arn(scope.machine, ""),
        "FLOW": Text((flow.id,)),
        "KEEP": Text((str((flow.keys.timeout or _YEAR) + _KEPT),)),
        "KEY": Text((json.dumps(path or []),)),
        "MACHINE": Text((Hole(scope.machine, "arn"),)),
        "ORIGINS": Text((json.dumps(keys.cors or []),)),
        "TABLE": Text((Hole(_TABLE, "name"),)),
        "TOLD": Text((json.dumps(_told(flow)),)),
    }
    if keys.cancel:
        env["STOPPED"] = executions_arn(_worker(scope), "")
    return FunctionNeed(
        id=f"{scope.id}-front-door",
        mark=trigger.mark,
        code=_FRONT_DOOR,
        handler="handler.handler",
        env=tuple(sorted(env.items())),
        timeout=20,
        memory=256,
        python="3.14",
        architecture="arm64",
    )


def _told(workflow: Workflow) -> list[str]:
    """The errors whose messages are for whoever started the flow; those of code and services are not."""
    steps = workflow.all_steps
    errors = [step.keys.fail.error for step in steps if step.keys.fail]
    errors += [step.keys.require.error for step in steps if step.keys.require]
    return sorted({"InvalidInput", *errors})


def _grants(holder: str, scope: TriggerScope, cancel: bool, mark: Mark) -> Iterator[Grant]:
    table = Text((Hole(_TABLE, "arn"),))
    worker = _worker(scope) if cancel else ""
    look = ("states:DescribeExecution", *(["states:StopExecution"] if worker == scope.machine else []))
    yield Grant(holder, ("dynamodb:GetItem", "dynamodb:UpdateItem"), table, mark)
    yield Grant(holder, ("states:StartExecution",), Text((Hole(scope.machine, "machine_arn"),)), mark)
    yield Grant(holder, look, executions_arn(scope.machine), mark)
    if worker and worker != scope.machine:
        yield Grant(holder, ("states:StopExecution",), executions_arn(worker), mark)


def _worker(scope: TriggerScope) -> str:
    """The machine that does the work: its execution is stopped, so that a guard can run what is to be done at the end."""
    return machine_key(guarded_id(scope.workflow.id)) if scope.workflow.keys.guard else scope.machine


def _invoke(api: ApiNeed, function: Text) -> Grant:
    return Grant(api.id, ("lambda:InvokeFunction",), function, api.mark)
