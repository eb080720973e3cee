"""The ledger when things go wrong around it: a container that stops, a service that is busy, a key that is rotated."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from shop_in_moto import (
    CANARY,
    ContainerStopped,
    DyingClient,
    FailingClient,
    InterruptedClient,
    ReplayingClient,
    Shop,
    service_error,
)

Load = Callable[[str, str], ModuleType]
Open = Callable[[Any], Any]
ADA = "ada@example.com"


@pytest.fixture
def open_ledger(load: Load, shop: Shop) -> Open:
    """A ledger as a new container opens it, with the given DynamoDB client."""
    shop.open_account(ADA, 10000)
    ledger, signing = load("payment", "ledger"), load("payment", "signing")
    return lambda client: ledger.Ledger(client, "accounts", "payments", signing.Keyring(shop.secrets, shop.key_arn))


@pytest.fixture
def busy(load: Load) -> Any:
    return load("payment", "service").PaymentBusy


def test_a_charge_that_lost_its_answer_is_found_by_the_next_try(open_ledger: Open, shop: Shop) -> None:
    with pytest.raises(ContainerStopped):
        open_ledger(DyingClient(shop.dynamodb, "transact_write_items")).charge("1001", ADA, 2100)
    assert shop.balance(ADA) == 7900
    first = open_ledger(shop.dynamodb).charge("1001", ADA, 2100)
    assert first == open_ledger(shop.dynamodb).charge("1001", ADA, 2100)
    assert shop.balance(ADA) == 7900


def test_a_charge_that_emptied_the_account_and_lost_its_answer_is_not_refused(open_ledger: Open, shop: Shop) -> None:
    with pytest.raises(ContainerStopped):
        open_ledger(DyingClient(shop.dynamodb, "transact_write_items")).charge("1001", ADA, 10000)
    assert open_ledger(shop.dynamodb).charge("1001", ADA, 10000).startswith("ch_")
    assert shop.balance(ADA) == 0


def test_a_refund_that_lost_its_answer_pays_once(open_ledger: Open, shop: Shop) -> None:
    open_ledger(shop.dynamodb).charge("1001", ADA, 2100)
    with pytest.raises(ContainerStopped):
        open_ledger(DyingClient(shop.dynamodb, "transact_write_items")).refund("1001", ADA)
    assert open_ledger(shop.dynamodb).refund("1001", ADA) == 2100
    assert shop.balance(ADA) == 10000


def test_a_late_copy_of_a_charge_is_refused_after_the_refund_though_its_token_is_replayed(
    load: Load, open_ledger: Open, shop: Shop
) -> None:
    ledger = open_ledger(ReplayingClient(shop.dynamodb))
    ledger.charge("1001", ADA, 2100)
    ledger.refund("1001", ADA)
    with pytest.raises(load("payment", "ledger").PaymentRefused):
        ledger.charge("1001", ADA, 2100)
    assert shop.balance(ADA) == 10000


def test_a_removed_entry_is_no_charge_though_its_token_is_replayed(load: Load, open_ledger: Open, shop: Shop) -> None:
    ledger = open_ledger(ReplayingClient(shop.dynamodb))
    ledger.charge("1001", ADA, 2100)
    shop.dynamodb.delete_item(TableName="payments", Key={"order_id": {"S": "1001"}})
    with pytest.raises(load("payment", "ledger").LedgerTampered, match="removed"):
        ledger.charge("1001", ADA, 2100)


def test_a_charge_that_slips_in_while_a_refund_finds_none_is_refunded(open_ledger: Open, shop: Shop) -> None:
    client = InterruptedClient(shop.dynamodb, lambda: open_ledger(shop.dynamodb).charge("1001", ADA, 2100))
    assert open_ledger(client).refund("1001", ADA) == 2100
    assert shop.balance(ADA) == 10000


def test_of_two_refunds_at_once_one_pays(open_ledger: Open, shop: Shop) -> None:
    open_ledger(shop.dynamodb).charge("1001", ADA, 2100)
    client = InterruptedClient(shop.dynamodb, lambda: open_ledger(shop.dynamodb).refund("1001", ADA))
    assert open_ledger(client).refund("1001", ADA) == 2100
    assert shop.balance(ADA) == 10000


@pytest.mark.parametrize(
    "error",
    [
        service_error("TransactionCanceledException", "None", "TransactionConflict"),
        service_error("TransactionCanceledException", "ConditionalCheckFailed", "TransactionConflict"),
        service_error("TransactionCanceledException", "ThrottlingError", "None"),
        service_error("TransactionCanceledException", "ProvisionedThroughputExceeded", "None"),
        service_error("TransactionInProgressException"),
        service_error("ThrottlingException"),
        service_error("InternalServerError"),
        ReadTimeoutError(endpoint_url="https://dynamodb"),
        ConnectionClosedError(endpoint_url="https://dynamodb"),
        EndpointConnectionError(endpoint_url="https://dynamodb"),
    ],
    ids=repr,
)
def test_what_a_second_try_may_heal_is_busy(open_ledger: Open, shop: Shop, busy: Any, error: Exception) -> None:
    ledger = open_ledger(FailingClient(shop.dynamodb, "transact_write_items", error))
    with pytest.raises(busy):
        ledger.charge("1001", ADA, 2100)
    with pytest.raises(busy):
        ledger.refund("1001", ADA)


def test_what_no_second_try_heals_keeps_its_name(open_ledger: Open, shop: Shop) -> None:
    error = service_error("AccessDeniedException")
    with pytest.raises(type(error), match="AccessDenied"):
        open_ledger(FailingClient(shop.dynamodb, "transact_write_items", error)).charge("1001", ADA, 2100)


def test_a_ledger_that_never_settles_is_busy(open_ledger: Open, shop: Shop, busy: Any) -> None:
    lost = service_error("TransactionCanceledException", "ConditionalCheckFailed")
    with pytest.raises(busy, match="at this moment"):
        open_ledger(FailingClient(shop.dynamodb, "transact_write_items", lost)).refund("1001", ADA)


def test_a_charge_signed_with_the_previous_key_is_still_found_and_refunded(open_ledger: Open, shop: Shop) -> None:
    before = open_ledger(shop.dynamodb).charge("1001", ADA, 2100)
    shop.rotate("another-key")
    assert open_ledger(shop.dynamodb).charge("1001", ADA, 2100) == before
    assert open_ledger(shop.dynamodb).refund("1001", ADA) == 2100


def test_a_warm_container_reads_an_entry_that_was_signed_with_a_newer_key(open_ledger: Open, shop: Shop) -> None:
    warm = open_ledger(shop.dynamodb)
    warm.charge("1001", ADA, 100)
    shop.rotate("another-key")
    open_ledger(shop.dynamodb).charge("1002", ADA, 100)
    assert warm.refund("1002", ADA) == 100


def test_a_key_from_elsewhere_signs_nothing(load: Load, open_ledger: Open, shop: Shop) -> None:
    open_ledger(shop.dynamodb).charge("1001", ADA, 2100)
    shop.rotate("a-second-key")
    shop.rotate("a-third-key")
    with pytest.raises(load("payment", "ledger").LedgerTampered, match="signature"):
        open_ledger(shop.dynamodb).refund("1001", ADA)


def test_the_key_is_read_again_after_five_minutes(load: Load, shop: Shop) -> None:
    now = 0.0
    keyring = load("payment", "signing").Keyring(shop.secrets, shop.key_arn, lambda: now)
    assert keyring.current() == CANARY.encode()
    shop.rotate("another-key")
    now = 299.0
    assert keyring.current() == CANARY.encode()
    now = 300.0
    assert keyring.current() == b"another-key"


@pytest.mark.parametrize(
    ("secret", "key"), [("plain", b"plain"), ("12345", b"12345"), ('{"key": "k", "user": "u"}', b"k")]
)
def test_the_secret_is_a_plain_string_or_an_object_with_a_key(load: Load, shop: Shop, secret: str, key: bytes) -> None:
    shop.rotate(secret)
    assert load("payment", "signing").Keyring(shop.secrets, shop.key_arn).current() == key


@pytest.mark.parametrize("secret", ['{"password": "canary"}', '{"key": ""}', '{"key": 7}'])
def test_a_secret_without_a_key_is_an_error_that_does_not_show_it(load: Load, shop: Shop, secret: str) -> None:
    shop.rotate(secret)
    with pytest.raises(ValueError, match="neither a key nor a JSON object") as caught:
        load("payment", "signing").Keyring(shop.secrets, shop.key_arn).current()
    assert "canary" not in str(caught.value)
