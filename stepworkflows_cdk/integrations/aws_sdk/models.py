"""What AWS's own service models say of an action: its parameters, its errors, its idempotency token.

The models are read as data from the installed botocore, which is not imported: they are the files that boto3 works by.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = [
    "Operation",
    "Service",
    "boto_name",
    "error_prefix",
    "java_name",
    "paginators",
    "service_model",
    "service_names",
]

# Where IAM's name is another than that in signatures:
# https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
_IAM_PREFIXES = {
    "cloudcontrol": "cloudformation",
    "cloudwatch": "cloudwatch",
    "iotjobsdataplane": "iotjobsdata",
    "iotsecuretunneling": "iot",
    "mturk": "mechanicalturk",
    "partnercentralaccount": "partnercentral",
    "partnercentralbenefits": "partnercentral",
    "partnercentralchannel": "partnercentral",
    "partnercentralselling": "partnercentral",
    "resourcegroupstaggingapi": "tag",
    "sso": "sso",
}
_SERVICE_ID = re.compile(rb'"serviceId"\s*:\s*"([^"]+)"')


@dataclass(frozen=True)
class Operation:
    """One action of a service. ``input`` and ``output`` are the names of the shapes of its parameters and of its answer,
    None where there are none.
    """

    name: str
    input: str | None
    output: str | None
    errors: tuple[str, ...]


@dataclass(frozen=True)
class Service:
    """One service's model. ``name`` is how a state machine calls the service, ``id`` is AWS's identifier of it."""

    name: str
    id: str
    model: Mapping[str, Any]

    @property
    def error_prefix(self) -> str:
        """What the names of the service's errors begin with in a state machine."""
        return error_prefix(self.id)

    @property
    def iam_prefix(self) -> str:
        """What the names of its actions begin with in IAM: as a rule that by which requests are signed."""
        if self.name in _IAM_PREFIXES:
            return _IAM_PREFIXES[self.name]
        metadata = self.model["metadata"]
        return str(metadata.get("signingName", metadata["endpointPrefix"]))

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions as a state machine spells them, with a small first letter."""
        return tuple(name[0].lower() + name[1:] for name in self.model["operations"])

    def operation(self, action: str) -> Operation | None:
        """The action of that name, spelt with a small first letter."""
        found = self.model["operations"].get(action[:1].upper() + action[1:])
        if found is None or not action[:1].islower():
            return None
        errors = tuple(error["shape"] for error in found.get("errors", ()))
        input_, output = (found.get(key, {}).get("shape") for key in ("input", "output"))
        return Operation(found["name"], input_, output, errors)

    def shape(self, name: str) -> Mapping[str, Any]:
        """A shape of the model."""
        shape: Mapping[str, Any] = self.model["shapes"][name]
        return shape

    def token(self, operation: Operation) -> str | None:
        """The parameter that makes a second call of the action harmless, in AWS's spelling."""
        members = self.shape(operation.input).get("members", {}) if operation.input else {}
        return next((_capital(name) for name, member in members.items() if member.get("idempotencyToken")), None)


def java_name(name: str) -> str:
    """A name as the AWS SDK for Java writes it: ``DynamoDB`` -> ``DynamoDb``, ``SFN`` -> ``Sfn``, ``SESv2`` ->
    ``SesV2``.

    Step Functions takes the names of services and errors from there:
    https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
    """
    words = re.sub(r"[^A-Za-z0-9]+", " ", name)
    words = re.sub(r"([^a-z]{2,})v([0-9]+)", r"\1 v\2 ", words)
    words = re.sub(r"([^A-Z]{2,})V([0-9]+)", r"\1 V\2 ", words)
    words = re.sub(r"(?<=[a-z])(?=[A-Z][A-Za-z0-9])", " ", words)
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", words)
    words = re.sub(r"([0-9])([a-zA-Z])", r"\1 \2", words)
    return "".join(word[0].upper() + word[1:].lower() for word in words.split())


def error_prefix(service_id: str) -> str:
    """What errors of a service begin with, by AWS's identifier of it: ``DynamoDb``, ``SecretsManager``, ``Config``."""
    return java_name(re.sub(r"\s*service\Z", "", service_id, flags=re.IGNORECASE))


def service_names() -> tuple[str, ...]:
    """Every service that a state machine can call by its SDK, as it calls them."""
    return tuple(_folders())


def boto_name(service: str) -> str | None:
    """boto3's name of a service: ``eventbridge`` -> ``events``; None for an unknown one."""
    path = _folders().get(service)
    return path.parent.parent.name if path else None


@cache
def service_model(name: str) -> Service | None:
    """The model of a service; None where there is none of that name."""
    path = _folders().get(name)
    if path is None:
        return None
    model = json.loads(_read(path))
    return Service(name, model["metadata"]["serviceId"], model)


@cache
def paginators(name: str) -> Mapping[str, Mapping[str, Any]]:
    """How actions of a service answer in pages: action -> AWS's description of it."""
    path = _folders()[name].parent
    files = (path / file for file in ("paginators-1.json", "paginators-1.json.gz"))
    found: Mapping[str, Mapping[str, Any]] = next(
        (json.loads(_read(file))["pagination"] for file in files if file.is_file()), {}
    )
    return found


@cache
def _folders() -> dict[str, Path]:
    """Name in a state machine -> file. It is AWS's identifier of the service in small letters, without "Service" at its
    end: ``eventbridge``, not ``events``; ``config``, not ``configservice``.
    """
    spec = find_spec("botocore")
    if spec is None or not spec.submodule_search_locations:
        return {}
    found: dict[str, Path] = {}
    for folder in sorted((Path(spec.submodule_search_locations[0]) / "data").iterdir()):
        path = next(_newest(folder), None) if folder.is_dir() else None
        id_ = _SERVICE_ID.search(_read(path, 4096)) if path else None
        if path and id_:
            found[re.sub(r"[^a-z0-9]", "", id_.group(1).decode().lower()).removesuffix("service")] = path
    return found


def _newest(folder: Path) -> Iterator[Path]:
    for version in sorted(folder.iterdir(), reverse=True):
        for name in ("service-2.json.gz", "service-2.json"):
            if (version / name).is_file():
                yield version / name


def _read(path: Path, size: int = -1) -> bytes:
    if path.suffix == ".gz":
        with gzip.open(path) as file:
            return file.read(size)
    with path.open("rb") as file:
        return file.read(size)


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
