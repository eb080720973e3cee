"""The payment of a trip, as a bank's API would have it."""


def pay(event: dict, context: object) -> dict:
    if event["run_type"] == "failPayment":
        raise RuntimeError("the card is refused")
    return {"payment_id": f"P-{event['trip_id']}"}


def refund(event: dict, context: object) -> dict:
    return {"refunded": event["payment"]}
