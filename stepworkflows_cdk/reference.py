"""Where the reference flow's documents and step code are, in a checkout and in the installed package alike."""

from __future__ import annotations

from pathlib import Path

__all__ = ["order_flow"]


def order_flow() -> Path:
    """The document of the order flow, with the step code in folders beside it.

    A wheel carries the repository's ``lambdas`` folder as ``_lambdas`` inside the package; a checkout, and an editable
    installation of it, have the folder beside the package.
    """
    package = Path(__file__).resolve().parent
    places = (package / "_lambdas", package.parent / "lambdas")
    document = Path("order_flow", "workflow.yaml")
    for place in places:
        if (place / document).is_file():
            return place / document
    raise FileNotFoundError(f"{document.as_posix()} is in none of {', '.join(str(place) for place in places)}")
