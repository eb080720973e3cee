def handler(event, context):
    return {"from": "code"}
