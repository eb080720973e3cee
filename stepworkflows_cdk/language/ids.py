"""An id made from a name: ``Send Confirmation`` -> ``send-confirmation``."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["slug"]


def slug(name: str) -> str | None:
    """The id of a step or flow that has a name only; None where none can be made."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    found = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:63]
    return found if found[:1].isalpha() else None
