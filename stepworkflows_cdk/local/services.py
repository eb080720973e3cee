"""One call of an AWS API as a task makes it: JSON in, boto3 on moto, JSON out, errors by their names.

Parameters may have AWS's spelling or a capital first letter; nulls count as not given. The response has capital first
letters in all places that the API defines; bytes become text (base64 where they are none), times ISO 8601.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from stepworkflows_cdk.errors import LocalRunError
from stepworkflows_cdk.local.clock import timestamp
from stepworkflows_cdk.local.errors import StateFailed, TaskFailed
from stepworkflows_cdk.local.naming import exception_name, operation_name
from stepworkflows_cdk.local.surroundings import optional
from stepworkflows_cdk.local.world import World

__all__ = ["ServiceError", "call"]


@dataclass(frozen=True)
class ServiceError:
    """What a service answered instead of a result. ``exception`` is the name for ``code``, None where the API's model
    has none."""

    code: str
    exception: str | None
    message: str
    status: int
    request_id: str


def call(
    world: World, service: str, action: str, parameters: Any, failure: Callable[[ServiceError], TaskFailed]
) -> dict[str, Any]:
    """Calls ``action`` (``putItem``) of boto3's ``service``. ``failure`` gives the error that the state reports."""
    client = world.client(service)
    model = client.meta.service_model
    name = operation_name(action, model)
    if name is None:
        raise LocalRunError(f"service {service} has no action {action}")
    operation = model.operation_model(name)
    given = _parameters(parameters, operation)
    exceptions = optional("botocore.exceptions")
    tokens = world.store.setdefault("idempotency tokens", {})
    token = _token(given, operation)
    if token is not None and (service, name, token) in tokens:
        # A second call with the token of one that went well has no effect; moto does not know that.
        return dict(tokens[service, name, token])
    method = next(method for method, api in client.meta.method_to_api_mapping.items() if api == name)
    try:
        response = getattr(client, method)(**given)
    except exceptions.ParamValidationError as error:
        message = "1 validation error detected: " + " ".join(str(error).split())
        raise failure(ServiceError("ValidationException", None, message, 400, world.request_id())) from error
    except exceptions.ClientError as error:
        found, status = error.response["Error"], error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        if "not yet implemented" in str(found.get("Message", "")).lower():
            raise _missing(service, name, world) from error
        code, message, known = found.get("Code", ""), found.get("Message", ""), exception_name(error, model)
        raise failure(ServiceError(code, known, message, status, world.request_id())) from error
    except NotImplementedError as error:
        raise _missing(service, name, world) from error
    response.pop("ResponseMetadata", None)
    result = _given_back(response, operation.output_shape)
    answer = result if isinstance(result, dict) else {}
    if token is not None:
        tokens[service, name, token] = answer
    return answer


def _token(given: Mapping[str, Any], operation: Any) -> str | None:
    """The call's idempotency token, where the API has one and the caller gave it."""
    return next((given[name] for name in operation.idempotent_members if name in given), None)


def _missing(service: str, name: str, world: World) -> LocalRunError:
    step = world.call.step or world.call.state if world.call is not None else "step-id"
    return LocalRunError(
        f"moto, which stands for AWS on this machine, does not have {service}:{name}; "
        f"say what it gives: {{at: {step}, returns: ...}}"
    )


def _parameters(found: Any, operation: Any) -> dict[str, Any]:
    unknown: list[str] = []
    if found is not None and not isinstance(found, Mapping):
        unknown.append("The parameters must be an object")
        found = {}
    given = _taken(found or {}, operation.input_shape, "", unknown) if operation.input_shape is not None else {}
    if unknown:
        text = json.dumps(found, separators=(",", ":"), ensure_ascii=False)
        raise StateFailed(
            "States.Runtime", f"The Parameters '{text}' could not be used to start the Task: [{', '.join(unknown)}]"
        )
    return dict(given)


def _taken(value: Any, shape: Any, path: str, unknown: list[str]) -> Any:
    """``value`` in boto3's spelling. What the shape does not know goes to ``unknown``."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, Mapping):
        members = {_capital(name): name for name in shape.members}
        taken = {}
        for key, item in value.items():
            name = members.get(_capital(key))
            if name is None:
                unknown.append(f'The field "{path}{key}" is not supported by Step Functions')
            elif item is not None:
                taken[name] = _taken(item, shape.members[name], f"{path}{key}.", unknown)
        return taken
    if kind == "list" and isinstance(value, list):
        return [_taken(item, shape.member, path, unknown) for item in value]
    if kind == "map" and isinstance(value, Mapping):
        return {key: _taken(item, shape.value, f"{path}{key}.", unknown) for key, item in value.items()}
    if kind == "blob":
        return (value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))).encode()
    return value


def _given_back(value: Any, shape: Any) -> Any:
    kind = shape.type_name if shape is not None else ""
    if isinstance(value, Mapping):
        return dict(_members(value, shape, kind))
    if isinstance(value, list):
        return [_given_back(item, shape.member if kind == "list" else None) for item in value]
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, bytes | bytearray):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    return value


def _members(value: Mapping[str, Any], shape: Any, kind: str) -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if kind == "structure":
            yield _capital(key), _given_back(item, shape.members.get(key))
        else:
            yield key, _given_back(item, shape.value if kind == "map" else None)


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
