"""Errors of a call that a document names: the names that Step Functions gives them.

https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html: ``Prefix.NameException``, whether or not
the service itself ends the name so.
"""

from __future__ import annotations

from collections.abc import Iterator

from stepworkflows_cdk.compiler.pages import TOO_LARGE, TOO_MANY
from stepworkflows_cdk.integrations.aws_sdk.models import Service
from stepworkflows_cdk.language.checks.errors import named_errors
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.shape import nearest
from stepworkflows_cdk.language.workflow import Step

__all__ = ["check_errors", "unlisted"]

_COMMON = ("SdkClientException",)
_OURS = ("transient", TOO_MANY, TOO_LARGE)


def check_errors(step: Step, service: Service) -> Iterator[Problem]:
    """Names under ``catch``, ``retry`` and ``ignore`` that no call of the service can fail with."""
    known = sorted(_known(service))
    for path, error in named_errors(step):
        if error in _OURS or error.startswith("States.") or error in known:
            continue
        message = f"no call of `{service.name}` fails as `{error}`"
        ending = error.rpartition(".")[2].removesuffix("Exception") + "Exception"
        same = next((name for name in known if name.lower() == f"{service.error_prefix}.{ending}".lower()), "")
        hint = f"did you mean `{same}`?" if same else nearest(error, known)
        hint = hint or f"its errors are called `{service.error_prefix}.NAMEException`"
        yield Problem("SW255", message, step.mark_of(*path), hint)


def unlisted(service: Service) -> tuple[str, ...]:
    """What the optimised integrations may call an error that the service's model does not list: as the first AWS SDK for Java
    does, ``SageMaker.AmazonSageMakerException``, ``Glue.AWSGlueException``.
    """
    prefix = service.error_prefix
    return (f"{prefix}.AWS{prefix}Exception", f"{prefix}.Amazon{prefix}Exception")


def _known(service: Service) -> Iterator[str]:
    for name, shape in service.model["shapes"].items():
        if shape.get("exception"):
            yield f"{service.error_prefix}.{name.removesuffix('Exception')}Exception"
    yield from (f"{service.error_prefix}.{name}" for name in _COMMON)
    yield f"{service.error_prefix}.{service.error_prefix}Exception"
    yield from unlisted(service)
    # Whatever the model has: AWS answers so for every service.
    yield from (f"{service.error_prefix}.{name}Exception" for name in ("Throttling", "AccessDenied", "Validation"))
