"""The names that Step Functions has for what boto3 raised and for the operations of a service."""

from __future__ import annotations

from typing import Any

from stepworkflows_cdk.integrations.aws_sdk.models import java_name

__all__ = ["exception_name", "operation_name"]


def exception_name(error: Exception, model: Any) -> str | None:
    """The exception for what boto3 raised, ending in ``Exception``; None for an error that the service's model has not."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code")
    # boto3 has a class for each error of a model; its name is the model's, where the code may be an older one.
    known = (code, type(error).__name__)
    for shape in model.error_shapes:
        if shape.name in known or shape.metadata.get("error", {}).get("code", "") == code:
            name = shape.name.removesuffix("Exception").removesuffix("Fault") or shape.name
            return f"{java_name(name)}Exception"
    return None


def operation_name(action: str, model: Any) -> str | None:
    """The operation in a service's model for the action in a task resource: ``putItem`` -> ``PutItem``."""
    names = {name.lower(): name for name in model.operation_names}
    return names.get(action.lower()) if action[:1].islower() else None
