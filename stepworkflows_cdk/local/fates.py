"""What becomes of an entry from outside: taken by a step that waits, kept for one that may wait later, or neither, and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from stepworkflows_cdk.local.world import World

__all__ = ["Fate", "handled"]


@dataclass
class Fate:
    """That of one entry. ``entry`` names it: where it is written, and what came."""

    entry: str
    cancels: bool = False
    """Whether it asks for the end of the execution, which waits for nothing."""
    waits: str = ""
    matched: str = ""
    """The step that may wait for it, and the fields that have to be as it says."""
    rows: list[str] = field(default_factory=list)
    """The keys of the rows that it was written into, or looked for in."""
    taken: bool = False
    late: bool = False
    """Whether it came to a step that waited no more; the end of the run tells whether that took it after all."""
    twice: bool = False
    """Whether another one had been first, which is no fault of it."""

    def __str__(self) -> str:
        """A line where it was not taken; of what was kept, the end of the run tells."""
        if self.settled or self.rows:
            return ""
        reason = (
            "the point of no return was passed"
            if self.cancels
            else f"{self.waits} waits for other values in {self.matched}"
        )
        return f"{self.entry} was not taken: {reason}"

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be said of it here."""
        return self.taken or self.twice or self.late


@contextmanager
def handled(world: World, fate: Fate | None) -> Iterator[None]:
    """While an entry is handed to a function, what that does is seen as its fate."""
    world.fate = fate
    try:
        yield
    finally:
        world.fate = None
        if fate is not None and fate.settled:
            world.settled.add(fate.entry)
