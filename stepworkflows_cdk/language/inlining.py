"""A step that is a step of a library becomes that step: the keys of the one in the library, with its own laid over them.

Paths in what comes from the library are relative to the library's file, and faults in it are shown there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stepworkflows_cdk.language.document import Document, Path_, with_value

__all__ = ["OWN_KEYS", "inlined"]

OWN_KEYS = frozenset(
    """
    version type id name description uses inputs outputs env secrets permissions needs if for-each repeat
    timeout heartbeat policy retry catch on-error on-timeout undo undo-when pivot ignore
    """.split()
)
"""What a step can say beside the name of a step of a library: all but other work."""
_MERGED = ("inputs", "outputs", "env", "secrets", "permissions")
_NAMES = ("id", "name", "type")


def inlined(document: Document, path: Path_, library: Document, place: Path_) -> Document:
    """The document with the step at ``path`` replaced by the one at ``place`` of the library."""
    own: dict[str, Any] = {key: value for key, value in document.get(path).items() if key != "uses"}
    theirs: dict[str, Any] = {
        key: value for key, value in library.get(place).items() if key not in _NAMES and key != "version"
    }
    for key in _MERGED:
        if isinstance(own.get(key), dict) and isinstance(theirs.get(key), dict):
            own[key] = {**theirs[key], **own[key]}
    marks, key_marks = dict(document.marks), dict(document.key_marks)
    for mine, other in ((marks, library.marks), (key_marks, library.key_marks)):
        for there, mark in other.items():
            inside = there[len(place) :]
            if there[: len(place)] == place and inside and inside[0] in theirs:
                mine.setdefault((*path, *inside), mark)
    value = with_value(document.value, path, {**theirs, **own})
    return replace(document, folder=library.folder, value=value, marks=marks, key_marks=key_marks)
