"""A step that does its own work for each item becomes a loop with the work inside: the same document, written out.

What says something of the whole stays at the loop; all else goes inside, where the work has the step's id.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stepworkflows_cdk.language.document import Document, Path_, with_value
from stepworkflows_cdk.language.ids import slug

__all__ = ["LOOP", "apart"]

LOOP = "--each"
"""The end of the id of such a loop."""
_WHOLE = ("for-each", "needs", "if", "on-error", "catch", "fail-fast", "pivot")
_BOTH = ("id", "name")
_LONGEST = 80  # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
_ENDING = ": item"


def apart(document: Document, path: Path_) -> Document:
    """The document with the step at ``path`` written out; every mark stays where its value stands."""
    step = document.get(path)
    work: dict[str, Any] = {key: value for key, value in step.items() if key not in _WHOLE}
    title = step.get("name", step.get("id"))
    if isinstance(title, str):
        work["name"] = f"{title[: _LONGEST - len(_ENDING)]}{_ENDING}"
    if "id" not in step and isinstance(title, str) and (id_ := slug(title)):
        work["id"] = id_
    whole = {key: step[key] for key in (*_BOTH, "description", *_WHOLE) if key in step}
    work.pop("description", None)
    inside = (*path, "steps", 0)
    return replace(
        document,
        value=with_value(document.value, path, {**whole, "steps": [work]}),
        marks=_moved(document.marks, path, inside),
        key_marks=_moved(document.key_marks, path, inside),
    )


def _moved(marks: dict[Path_, Any], path: Path_, inside: Path_) -> dict[Path_, Any]:
    """The marks, and those of the step's values once more for where they are now."""
    size = len(path)
    own = {(*inside, *place[size:]): mark for place, mark in marks.items() if place[:size] == path}
    return {**marks, **own}
