import time


class Busy(Exception):
    pass


def handler(event, context):
    if event["fault"] == "busy":
        raise Busy("all hands are full")
    if event["fault"] == "slow":
        time.sleep(90_000)
    return {"id": f"parcel of {event['order_id']}"}
