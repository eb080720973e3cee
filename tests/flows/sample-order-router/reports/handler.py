"""Reports about orders, as a database would give them."""


def items_sales(event: dict, context: object) -> dict:
    return {"statusCode": 200, "body": [{"itemid": "tea", "sold": 5}]}


def monthly_sales(event: dict, context: object) -> dict:
    return {"statusCode": 200, "body": [{"itemid": event["itemid"], "month": "2026-01", "sold": 2}]}
