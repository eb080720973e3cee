"""The cells of an ordered grid get the centre of each across, so that the links that matter run straight down.

Each cell is joined to at most one above and one below it, by the heaviest segments that do not cross; what is joined is
a column, and moves as one. Columns never change their order: without crossings, who is left of whom has no circle.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from stepworkflows_cdk.pictures.coordinates import relaxed
from stepworkflows_cdk.pictures.grid import Cell, Grid, Segment, apart

__all__ = ["straightened"]

_SWEEPS = 12


def straightened(grid: Grid) -> dict[Cell, float]:
    """Cell -> where its centre is, across."""
    near = relaxed(grid)
    columns = _Columns.of(grid)
    wishes = [sum(near[cell] - columns.offset[cell] for cell in column) / len(column) for column in columns.cells]
    # The middle between two that keep the distances keeps them too.
    to_right, to_left = list(wishes), list(wishes)
    for one in columns.order:
        to_right[one] = max([wishes[one], *(to_right[other] + gap for other, gap in columns.left[one].items())])
    for one in reversed(columns.order):
        to_left[one] = min([wishes[one], *(to_left[other] - gap for other, gap in columns.right[one].items())])
    places = [(a + b) / 2 for a, b in zip(to_right, to_left, strict=True)]
    for _ in range(_SWEEPS):
        for order in (columns.order, columns.order[::-1]):
            for one in order:
                places[one] = columns.better(one, places)
    return {cell: places[columns.of_cell[cell]] + columns.offset[cell] for cell in grid.cells}


@dataclass(frozen=True)
class _Columns:
    cells: Sequence[Sequence[Cell]]
    of_cell: Mapping[Cell, int]
    offset: Mapping[Cell, float]
    """Of a cell's centre, from its column's place."""
    left: Sequence[Mapping[int, float]]
    """For each column, those that stand next to it at its left, and the least distance to each."""
    right: Sequence[Mapping[int, float]]
    pulls: Sequence[Sequence[tuple[int, float, float]]]
    """For each column, the segments to others: which one, how far from there it would stand best, the weight."""
    order: Sequence[int]
    """From left to right."""

    @classmethod
    def of(cls, grid: Grid) -> _Columns:
        joined = _joined(grid)
        starts = set(grid.cells) - {segment.lower for segment in joined.values()}
        cells: list[list[Cell]] = []
        offset: dict[Cell, float] = {}
        for first in (cell for cell in grid.cells if cell in starts):
            column = [first]
            offset[first] = 0.0
            while column[-1] in joined:
                segment = joined[column[-1]]
                offset[segment.lower] = offset[segment.upper] + segment.leaves - segment.enters
                column.append(segment.lower)
            cells.append(column)
        of_cell = {cell: index for index, column in enumerate(cells) for cell in column}
        left: list[dict[int, float]] = [{} for _ in cells]
        right: list[dict[int, float]] = [{} for _ in cells]
        for layer in grid.layers:
            for before, after in pairwise(layer):
                one, other = of_cell[before], of_cell[after]
                gap = max(left[other].get(one, float("-inf")), offset[before] + apart(before, after) - offset[after])
                left[other][one] = right[one][other] = gap
        pulls: list[list[tuple[int, float, float]]] = [[] for _ in cells]
        for segment in grid.segments:
            upper, lower = of_cell[segment.upper], of_cell[segment.lower]
            if upper != lower:
                shift = offset[segment.upper] + segment.leaves - offset[segment.lower] - segment.enters
                pulls[lower].append((upper, shift, segment.weight))
                pulls[upper].append((lower, -shift, segment.weight))
        return cls(cells, of_cell, offset, left, right, pulls, _sorted(left, right))

    def better(self, one: int, places: Sequence[float]) -> float:
        """Where a column stands best, as far as those beside it let it."""
        weight = sum(pull[2] for pull in self.pulls[one])
        if not weight:
            return places[one]
        wish = sum((places[other] + shift) * worth for other, shift, worth in self.pulls[one]) / weight
        least = max((places[other] + gap for other, gap in self.left[one].items()), default=float("-inf"))
        most = min((places[other] - gap for other, gap in self.right[one].items()), default=float("inf"))
        return max(least, min(wish, most))


def _joined(grid: Grid) -> dict[Cell, Segment]:
    """Upper cell -> the segment by which it is joined to the cell below."""
    place = {cell: index for layer in grid.layers for index, cell in enumerate(layer)}
    found: dict[Cell, Segment] = {}
    taken: set[Cell] = set()
    between: dict[int, list[tuple[int, int]]] = {}
    for segment in sorted(grid.segments, key=lambda one: -one.weight):
        if segment.upper in found or segment.lower in taken:
            continue
        ends = (place[segment.upper], place[segment.lower])
        others = between.setdefault(segment.upper.layer, [])
        index = bisect_left(others, ends)
        if (index and others[index - 1][1] > ends[1]) or (index < len(others) and others[index][1] < ends[1]):
            continue
        insort(others, ends)
        found[segment.upper] = segment
        taken.add(segment.lower)
    return found


def _sorted(left: Sequence[Mapping[int, float]], right: Sequence[Mapping[int, float]]) -> list[int]:
    """Columns, each behind all that are left of it."""
    waiting = [len(others) for others in left]
    ready = [one for one, count in enumerate(waiting) if not count]
    found = []
    while ready:
        one = ready.pop()
        found.append(one)
        for other in right[one]:
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    return found
