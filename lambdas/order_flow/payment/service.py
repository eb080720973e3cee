"""Calls of AWS services: an answer, or PaymentBusy where the same call may succeed a moment later.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NotConnected

_BUSY_CODES = {
    "InternalServerError",
    "InternalServiceError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
}
_BUSY_REASONS = {"ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"}


class PaymentBusy(Exception):
    """A service is busy, or did not answer; the same event may succeed later."""


def call(operation: Callable[..., dict[str, Any]], **parameters: Any) -> dict[str, Any]:
    """The answer of a client's operation. Raises PaymentBusy; other errors of the service stay what they are."""
    try:
        return operation(**parameters)
    except (HTTPClientError, NotConnected) as error:
        raise PaymentBusy("a service did not answer") from error
    except ClientError as error:
        if error.response["Error"]["Code"] in _BUSY_CODES or _BUSY_REASONS.intersection(reasons(error)):
            raise PaymentBusy("a service is busy") from error
        raise


def reasons(error: ClientError) -> list[str]:
    """Why a transaction was cancelled: one code an action, ``None`` (the word) for those that were not the reason."""
    return [str(reason.get("Code")) for reason in error.response.get("CancellationReasons", [])]
