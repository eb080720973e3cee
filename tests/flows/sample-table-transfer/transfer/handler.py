"""A row as the new table has it: the time in seconds."""

from datetime import datetime


def handler(event: dict, context: object) -> dict:
    row = event["row"]
    at = datetime.strptime(row["timestamp"]["S"], "%d/%b/%Y:%H:%M:%S %z")
    return {"row": {**row, "timestamp": {"N": str(at.timestamp())}}}
