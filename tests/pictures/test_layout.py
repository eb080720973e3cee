"""Places for items and ways for links: nothing covers anything, for whatever graph."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepworkflows_cdk.pictures.layout import Item, Layout, Link, Point, lay_out

NAMES = st.integers(0, 11)
SIZES = st.floats(10, 200)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Item], list[Link]]:
    count = draw(st.integers(1, 12))
    items = [Item(number, draw(SIZES), draw(SIZES)) for number in range(count)]
    pairs = draw(st.lists(st.tuples(NAMES, NAMES), max_size=24))
    links = []
    for source, target in pairs:
        if source % count != target % count:
            label = draw(st.sampled_from([(0.0, 0.0), (60.0, 15.0), (140.0, 15.0)]))
            bundle, weight = draw(st.sampled_from([("", 6.0), ("", 1.0), ("any error", 1.0)]))
            links.append(Link(source % count, target % count, *label, weight, bundle))
    return items, links


def cover(one: tuple[Point, float, float], other: tuple[Point, float, float]) -> bool:
    """Whether two rectangles (corner, width, height) cover each other."""
    ((ax, ay), aw, ah), ((bx, by), bw, bh) = one, other
    return ax < bx + bw - 0.01 and bx < ax + aw - 0.01 and ay < by + bh - 0.01 and by < ay + ah - 0.01


def rectangles(items: list[Item], layout: Layout) -> dict[object, tuple[Point, float, float]]:
    return {item.id: (layout.places[item.id], item.width, item.height) for item in items}


@given(graphs())
def test_items_do_not_cover_each_other_and_lie_inside(graph: tuple[list[Item], list[Link]]) -> None:
    items, links = graph
    layout = lay_out(items, links)
    found = list(rectangles(items, layout).values())
    for index, one in enumerate(found):
        assert not any(cover(one, other) for other in found[:index])
        (x, y), width, height = one
        assert x >= -0.01
        assert x + width <= layout.width + 0.01
        assert y >= -0.01
        assert y + height <= layout.height + 0.01


@given(graphs())
def test_links_go_from_the_side_of_their_source_to_the_side_of_their_target(
    graph: tuple[list[Item], list[Link]],
) -> None:
    items, links = graph
    layout = lay_out(items, links)
    found = rectangles(items, layout)
    for link, route in zip(links, layout.routes, strict=True):
        for end, point in ((link.source, route.points[0]), (link.target, route.points[-1])):
            (x, y), width, height = found[end]
            assert x - 0.01 <= point[0] <= x + width + 0.01
            assert min(abs(point[1] - y), abs(point[1] - y - height)) < 0.01


@given(graphs())
def test_ways_pass_beside_items(graph: tuple[list[Item], list[Link]]) -> None:
    items, links = graph
    layout = lay_out(items, links)
    found = rectangles(items, layout)
    for route in layout.routes:
        straight = zip(route.points[::2], route.points[1::2], strict=True)
        for (x, y), (end_x, end_y) in straight:
            assert x == end_x
            way = ((x, min(y, end_y)), 0.02, abs(end_y - y))
            assert not any(cover(way, other) for other in found.values())
        for (x, y), (end_x, end_y) in zip(route.points[1::2], route.points[2::2], strict=False):
            # A curve stays between the heights of its ends; there is no item at all.
            band = ((min(x, end_x), min(y, end_y)), abs(end_x - x) + 0.02, abs(end_y - y))
            assert not any(cover(band, other) for other in found.values())


@given(graphs())
def test_labels_cover_neither_items_nor_each_other(graph: tuple[list[Item], list[Link]]) -> None:
    items, links = graph
    layout = lay_out(items, links)
    covered = list(rectangles(items, layout).values())
    for link, route in zip(links, layout.routes, strict=True):
        if link.width:
            (x, y), width, height = route.label, link.width, link.height
            label = ((x - width / 2, y - height / 2), width, height)
            assert not any(cover(label, other) for other in covered)
            covered.append(label)


@given(graphs())
def test_the_same_graph_gets_the_same_places(graph: tuple[list[Item], list[Link]]) -> None:
    assert lay_out(*graph) == lay_out(*graph)


@given(st.integers(2, 30))
def test_a_sequence_stands_in_one_column_and_runs_straight_down(count: int) -> None:
    items = [Item(number, 60.0 + 10 * (number % 3), 40.0) for number in range(count)]
    # Every step's errors lead to the last one, and draw it aside.
    links = [Link(number, number + 1, weight=6.0) for number in range(count - 1)]
    links += [Link(number, "end", 60.0, 15.0, 1.0, "any error") for number in range(count)]
    layout = lay_out([*items, Item("end", 80.0, 40.0)], links)
    centres = [layout.places[item.id][0] + item.width / 2 for item in items]
    assert max(centres) - min(centres) < 0.01
    tops = [layout.places[item.id][1] for item in items]
    assert tops == sorted(tops)


def test_a_link_back_leads_up_to_what_stands_above() -> None:
    items = [Item(name, 60.0, 40.0) for name in "abc"]
    layout = lay_out(items, [Link("a", "b"), Link("b", "c"), Link("c", "a")])
    assert [layout.places[name][1] for name in "abc"] == sorted(layout.places[name][1] for name in "abc")
    back = layout.routes[2].points
    assert back[0] == (back[0][0], layout.places["c"][1])
    assert back[-1] == (back[-1][0], layout.places["a"][1] + 40.0)


def test_a_link_from_an_item_to_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="from an item to itself"):
        lay_out([Item("a", 10.0, 10.0)], [Link("a", "a")])


def test_nothing_has_no_size() -> None:
    assert lay_out([], []) == Layout(0.0, 0.0, {}, ())


def test_large_graphs_end_and_keep_the_rules() -> None:
    items = [Item(number, 60.0, 40.0) for number in range(1_000)]
    links = [Link(number, number + 1) for number in range(999)]
    links += [Link(number, 999, 60.0, 15.0, 1.0, "any error") for number in range(998)]
    layout = lay_out(items, links)
    assert len(set(layout.places.values())) == 1_000
