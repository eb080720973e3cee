"""``call: service:action``: any action of an AWS service, directly from the state machine.

https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field

from stepworkflows_cdk.compiler.integration import Call, Integration, Scope, token_of
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.pages import MOST, TOO_LARGE, TOO_MANY
from stepworkflows_cdk.compiler.plan import Data, Jsonata
from stepworkflows_cdk.integrations.aws_sdk.callable import not_called
from stepworkflows_cdk.integrations.aws_sdk.faults import check_errors
from stepworkflows_cdk.integrations.aws_sdk.grants import derived_grants, derives_grants
from stepworkflows_cdk.integrations.aws_sdk.iam import as_a_rule, check_actions
from stepworkflows_cdk.integrations.aws_sdk.models import Operation, Service, service_model, service_names
from stepworkflows_cdk.integrations.aws_sdk.pages import check_pages, pages_of
from stepworkflows_cdk.integrations.aws_sdk.parameters import check_parameters, spelt
from stepworkflows_cdk.integrations.aws_sdk.sent import sent_by
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.sent import Sent
from stepworkflows_cdk.language.shape import nearest
from stepworkflows_cdk.language.workflow import Step, Workflow

if TYPE_CHECKING:
    from stepworkflows_cdk.local.world import World

__all__ = ["AllPagesKeys", "AwsSdkCall", "CallKeys"]

_TIMEOUT = 60
_READS = ("get", "batchget", "list", "describe", "query", "scan", "head", "search", "select", "lookup")
# Errors that a second try may heal, as the services' models name them.
_TRANSIENT = (
    "InternalFailure",
    "InternalServerError",
    "InternalServerException",
    "InternalServiceError",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "Throttling",
    "TooManyRequests",
    "TransactionInProgress",
)
# Errors that any service may answer with, whatever its model has.
_ALWAYS = ("InternalServerErrorException", "ServiceUnavailableException", "ThrottlingException")
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html#API_TransactWriteItems_Errors
_LOST_RACE = (
    "$contains($cause, /TransactionConflict|ThrottlingError|ProvisionedThroughputExceeded/)"
    " and $not($contains($cause, /ConditionalCheckFailed|ValidationError|ItemCollectionSizeLimitExceeded/))"
)


_SAME_TWICE = ("delete", "describe", "get", "head", "list", "put", "query", "scan")
"""The beginnings of actions that have the same effect where they are made twice."""


class AllPagesKeys(Keys):
    """Reads all pages of an answer."""

    field: str = Field(description="The list of the answer that is gathered from all pages.")
    max: int = Field(MOST, ge=2, le=1000, description="More pages fail as `TooManyPages`.")


def _field(value: Any) -> Any:
    return {"field": value} if isinstance(value, str) else value


class CallKeys(Keys):
    """The key of a step that calls an AWS service."""

    call: str = Field(
        pattern=r"^[a-z0-9]+:[A-Za-z][A-Za-z0-9]*$",
        description="`service:action`, such as `dynamodb:transactWriteItems`.",
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

    def idempotent(self, step: Step) -> bool:
        assert isinstance(step.work, CallKeys)
        name, action = step.work.call.split(":")
        service = service_model(name)
        operation = service.operation(action) if service else None
        has_token = bool(service and operation and service.token(operation))
        return has_token or action.startswith(_SAME_TWICE)

    def has_effect(self, step: Step) -> bool:
        assert isinstance(step.work, CallKeys)
        return not step.work.call.split(":")[1].lower().startswith(_READS)

    def check(self, step: Step, workflow: Workflow) -> Iterable[Problem]:
        assert isinstance(step.work, CallKeys)
        name, action = step.work.call.split(":")
        service = service_model(name)
        if service is None:
            hint = (
                nearest(name, service_names()) or "the name is the service's in the AWS SDK for Java, in small letters"
            )
            yield Problem("SW223", f"AWS has no service `{name}`", step.mark_of("call"), hint)
            return
        operation = service.operation(action)
        if left_out := not_called(service, operation):
            yield Problem("SW257", left_out[0], step.mark_of("call"), left_out[1])
            return
        if operation is None:
            hint = nearest(action, service.actions) or "see the service's API reference"
            yield Problem("SW223", f"`{name}` has no action `{action}`", step.mark_of("call"), hint)
            return
        yield from check_errors(step, service)
        if step.given_whole:
            return
        inputs = step.named_inputs
        yield from check_parameters(step, service, operation, inputs, ("inputs",))
        yield from check_actions(step, service, operation)
        if step.work.all_pages:
            yield from check_pages(step, service, operation, step.work.all_pages.field)
        if not step.keys.permissions and not derives_grants(inputs, workflow, service, operation):
            action = as_a_rule(service, operation)
            hint = f"name a resource in `inputs` (`{{resources.x}}`), or write `permissions` with the ARN and {action}"
            yield Problem("SW606", "on what this call may act is not known", step.key_mark("call"), hint)

    def sends(self, step: Step) -> Iterable[Sent]:
        assert isinstance(step.work, CallKeys)
        return sent_by(step.work.call, step.named_inputs)

    def plan(self, step: Step, scope: Scope) -> Call:
        assert isinstance(step.work, CallKeys)
        name, action = step.work.call.split(":")
        service = service_model(name)
        assert service
        operation = service.operation(action)
        assert operation
        every = step.work.all_pages
        return Call(
            resource=f"aws-sdk:{name}:{action}",
            arguments=_arguments(step, service, operation, scope, every is not None),
            timeout=step.keys.timeout or _TIMEOUT,
            transient=_transient(service, operation),
            transient_when=_transient_when(service, operation),
            pages=pages_of(service, operation, every.field, every.max) if every else None,
            grants=(
                *derived_grants(step.named_inputs, step.mark_of("inputs"), service, operation, scope),
                *scope.permissions(scope.machine),
            ),
        )

    def perform(self, resource: str, arguments: Any, world: World) -> Any:
        from stepworkflows_cdk.integrations.aws_sdk.local import perform

        return perform(resource, arguments, world)


def _arguments(step: Step, service: Service, operation: Operation, scope: Scope, paged: bool) -> Data:
    """The parameters, with the API's token against calls made twice. Where one may turn out to be null, as what asks for
    the next page does at first, they are one expression that leaves it out: to AWS, null is a value of the wrong type.
    """
    given = spelt(service, operation.input, scope.inputs())
    assert isinstance(given, dict)
    token = service.token(operation)
    added = {token: token_of(step, scope)} if token and token not in given else {}
    if paged or not any(isinstance(value, Jsonata) and value.nullable for value in given.values()):
        return {**given, **added}
    whole = scope.expression(spelt(service, operation.input, dict(step.named_inputs))).code
    for name, code in added.items():
        whole = f"$merge([{whole}, {{{literal(name)}: {code.code}}}])"
    return Jsonata(f"$sift({whole}, function($value) {{ $value != null }})")


def _transient(service: Service, operation: Operation) -> tuple[str, ...]:
    names = {"SdkClientException"}
    for error in operation.errors:
        stem = error.removesuffix("Exception").removesuffix("Fault")
        if stem.startswith(_TRANSIENT):
            names.add(f"{stem}Exception")
    names.update(_ALWAYS)
    return tuple(f"{service.error_prefix}.{name}" for name in sorted(names))


def _transient_when(service: Service, operation: Operation) -> dict[str, str]:
    if "TransactionCanceledException" in operation.errors:
        return {f"{service.error_prefix}.TransactionCanceledException": _LOST_RACE}
    return {}
