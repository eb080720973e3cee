"""The cells of an ordered grid get the centre of each across: as near to their links as their neighbours allow.

Layer by layer, down and up: where each cell would like to be is an average over its segments; the nearest places that
keep the order and the distances are a monotone regression, which merging neighbours solves exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from stepworkflows_cdk.pictures.grid import Cell, Grid, apart

__all__ = ["relaxed"]

_SWEEPS = 12
_LARGE = 3_000

# From a cell: the cell at the other end, how far from there it would like to be, and what that is worth.
_Pull = tuple[Cell, float, float]


def relaxed(grid: Grid) -> dict[Cell, float]:
    """Cell -> where its centre is, across."""
    up: dict[Cell, list[_Pull]] = {cell: [] for cell in grid.cells}
    down: dict[Cell, list[_Pull]] = {cell: [] for cell in grid.cells}
    for segment in grid.segments:
        shift = segment.leaves - segment.enters
        up[segment.lower].append((segment.upper, shift, segment.weight))
        down[segment.upper].append((segment.lower, -shift, segment.weight))
    both = {cell: up[cell] + down[cell] for cell in grid.cells}
    centres: dict[Cell, float] = {}
    for layer in grid.layers:
        centres |= _spread(layer, dict.fromkeys(layer, (0.0, 1.0)))
    for _ in range(_SWEEPS if len(grid.segments) < _LARGE else 3):
        _sweep(grid.layers, up, centres)
        _sweep(grid.layers[::-1], down, centres)
    for _ in range(2):
        _sweep(grid.layers, both, centres)
        _sweep(grid.layers[::-1], both, centres)
    _sweep(grid.layers, both, centres)
    return centres


def _sweep(layers: Iterable[Sequence[Cell]], pulls: Mapping[Cell, list[_Pull]], centres: dict[Cell, float]) -> None:
    for layer in layers:
        wishes = {}
        for cell in layer:
            weight = sum(pull[2] for pull in pulls[cell])
            if weight:
                middle = sum((centres[other] + shift) * worth for other, shift, worth in pulls[cell]) / weight
                wishes[cell] = (middle, weight)
            else:
                wishes[cell] = (centres[cell], 0.01)
        centres |= _spread(layer, wishes)


def _spread(layer: Sequence[Cell], wishes: Mapping[Cell, tuple[float, float]]) -> dict[Cell, float]:
    """The places nearest to the wishes, by weighted squares, with everything in order and apart."""
    offsets = [0.0]
    for left, right in pairwise(layer):
        offsets.append(offsets[-1] + apart(left, right))
    # Blocks of neighbours that touch: where they would like to be together, the weight, how many.
    blocks: list[tuple[float, float, int]] = []
    for cell, offset in zip(layer, offsets, strict=False):
        wish, weight = wishes[cell]
        block = (wish - offset, weight, 1)
        while blocks and blocks[-1][0] >= block[0]:
            place, heavy, count = blocks.pop()
            total = heavy + block[1]
            block = ((place * heavy + block[0] * block[1]) / total, total, count + block[2])
        blocks.append(block)
    places = [place for place, _, count in blocks for _ in range(count)]
    return {cell: place + offset for cell, place, offset in zip(layer, places, offsets, strict=False)}
