"""A graph becomes boxes, frames and lines with places: everything that is drawn, and nothing of how it looks.

Each level of the graph is laid out by itself; a node with branches is as large as what is inside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stepworkflows_cdk.pictures.layout import Item, Layout, Link, Point, lay_out
from stepworkflows_cdk.pictures.model import Edge, Graph, Node
from stepworkflows_cdk.pictures.words import edge_text, kind_text, plain, wrapped

__all__ = ["NAME_SIZE", "SMALL_SIZE", "Box", "Frame", "Line", "Rectangle", "Scene", "compose", "text_width"]

NAME_SIZE, SMALL_SIZE = 14.0, 11.5
"""Sizes of type, in the picture's units."""

_MARGIN = 20.0
_PADDING = 14.0
_LEADING = 1.35
_NAME_COLUMNS, _NAME_LINES = 28, 4
_LOOP, _LOOP_HEIGHT = 26.0, 20.0
_WEIGHTS = {"next": 6.0, "condition": 3.0, "default": 3.0, "error": 1.0}
_NARROW, _WIDE = frozenset("iljtfrI.,:;'|!()[]{}/ -"), frozenset("mwMW@%…→")


@dataclass(frozen=True)
class Rectangle:
    """Left, top, width and height."""

    x: float
    y: float
    width: float
    height: float

    def moved(self, x: float, y: float) -> Rectangle:
        return Rectangle(self.x + x, self.y + y, self.width, self.height)


@dataclass(frozen=True)
class Box:
    """A node without branches: its name in lines, and what stands below in small type."""

    node: Node
    rectangle: Rectangle
    name: tuple[str, ...]
    small: tuple[str, ...]


@dataclass(frozen=True)
class Frame:
    """A node around its branches, or one of the branches: ``node`` is None then."""

    node: Node | None
    rectangle: Rectangle
    name: tuple[str, ...]
    small: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """An edge. Its points are those of ``layout.Route``; ``label`` is where its text stands."""

    edge: Edge
    points: tuple[Point, ...]
    text: str
    label: Rectangle

    @property
    def is_loop(self) -> bool:
        return self.edge.source == self.edge.target


@dataclass(frozen=True)
class Scene:
    """Frames are sorted from the outside to the inside."""

    title: str
    width: float
    height: float
    boxes: tuple[Box, ...]
    frames: tuple[Frame, ...]
    lines: tuple[Line, ...]


def compose(graph: Graph, notes: Mapping[str, str] | None = None) -> Scene:
    """The scene of a graph. ``notes`` has for names of nodes one more line, shown below what the node is."""
    level = _level(graph, notes or {})
    inside = level.at(_MARGIN, _MARGIN)
    return Scene(
        plain(graph.title),
        level.width + 2 * _MARGIN,
        level.height + 2 * _MARGIN,
        tuple(inside.boxes),
        tuple(inside.frames),
        tuple(inside.lines),
    )


def text_width(text: str, size: float) -> float:
    """About how wide the text is, rather too much than too little: fonts differ."""
    return sum(_em(char) for char in text) * size


def _em(char: str) -> float:
    if char in _NARROW:
        return 0.42
    if char in _WIDE:
        return 1.14
    if char.isascii():
        return 0.82 if char.isupper() else 0.7
    # A Latin or Greek letter with an accent is as wide as one without; for all others the full height is assumed.
    return 0.8 if ord(char) < 0x500 else 1.05


@dataclass(frozen=True)
class _Parts:
    """What is drawn of a level, or of something in it."""

    boxes: tuple[Box, ...] = ()
    frames: tuple[Frame, ...] = ()
    lines: tuple[Line, ...] = ()

    @classmethod
    def joined(cls, parts: Iterable[_Parts]) -> _Parts:
        every = list(parts)
        return cls(
            tuple(box for one in every for box in one.boxes),
            tuple(frame for one in every for frame in one.frames),
            tuple(line for one in every for line in one.lines),
        )


@dataclass(frozen=True)
class _Placed:
    """Parts with their top left corner at 0, 0."""

    width: float
    height: float
    parts: _Parts

    def at(self, x: float, y: float) -> _Parts:
        return _Parts(
            tuple(Box(b.node, b.rectangle.moved(x, y), b.name, b.small) for b in self.parts.boxes),
            tuple(Frame(f.node, f.rectangle.moved(x, y), f.name, f.small) for f in self.parts.frames),
            tuple(
                Line(one.edge, tuple((px + x, py + y) for px, py in one.points), one.text, one.label.moved(x, y))
                for one in self.parts.lines
            ),
        )


def _level(graph: Graph, notes: Mapping[str, str]) -> _Placed:
    names = [node.name for node in graph.nodes]
    loops = {name: [edge for edge in graph.edges if edge.source == name == edge.target] for name in names}
    nodes = {node.name: _node(node, notes, _LOOP_HEIGHT * len(loops[node.name])) for node in graph.nodes}
    # Room for loops on both sides, so that the node stays in the middle.
    aside = {name: max((_LOOP + _label_size(edge)[0] for edge in found), default=0.0) for name, found in loops.items()}
    items = [Item(name, one.width + 2 * aside[name], one.height, aside[name]) for name, one in nodes.items()]
    edges = [edge for edge in graph.edges if edge.source != edge.target]
    layout = lay_out(items, [_link(edge) for edge in edges])
    parts = []
    for item, one in zip(items, nodes.values(), strict=True):
        x, y = layout.places[item.id]
        rectangle = Rectangle(x + item.side, y, one.width, item.height)
        parts.append(one.at(rectangle.x, rectangle.y))
        parts.append(_Parts(lines=tuple(_loops(loops[str(item.id)], rectangle))))
    parts.append(_Parts(lines=tuple(_lines(edges, layout))))
    return _Placed(layout.width, layout.height, _Parts.joined(parts))


def _link(edge: Edge) -> Link:
    width, height = _label_size(edge)
    bundle = edge.label if edge.kind == "error" else ""
    return Link(edge.source, edge.target, width, height, _WEIGHTS[edge.kind], bundle)


def _label_size(edge: Edge) -> tuple[float, float]:
    text = edge_text(edge)
    return (text_width(text, SMALL_SIZE) + 6, SMALL_SIZE * _LEADING) if text else (0.0, 0.0)


def _lines(edges: Sequence[Edge], layout: Layout) -> Iterable[Line]:
    for edge, route in zip(edges, layout.routes, strict=True):
        width, height = _label_size(edge)
        x, y = route.label
        label = Rectangle(x - width / 2, y - height / 2, width, height)
        yield Line(edge, route.points, edge_text(edge), label)


def _loops(edges: Sequence[Edge], around: Rectangle) -> Iterable[Line]:
    """One below the other, at the right side."""
    right, apart = around.x + around.width, around.height / max(1, len(edges))
    for number, edge in enumerate(edges):
        middle = around.y + apart * (number + 0.5)
        width, height = _label_size(edge)
        points = ((right, middle - apart / 5), (right, middle + apart / 5))
        yield Line(edge, points, edge_text(edge), Rectangle(right + _LOOP, middle - height / 2, width, height))


def _node(node: Node, notes: Mapping[str, str], least: float) -> _Placed:
    """``least`` is the least height."""
    if node.kind == "Start":
        return _Placed(18.0, 18.0, _Parts(boxes=(Box(node, Rectangle(0.0, 0.0, 18.0, 18.0), (), ()),)))
    name = tuple(wrapped(plain(node.title), _NAME_COLUMNS, _NAME_LINES))
    small = tuple(text for text in (*wrapped(kind_text(node), 40, 2), plain(notes.get(node.name, ""))) if text)
    # The corners of a choice are cut off.
    aside = 2 * _PADDING if node.kind == "Choice" else _PADDING
    width = max(_width(name, NAME_SIZE), _width(small, SMALL_SIZE)) + 2 * aside
    height = max(least, _LEADING * (len(name) * NAME_SIZE + len(small) * SMALL_SIZE) + _PADDING)
    if not node.branches:
        rectangle = Rectangle(0.0, 0.0, max(72.0, width), height)
        return _Placed(rectangle.width, height, _Parts(boxes=(Box(node, rectangle, name, small),)))
    branches = [_branch(branch, notes) for branch in node.branches]
    parts = []
    x = _PADDING
    for branch in branches:
        parts.append(branch.at(x, height))
        x += branch.width + _PADDING
    missing = max(0.0, width - x)
    rectangle = Rectangle(0.0, 0.0, x + missing, height + max(branch.height for branch in branches) + _PADDING)
    if missing:
        parts = [_Placed(0.0, 0.0, one).at(missing / 2, 0.0) for one in parts]
    frame = Frame(node, rectangle, name, small)
    return _Placed(rectangle.width, rectangle.height, _Parts.joined([_Parts(frames=(frame,)), *parts]))


def _branch(branch: Graph, notes: Mapping[str, str]) -> _Placed:
    inside = _level(branch, notes)
    title = tuple(wrapped(plain(branch.title), 40, 1)) if branch.title else ()
    head = _PADDING + (_LEADING * SMALL_SIZE if title else 0.0)
    width = max(inside.width, _width(title, SMALL_SIZE)) + 2 * _PADDING
    frame = Frame(None, Rectangle(0.0, 0.0, width, inside.height + head + _PADDING), (), title)
    inner = inside.at((width - inside.width) / 2, head)
    return _Placed(width, frame.rectangle.height, _Parts.joined([_Parts(frames=(frame,)), inner]))


def _width(lines: Sequence[str], size: float) -> float:
    return max((text_width(line, size) for line in lines), default=0.0)
