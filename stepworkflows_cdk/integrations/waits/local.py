"""What a run tells of its waits: answers that came and that no step waited for."""

from __future__ import annotations

from collections.abc import Iterator

from stepworkflows_cdk.integrations.waits.cancels import CANCEL
from stepworkflows_cdk.local.world import World

__all__ = ["notes"]


def notes(table: str, world: World) -> Iterator[str]:
    """A line for each answer that lies in the table unclaimed, as one does whose values to match are misspelt."""
    if table not in world.attributes:
        return
    rows = world.client("dynamodb").scan(TableName=world.attributes[table]["name"], ConsistentRead=True)["Items"]
    for key in sorted(
        row["key"]["S"]
        for row in rows
        if "answer" in row and "owner" not in row and f"/{CANCEL}/" not in row["key"]["S"]
    ):
        yield f"an answer came for which no step waited, or waits any more: {key}"
