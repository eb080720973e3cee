"""The names that Step Functions has for services, actions and errors, which are those of the AWS SDKs for Java.

SDK integrations speak as the second SDK: service ``dynamodb``, errors ``DynamoDb.TransactionCanceledException``.
Optimised ones speak as the first: ``DynamoDB.ConditionalCheckFailedException``, ``DynamoDB.AmazonDynamoDBException``.

https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

import gzip
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from stepworkflows_cdk.local.surroundings import optional

__all__ = ["boto_service", "exception_name", "operation_name", "pascal"]

_SERVICE_ID = re.compile(rb'"serviceId"\s*:\s*"([^"]+)"')


def pascal(name: str) -> str:
    """A name as a Java class has it: ``DynamoDB`` -> ``DynamoDb``, ``SESv2`` -> ``SesV2``, ``ACM PCA`` ->
    ``AcmPca``."""
    words = re.sub(r"[^A-Za-z0-9]+", " ", name)
    words = re.sub(r"([^a-z]{2,})v([0-9]+)", r"\1 v\2 ", words)
    words = re.sub(r"([^A-Z]{2,})V([0-9]+)", r"\1 V\2 ", words)
    words = re.sub(r"(?<=[a-z])(?=[A-Z][A-Za-z0-9])", " ", words)
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", words)
    words = re.sub(r"([0-9])([a-zA-Z])", r"\1 \2", words)
    return "".join(word[0].upper() + word[1:].lower() for word in words.split())


def exception_name(error: Exception, model: Any) -> str | None:
    """The exception for what boto3 raised, ending in ``Exception``; None for an error that the service's model has not."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code")
    # boto3 has a class for each error of a model; its name is the model's, where the code may be an older one.
    known = (code, type(error).__name__)
    for shape in model.error_shapes:
        if shape.name in known or shape.metadata.get("error", {}).get("code", "") == code:
            name = shape.name.removesuffix("Exception").removesuffix("Fault") or shape.name
            return f"{pascal(name)}Exception"
    return None


@lru_cache(maxsize=1)
def _services() -> dict[str, str]:
    """Name in a task resource -> boto3's name."""
    loader = optional("botocore.session").Session().get_component("data_loader")
    found = {}
    for name in loader.list_available_services("service-2"):
        version = loader.determine_latest_version(name, "service-2")
        for folder in loader.search_paths:
            path = Path(folder) / name / version / "service-2.json"
            if identifier := _service_id(path):
                found[re.sub(r"[^a-z0-9]", "", identifier.lower())] = name
                break
    return found


def _service_id(path: Path) -> str | None:
    # A service's model can be megabytes of JSON; its metadata stands at the beginning.
    packed = path.with_suffix(".json.gz")
    if packed.exists():
        with gzip.open(packed) as file:
            head = file.read(4096)
    elif path.exists():
        head = path.read_bytes()[:4096]
    else:
        return None
    match = _SERVICE_ID.search(head)
    return match.group(1).decode() if match else None


def boto_service(service: str) -> str | None:
    """boto3's name of a service in a task resource: ``eventbridge`` -> ``events``; None for an unknown one."""
    return _services().get(service)


def operation_name(action: str, model: Any) -> str | None:
    """The operation in a service's model for the action in a task resource: ``putItem`` -> ``PutItem``."""
    names = {name.lower(): name for name in model.operation_names}
    return names.get(action.lower()) if action[:1].islower() else None
