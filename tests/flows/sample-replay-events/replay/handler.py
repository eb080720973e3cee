"""The time of today at which an event of another day happened."""

from datetime import UTC, datetime


def handler(event: dict, context: object) -> dict:
    now = datetime.now(UTC)
    happened = datetime.fromisoformat(event["time"])
    again = datetime.combine(now.date(), happened.timetz())
    return {"time": again.isoformat().replace("+00:00", "Z"), "process": again > now}
