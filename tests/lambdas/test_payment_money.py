"""Whatever order of charges, refunds, retries and stopped containers: no money appears or vanishes."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from moto import mock_aws
from shop_in_moto import ContainerStopped, DyingClient, ReplayingClient, open_shop

CUSTOMERS = ["ada@example.com", "bob@example.com"]
BALANCE = 500

orders = st.sampled_from(["1", "2", "3"])
customers = st.sampled_from(CUSTOMERS)
amounts = st.integers(0, 600)


def money(ledger: ModuleType, signing: ModuleType) -> type[RuleBasedStateMachine]:
    class Money(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.mock = mock_aws()
            self.mock.start()
            self.shop = open_shop()
            for customer in CUSTOMERS:
                self.shop.open_account(customer, BALANCE)
            self.client = ReplayingClient(self.shop.dynamodb)
            self.keys = signing.Keyring(self.shop.secrets, self.shop.key_arn)
            self.open: dict[str, tuple[str, int]] = {}
            self.closed: set[str] = set()

        def teardown(self) -> None:
            self.mock.stop()

        def ledger(self, stops: bool) -> Any:
            client = DyingClient(self.client, "transact_write_items") if stops else self.client
            return ledger.Ledger(client, "accounts", "payments", self.keys)

        @rule(order=orders, customer=customers, amount=amounts, stops=st.booleans())
        def charge(self, order: str, customer: str, amount: int, stops: bool) -> None:
            allowed = order not in self.closed and self.open.get(order, (customer, amount)) == (customer, amount)
            covered = order in self.open or amount <= self.shop.balance(customer)
            try:
                self.ledger(stops).charge(order, customer, amount)
            except ContainerStopped:
                if not (allowed and covered):
                    return
            except ledger.PaymentRefused:
                assert not (allowed and covered)
                return
            assert allowed
            assert covered
            self.open[order] = (customer, amount)

        @rule(order=orders, customer=customers, stops=st.booleans())
        def refund(self, order: str, customer: str, stops: bool) -> None:
            theirs = self.open.get(order, (customer, 0))
            try:
                given = self.ledger(stops).refund(order, customer)
            except ContainerStopped:
                pass
            except ledger.PaymentRefused:
                assert order in self.closed or theirs[0] != customer
                return
            else:
                assert order in self.closed or given == theirs[1]
            self.open.pop(order, None)
            self.closed.add(order)

        @invariant()
        def nothing_is_lost(self) -> None:
            for customer in CUSTOMERS:
                charged = sum(amount for payer, amount in self.open.values() if payer == customer)
                assert self.shop.balance(customer) == BALANCE - charged >= 0

    return Money


def check(load: Callable[[str, str], ModuleType], **changed: Any) -> None:
    machine = money(load("payment", "ledger"), load("payment", "signing"))
    run_state_machine_as_test(machine, settings=settings(settings(), **changed))


def test_no_money_appears_or_vanishes(load: Callable[[str, str], ModuleType]) -> None:
    check(load, max_examples=25, stateful_step_count=20)


@pytest.mark.deep
def test_no_money_appears_or_vanishes_in_long_histories(load: Callable[[str, str], ModuleType]) -> None:
    check(load, stateful_step_count=60)  # as many as the profile says
