import os
import time

import boto3


class CarrierBusy(Exception):
    pass


class TooHeavy(Exception):
    pass


def handler(event, context):
    print(f"packing {event['note']}, try {event['attempt']}")
    if event["fault"] == "busy" and event["attempt"] < 3:
        raise CarrierBusy("come back later")
    if event["fault"] == "heavy":
        raise TooHeavy(f"{event['sizes'][0][0]} kg are too much")
    if event["fault"] == "slow":
        time.sleep(700)
    parcel = f"parcel-{sum(event['sizes'][0])}-{event['sizes'][1]}"
    assert os.environ["CARRIER"].startswith("arn:aws:secretsmanager:")
    boto3.client("dynamodb").put_item(
        TableName=os.environ["PARCELS"], Item={"order_id": {"S": event["order_id"]}, "parcel": {"S": parcel}}
    )
    return {"id": parcel, "attempt": event["attempt"], "left": context.get_remaining_time_in_millis()}
