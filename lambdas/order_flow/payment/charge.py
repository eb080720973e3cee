"""The step ``charge``: the amount of an order becomes a charge on the customer's account with the shop.

In: ``{"order_id", "email", "amount"}``, the amount in cents. Out: ``{"charge_id", "amount", "status": "CHARGED"}``.
Errors: PaymentRefused (final), PaymentBusy (try again), LedgerTampered, ValueError for an event of another shape.
Run again with the same event it charges nothing more and gives the same answer.
"""

from __future__ import annotations

from typing import Any

from ledger import LedgerTampered, PaymentRefused
from service import PaymentBusy
from shop import log, open_ledger, text


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    order_id, email, amount = text(event, "order_id"), text(event, "email"), _cents(event.get("amount"))
    try:
        charge_id = open_ledger().charge(order_id, email, amount)
    except (PaymentRefused, PaymentBusy, LedgerTampered) as error:
        log("WARNING", "not-charged", order_id, error=type(error).__name__, reason=str(error))
        raise
    log("INFO", "charged", order_id, charge_id=charge_id)
    return {"charge_id": charge_id, "amount": amount, "status": "CHARGED"}


def _cents(value: object) -> int:
    """A whole number of cents. JSON does not tell 450 from 450.0, so both are."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("amount must be a whole number of cents, 0 or more")
    return value
