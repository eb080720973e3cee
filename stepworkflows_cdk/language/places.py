"""Where steps stand in a document that nobody has made into a workflow yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stepworkflows_cdk.language.document import Path_

__all__ = ["places"]

_STEPS = frozenset("steps else on-failure finally on-timeout remind switch catch undo".split())
"""The keys under which steps stand. Whatever else looks like a step is data."""
_NAMED = frozenset("parallel undo-steps".split())
"""The keys under which names lead to steps."""


def places(value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, dict[str, Any]]]:
    """Every mapping that is a step, or stands around steps, with where it stands; the document itself first."""
    match value:
        case dict():
            yield path, value
            for key, inner in value.items():
                if key in _STEPS:
                    yield from places(inner, (*path, key))
                elif key in _NAMED and isinstance(inner, dict):
                    for name, named in inner.items():
                        yield from places(named, (*path, key, name))
        case list():
            for index, item in enumerate(value):
                yield from places(item, (*path, index))
