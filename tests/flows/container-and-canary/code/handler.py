def handler(event, context):
    return {"m": event["n"] + 1}
