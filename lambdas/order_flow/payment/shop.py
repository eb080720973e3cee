"""What the environment gives a container: table names and a secret's ARN become a ledger; events become log lines."""

from __future__ import annotations

import json
import os
from functools import lru_cache
from typing import Any

import boto3
from ledger import Ledger
from signing import Keyring


def open_ledger() -> Ledger:
    """The ledger in the tables ACCOUNTS and PAYMENTS, signed with the key behind PAYMENT_KEY. One a container."""
    return _ledger(os.environ["ACCOUNTS"], os.environ["PAYMENTS"], os.environ["PAYMENT_KEY"])


def log(level: str, event: str, order_id: str, **fields: Any) -> None:
    """Writes one JSON object on one line of stdout, where Lambda collects it."""
    print(json.dumps({"level": level, "event": event, "order_id": order_id, **fields}), flush=True)


def text(event: dict[str, Any], name: str) -> str:
    """The non-empty string ``name`` of the event, or a ValueError that names it."""
    value = event.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be a non-empty string")
    return value


@lru_cache(maxsize=1)
def _ledger(accounts: str, payments: str, key_arn: str) -> Ledger:
    return Ledger(boto3.client("dynamodb"), accounts, payments, Keyring(boto3.client("secretsmanager"), key_arn))
