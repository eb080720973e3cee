"""A graph becomes the text of a Mermaid flowchart, which GitHub and many editors draw.

Syntax: https://mermaid.js.org/syntax/flowchart.html. Whatever stands in a label is text: characters that mean something
to Mermaid, to its Markdown or to HTML are written as its entities.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from stepworkflows_cdk.pictures.model import Edge, Graph, Node
from stepworkflows_cdk.pictures.words import edge_text, kind_text, plain

__all__ = ["mermaid"]

_SHAPES = {
    "Start": ("((", "))"),
    "Choice": ("{{", "}}"),
    "Pass": ("(", ")"),
    "Wait": ("[/", "/]"),
    "Succeed": ("([", "])"),
    "Fail": ("([", "])"),
}
_BOX = ("[", "]")
# Fill and text are both set: a page may be light or dark.
_CLASSES = {
    "Task": "fill:#dbeafe,stroke:#2563eb,color:#111827",
    "Choice": "fill:#fef3c7,stroke:#d97706,color:#111827",
    "Pass": "fill:#f3f4f6,stroke:#6b7280,color:#111827",
    "Wait": "fill:#ede9fe,stroke:#7c3aed,color:#111827",
    "Parallel": "fill:#f8fafc,stroke:#64748b,color:#111827",
    "Map": "fill:#f8fafc,stroke:#64748b,color:#111827",
    "Machine": "fill:#f8fafc,stroke:#64748b,color:#111827",
    "Succeed": "fill:#dcfce7,stroke:#16a34a,color:#111827",
    "Fail": "fill:#fee2e2,stroke:#dc2626,color:#111827",
    "Branch": "fill:none,stroke:#94a3b8,stroke-dasharray:4 3",
    "Start": "fill:#111827,stroke:#6b7280,color:#ffffff",
}
_SAFE = re.compile(r"[^\w \-.,:?=()/'+!@$·…]|(?<![^\W_])_|_(?![^\W_])|^[-+](?= )|\$(?=\$)|(?<=\d)[.)](?= )")


def mermaid(graph: Graph) -> str:
    """The flowchart, from top to bottom, with a line feed at its end. Nodes have numbers, so that a name is only text."""
    ids = {id(node): f"n{number}" for number, node in enumerate(_all(graph))}
    kinds: dict[str, list[str]] = {}
    for node in _all(graph):
        kinds.setdefault(node.kind, []).append(ids[id(node)])
        kinds.setdefault("Branch", []).extend(_branch_ids(node, ids))
    kinds = {kind: found for kind, found in kinds.items() if found}
    lines = ["flowchart TD", *_lines(graph, ids, "  ")]
    lines += [f"  classDef {kind} {_CLASSES[kind]}" for kind in sorted(kinds)]
    lines += [f"  class {','.join(kinds[kind])} {kind}" for kind in sorted(kinds)]
    return "\n".join(lines) + "\n"


def _all(graph: Graph) -> Iterator[Node]:
    for node in graph.nodes:
        yield node
        for branch in node.branches:
            yield from _all(branch)


def _lines(graph: Graph, ids: Mapping[int, str], indent: str) -> Iterator[str]:
    here = {node.name: ids[id(node)] for node in graph.nodes}
    for node in graph.nodes:
        yield from _node(node, ids, indent)
    for edge in graph.edges:
        yield f"{indent}{here[edge.source]} {_arrow(edge)} {here[edge.target]}"


def _node(node: Node, ids: Mapping[int, str], indent: str) -> Iterator[str]:
    own = ids[id(node)]
    label = [_text(part) for part in (plain(node.title), kind_text(node)) if part]
    if not node.branches:
        left, right = _SHAPES.get(node.kind, _BOX)
        yield f'{indent}{own}{left}"{"<br/>".join(label) or " "}"{right}'
        return
    # The title of a subgraph has room for one line.
    yield f'{indent}subgraph {own}["{" · ".join(label)}"]'
    for branch_id, branch in zip(_branch_ids(node, ids), node.branches, strict=True):
        yield f'{indent}  subgraph {branch_id}["{_text(plain(branch.title)) or " "}"]'
        yield from _lines(branch, ids, f"{indent}    ")
        yield f"{indent}  end"
    yield f"{indent}end"


def _branch_ids(node: Node, ids: Mapping[int, str]) -> list[str]:
    return [f"{ids[id(node)]}b{number}" for number, _ in enumerate(node.branches, 1)]


def _arrow(edge: Edge) -> str:
    line = "-.->" if edge.kind == "error" else "-->"
    label = _text(edge_text(edge))
    return f'{line}|"{label}"|' if label else line


def _text(text: str) -> str:
    return _SAFE.sub(lambda found: f"#{ord(found[0])};", text)
