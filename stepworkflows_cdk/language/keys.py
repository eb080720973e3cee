"""What all mappings of a document have in common, whatever keys they have."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["Keys", "alias"]


def alias(name: str) -> str:
    """The key in a document for a field of a model: ``on_error`` is ``on-error``."""
    return name.rstrip("_").replace("_", "-")


class Keys(BaseModel):
    """A mapping in a document: every key is known, every value has the written type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, alias_generator=alias)
