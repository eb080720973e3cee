"""A handler for tests: gives back what it is given."""


def handler(event: dict, context: object) -> dict:
    return {"echo": event, **event}
