"""The step ``refund``, the undo of ``charge``: an order becomes its money back on the customer's account.

In: ``{"order_id", "email"}``. Out: ``{"refunded"}``, in cents, 0 where nothing was charged; a charge of that order that
is still on its way is refused from then on. Errors: PaymentBusy (try again), PaymentRefused, LedgerTampered, ValueError
for an event of another shape.
Run again it gives nothing more back and the same answer.
"""

from __future__ import annotations

from typing import Any

from ledger import LedgerTampered, PaymentRefused
from service import PaymentBusy
from shop import log, open_ledger, text


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    order_id, email = text(event, "order_id"), text(event, "email")
    try:
        refunded = open_ledger().refund(order_id, email)
    except (PaymentRefused, PaymentBusy, LedgerTampered) as error:
        log("WARNING", "not-refunded", order_id, error=type(error).__name__, reason=str(error))
        raise
    log("INFO", "refunded", order_id, charged=refunded > 0)
    return {"refunded": refunded}
