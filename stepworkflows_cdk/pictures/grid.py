"""Cells in layers, and the segments of links between neighbouring layers: what ordering and coordinates work on."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

__all__ = ["Cell", "Grid", "Segment", "apart"]

_ITEMS_APART, _CELLS_APART = 32.0, 16.0
_PORTS_APART = 20.0
_CORNER = 14.0


@dataclass(frozen=True, eq=False)
class Cell:
    """An item in its layer, or the place where a link passes a layer (``item`` is None then)."""

    layer: int
    number: int
    width: float
    height: float
    item: Hashable | None = None
    side: float = 0.0
    """How much of the width, at each side, no link touches."""


@dataclass(frozen=True, eq=False)
class Segment:
    """The part of a link, or of several that share it, from one layer to the next."""

    upper: Cell
    lower: Cell
    weight: float
    leaves: float = 0.0
    """Where it leaves the upper cell, from that cell's centre."""
    enters: float = 0.0


@dataclass(frozen=True)
class Grid:
    """``layers`` has the cells of each layer from left to right, ``chains`` the cells of each link from top to bottom,
    ``back`` the links that point upwards.
    """

    cells: tuple[Cell, ...]
    layers: tuple[tuple[Cell, ...], ...]
    chains: tuple[tuple[Cell, ...], ...]
    segments: tuple[Segment, ...]
    back: frozenset[int]

    @classmethod
    def of(
        cls,
        cells: tuple[Cell, ...],
        chains: tuple[tuple[Cell, ...], ...],
        weights: Sequence[float],
        back: frozenset[int],
    ) -> Grid:
        """The grid with its cells in the order in which they come. Links that share two cells share the segment."""
        layers: list[list[Cell]] = [[] for _ in range(1 + max(cell.layer for cell in cells))]
        for cell in cells:
            layers[cell.layer].append(cell)
        heaviest: dict[tuple[Cell, Cell], float] = {}
        for chain, weight in zip(chains, weights, strict=True):
            for upper, lower in pairwise(chain):
                passing = (upper.item is None) + (lower.item is None)
                stiff = weight * (1, 2, 8)[passing]
                heaviest[upper, lower] = max(stiff, heaviest.get((upper, lower), 0.0))
        segments = tuple(Segment(upper, lower, weight) for (upper, lower), weight in heaviest.items())
        return cls(cells, tuple(map(tuple, layers)), chains, segments, back)

    def arranged(self, layers: Sequence[Sequence[Cell]]) -> Grid:
        """The same in another order, with the segments at the sides of their cells in the order of where they lead."""
        place = {cell: index for layer in layers for index, cell in enumerate(layer)}
        leaving: dict[Cell, list[Segment]] = {}
        entering: dict[Cell, list[Segment]] = {}
        for segment in self.segments:
            leaving.setdefault(segment.upper, []).append(segment)
            entering.setdefault(segment.lower, []).append(segment)
        leaves: dict[Segment, float] = {}
        for cell, found in leaving.items():
            leaves |= _ports(cell, sorted(found, key=lambda segment: place[segment.lower]))
        enters: dict[Segment, float] = {}
        for cell, found in entering.items():
            enters |= _ports(cell, sorted(found, key=lambda segment: place[segment.upper]))
        segments = tuple(replace(one, leaves=leaves[one], enters=enters[one]) for one in self.segments)
        return replace(self, layers=tuple(map(tuple, layers)), segments=segments)

    def segments_of(self, index: int) -> list[Segment]:
        """The segments of a link, from top to bottom."""
        chain = self.chains[index]
        return [self._between[pair] for pair in pairwise(chain)]

    @cached_property
    def _between(self) -> Mapping[tuple[Cell, Cell], Segment]:
        return {(segment.upper, segment.lower): segment for segment in self.segments}


def apart(left: Cell, right: Cell) -> float:
    """The least distance between the centres of neighbours in a layer."""
    items = left.item is not None and right.item is not None
    return (left.width + right.width) / 2 + (_ITEMS_APART if items else _CELLS_APART)


def _ports(cell: Cell, segments: Sequence[Segment]) -> dict[Segment, float]:
    """Where segments touch a side of their cell: the heaviest in the middle, the others beside it, in their order."""
    if cell.item is None or len(segments) == 1:
        return dict.fromkeys(segments, 0.0)
    best = max(segment.weight for segment in segments)
    heavy = [index for index, segment in enumerate(segments) if segment.weight == best]
    middle = heavy[0] if len(heavy) == 1 else (len(segments) - 1) / 2
    most = max(middle, len(segments) - 1 - middle)
    apart = min(_PORTS_APART, max(0.0, cell.width / 2 - cell.side - _CORNER) / most)
    return {segment: (index - middle) * apart for index, segment in enumerate(segments)}
