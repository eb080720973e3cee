"""What a run tells of its waits: answers that came and that no step waited for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stepworkflows_cdk.integrations.waits.cancels import CANCEL
from stepworkflows_cdk.local.world import World

__all__ = ["notes"]

_CLAIM = "aws-sdk:dynamodb:updateItem"


def notes(table: str, world: World) -> Iterator[str]:
    """A line for each answer that lies in the table unclaimed, as one does whose values to match are misspelt."""
    if table not in world.attributes:
        return
    waited = _waited(world)
    rows = world.client("dynamodb").scan(TableName=world.attributes[table]["name"], ConsistentRead=True)["Items"]
    for key in sorted(
        row["key"]["S"]
        for row in rows
        if "answer" in row and "owner" not in row and f"/{CANCEL}/" not in row["key"]["S"]
    ):
        flow, step, *values = key.split("/")
        entry = world.kept.get(key) or "an event of the flow itself"
        wanted = [found.split("/")[2:] for found in waited if found.startswith(f"{flow}/{step}/")]
        if key in waited:
            reason = f"the wait of {step} was over"
        elif wanted:
            alternatives = " or ".join(dict.fromkeys(map(_listed, wanted)))
            reason = f"{step} waited for {alternatives}, and it has {_listed(values)} in the fields that are matched"
        else:
            reason = f"{step} never waited"
        yield f"{entry} was not taken: {reason}"


def _waited(world: World) -> list[str]:
    """The keys of the rows that steps have waited at, in their order."""
    keys = (call["arguments"].get("Key", {}).get("key", {}) for call in world.calls if call["call"] == _CLAIM)
    return list(dict.fromkeys(str(key["S"]) for key in keys if "S" in key))


def _listed(values: Sequence[str]) -> str:
    """What is matched, as it was before it became a part of a key."""
    return ", ".join(value.replace("~1", "/").replace("~0", "~") for value in values)
