"""charge and refund as the flow calls them: event in, result or named error out, money and entry as they should be."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from shop_in_moto import CANARY, Shop

Handler = Callable[..., Any]
ADA = "ada@example.com"
EVENT = {"order_id": "1001", "email": ADA, "amount": 2100}
UNDO = {"order_id": "1001", "email": ADA}


@pytest.fixture
def charge(load: Callable[[str, str], ModuleType], shop: Shop) -> Handler:
    shop.open_account(ADA, 10000)
    handler: Handler = load("payment", "charge").handler
    return lambda **changed: handler({**EVENT, **changed}, None)


@pytest.fixture
def refund(load: Callable[[str, str], ModuleType], shop: Shop) -> Handler:
    handler: Handler = load("payment", "refund").handler
    return lambda **changed: handler({**UNDO, **changed}, None)


def named(name: str) -> Any:
    """Step Functions sees an error by the name of its class."""
    return pytest.raises(Exception, check=lambda error: type(error).__name__ == name)


def test_a_charge_takes_the_amount_and_names_the_charge(charge: Handler, shop: Shop) -> None:
    result = charge()
    assert result == {"charge_id": result["charge_id"], "amount": 2100, "status": "CHARGED"}
    assert result["charge_id"].startswith("ch_")
    assert shop.balance(ADA) == 7900
    assert shop.payment("1001")["status"]["S"] == "CHARGED"


def test_a_second_charge_of_the_same_order_takes_nothing_and_answers_the_same(charge: Handler, shop: Shop) -> None:
    assert charge() == charge()
    assert shop.balance(ADA) == 7900


def test_two_orders_are_two_charges(charge: Handler, shop: Shop) -> None:
    assert charge()["charge_id"] != charge(order_id="1002")["charge_id"]
    assert shop.balance(ADA) == 5800


def test_a_whole_number_written_as_a_float_is_the_same_amount(charge: Handler, shop: Shop) -> None:
    assert charge(amount=2100.0) == charge(amount=2100)
    assert shop.balance(ADA) == 7900


def test_an_order_of_nothing_is_entered_without_touching_the_account(charge: Handler, shop: Shop) -> None:
    assert charge(amount=0, email="nobody@example.com")["status"] == "CHARGED"
    assert shop.payment("1001")["amount"]["N"] == "0"
    assert shop.balance(ADA) == 10000


@pytest.mark.parametrize("amount", [-1, 10.5, "2100", True, None, float("nan"), float("inf")])
def test_an_amount_that_is_no_number_of_cents_is_an_error(charge: Handler, shop: Shop, amount: Any) -> None:
    with pytest.raises(ValueError, match="amount must be a whole number of cents"):
        charge(amount=amount)
    assert shop.payment("1001") == {}


@pytest.mark.parametrize("field", ["order_id", "email"])
@pytest.mark.parametrize("value", ["", None, 7])
def test_order_and_email_must_be_there(charge: Handler, refund: Handler, field: str, value: Any) -> None:
    for step in (charge, refund):
        with pytest.raises(ValueError, match=f"{field} must be a non-empty string"):
            step(**{field: value})


@pytest.mark.parametrize("changed", [{"amount": 10001}, {"email": "nobody@example.com"}])
def test_who_cannot_pay_is_refused_without_amounts_or_address(
    charge: Handler, shop: Shop, changed: dict[str, Any]
) -> None:
    with named("PaymentRefused") as caught:
        charge(**changed)
    assert str(caught.value) == "the account does not exist or does not cover the order"
    assert shop.payment("1001") == {}
    assert shop.balance(ADA) == 10000


@pytest.mark.parametrize("changed", [{"amount": 2101}, {"amount": 0}, {"email": "eve@example.com"}])
def test_an_order_is_charged_for_one_amount_to_one_account(
    charge: Handler, shop: Shop, changed: dict[str, Any]
) -> None:
    shop.open_account("eve@example.com", 10000)
    charge()
    with named("PaymentRefused"):
        charge(**changed)
    assert (shop.balance(ADA), shop.balance("eve@example.com")) == (7900, 10000)


def test_a_refund_gives_back_what_was_charged_once(charge: Handler, refund: Handler, shop: Shop) -> None:
    charge()
    assert refund() == refund() == {"refunded": 2100}
    assert shop.balance(ADA) == 10000
    assert shop.payment("1001")["status"]["S"] == "REFUNDED"


def test_a_refunded_order_is_not_charged_again(charge: Handler, refund: Handler, shop: Shop) -> None:
    charge()
    refund()
    with named("PaymentRefused") as caught:
        charge()
    assert str(caught.value) == "the order was refunded already"
    assert shop.balance(ADA) == 10000


def test_a_refund_before_the_charge_refuses_the_charge(charge: Handler, refund: Handler, shop: Shop) -> None:
    assert refund() == refund() == {"refunded": 0}
    with named("PaymentRefused"):
        charge()
    assert shop.balance(ADA) == 10000


def test_an_order_of_nothing_is_refunded_though_there_is_no_account(charge: Handler, refund: Handler) -> None:
    charge(amount=0, email="nobody@example.com")
    assert refund(email="nobody@example.com") == {"refunded": 0}


def test_a_refund_goes_to_the_account_that_was_charged(charge: Handler, refund: Handler, shop: Shop) -> None:
    shop.open_account("eve@example.com", 0)
    charge()
    with named("PaymentRefused"):
        refund(email="eve@example.com")
    assert (shop.balance(ADA), shop.balance("eve@example.com")) == (7900, 0)


def test_a_refund_to_a_closed_account_is_refused_and_stays_open(charge: Handler, refund: Handler, shop: Shop) -> None:
    charge()
    shop.close_account(ADA)
    with named("PaymentRefused") as caught:
        refund()
    assert str(caught.value) == "the account that was charged no longer exists"
    assert shop.payment("1001")["status"]["S"] == "CHARGED"


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("amount", {"N": "9000"}),
        ("amount", {"S": "much"}),
        ("status", {"S": "REFUNDED"}),
        ("signature", {"S": "0" * 64}),
    ],
)
def test_a_changed_entry_is_refused_and_nothing_moves(
    charge: Handler, refund: Handler, shop: Shop, attribute: str, value: dict[str, str]
) -> None:
    charge()
    shop.tamper("1001", attribute, value)
    for step in (refund, charge):
        with named("LedgerTampered"):
            step()
    assert shop.balance(ADA) == 7900


def test_an_entry_moved_to_another_account_is_refused(charge: Handler, refund: Handler, shop: Shop) -> None:
    shop.open_account("eve@example.com", 0)
    charge()
    shop.tamper("1001", "email", {"S": "eve@example.com"})
    with named("LedgerTampered"):
        refund(email="eve@example.com")
    assert shop.balance("eve@example.com") == 0


def test_logs_are_json_lines_and_hold_neither_the_key_nor_personal_data(
    charge: Handler, refund: Handler, capfd: pytest.CaptureFixture[str]
) -> None:
    results = [charge(), refund()]
    with named("PaymentRefused"):
        charge()
    captured = capfd.readouterr()
    lines = [json.loads(line) for line in captured.out.splitlines()]
    assert [line["event"] for line in lines] == ["charged", "refunded", "not-charged"]
    assert {line["order_id"] for line in lines} == {"1001"}
    everything = captured.out + captured.err + json.dumps(results)
    assert CANARY not in everything
    assert ADA not in captured.out + captured.err
