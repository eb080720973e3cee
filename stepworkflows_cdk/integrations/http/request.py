"""``http: {method, url, auth}``: calls an API, directly from the state machine.

https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from stepworkflows_cdk.compiler.integration import Call, Integration, Scope, token_of
from stepworkflows_cdk.compiler.patterns import Pattern, pattern_of
from stepworkflows_cdk.compiler.plan import Condition, Data, Grant, Hole, Text
from stepworkflows_cdk.errors import ConfigurationError, LocalRunError
from stepworkflows_cdk.language.checks.resources import undeclared
from stepworkflows_cdk.language.checks.security import inlined_credential
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.references import Expression, Value, WrongValue, parse_value, references_in
from stepworkflows_cdk.language.wildcards import fixed_parts, wildcard_in
from stepworkflows_cdk.language.workflow import Step, Workflow

if TYPE_CHECKING:
    from stepworkflows_cdk.local.world import World

__all__ = ["Http", "HttpKeys", "HttpSpec"]

_TIMEOUT = 60
"""Seconds after which Step Functions gives a call up in any case."""
# As in the example on the page above; the last one is a time-out of the connection.
_TRANSIENT = (
    "Events.ConnectionResource.AuthInProgress",
    "Events.ConnectionResource.ConcurrentModification",
    "Events.ConnectionResource.InternalError",
    "States.Http.Socket",
    "States.Http.StatusCode.429",
    "States.Http.StatusCode.502",
    "States.Http.StatusCode.503",
    "States.Http.StatusCode.504",
)
# The same page: what Step Functions sets itself, or does not let through.
_FORBIDDEN = frozenset(
    """
    a-im accept-charset accept-datetime accept-encoding authorization cache-control connection content-encoding
    content-md5 date expect forwarded from host http2-settings if-match if-modified-since if-none-match if-range
    if-unmodified-since max-forwards origin pragma proxy-authorization range referer server te trailer
    transfer-encoding upgrade user-agent via warning
    """.split()
)
_FORBIDDEN_START = ("x-amz-", "x-amzn-", "x-forwarded-")
_NOT_TWICE = ("PATCH", "POST")
"""Methods of which a second try is a second call: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2"""
_BODILESS = ("GET", "HEAD", "OPTIONS")
_CREDENTIALS = "revoke it, and put a new one into the secret of the connection, which sends it with every call"
_ONCE = "Idempotency-Key"
_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(:\d{1,5})?/")
_BODY = "$exists($states.result.ResponseBody) ? $states.result.ResponseBody : null"


class HttpSpec(Keys):
    """A call of an API. Its body are the step's `inputs`, as JSON. An answer other than 2xx fails as
    `States.Http.StatusCode.404`, by its number.
    """

    method: Literal["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"] = Field(description="The method.")
    url: str = Field(
        min_length=1,
        description="`https://`, a host that is fixed at deployment, and a path, in which references are encoded.",
    )
    auth: str = Field(
        description="The name of a connection under `resources`, which holds the credentials.", examples=["payments"]
    )
    headers: dict[str, Any] | None = Field(
        None,
        description="Header -> value. POST and PATCH have an `Idempotency-Key`, the same for each try of the step.",
    )
    query: dict[str, Any] | None = Field(None, description="Name behind the `?` -> value.")
    form: bool = Field(False, description="Send `inputs` as a form (`application/x-www-form-urlencoded`), not as JSON.")
    response: Literal["body", "all"] = Field(
        "body", description="What the step's result is: the body, or an object of `status`, `headers` and `body`."
    )


class HttpKeys(Keys):
    """The key of a step that calls an API."""

    http: HttpSpec = Field(description="The call.")


class Http(Integration):
    """The HTTP task. A run on this machine calls nobody: what an API gives is said by `{at: STEP, returns: BODY}`."""

    key = "http"
    keys = HttpKeys
    transient = _TRANSIENT
    tasks = ("http:invoke",)

    def takes_whole(self, step: Step) -> bool:
        return True

    def idempotent(self, step: Step) -> bool:
        return _spec(step).method not in _NOT_TWICE

    def has_effect(self, step: Step) -> bool:
        return _spec(step).method not in ("GET", "HEAD", "OPTIONS")

    def gives(self, step: Step) -> frozenset[str] | None:
        return frozenset({"status", "headers", "body"}) if _spec(step).response == "all" else None

    def check(self, step: Step, workflow: Workflow) -> Iterable[Problem]:
        spec = _spec(step)
        yield from undeclared(step, ("http", "auth"), spec.auth, "connection", workflow, ", auth: ...")
        yield from _check_url(step, spec.url)
        for name in spec.headers or {}:
            if name.lower() in _FORBIDDEN or name.lower().startswith(_FORBIDDEN_START):
                hint = "credentials are the connection's" if "auth" in name.lower() else "remove it"
                message = f"Step Functions does not let the header `{name}` be set"
                yield Problem("SW219", message, step.key_mark("http", "headers", name), hint)
            elif (problem := inlined_credential(step, ("http", "headers", name), _CREDENTIALS)) is not None:
                yield problem
        for name in spec.query or {}:
            if (problem := inlined_credential(step, ("http", "query", name), _CREDENTIALS)) is not None:
                yield problem
        if spec.method in _BODILESS and step.keys.inputs is not None:
            message = f"`inputs` are the body, and a {spec.method} has none"
            yield Problem("SW107", message, step.key_mark("inputs"), "pass them as `query`")
        if spec.form and step.keys.inputs is None and not step.whole_input:
            yield Problem(
                "SW107", "`form` is about `inputs`, and there are none", step.key_mark("http", "form"), "remove it"
            )
        if step.keys.timeout is not None and step.keys.timeout > _TIMEOUT:
            message = f"Step Functions gives a call up after {_TIMEOUT} seconds"
            yield Problem("SW401", message, step.mark_of("timeout"), "shorten it; for longer calls use code")

    def plan(self, step: Step, scope: Scope) -> Call:
        spec = _spec(step)
        address = _address(step, spec, scope)
        need = scope.resource(spec.auth)
        arguments: dict[str, Data] = {
            "ApiEndpoint": address.data,
            "Method": spec.method,
            "Authentication": {"ConnectionArn": scope.arn(need)},
        }
        headers = {name: scope.data(value) for name, value in (spec.headers or {}).items()}
        known = {name.lower() for name in headers}
        if spec.method in _NOT_TWICE and _ONCE.lower() not in known:
            headers[_ONCE] = token_of(step, scope)
        if spec.form:
            if "content-type" not in known:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            encoding: dict[str, Data] = {"ArrayFormat": "INDICES"}
            arguments["Transform"] = {"RequestBodyEncoding": "URL_ENCODED", "RequestEncodingOptions": encoding}
        if headers:
            arguments["Headers"] = headers
        if spec.query:
            arguments["QueryParameters"] = {name: scope.data(value) for name, value in spec.query.items()}
        if step.keys.inputs is not None or (step.whole_input and spec.method not in _BODILESS):
            arguments["RequestBody"] = scope.inputs()
        return Call(
            resource="http:invoke",
            arguments=arguments,
            result=_BODY if spec.response == "body" else _ALL,
            timeout=step.keys.timeout or _TIMEOUT,
            transient=_TRANSIENT,
            grants=_grants(step, spec, address, scope),
        )

    def answer(self, resource: str, value: Any, arguments: Any, world: World) -> Any:
        if isinstance(value, Mapping) and "ResponseBody" in value:
            return value
        return {"ResponseBody": value, "Headers": {}, "StatusCode": 200, "StatusText": "OK"}

    def perform(self, resource: str, arguments: Any, world: World) -> Any:
        """Refuses: a run makes no calls to others."""
        step = world.call.step if world.call is not None else "STEP"
        called = (
            f"{arguments.get('Method')} {arguments.get('ApiEndpoint')}" if isinstance(arguments, dict) else resource
        )
        raise LocalRunError(
            f"step {step} calls {called}, and there is no network on this machine; say what it gives, in the events: "
            f"{{at: {step}, returns: BODY}}"
        )


_ALL = f"{{'status': $states.result.StatusCode, 'headers': $states.result.Headers, 'body': {_BODY}}}"


def _spec(step: Step) -> HttpSpec:
    assert isinstance(step.work, HttpKeys)
    return step.work.http


def _check_url(step: Step, url: str) -> Iterator[Problem]:
    mark = step.mark_of("http", "url")
    try:
        parsed = parse_value(url)
    except WrongValue:
        return  # reported as what it is
    if isinstance(parsed, Expression):
        message = "the host of an API is fixed at deployment: permissions are given on it"
        yield Problem("SW215", message, mark, "write a text with references behind the host")
        return
    first = parsed if isinstance(parsed, str) else parsed.parts[0]
    in_config = any(part.root == "config" for part in references_in(parsed))
    if not isinstance(first, str) or not _ADDRESS.match(_whole(first, parsed)):
        if not in_config:  # what a config gives is looked at when it is known
            yield Problem("SW219", "the address does not begin with `https://` and a host", mark, _HINT)
        return
    for part in fixed_parts(url):
        if found := wildcard_in(part) or ("#" if "#" in part else ""):
            hint = (
                "pass what stands behind it as `query`"
                if found == "?"
                else "write `%2A`"
                if found == "*"
                else "remove it"
            )
            yield Problem("SW219", f"`{found}` cannot stand in the address of an API", mark, hint)


def _whole(first: str, parsed: Value) -> str:
    """The fixed beginning of an address; a slash ends the host of one that is all host."""
    return f"{first}/" if isinstance(parsed, str) else first


_HINT = "write it out, such as `https://api.example.com/orders/{order_id}`; parts before the path may name `config`"


def _address(step: Step, spec: HttpSpec, scope: Scope) -> Pattern:
    """The address, whose host is known by now."""
    found = pattern_of(spec.url, scope, "the address", encoded=True)
    fixed = str(found.text.parts[0]) if found.text.parts else ""
    if not _ADDRESS.match(f"{fixed}/" if found.exact else fixed) or found.wildcard:
        raise ConfigurationError(
            f"{step.mark_of('http', 'url')}: with this config the address is {fixed!r}, which does not begin with "
            "https:// and a host that is fixed at deployment"
        )
    return found


def _grants(step: Step, spec: HttpSpec, address: Pattern, scope: Scope) -> tuple[Grant, ...]:
    """What the page above asks for: the call, the connection, and the secret that EventBridge keeps for it."""
    mark = step.key_mark("http")
    need = scope.resource(spec.auth)
    conditions = (
        Condition("StringEquals", "states:HTTPMethod", (Text((spec.method,)),)),
        Condition("StringEquals" if address.exact else "StringLike", "states:HTTPEndpoint", (address.text,)),
    )
    reading = ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue")
    return (
        Grant(
            scope.machine,
            ("states:InvokeHTTPEndpoint",),
            Text(("*",)),
            mark,
            tuple(sorted(conditions, key=lambda each: (each.operator, each.key))),
        ),
        Grant(scope.machine, ("events:RetrieveConnectionCredentials",), scope.arn(need), mark),
        Grant(scope.machine, reading, Text((Hole(need.id, "secret_arn"),)), mark),
    )
