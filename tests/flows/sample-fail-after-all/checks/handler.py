"""A check that takes its time and succeeds, and one that fails at once."""

import time


class QuickFailure(Exception):
    """What the second check finds."""


def succeed(event: dict, context: object) -> dict:
    time.sleep(5)
    return {"well": True}


def fail(event: dict, context: object) -> dict:
    raise QuickFailure("something is wrong")
