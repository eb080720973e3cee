"""YAML text becomes a tree of where things are written: what a formatter needs, and a reader of values loses.

Unlike a composed document it has aliases where they stand, and dashes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from stepworkflows_cdk.language.document import Path_

__all__ = ["Node", "Place", "anchors_and_aliases", "descend", "read_tree"]

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, order=True)
class Place:
    """A place in a text, from 0."""

    line: int
    column: int
    index: int


@dataclass(frozen=True)
class Node:
    """A value as it is written, from ``start`` to behind its last character."""

    kind: Literal["mapping", "sequence", "scalar", "alias"]
    start: Place
    end: Place
    flow: bool = False
    """Whether it is in brackets."""
    style: str = ""
    """Of a scalar: ``|``, ``>``, a quote, or nothing."""
    text: str = ""
    """Of a scalar its value, of an alias its name."""
    anchor: str = ""
    entries: tuple[tuple[Node, Node], ...] = ()
    """Of a mapping, keys and values."""
    items: tuple[Node, ...] = ()
    """Of a sequence."""
    dashes: tuple[Place, ...] = field(default=(), repr=False)
    """Of a sequence that is not in brackets: the dash of each item."""

    @property
    def block(self) -> bool:
        """Whether it is a mapping or sequence told by its indentation."""
        return not self.flow and self.kind in ("mapping", "sequence")

    @property
    def first(self) -> Place:
        """Where its first key or dash stands, behind an anchor."""
        return self.dashes[0] if self.dashes else self.entries[0][0].start if self.entries else self.start

    @property
    def children(self) -> Iterator[Node]:
        """What is in it, in the order of the text."""
        for key, value in self.entries:
            yield key
            yield value
        yield from self.items


def read_tree(text: str) -> Node:
    """The tree of a text that is known to be one right document."""
    dashes = [_place(token.start_mark) for token in yaml.scan(text, _Loader) if isinstance(token, yaml.BlockEntryToken)]
    events = (event for event in yaml.parse(text, _Loader) if not isinstance(event, _AROUND))
    return _node(next(events), events, dashes)


_AROUND = (yaml.StreamStartEvent, yaml.StreamEndEvent, yaml.DocumentStartEvent, yaml.DocumentEndEvent)


def _node(event: Any, events: Iterator[Any], dashes: list[Place]) -> Node:
    start, end, anchor = _place(event.start_mark), _place(event.end_mark), event.anchor or ""
    match event:
        case yaml.AliasEvent():
            return Node("alias", start, end, text=anchor)
        case yaml.ScalarEvent(value=value, style=style):
            return Node("scalar", start, end, style=style or "", text=value, anchor=anchor)
    children: list[Node] = []
    while not isinstance(last := next(events), (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
        children.append(_node(last, events, dashes))
    end = _place(last.end_mark)
    if isinstance(event, yaml.MappingStartEvent):
        entries = tuple(zip(children[::2], children[1::2], strict=True))
        return Node("mapping", start, end, bool(event.flow_style), anchor=anchor, entries=entries)
    found = () if event.flow_style else tuple(_dash(child, dashes) for child in children)
    return Node("sequence", start, end, bool(event.flow_style), anchor=anchor, items=tuple(children), dashes=found)


def _dash(item: Node, dashes: list[Place]) -> Place:
    """The last dash before an item."""
    inside = item.first if item.dashes else item.start
    return dashes[bisect_left(dashes, inside.index, key=lambda dash: dash.index) - 1]


def _place(mark: Any) -> Place:
    return Place(mark.line, mark.column, mark.index)


def descend(node: Node, path: Path_) -> Node | None:
    """The node at a path of keys and indices; None behind an alias."""
    for part in path:
        if node.kind == "mapping":
            found = next((value for key, value in node.entries if key.text == part), None)
        else:
            found = node.items[part] if node.kind == "sequence" and isinstance(part, int) else None
        if found is None:
            return None
        node = found
    return node


def anchors_and_aliases(node: Node) -> tuple[set[str], set[str]]:
    """The names that are given, and those that are used, in a node."""
    given, used = ({node.anchor} if node.anchor else set()), ({node.text} if node.kind == "alias" else set())
    for child in node.children:
        more_given, more_used = anchors_and_aliases(child)
        given |= more_given
        used |= more_used
    return given, used
