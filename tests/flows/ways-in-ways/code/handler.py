def handler(event, context):
    if event["boom"]:
        raise ValueError("boom")
    return {"price": event["price"]}
