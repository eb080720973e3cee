"""The order flow's shop in moto, and DynamoDB clients that behave as moto's does not: dying, replaying, busy, late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

CANARY = "canary-3f9a1c"
"""The payment key's value; it may appear in no log and no result."""


class ContainerStopped(BaseException):
    """The end of a container in the middle of its work: nothing in the code under test can catch it."""


@dataclass(frozen=True)
class Shop:
    """The shop's tables and its payment key."""

    dynamodb: Any
    secrets: Any
    key_arn: str

    def open_account(self, email: str, balance: int) -> None:
        self.dynamodb.put_item(TableName="accounts", Item={"email": {"S": email}, "balance": {"N": str(balance)}})

    def close_account(self, email: str) -> None:
        self.dynamodb.delete_item(TableName="accounts", Key={"email": {"S": email}})

    def balance(self, email: str) -> int:
        return int(self.row("accounts", email=email)["balance"]["N"])

    def payment(self, order_id: str) -> dict[str, Any]:
        """The entry's row, empty where there is none."""
        return self.row("payments", order_id=order_id)

    def row(self, table: str, **key: str) -> dict[str, Any]:
        found = self.dynamodb.get_item(TableName=table, Key={name: {"S": value} for name, value in key.items()})
        row: dict[str, Any] = found.get("Item", {})
        return row

    def tamper(self, order_id: str, attribute: str, value: dict[str, str]) -> None:
        self.dynamodb.update_item(
            TableName="payments",
            Key={"order_id": {"S": order_id}},
            UpdateExpression="SET #a = :v",
            ExpressionAttributeNames={"#a": attribute},
            ExpressionAttributeValues={":v": value},
        )

    def rotate(self, value: str) -> None:
        self.secrets.put_secret_value(SecretId=self.key_arn, SecretString=value)


def open_shop() -> Shop:
    """Empty tables and the canary as payment key. Needs moto's ``mock_aws``."""
    dynamodb = boto3.client("dynamodb")
    for name, key in {"accounts": "email", "payments": "order_id", "orders": "order_id"}.items():
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    secrets = boto3.client("secretsmanager")
    arn = secrets.create_secret(Name="payment", SecretString=f'{{"key": "{CANARY}"}}')["ARN"]
    return Shop(dynamodb, secrets, arn)


class DyingClient:
    """Its container stops after the effect of the first call of ``operation``, before the answer."""

    def __init__(self, client: Any, operation: str) -> None:
        self._client = client
        self._operation = operation

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name != self._operation:
            return method

        def call(**parameters: Any) -> Any:
            method(**parameters)
            raise ContainerStopped

        return call


class ReplayingClient:
    """Honours ClientRequestToken: a token that succeeded before succeeds again without an effect."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._done: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **parameters: Any) -> Any:
        token, actions = parameters["ClientRequestToken"], parameters["TransactItems"]
        assert self._done.get(token, actions) == actions, "IdempotentParameterMismatchException"
        if token not in self._done:
            self._client.transact_write_items(**parameters)
            self._done[token] = actions
        return {}


class FailingClient:
    """Each call of ``operation`` fails with the given error and changes nothing."""

    def __init__(self, client: Any, operation: str, error: Exception) -> None:
        self._client = client
        self._operation = operation
        self._error = error

    def __getattr__(self, name: str) -> Any:
        return self._fail if name == self._operation else getattr(self._client, name)

    def _fail(self, **parameters: Any) -> Any:
        raise self._error


class InterruptedClient:
    """After its first reading something else happens, so that what was read is out of date."""

    def __init__(self, client: Any, happens: Callable[[], object]) -> None:
        self._client = client
        self._happens: Callable[[], object] | None = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_item(self, **parameters: Any) -> Any:
        answer = self._client.get_item(**parameters)
        if self._happens is not None:
            happens, self._happens = self._happens, None
            happens()
        return answer


def service_error(code: str, *cancellation_reasons: str) -> ClientError:
    """An error as boto3 raises it."""
    response: Any = {"Error": {"Code": code, "Message": code}}
    if cancellation_reasons:
        response["CancellationReasons"] = [{"Code": reason} for reason in cancellation_reasons]
    return ClientError(response, "Operation")
