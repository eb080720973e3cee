"""The SVG: sound XML that needs nothing else, in which text has room and nothing covers anything."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepworkflows_cdk.pictures.model import Graph
from stepworkflows_cdk.pictures.scene import NAME_SIZE, SMALL_SIZE, Rectangle, Scene, compose, text_width
from stepworkflows_cdk.pictures.steps import steps_only
from stepworkflows_cdk.pictures.svg import svg

Draw = Callable[..., Graph]
SVG = "{http://www.w3.org/2000/svg}"


def inside(inner: Rectangle, outer: Rectangle) -> bool:
    return (
        outer.x - 0.01 <= inner.x
        and inner.x + inner.width <= outer.x + outer.width + 0.01
        and outer.y - 0.01 <= inner.y
        and inner.y + inner.height <= outer.y + outer.height + 0.01
    )


def apart(one: Rectangle, other: Rectangle) -> bool:
    return (
        one.x + one.width <= other.x + 0.01
        or other.x + other.width <= one.x + 0.01
        or one.y + one.height <= other.y + 0.01
        or other.y + other.height <= one.y + 0.01
    )


def check(scene: Scene) -> None:
    """What holds for every scene."""
    all_ = Rectangle(0.0, 0.0, scene.width, scene.height)
    boxes = [box.rectangle for box in scene.boxes]
    frames = [frame.rectangle for frame in scene.frames]
    labels = [line.label for line in scene.lines if line.text]
    for index, box in enumerate(boxes):
        assert inside(box, all_)
        assert all(apart(box, other) for other in boxes[:index])
        assert all(apart(box, frame) or inside(box, frame) for frame in frames)
    for index, frame in enumerate(frames):
        assert inside(frame, all_)
        assert all(apart(frame, one) or inside(frame, one) or inside(one, frame) for one in frames[:index])
    for index, label in enumerate(labels):
        assert all(apart(label, other) for other in [*boxes, *labels[:index]])
        assert all(apart(label, frame) or inside(label, frame) for frame in frames)
    for drawn in (*scene.boxes, *scene.frames):
        room = drawn.rectangle.width
        assert all(text_width(line, NAME_SIZE) <= room for line in drawn.name)
        assert all(text_width(line, SMALL_SIZE) <= room for line in drawn.small)
    nodes = [*scene.boxes, *(frame for frame in scene.frames if frame.node)]
    at = {drawn.node.name: drawn.rectangle for drawn in nodes if drawn.node}
    for line in scene.lines:
        for name, (x, y) in ((line.edge.source, line.points[0]), (line.edge.target, line.points[-1])):
            r = at[name]
            assert r.x - 0.01 <= x <= r.x + r.width + 0.01
            assert r.y - 0.01 <= y <= r.y + r.height + 0.01
            assert min(abs(x - r.x - r.width), abs(y - r.y), abs(y - r.y - r.height)) < 0.01


def test_nothing_covers_anything_in_any_machine(generated: st.SearchStrategy[dict[str, Any]], drawn: Draw) -> None:
    @given(generated)
    def holds(definition: dict[str, Any]) -> None:
        graph = drawn(definition)
        check(compose(graph))
        check(compose(steps_only(graph)))
        ET.fromstring(svg(graph))

    holds()


@pytest.mark.parametrize("flow", ["order-flow", "saga", "retry-rules", "require-after-work", "escapes"])
def test_nothing_covers_anything_in_flows(flow: str, flow_graph: Callable[[str], Graph]) -> None:
    check(compose(flow_graph(flow)))
    check(compose(steps_only(flow_graph(flow))))


def test_frames_hold_their_branches_and_loops_have_room(drawn: Draw, nested: dict[str, Any]) -> None:
    again = [
        {"Condition": text, "Next": "small"} for text in ("{% $a %}", "{% $a_longer_one %}", "{% $c %}", "{% $d %}")
    ]
    small = {"Type": "Choice", "Choices": again, "Default": "end"}
    nested = {**nested, "States": {**nested["States"], "small": small}}
    scene = compose(drawn(nested))
    check(scene)
    loops = [line for line in scene.lines if line.is_loop]
    assert [loop.text for loop in loops] == ["$a", "$a_longer_one", "$c", "$d"]
    frames = {frame.node.name: frame.rectangle for frame in scene.frames if frame.node}
    boxes = {box.node.name: box.rectangle for box in scene.boxes}
    assert all(inside(boxes[name], frames["both"]) for name in ("pack", "ship", "poll", "ready?", "pause", "bill"))
    assert inside(boxes["pack"], frames["each"])
    assert apart(boxes["small"], frames["both"])


def test_the_file_needs_nothing_else(drawn: Draw, nested: dict[str, Any]) -> None:
    text = svg(drawn(nested))
    assert re.findall(r"https?://[^\"'<> ]*", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"(?i)<script|<image|<use|<foreignObject|href|@import|url\(", text)


def test_every_state_and_edge_has_its_shape_and_its_tooltip(drawn: Draw, nested: dict[str, Any]) -> None:
    root = ET.fromstring(svg(drawn(nested, {"check": "check-total"})))
    groups = [group for group in root.iter(f"{SVG}g") if group.find(f"{SVG}title") is not None]
    tips = {group.findtext(f"{SVG}title", ""): group.get("class", "") for group in groups}
    assert tips["check\nChoice\nstep check-total\nflow.yaml:2"] == "node choice"
    assert tips["check → both: $input.total > 100"] == "edge"
    assert tips["both → refused: error Boom, Bang"] == "edge error"
    assert sum(kind.startswith("node") for kind in tips.values()) == 13
    assert sum(kind.startswith("edge") for kind in tips.values()) == 11


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "a & b", "\x00\x1b[31m", "\ud800", "\u202eevil", "W" * 80, "订" * 80, "] ]> x"],
)
def test_any_name_is_text(name: str, drawn: Draw) -> None:
    graph = drawn({"StartAt": name, "States": {name: {"Type": "Task", "End": True}}})
    text = svg(graph)
    text.encode("utf-8")
    root = ET.fromstring(text)
    assert not [element for element in root.iter() if element.tag.removeprefix(SVG) == "script"]
    check(compose(graph))


def test_there_are_colours_for_light_and_dark(drawn: Draw, nested: dict[str, Any]) -> None:
    style = ET.fromstring(svg(drawn(nested))).findtext(f"{SVG}style", "")
    light, dark = style.split("@media (prefers-color-scheme:dark)")
    grounds = [re.findall(r"\.ground\{fill:(#\w+)\}", part) for part in (light, dark)]
    assert grounds == [["#ffffff"], ["#0f1318"]]
    for kind in ("task", "choice", "pass", "wait", "parallel", "map", "succeed", "fail"):
        assert f".flow .{kind}>" in light
        assert f".flow .{kind}>" in dark
