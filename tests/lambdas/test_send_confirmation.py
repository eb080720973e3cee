"""send_confirmation as the flow calls it: one mail an order, whatever is repeated."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends
from shop_in_moto import ContainerStopped, DyingClient, Shop

EVENT = {
    "order_id": "1001",
    "email": "ada@example.com",
    "name": "Ada",
    "items": [{"sku": "tea", "qty": 2, "price": 450}, {"sku": "cup", "qty": 1, "price": 1205}],
    "total": 2105,
    "currency": "EUR",
}


@pytest.fixture
def step(load: Callable[[str, str], ModuleType], shop: Shop, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    boto3.client("sesv2").create_email_identity(EmailIdentity="shop@example.com")
    boto3.client("ses").verify_email_identity(EmailAddress="shop@example.com")
    monkeypatch.setenv("SENDER", "shop@example.com")
    monkeypatch.setenv("ORDERS", "orders")
    shop.dynamodb.put_item(TableName="orders", Item={"order_id": {"S": "1001"}, "status": {"S": "CREATED"}})
    return load("send_confirmation", "handler")


@pytest.fixture
def mails() -> Callable[[], list[Any]]:
    return lambda: list(ses_backends[DEFAULT_ACCOUNT_ID]["eu-west-1"].sent_messages)


def test_the_mail_says_what_was_ordered_and_the_row_that_it_was_sent(
    step: ModuleType, shop: Shop, mails: Callable[[], list[Any]]
) -> None:
    result = step.handler(EVENT, None)
    [mail] = mails()
    assert result == {"message_id": mail.id, "already_sent": False}
    assert mail.source == "shop@example.com"
    assert mail.destinations == {"ToAddresses": ["ada@example.com"]}
    assert mail.subject == "Your order 1001"
    for part in ("Hello Ada,", "<td>2</td><td>tea</td><td>9.00 EUR</td>", "12.05 EUR", "Total: 21.05 EUR"):
        assert part in mail.body
    row = shop.row("orders", order_id="1001")
    assert row["confirmation"] == {"S": mail.id}
    assert row["status"] == {"S": "CREATED"}


def test_a_second_run_sends_nothing(step: ModuleType, mails: Callable[[], list[Any]]) -> None:
    first = step.handler(EVENT, None)
    assert step.handler(EVENT, None) == {"message_id": first["message_id"], "already_sent": True}
    assert len(mails()) == 1


def test_a_run_that_lost_its_answer_is_not_repeated(
    step: ModuleType, shop: Shop, mails: Callable[[], list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = {"dynamodb": DyingClient(shop.dynamodb, "update_item"), "sesv2": boto3.client("sesv2")}
    with monkeypatch.context() as container:
        container.setattr(step, "_client", clients.get)
        with pytest.raises(ContainerStopped):
            step.handler(EVENT, None)
    assert step.handler(EVENT, None)["already_sent"] is True
    assert len(mails()) == 1


def test_without_a_row_nothing_is_sent(step: ModuleType, mails: Callable[[], list[Any]]) -> None:
    with pytest.raises(step.OrderMissing):
        step.handler({**EVENT, "order_id": "1002"}, None)
    assert mails() == []


def test_of_two_runs_at_once_the_first_message_stays_on_the_row(
    step: ModuleType, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Twin:
        """A mail service that takes so long that another run notes its own message first."""

        def send_email(self, **parameters: Any) -> dict[str, str]:
            shop.dynamodb.update_item(
                TableName="orders",
                Key={"order_id": {"S": "1001"}},
                UpdateExpression="SET confirmation = :id",
                ExpressionAttributeValues={":id": {"S": "the-first"}},
            )
            return {"MessageId": "the-second"}

    monkeypatch.setattr(step, "_client", {"dynamodb": shop.dynamodb, "sesv2": Twin()}.get)
    assert step.handler(EVENT, None)["message_id"] == "the-first"


@pytest.mark.parametrize("name", [None, ""])
def test_a_customer_without_a_name_is_greeted_all_the_same(
    step: ModuleType, mails: Callable[[], list[Any]], name: str | None
) -> None:
    event = {key: value for key, value in EVENT.items() if key != "currency"}
    step.handler({**event, "name": name}, None)
    [mail] = mails()
    assert "Hello," in mail.body
    assert "Total: 21.05<" in mail.body


def test_what_customers_write_is_no_markup(step: ModuleType, mails: Callable[[], list[Any]]) -> None:
    items = [{"sku": "<img src=x>", "qty": 1, "price": 1}]
    step.handler({**EVENT, "name": "<script>", "items": items}, None)
    [mail] = mails()
    assert "&lt;script&gt;" in mail.body
    assert "&lt;img src=x&gt;" in mail.body
    assert "<script>" not in mail.body


def test_the_mail_has_a_part_for_readers_without_html(
    step: ModuleType, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []

    class Post:
        def send_email(self, **parameters: Any) -> dict[str, str]:
            sent.append(parameters)
            return {"MessageId": "m-1"}

    monkeypatch.setattr(step, "_client", {"dynamodb": shop.dynamodb, "sesv2": Post()}.get)
    step.handler({**EVENT, "name": "<Ada>"}, None)
    assert sent[0]["Content"]["Simple"]["Body"]["Text"]["Data"] == (
        "Hello <Ada>,\n\nthank you for your order 1001.\n\n2 x tea: 9.00 EUR\n1 x cup: 12.05 EUR\n\nTotal: 21.05 EUR\n"
    )


def test_logs_are_json_lines_without_personal_data(step: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    step.handler(EVENT, None)
    step.handler(EVENT, None)
    out, err = capfd.readouterr()
    assert [json.loads(line)["event"] for line in out.splitlines()] == [
        "confirmation-sent",
        "confirmation-already-sent",
    ]
    assert "ada" not in (out + err).lower()
