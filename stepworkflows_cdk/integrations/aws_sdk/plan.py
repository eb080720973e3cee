"""``call: service:action``: any action of an AWS service, directly from the state machine.

https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from stepworkflows_cdk.compiler.integration import Call, Integration, Scope, token_of
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.pages import MOST, TOO_LARGE, TOO_MANY
from stepworkflows_cdk.compiler.plan import Data, Grant, Jsonata
from stepworkflows_cdk.compiler.retries import BUSY
from stepworkflows_cdk.compiler.values import ATTEMPT
from stepworkflows_cdk.integrations.aws_sdk.account import check_account, role_grant, role_of
from stepworkflows_cdk.integrations.aws_sdk.called import ACTION, Called, called, check_called
from stepworkflows_cdk.integrations.aws_sdk.faults import check_errors, unlisted
from stepworkflows_cdk.integrations.aws_sdk.grants import derived_grants, derives_grants
from stepworkflows_cdk.integrations.aws_sdk.iam import check_actions, permission_hint
from stepworkflows_cdk.integrations.aws_sdk.job_grants import check_job_grants, job_grants, with_arns
from stepworkflows_cdk.integrations.aws_sdk.models import Operation, Service
from stepworkflows_cdk.integrations.aws_sdk.pages import check_pages, pages_of
from stepworkflows_cdk.integrations.aws_sdk.parameters import check_parameters, spelt
from stepworkflows_cdk.integrations.aws_sdk.sent import sent_by
from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.sent import Sent
from stepworkflows_cdk.language.workflow import Step, Workflow

if TYPE_CHECKING:
    from stepworkflows_cdk.local.world import World

__all__ = ["AllPagesKeys", "AwsSdkCall", "CallKeys", "CallSpec"]

_TIMEOUT = 60
_READS = ("get", "batchget", "list", "describe", "query", "scan", "head", "search", "select", "lookup")
# Errors that a second try may heal, as the services' models name them.
_TRANSIENT = (
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServerException",
    "InternalService",
    "KMSThrottling",
    "KmsThrottled",
    "KmsThrottling",
    "ProvisionedThroughputExceeded",
    "ReplicatedWriteConflict",
    "RequestLimitExceeded",
    "RequestThrottled",
    "ServiceUnavailable",
    "Throttled",
    "Throttling",
    "TooManyRequests",
    "TransactionConflict",
    "TransactionInProgress",
)
_TRANSIENT_ALONE = ("Internal", "KMSInternal", "Server", "Service")
# Errors that any service may answer with, whatever its model has.
_ALWAYS = ("InternalServerErrorException", "ServiceUnavailableException", "ThrottlingException")
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html#API_TransactWriteItems_Errors
_LOST_RACE = (
    "$contains($cause, /TransactionConflict|ThrottlingError|ProvisionedThroughputExceeded/)"
    " and $not($contains($cause, /ConditionalCheckFailed|ValidationError|ItemCollectionSizeLimitExceeded/))"
)

_THROTTLED = re.compile("Throttl|TooManyRequests|RequestLimit|SlowDown|ProvisionedThroughput")
_SAME_TWICE = ("delete", "describe", "get", "head", "list", "put", "query", "scan")
"""The beginnings of actions that have the same effect where they are made twice."""


class AllPagesKeys(Keys):
    """Reads all pages of an answer."""

    field: str = Field(description="The list of the answer that is gathered from all pages.")
    max: int = Field(MOST, ge=2, le=1000, description="More pages fail as `TooManyPages`.")


def _field(value: Any) -> Any:
    return {"field": value} if isinstance(value, str) else value


def _called(value: str) -> str:
    if not re.match(ACTION, value):
        raise ValueError("`service:action`, such as `s3:getObject`, or a job, such as `glue:startJobRun.sync`")
    return value


class CallSpec(Keys):
    """The long form of `call`. A call in another account is made with a role of it."""

    action: Annotated[str, AfterValidator(_called)] = Field(
        json_schema_extra={"pattern": ACTION},
        description="`service:action`, such as `dynamodb:transactWriteItems`; with `.sync` behind it, the step ends when the job "
        "ends that it begins: `glue:startJobRun.sync`.",
    )
    account: str | None = Field(None, description="The account that the call is made in; needs `role`.")
    role: str | None = Field(None, description="The ARN of a role of that account, which may make the call.")


def _action(value: Any) -> Any:
    return {"action": value} if isinstance(value, str) else value


class CallKeys(Keys):
    """The key of a step that calls an AWS service."""

    call: Annotated[CallSpec, BeforeValidator(_action, json_schema_input_type=str | CallSpec)] = Field(
        description="`service:action`, such as `dynamodb:transactWriteItems` or, for a job that is waited for, "
        "`glue:startJobRun.sync`; or `{action: ..., account: ..., role: ...}`.",
    )
    all_pages: Annotated[
        AllPagesKeys | None, BeforeValidator(_field, json_schema_input_type=str | AllPagesKeys | None)
    ] = Field(
        None,
        description="The list of the answer that is gathered from all pages, such as `Contents`; the rest of the answer is "
        "the last page's. At most 100,000 characters of it.",
    )


class AwsSdkCall(Integration):
    """The SDK integrations of Step Functions."""

    key = "call"
    keys = CallKeys
    transient = tuple(f"SERVICE.{name}" for name in ("SdkClientException", *_ALWAYS))
    code_keys = frozenset({"permissions"})
    raises = {
        TOO_MANY: "`all-pages`, and there are more pages than `max`",
        TOO_LARGE: "`all-pages`, and the list grows beyond what an execution can hold",
    }
    tasks = ("aws-sdk:",)

    def takes_default(self, key: str, step: Mapping[str, Any]) -> bool:
        return False  # which account a call is made in stands beside the call

    def idempotent(self, step: Step) -> bool:
        spec = _spec(step)
        known = called(spec.action)
        has_token = bool(known and known.service.token(known.operation))
        return has_token or spec.action.partition(":")[2].startswith(_SAME_TWICE)

    def has_effect(self, step: Step) -> bool:
        return not _spec(step).action.partition(":")[2].lower().startswith(_READS)

    def beyond_express(self, step: Step, workflow: Workflow) -> str:
        known = called(_spec(step).action)
        return "SW411" if known and known.job else ""

    def gives(self, step: Step) -> frozenset[str] | None:
        known = called(_spec(step).action)
        return known.gives if known else None

    def check(self, step: Step, workflow: Workflow) -> Iterable[Problem]:
        spec = _spec(step)
        known = called(spec.action)
        if known is None or known.job is None:
            problems = list(check_called(spec.action, _mark(step)))
            yield from problems
            if problems or known is None:
                return
        service, operation = known.service, known.operation
        yield from check_errors(step, service)
        yield from check_account(step, spec.account, spec.role)
        if step.given_whole:
            return
        inputs = step.named_inputs
        yield from check_parameters(step, service, operation, inputs, ("inputs",))
        yield from check_actions(step, service, operation)
        if every := _pages(step):
            yield from check_pages(step, service, operation, every.field)
        if spec.account is not None or spec.role is not None:
            return
        if known.job:
            yield from check_job_grants(step, known.job)
        elif not step.keys.permissions and not derives_grants(inputs, workflow, service, operation):
            message = "on what this call may act is not known"
            yield Problem("SW606", message, step.key_mark("call"), permission_hint(service, operation))

    def sends(self, step: Step) -> Iterable[Sent]:
        return sent_by(_spec(step).action, step.named_inputs)

    def plan(self, step: Step, scope: Scope) -> Call:
        spec, every = _spec(step), _pages(step)
        known = called(spec.action)
        assert known
        service, operation = known.service, known.operation
        role = role_of(step, spec.account or "", spec.role, scope) if spec.role is not None else None
        credentials: Data = None if role is None else {"RoleArn": role}
        return Call(
            resource=known.resource,
            arguments=_arguments(step, known, scope, every is not None),
            timeout=step.keys.timeout or (None if known.job else _TIMEOUT),
            transient=_transient(service, operation),
            transient_when=_transient_when(known),
            credentials=credentials,
            pages=pages_of(service, operation, every.field, every.max) if every else None,
            grants=_grants(step, known, scope) if role is None else (role_grant(step, role, scope),),
        )

    def perform(self, resource: str, arguments: Any, world: World) -> Any:
        from stepworkflows_cdk.integrations.aws_sdk.local import perform

        return perform(resource, arguments, world)


def _spec(step: Step) -> CallSpec:
    assert isinstance(step.work, CallKeys)
    return step.work.call


def _pages(step: Step) -> AllPagesKeys | None:
    assert isinstance(step.work, CallKeys)
    return step.work.all_pages


def _mark(step: Step) -> Mark:
    """Where the action stands."""
    return step.mark_of("call") if isinstance(step.get("call"), str) else step.mark_of("call", "action")


def _grants(step: Step, known: Called, scope: Scope) -> tuple[Grant, ...]:
    written = scope.permissions(scope.machine)
    if known.job:
        return (*job_grants(step, known.job, scope), *written)
    mark = step.mark_of("inputs")
    return (*derived_grants(step.named_inputs, mark, known.service, known.operation, scope), *written)


def _arguments(step: Step, known: Called, scope: Scope, paged: bool) -> Data:
    """The parameters, with the API's token against calls made twice. Where one may turn out to be null, as what asks for
    the next page does at first, they are one expression that leaves it out: to AWS, null is a value of the wrong type.
    """
    service, operation = known.service, known.operation
    given = spelt(service, operation.input, scope.inputs())
    assert isinstance(given, dict)
    given = with_arns(given, step, known.job, scope) if known.job else given
    token = service.token(operation)
    # A try by the step's own rules is another job: with the same token it would be the one that failed.
    anew = f" & '/' & $string({ATTEMPT})" if known.job and step.keys.retry else ""
    added = {token: token_of(step, scope, anew)} if token and token not in given else {}
    if paged or not any(isinstance(value, Jsonata) and value.nullable for value in given.values()):
        return {**given, **added}
    whole = scope.expression(spelt(service, operation.input, dict(step.named_inputs))).code
    for name, code in added.items():
        whole = f"$merge([{whole}, {{{literal(name)}: {code.code}}}])"
    return Jsonata(f"$sift({whole}, function($value) {{ $value != null }})")


def _transient(service: Service, operation: Operation) -> tuple[str, ...]:
    names = {"SdkClientException", *_modelled(operation), *_ALWAYS}
    return tuple(f"{service.error_prefix}.{name}" for name in sorted(names))


def _modelled(operation: Operation) -> Iterator[str]:
    """The errors of the action's model that a second try may heal."""
    for error in operation.errors:
        stem = error.removesuffix("Exception").removesuffix("Fault")
        if stem.startswith(_TRANSIENT) or stem in _TRANSIENT_ALONE:
            yield f"{stem}Exception"


def _transient_when(known: Called) -> dict[str, str]:
    prefix, found = known.service.error_prefix, dict[str, str]()
    if "TransactionCanceledException" in known.operation.errors:
        found[f"{prefix}.TransactionCanceledException"] = _LOST_RACE
    if known.job:
        found |= dict.fromkeys(unlisted(known.service), BUSY)
    elif not any(_THROTTLED.search(error) for error in _modelled(known.operation)):
        found[f"{prefix}.{prefix}Exception"] = BUSY
    return found
