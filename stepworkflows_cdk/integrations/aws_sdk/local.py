"""Any ``aws-sdk:service:action`` on this machine, by boto3 on moto.

https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

from typing import Any

from stepworkflows_cdk.errors import LocalRunError
from stepworkflows_cdk.integrations.aws_sdk.models import boto_name, error_prefix
from stepworkflows_cdk.local.errors import TaskFailed
from stepworkflows_cdk.local.services import ServiceError, call
from stepworkflows_cdk.local.world import World

__all__ = ["perform"]


def perform(resource: str, arguments: Any, world: World) -> Any:
    """The response of the API, its errors named as in ``DynamoDb.TransactionCanceledException``."""
    _, service, action = [*resource.split(":"), "", ""][:3]
    name = boto_name(service)
    if name is None:
        raise LocalRunError(f"{resource}: boto3 knows no service {service!r}")

    def failure(error: ServiceError) -> TaskFailed:
        prefix = error_prefix(str(world.client(name).meta.service_model.service_id))
        # An error that the API's model does not list has the name of the service's own exception.
        return TaskFailed(
            f"{prefix}.{error.exception or f'{prefix}Exception'}",
            f"{error.message} (Service: {prefix}, Status Code: {error.status}, Request ID: {error.request_id})",
        )

    return call(world, name, action, arguments, failure)
