def handler(event, context):
    return {"x": 1}
