"""What pictures say of nodes and edges, shortened and without characters that do something instead of being seen."""

from __future__ import annotations

import unicodedata

from stepworkflows_cdk.compiler.plan import machine_key
from stepworkflows_cdk.pictures.model import Edge, Node

__all__ = ["columns", "edge_text", "edge_tip", "kind_text", "node_tip", "plain", "short", "wrapped"]

_SHOWN = 36
_TIP = 1_000


def plain(text: str) -> str:
    """The text on one line, without control characters, marks of direction and halves of pairs: XML cannot hold some of
    them, and others change how their surroundings are shown.
    """
    spaced = "".join(" " if char in "\t\n\r\u2028\u2029" else char for char in text)
    return "".join(
        "\ufffd" if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Cn", "Co"} else char for char in spaced
    )


def columns(text: str) -> int:
    """How many columns the text takes: characters of East Asia and emoji take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text if not _joins(char))


def short(text: str, most: int = _SHOWN) -> str:
    """The text in no more than so many columns, with an ellipsis where some of it is left out."""
    if columns(text) <= most:
        return text
    kept = ""
    for char in text:
        if columns(kept + char) > most - 1:
            break
        kept += char
    return f"{kept.rstrip()}…"


def wrapped(text: str, width: int, lines: int) -> list[str]:
    """The text in lines of no more than ``width`` columns, broken at spaces and hyphens where it can be; what does not
    fit into so many lines is left out.
    """
    found: list[str] = []
    rest = text.strip()
    while rest and len(found) < lines - 1 and columns(rest) > width:
        end = _break(rest, width)
        found.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*found, short(rest, width)] if rest or not found else found


def kind_text(node: Node) -> str:
    """``lambda:invoke`` of a task, ``flow ID`` of one that starts a flow, ``Wait``; of the ends and the start nothing but
    their names is said.
    """
    if node.kind in {"Start", "Succeed", "Fail"}:
        return ""
    service = f"flow {node.starts.removeprefix(machine_key(''))}" if node.starts else node.service
    if service and (node.kind == "Task" or node.starts):
        return plain(service)
    return plain(" · ".join(part for part in (node.kind, service) if part))


def node_tip(node: Node) -> str:
    """All that is known of a node, a line for each thing."""
    kind = " · ".join(part for part in (node.kind, node.service) if part)
    lines = [plain(node.title), plain(kind), short(plain(node.comment), _TIP)]
    if node.step and node.step != node.title:
        lines.append(f"step {plain(node.step)}")
    if node.file:
        lines.append(plain(f"{node.file}:{node.line}"))
    if node.retries:
        lines.append(short(plain(f"tried again on {', '.join(node.retries)}"), _TIP))
    return "\n".join(line for line in lines if line)


def edge_text(edge: Edge) -> str:
    """The label of an edge, shortened: a condition may be long."""
    return short(plain(edge.label))


def edge_tip(edge: Edge) -> str:
    """From where to where, and the whole label."""
    way = f"{edge.source or 'start'} → {edge.target}"
    return short(plain(f"{way}: {edge.label}" if edge.label else way), _TIP)


def _break(text: str, width: int) -> int:
    """Where the first line ends."""
    end = 0
    while columns(text[: end + 1]) <= width:
        end += 1
    breaks = [index + 1 for index in range(end) if text[index] in " -_/.:"]
    if text[end : end + 1] == " ":
        breaks.append(end)
    return breaks[-1] if breaks and breaks[-1] >= width // 3 else end


def _joins(char: str) -> bool:
    return unicodedata.combining(char) > 0
