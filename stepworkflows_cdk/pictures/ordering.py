"""The cells of each layer get an order in which segments cross little: barycentres, swept down and up."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from itertools import pairwise

from stepworkflows_cdk.pictures.grid import Cell, Grid

__all__ = ["crossings", "ordered"]

_SWEEPS = 24
_PATIENCE = 6
"""Sweeps without fewer crossings, after which there are no more."""
_LARGE = 3_000
"""Segments from which on a few sweeps have to do."""


def ordered(grid: Grid) -> Grid:
    """The grid in the best order that was found. Without crossings to avoid, the order stays as it is."""
    above: dict[Cell, list[Cell]] = {cell: [] for cell in grid.cells}
    below: dict[Cell, list[Cell]] = {cell: [] for cell in grid.cells}
    for segment in grid.segments:
        above[segment.lower].append(segment.upper)
        below[segment.upper].append(segment.lower)
    layers = [list(layer) for layer in grid.layers]
    best, fewest, since = layers, crossings(layers, below), 0
    for sweep in range(_SWEEPS if len(grid.segments) < _LARGE else 4):
        if not fewest or since > _PATIENCE:
            break
        layers = _swept(layers, above if sweep % 2 == 0 else below, down=sweep % 2 == 0)
        count = crossings(layers, below)
        since += 1
        if count < fewest:
            best, fewest, since = layers, count, 0
    return grid.arranged(best)


def crossings(layers: Sequence[Sequence[Cell]], below: Mapping[Cell, Sequence[Cell]]) -> int:
    """How many pairs of segments cross."""
    count = 0
    for upper, lower in pairwise(layers):
        place = {cell: index for index, cell in enumerate(lower)}
        ends: list[int] = []
        for cell in upper:
            for end in sorted(place[other] for other in below[cell]):
                position = bisect_left(ends, end + 1)
                count += len(ends) - position
                insort(ends, end)
    return count


def _swept(layers: Sequence[list[Cell]], beside: Mapping[Cell, Sequence[Cell]], *, down: bool) -> list[list[Cell]]:
    """Each layer by the middle of what its cells are linked to in the layer before."""
    result = [list(layer) for layer in layers]
    rows = range(1, len(result)) if down else range(len(result) - 2, -1, -1)
    for row in rows:
        before = result[row - 1 if down else row + 1]
        place = {cell: index for index, cell in enumerate(before)}
        now = result[row]
        middle = {
            cell: sum(place[other] for other in beside[cell]) / len(beside[cell]) if beside[cell] else None
            for cell in now
        }
        # Cells that are linked to nothing there keep their places among the others.
        moving = sorted((cell for cell in now if middle[cell] is not None), key=lambda cell: middle[cell] or 0.0)
        ahead = iter(moving)
        result[row] = [cell if middle[cell] is None else next(ahead) for cell in now]
    return result
