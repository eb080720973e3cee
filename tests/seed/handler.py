"""The code of the seed's three steps, which share one function: it is zipped as ``function.zip`` by the tests."""


def handler(event: dict, context: object) -> dict:
    return {"record": {"seen": event}, "SEND_CONFIRMATION_EMAIL": True}
