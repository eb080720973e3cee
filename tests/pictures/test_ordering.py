"""The order of cells: no crossing where none is needed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from stepworkflows_cdk.pictures.layout import Item, Layout, Link, lay_out


def laid_out(links: Sequence[str]) -> Layout:
    names = dict.fromkeys(name for link in links for name in link)
    return lay_out([Item(name, 80.0, 40.0) for name in names], [Link(*link) for link in links])


def across(layout: Layout, names: str) -> list[str]:
    return sorted(names, key=lambda name: layout.places[name][0])


@pytest.mark.parametrize("links", [["ac", "bd", "ad"], ["sa", "sb", "ad", "bc", "sx", "xd"]])
def test_nothing_crosses_that_need_not(links: list[str]) -> None:
    layout = laid_out(links)
    for one, route in zip(links, layout.routes, strict=True):
        for other, beside in zip(links, layout.routes, strict=True):
            same_height = route.points[0][1] == beside.points[0][1]
            if same_height and not set(one) & set(other):
                starts = route.points[0][0] < beside.points[0][0]
                assert starts == (route.points[-1][0] < beside.points[-1][0])


def test_arms_stand_as_what_they_lead_to() -> None:
    layout = laid_out(["sa", "sb", "sc", "ax", "by", "cz"])
    assert [across(layout, "abc"), across(layout, "xyz")] in ([[*"abc"], [*"xyz"]], [[*"cba"], [*"zyx"]])
