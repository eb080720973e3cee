"""A graph becomes an SVG: one file with its own styles, light or dark as the reader's screen is, and nothing from
elsewhere.

Each node and edge carries a title, which browsers show as a tooltip: the place in the document, the whole condition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from stepworkflows_cdk.pictures.model import Graph
from stepworkflows_cdk.pictures.scene import NAME_SIZE, SMALL_SIZE, Box, Frame, Line, Rectangle, Scene, compose
from stepworkflows_cdk.pictures.trace import Trace
from stepworkflows_cdk.pictures.words import edge_tip, node_tip

__all__ = ["svg"]

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_HEAD = 4.5

# Kind -> fill and stroke, light; then dark.
_KINDS: Mapping[str, tuple[str, str, str, str]] = {
    "task": ("#e8f1fe", "#2563eb", "#172a4d", "#60a5fa"),
    "choice": ("#fef6dc", "#b45309", "#3d2c0a", "#fbbf24"),
    "pass": ("#f3f4f6", "#6b7280", "#272b33", "#9ca3af"),
    "wait": ("#f1ecfe", "#7c3aed", "#2e2150", "#a78bfa"),
    "parallel": ("#eef2f6", "#64748b", "#1e2630", "#94a3b8"),
    "map": ("#eef2f6", "#64748b", "#1e2630", "#94a3b8"),
    "succeed": ("#e3f8ea", "#15803d", "#10301d", "#4ade80"),
    "fail": ("#fdeaea", "#b91c1c", "#3d1616", "#f87171"),
}
_INK, _MUTED, _GROUND, _EDGE, _ERROR = (
    ("#111827", "#f3f4f6"),
    ("#4b5563", "#b6bdc9"),
    ("#ffffff", "#0f1318"),
    ("#475569", "#94a3b8"),
    ("#b45309", "#f0a35e"),
)
_FAILED, _TAKEN = ("#dc2626", "#f87171"), ("#15803d", "#4ade80")


def svg(graph: Graph, trace: Trace | None = None) -> str:
    """The SVG, with a line feed at its end. With a ``trace``, what a run entered stands out, with how often."""
    scene = compose(graph, trace.notes() if trace else None)
    size = f'width="{_n(scene.width)}" height="{_n(scene.height)}" viewBox="0 0 {_n(scene.width)} {_n(scene.height)}"'
    kind = "flow traced" if trace else "flow"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{kind}" role="img" {size} font-family="{_FONT}">',
        f"<title>{escape(scene.title)}</title>",
        f"<style>{_style()}</style>",
        f'<rect class="ground" width="{_n(scene.width)}" height="{_n(scene.height)}"/>',
        *(_frame(frame, trace) for frame in scene.frames),
        *(part for line in _drawn_last(scene, trace) for part in _line(line, trace)),
        *(_box(box, trace) for box in scene.boxes),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _drawn_last(scene: Scene, trace: Trace | None) -> list[Line]:
    """The lines, those that a run took above the others: lines may share a part of their ways."""
    return sorted(scene.lines, key=lambda line: bool(trace and trace.took(line.edge)))


def _frame(frame: Frame, trace: Trace | None) -> str:
    r = frame.rectangle
    if frame.node is None:
        drawn = f'<rect class="branch" {_at(r)} rx="8"/>'
        return f"<g>{drawn}{''.join(_texts(frame.name, frame.small, r, r.y + 6))}</g>"
    name = f"node {frame.node.kind.lower()} around{_visited(frame.node.name, trace)}"
    texts = "".join(_texts(frame.name, frame.small, r, r.y + 7))
    return f'<g class="{name}"><title>{escape(node_tip(frame.node))}</title><rect {_at(r)} rx="10"/>{texts}</g>'


def _box(box: Box, trace: Trace | None) -> str:
    name = f"node {box.node.kind.lower()}{_visited(box.node.name, trace)}"
    texts = "".join(_texts(box.name, box.small, box.rectangle, box.rectangle.y + 7))
    return f'<g class="{name}"><title>{escape(node_tip(box.node))}</title>{_shape(box)}{texts}</g>'


def _visited(name: str, trace: Trace | None) -> str:
    status = trace.status(name) if trace else ""
    return f" {status}" if status else ""


def _shape(box: Box) -> str:
    r = box.rectangle
    match box.node.kind:
        case "Start":
            return f'<circle cx="{_n(r.x + r.width / 2)}" cy="{_n(r.y + r.height / 2)}" r="{_n(r.width / 2)}"/>'
        case "Choice":
            middle, right, bottom = r.y + r.height / 2, r.x + r.width, r.y + r.height
            corners = [
                (r.x, middle),
                (r.x + 10, r.y),
                (right - 10, r.y),
                (right, middle),
                (right - 10, bottom),
                (r.x + 10, bottom),
            ]
            return f'<polygon points="{" ".join(f"{_n(x)},{_n(y)}" for x, y in corners)}"/>'
        case "Succeed" | "Fail":
            return f'<rect {_at(r)} rx="14"/>'
        case _:
            return f'<rect {_at(r)} rx="6"/>'


def _texts(name: tuple[str, ...], small: tuple[str, ...], r: Rectangle, top: float) -> Iterator[str]:
    x, y = _n(r.x + r.width / 2), top
    for lines, size, kind in ((name, NAME_SIZE, "name"), (small, SMALL_SIZE, "small")):
        for line in lines:
            yield f'<text class="{kind}" x="{x}" y="{_n(y + size)}">{escape(line)}</text>'
            y += size * 1.35


def _line(line: Line, trace: Trace | None) -> Iterator[str]:
    taken = " taken" if trace and trace.took(line.edge) else ""
    kind = "edge error" if line.edge.kind == "error" else "edge"
    path, head = _loop(line) if line.is_loop else _way(line)
    label = ""
    if line.text:
        middle = line.label.x + line.label.width / 2
        base = line.label.y + line.label.height / 2 + SMALL_SIZE * 0.36
        label = f'<text class="label" x="{_n(middle)}" y="{_n(base)}">{escape(line.text)}</text>'
    title = f"<title>{escape(edge_tip(line.edge))}</title>"
    yield f'<g class="{kind}{taken}">{title}<path d="{path}"/><polygon points="{head}"/>{label}</g>'


def _way(line: Line) -> tuple[str, str]:
    first, *others = line.points
    steps = [f"M{_n(first[0])} {_n(first[1])}"]
    before = first
    for index, (x, y) in enumerate(others):
        if index % 2 == 0:
            steps.append(f"L{_n(x)} {_n(y)}" if (x, y) != before else "")
        elif x == before[0]:
            steps.append(f"L{_n(x)} {_n(y)}")
        else:
            middle = _n((before[1] + y) / 2)
            steps.append(f"C{_n(before[0])} {middle} {_n(x)} {middle} {_n(x)} {_n(y)}")
        before = (x, y)
    x, y = before
    back = -2 * _HEAD if y > first[1] else 2 * _HEAD
    corners = ((x, y), (x - _HEAD, y + back), (x + _HEAD, y + back))
    return "".join(steps), " ".join(f"{_n(a)},{_n(b)}" for a, b in corners)


def _loop(line: Line) -> tuple[str, str]:
    (x, top), (_, bottom) = line.points
    path = f"M{_n(x)} {_n(top)}C{_n(x + 26)} {_n(top - 4)} {_n(x + 26)} {_n(bottom + 4)} {_n(x)} {_n(bottom)}"
    corners = ((x, bottom), (x + 2 * _HEAD, bottom - _HEAD), (x + 2 * _HEAD, bottom + _HEAD))
    return path, " ".join(f"{_n(a)},{_n(b)}" for a, b in corners)


def _style() -> str:
    """Colours are written out twice, light and dark: not every program that shows SVG knows variables."""
    fixed = [
        ".flow text{text-anchor:middle}",
        f".flow .name{{font-size:{NAME_SIZE}px;font-weight:600}}",
        f".flow .small,.flow .label{{font-size:{SMALL_SIZE}px}}",
        ".flow .label{paint-order:stroke;stroke-width:5px;stroke-linejoin:round}",
        ".flow .node>*{stroke-width:1.4}.flow .node text{stroke:none}",
        ".flow .pass rect,.flow .branch{stroke-dasharray:4 3}",
        ".flow .edge path{fill:none;stroke-width:1.4}",
        ".flow .error path{stroke-dasharray:2 4;stroke-linecap:round}",
        ".flow .around>rect,.flow .branch{fill-opacity:.35}",
        ".traced .node:not(.entered):not(.failed):not(.retried),.traced .edge:not(.taken){opacity:.4}",
        ".traced .taken path,.traced .entered>*,.traced .retried>*,.traced .failed>*{stroke-width:2.6}",
        ".traced .node text{stroke-width:0}",
    ]
    dark = "\n".join(_colours(1))
    return "\n".join(["", *fixed, *_colours(0), f"@media (prefers-color-scheme:dark){{\n{dark}\n}}", ""])


def _colours(scheme: int) -> Iterator[str]:
    yield f".flow .ground{{fill:{_GROUND[scheme]}}}"
    yield f".flow .name{{fill:{_INK[scheme]}}}"
    yield f".flow .small{{fill:{_MUTED[scheme]}}}"
    yield f".flow .label{{fill:{_MUTED[scheme]};stroke:{_GROUND[scheme]}}}"
    yield f".flow .edge path{{stroke:{_EDGE[scheme]}}}.flow .edge polygon{{fill:{_EDGE[scheme]}}}"
    yield f".flow .error path{{stroke:{_ERROR[scheme]}}}.flow .error polygon{{fill:{_ERROR[scheme]}}}"
    yield f".flow .start circle{{fill:{_INK[scheme]};stroke:{_INK[scheme]}}}"
    yield f".flow .branch,.flow .machine>rect{{fill:{_GROUND[scheme]};stroke:{_EDGE[scheme]}}}"
    for kind, colours in _KINDS.items():
        fill, stroke = colours[2 * scheme : 2 * scheme + 2]
        shape = "polygon" if kind == "choice" else "rect"
        yield f".flow .{kind}>{shape}{{fill:{fill};stroke:{stroke}}}"
    yield f".traced .taken path{{stroke:{_TAKEN[scheme]}}}.traced .taken polygon{{fill:{_TAKEN[scheme]}}}"
    yield f".traced .entered>rect,.traced .entered>polygon{{stroke:{_TAKEN[scheme]}}}"
    yield f".traced .retried>rect,.traced .retried>polygon{{stroke:{_ERROR[scheme]}}}"
    yield f".traced .failed>rect,.traced .failed>polygon{{stroke:{_FAILED[scheme]}}}"


def _at(r: Rectangle) -> str:
    return f'x="{_n(r.x)}" y="{_n(r.y)}" width="{_n(r.width)}" height="{_n(r.height)}"'


def _n(number: float) -> str:
    """A number with one digit behind the point, if it is not 0."""
    return f"{round(number, 1) + 0.0:.1f}".removesuffix(".0")
