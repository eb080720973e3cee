class Busy(Exception):
    pass


class NotReserved(Exception):
    pass


class TooLate(Exception):
    pass


def reserve(event, context):
    print(f"reserve, try {event['tries']}")
    return {"number": 7}


def release(event, context):
    print(f"release {event['number']}")
    if event["fault"] == "gone":
        raise NotReserved("it was never there")


def pack(event, context):
    if event["fault"] == "pack":
        raise ValueError("no box")
    return {"id": f"parcel-{event['number']}"}


def bill(event, context):
    if event["fault"] == "busy" and event["attempt"] == 1:
        raise Busy("soon")
    if event["fault"] == "broke":
        raise Busy("never")


def refund(event, context):
    print(f"refund {event['number']}")


def ship(event, context):
    if event["fault"] in ("late", "gone"):
        raise TooLate(f"{event['parcel']} missed the truck")
