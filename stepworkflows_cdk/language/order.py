"""The order in which the keys of flows and steps are best read: who it is, when it happens, what it does, what if it fails.

``fmt`` writes them so, and the reference page lists them so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from stepworkflows_cdk.language.document import Path_

__all__ = ["in_order", "keyed_places"]

_WORK = "*"
"""Where the work keys stand, and any key that no list has, in the order in which they come."""

_FLOW = """
    version id name description type tags mode inputs triggers config resources secrets defaults policies concurrency
    * env permissions retry timeout guard deploy steps undo-steps on-failure finally cancel outputs tests
""".split()
_STEP = """
    version id name description type if errors when needs pivot for-each repeat
    uses runs-on zip-file image arn handler env secrets permissions * switch join fail-fast parallel steps else wait require fail stop asl
    inputs outputs policy timeout heartbeat on-timeout remind retry catch on-error undo undo-when ignore
""".split()

_LISTS = frozenset("steps else on-failure on-timeout finally".split())
_ARMS = frozenset("switch catch".split())
_NAMED = frozenset("parallel undo-steps".split())
_ONE = frozenset("undo remind repeat".split())


def in_order(keys: Iterable[str], *, flow: bool) -> list[str]:
    """The keys as they are best read."""
    order = _FLOW if flow else _STEP
    places = {key: number for number, key in enumerate(order)}
    return sorted(keys, key=lambda key: places.get(key, places[_WORK]))


def keyed_places(value: Any) -> Iterator[tuple[Path_, bool]]:
    """Where in a document the keys have that order, outer places first: the flow (True), its steps, and the arms of forks."""
    if isinstance(value, dict):
        yield (), value.get("type") != "ActorStep" and ("steps" in value or value.get("type") == "RunnableStep")
        yield from _inside(value, ())


def _inside(value: dict[str, Any], path: Path_) -> Iterator[tuple[Path_, bool]]:
    for key, item in value.items():
        place = (*path, key)
        if key in _LISTS or key in _ARMS:
            yield from _steps(enumerate(item) if isinstance(item, list) else (), place)
        elif key in _NAMED and isinstance(item, dict):
            for name, inner in item.items():
                named: Collection[Any] = [(name, inner)] if isinstance(inner, dict) else []
                yield from _steps(named, place)
                yield from _steps(enumerate(inner) if isinstance(inner, list) else (), (*place, name))
        elif key in _ONE:
            yield from _steps([(key, item)], path)


def _steps(items: Iterable[tuple[str | int, Any]], path: Path_) -> Iterator[tuple[Path_, bool]]:
    for part, item in items:
        if isinstance(item, dict):
            yield (*path, part), False
            yield from _inside(item, (*path, part))
