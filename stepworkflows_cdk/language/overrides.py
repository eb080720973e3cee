"""Changes to steps, by their ids, laid over documents: a packaged flow with another time-out, other code, one more rule.

A change is a JSON merge patch (RFC 7396) of the step's keys: mappings are merged, None removes a key, anything else
replaces it. The changes are themselves a text with lines, so a fault in one is shown like any other.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.document import Document, Path_, copied
from stepworkflows_cdk.language.ids import StepId, WrongId, id_of, meant
from stepworkflows_cdk.language.json_source import read_json
from stepworkflows_cdk.language.places import places

__all__ = ["OVERRIDES", "Overrides"]

OVERRIDES = "<overrides>"
"""What marks call the file of the changes."""


class Overrides:
    """Step's id -> what is changed in it; ``flow/step`` where several flows have such a step, and ``flow/`` for a flow itself.
    Paths in it are absolute.

    Raises :class:`~stepworkflows_cdk.errors.ConfigurationError` where it is no JSON.
    """

    def __init__(self, changes: Mapping[str, Any]) -> None:
        for id_, change in changes.items():
            if not isinstance(change, Mapping) or "id" in change:
                raise ConfigurationError(
                    f"overrides: {id_!r} must be a mapping of the step's keys, its `id` not among them"
                )
        try:
            self.text = json.dumps(changes, indent=2, ensure_ascii=False, default=_path)
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"overrides: not JSON: {error}") from None
        self._changes, self._marks, self._key_marks = read_json(self.text, OVERRIDES, 100)
        self._known: dict[StepId, None] = {}

    def laid_over(self, document: Document, flow: str) -> Document:
        """The document with the changes of its steps, which are the flow's with that id."""
        changed = replace(
            document, value=copied(document.value), marks={**document.marks}, key_marks={**document.key_marks}
        )
        for id_, path in list(_steps(changed.value)):
            known = (flow, "") if not path and id_ == flow else (flow, id_)
            self._known[known] = None
            for name in (id_, "/".join(known)):
                if name in self._changes:
                    self._change(changed, path, name)
        return changed

    def check(self) -> None:
        """Refuses changes of steps that none of the documents has."""
        for id_ in self._changes:
            try:
                meant(id_, self._known)
            except WrongId as error:
                raise ConfigurationError(f"overrides: {error}") from None

    def _change(self, document: Document, path: Path_, id_: str) -> None:
        step = document.get(path)
        _merge(step, self._changes[id_])
        for marks, found in ((document.marks, self._marks), (document.key_marks, self._key_marks)):
            for place in [place for place in marks if self._replaced(place, path, id_)]:
                del marks[place]
            for (_, *inside), mark in ((place, mark) for place, mark in found.items() if place[:1] == (id_,)):
                if inside:
                    marks[(*path, *inside)] = Mark(mark.file, mark.line, mark.column)

    def _replaced(self, place: Path_, path: Path_, id_: str) -> bool:
        """Whether the value at ``place`` of the document is no more, or another."""
        if place[: len(path)] != path:
            return False
        change: Any = self._changes[id_]
        for part in place[len(path) :]:
            if not isinstance(change, dict):
                return True
            if part not in change:
                return False
            change = change[part]
        return not isinstance(change, dict)


def _steps(value: Any) -> Iterator[tuple[str, Path_]]:
    """The id of each step, as far as it is written, and where the step stands."""
    for path, step in places(value):
        name = path[-1] if path[-2:-1] == ("undo-steps",) else None
        if id_ := id_of(step) or name:
            yield str(id_), path


def _merge(target: dict[str, Any], change: Mapping[str, Any]) -> None:
    for key, value in change.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict):
            inner = target.get(key)
            target[key] = inner if isinstance(inner, dict) else {}
            _merge(target[key], value)
        else:
            target[key] = value


def _path(value: Any) -> str:
    if isinstance(value, os.PathLike):
        return str(os.fspath(value))
    raise TypeError(f"{type(value).__name__} is no JSON")
