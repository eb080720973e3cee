"""Flights of a trip, as an airline's API would have them."""


def reserve(event: dict, context: object) -> dict:
    if event["run_type"] == "failFlightsReservation":
        raise RuntimeError("no seat is left")
    return {"booking_id": f"F-{event['trip_id']}"}


def confirm(event: dict, context: object) -> dict:
    if event["run_type"] == "failFlightsConfirmation":
        raise RuntimeError("the airline does not answer")
    return {"booking_id": event["flight"]}


def cancel(event: dict, context: object) -> dict:
    return {"cancelled": event["flight"]}
