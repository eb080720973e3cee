"""Items with a size, and links between them, get places: layered, from top to bottom.

The method of Sugiyama, Tagawa and Toda (https://doi.org/10.1109/TSMC.1981.4308636): links that lead back are turned
round, each item gets a layer below all that lead to it, long links get a cell in each layer that they pass, cells are
ordered to cross little (``ordering``), moved near to what they are linked to (``coordinates``) and joined to columns
where links run straight (``columns``).

Between two layers of items lies one for labels, so that a label covers nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from stepworkflows_cdk.pictures.columns import straightened
from stepworkflows_cdk.pictures.grid import Cell, Grid, Segment
from stepworkflows_cdk.pictures.ordering import ordered

__all__ = ["Item", "Layout", "Link", "Point", "Route", "lay_out"]

Point = tuple[float, float]

_LEAST_GAP, _GREATEST_GAP = 16.0, 56.0
_STEEPEST = 0.16
"""Height of the gap below a layer, for each unit that a link moves sideways in it."""


@dataclass(frozen=True)
class Item:
    """What gets a place. ``id`` is unique."""

    id: Hashable
    width: float
    height: float
    side: float = 0.0
    """How much of the width, at each side, is only kept free: no link ends there."""


@dataclass(frozen=True)
class Link:
    """From one item to another one. Links with the same ``bundle`` and target share their way, where it is long."""

    source: Hashable
    target: Hashable
    width: float = 0.0
    """Of its label; 0 where it has none."""
    height: float = 0.0
    weight: float = 1.0
    """How much its being straight is worth, against others."""
    bundle: str = ""


@dataclass(frozen=True)
class Route:
    """The way of a link. From the first point to the second it runs straight up or down, from there to the third in a
    curve, and so on in turns; the last part is straight. ``label`` is the centre of its label.
    """

    points: tuple[Point, ...]
    label: Point


@dataclass(frozen=True)
class Layout:
    """``places`` has the top left corner of each item, ``routes`` a way for each link, in the order of the links."""

    width: float
    height: float
    places: Mapping[Hashable, Point]
    routes: tuple[Route, ...]


def lay_out(items: Sequence[Item], links: Sequence[Link]) -> Layout:
    """Places for all. The first item is where the reader begins. The same items and links give the same places.

    Raises ``ValueError`` where a link leads from an item to itself: there is no room between a thing and itself.
    """
    if any(link.source == link.target for link in links):
        raise ValueError("a link leads from an item to itself")
    if not items:
        return Layout(0.0, 0.0, {}, ())
    grid = ordered(_grid(items, links))
    centres = straightened(grid)
    left = min(centres[cell] - cell.width / 2 for cell in grid.cells)
    centres = {cell: x - left for cell, x in centres.items()}
    tops, heights = _rows(grid, centres)
    places = {
        cell.item: (centres[cell] - cell.width / 2, tops[cell.layer] + (heights[cell.layer] - cell.height) / 2)
        for cell in grid.cells
        if cell.item is not None
    }
    routes = tuple(_route(grid, index, centres, tops, heights) for index in range(len(links)))
    width = max(centres[cell] + cell.width / 2 for cell in grid.cells)
    return Layout(width, tops[-1] + heights[-1], places, routes)


def _grid(items: Sequence[Item], links: Sequence[Link]) -> Grid:
    """The cells of all layers, in the order in which the items are met from the first on."""
    met, back = _walk(items, links)
    ends = [
        (link.target, link.source) if index in back else (link.source, link.target) for index, link in enumerate(links)
    ]
    layer = _layers(met, ends)
    size = {item.id: item for item in items}
    cell = {
        name: Cell(layer[name], index, size[name].width, size[name].height, name, size[name].side)
        for index, name in enumerate(met)
    }
    cells: dict[Cell, None] = dict.fromkeys(cell.values())
    shared: dict[Hashable, Cell] = {}
    chains = []
    number = len(met)
    for index, (link, (upper, lower)) in enumerate(zip(links, ends, strict=True)):
        chain = [cell[upper]]
        # The label stands beside where the link comes from.
        labelled = layer[lower] - 1 if index in back else layer[upper] + 1
        for row in range(layer[upper] + 1, layer[lower]):
            key = (link.target, link.bundle, row)
            if link.bundle and index not in back and row > labelled and key in shared:
                chain.append(shared[key])
                continue
            size_ = (link.width, link.height) if row == labelled else (0.0, 0.0)
            chain.append(Cell(row, number, *size_))
            number += 1
            if link.bundle and index not in back and row > labelled:
                shared[key] = chain[-1]
        chain.append(cell[lower])
        cells |= dict.fromkeys(chain)
        chains.append(tuple(chain))
    return Grid.of(tuple(cells), tuple(chains), tuple(link.weight for link in links), frozenset(back))


def _walk(items: Sequence[Item], links: Sequence[Link]) -> tuple[list[Hashable], set[int]]:
    """The items, depth first from the first on, and which links lead back to where the walk came from."""
    leaving: dict[Hashable, list[int]] = {item.id: [] for item in items}
    for index, link in enumerate(links):
        leaving[link.source].append(index)
    met: dict[Hashable, None] = {}
    open_: set[Hashable] = set()
    back = set()
    for item in items:
        if item.id in met:
            continue
        met[item.id] = None
        open_.add(item.id)
        path = [(item.id, iter(leaving[item.id]))]
        while path:
            name, ahead = path[-1]
            index = next(ahead, -1)
            if index < 0:
                open_.discard(name)
                path.pop()
                continue
            target = links[index].target
            if target in open_:
                back.add(index)
            elif target not in met:
                met[target] = None
                open_.add(target)
                path.append((target, iter(leaving[target])))
    return list(met), back


def _layers(met: Sequence[Hashable], ends: Sequence[tuple[Hashable, Hashable]]) -> dict[Hashable, int]:
    """The layer of each item: two below the lowest of those above it."""
    below: dict[Hashable, list[Hashable]] = {name: [] for name in met}
    waiting = dict.fromkeys(met, 0)
    for upper, lower in ends:
        below[upper].append(lower)
        waiting[lower] += 1
    layer = dict.fromkeys(met, 0)
    ready = [name for name in met if not waiting[name]]
    while ready:
        name = ready.pop()
        for lower in below[name]:
            layer[lower] = max(layer[lower], layer[name] + 2)
            waiting[lower] -= 1
            if not waiting[lower]:
                ready.append(lower)
    return layer


def _rows(grid: Grid, centres: Mapping[Cell, float]) -> tuple[list[float], list[float]]:
    """The top and the height of each layer. Where links move far sideways, the gap is higher."""
    heights = [max((cell.height for cell in row), default=0.0) for row in grid.layers]
    shifts = [0.0] * len(grid.layers)
    for segment in grid.segments:
        shift = abs(_end(segment, segment.upper, centres) - _end(segment, segment.lower, centres))
        shifts[segment.upper.layer] = max(shifts[segment.upper.layer], shift)
    tops = [0.0]
    for height, shift in zip(heights[:-1], shifts[:-1], strict=True):
        tops.append(tops[-1] + height + min(_GREATEST_GAP, max(_LEAST_GAP, shift * _STEEPEST)))
    return tops, heights


def _route(
    grid: Grid, index: int, centres: Mapping[Cell, float], tops: Sequence[float], heights: Sequence[float]
) -> Route:
    """Down the chain of a link; a link that was turned round is turned back."""
    points: list[Point] = []
    first, *_, last = chain = grid.chains[index]
    for segment in grid.segments_of(index):
        upper, lower = segment.upper, segment.lower
        x, bottom = _end(segment, upper, centres), tops[upper.layer] + heights[upper.layer]
        if upper is first:
            points.append((x, tops[upper.layer] + (heights[upper.layer] + upper.height) / 2))
        points.append((x, bottom))
        x = _end(segment, lower, centres)
        points.append((x, tops[lower.layer]))
        if lower is last:
            points.append((x, tops[lower.layer] + (heights[lower.layer] - lower.height) / 2))
    turned = index in grid.back
    labelled = chain[-2] if turned else chain[1]
    label = (centres[labelled], tops[labelled.layer] + heights[labelled.layer] / 2)
    return Route(tuple(reversed(points)) if turned else tuple(points), label)


def _end(segment: Segment, cell: Cell, centres: Mapping[Cell, float]) -> float:
    return centres[cell] + (segment.leaves if cell is segment.upper else segment.enters)
