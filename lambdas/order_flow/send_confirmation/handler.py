"""The step ``confirm``: an order becomes a mail to the customer that says what was ordered.

In: ``{"order_id", "email", "name", "items": [{"sku", "qty", "price"}], "total", "currency"}``; ``name`` may be null,
``currency`` missing; money in cents. Out: ``{"message_id", "already_sent"}``.

The id of the message is kept on the order's row, attribute ``confirmation``; a row that has one gets no second mail.
SES has no idempotency token: a container that dies between sending and noting it leaves a customer who may get the mail
twice.
https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
"""

from __future__ import annotations

import json
import os
from functools import cache
from html import escape
from typing import Any

import boto3
from botocore.exceptions import ClientError


class OrderMissing(Exception):
    """There is no row for the order, so that nothing could keep a second mail from being sent."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    order_id: str = event["order_id"]
    sent = _confirmation(order_id)
    if sent is None:
        sent = _note(order_id, _send(event))
        _log("confirmation-sent", order_id, sent)
        return {"message_id": sent, "already_sent": False}
    _log("confirmation-already-sent", order_id, sent)
    return {"message_id": sent, "already_sent": True}


def _confirmation(order_id: str) -> str | None:
    answer = _client("dynamodb").get_item(
        TableName=os.environ["ORDERS"],
        Key={"order_id": {"S": order_id}},
        ProjectionExpression="order_id, confirmation",
        ConsistentRead=True,
    )
    if "Item" not in answer:
        raise OrderMissing("the order has no row; create it before its confirmation is sent")
    found: str | None = answer["Item"].get("confirmation", {}).get("S")
    return found


def _send(event: dict[str, Any]) -> str:
    answer = _client("sesv2").send_email(
        FromEmailAddress=os.environ["SENDER"],
        Destination={"ToAddresses": [event["email"]]},
        Content={
            "Simple": {
                "Subject": _content(f"Your order {event['order_id']}"),
                "Body": {"Text": _content(_as_text(event)), "Html": _content(_as_html(event))},
            }
        },
    )
    message_id: str = answer["MessageId"]
    return message_id


def _note(order_id: str, message_id: str) -> str:
    """Keeps the id of the message on the row. Where another run was faster, its id."""
    try:
        _client("dynamodb").update_item(
            TableName=os.environ["ORDERS"],
            Key={"order_id": {"S": order_id}},
            UpdateExpression="SET confirmation = :id",
            ConditionExpression="attribute_exists(order_id) AND attribute_not_exists(confirmation)",
            ExpressionAttributeValues={":id": {"S": message_id}},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return _confirmation(order_id) or message_id
    return message_id


def _as_text(event: dict[str, Any]) -> str:
    lines = [f"{item['qty']} x {item['sku']}: {_money(item['qty'] * item['price'], event)}" for item in event["items"]]
    return "\n".join(
        [_greeting(event), "", _thanks(event), "", *lines, "", f"Total: {_money(event['total'], event)}", ""]
    )


def _as_html(event: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{escape(str(item['qty']))}</td><td>{escape(str(item['sku']))}</td>"
        f"<td>{escape(_money(item['qty'] * item['price'], event))}</td></tr>"
        for item in event["items"]
    )
    return (
        f"<p>{escape(_greeting(event))}</p><p>{escape(_thanks(event))}</p>"
        f"<table>{rows}</table><p>Total: {escape(_money(event['total'], event))}</p>"
    )


def _greeting(event: dict[str, Any]) -> str:
    name = event.get("name")
    return f"Hello {name}," if name else "Hello,"


def _thanks(event: dict[str, Any]) -> str:
    return f"thank you for your order {event['order_id']}."


def _money(cents: float, event: dict[str, Any]) -> str:
    whole, rest = divmod(int(cents), 100)
    return f"{whole}.{rest:02d} {event.get('currency') or ''}".rstrip()


def _content(data: str) -> dict[str, str]:
    return {"Data": data, "Charset": "UTF-8"}


def _log(event: str, order_id: str, message_id: str) -> None:
    print(json.dumps({"level": "INFO", "event": event, "order_id": order_id, "message_id": message_id}), flush=True)


@cache
def _client(service: str) -> Any:
    return boto3.client(service)
