def handler(event, context):
    return {"stored": True}
