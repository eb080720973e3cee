"""Cars of a trip, as a rental company's API would have them."""


def reserve(event: dict, context: object) -> dict:
    if event["run_type"] == "failCarRentalReservation":
        raise RuntimeError("no car is left")
    return {"booking_id": f"C-{event['trip_id']}"}


def confirm(event: dict, context: object) -> dict:
    if event["run_type"] == "failCarRentalConfirmation":
        raise RuntimeError("the company does not answer")
    return {"booking_id": event["car"]}


def cancel(event: dict, context: object) -> dict:
    return {"cancelled": event["car"]}
