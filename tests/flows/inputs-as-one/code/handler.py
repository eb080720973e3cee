def handler(event, context):
    return {"given": event}
