"""A document in its canonical form: the keys of flows and steps in their order, two spaces an indentation.

YAML is not written anew: its lines are moved, with the comments above them, and indented. What stands in a line, a text over
several lines, an anchor, a quote, stays as it is. At the end the document is read again: it has to say what it said before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepworkflows_cdk.language.json_source import read_json
from stepworkflows_cdk.language.order import in_order, keyed_places
from stepworkflows_cdk.language.yaml_source import read_yaml
from stepworkflows_cdk.language.yaml_tree import Node, anchors_and_aliases, descend, read_tree

__all__ = ["CannotFormat", "comments", "formatted"]

_DEPTH = 100
_BREAKS = re.compile("[\x85\u2028\u2029]")
_BLOCK = ("|", ">")


class CannotFormat(Exception):
    """Raised where a document cannot be formatted without a change of what it says; the message says why."""


def formatted(text: str, file: str) -> str:
    """The text of a right document in its canonical form. Raises ``SyntaxProblem`` and :class:`CannotFormat`."""
    return _json(text, file) if file.endswith(".json") else _yaml(text, file)


def comments(text: str) -> list[str]:
    """The comments of a YAML text, sorted."""
    shown = list(text)
    for node in _scalars(read_tree(text)):
        start = node.start.index
        if node.style in _BLOCK:  # its first line may end with a comment
            start = text.find("\n", start)
        shown[start : node.end.index] = ["\n" if char == "\n" else "x" for char in text[start : node.end.index]]
    lines = "".join(shown).split("\n")
    return sorted(found.group().strip() for line in lines if (found := re.search(r"(?:^|(?<=\s))#.*", line)))


def _scalars(node: Node) -> list[Node]:
    return [node] if node.kind == "scalar" else [inner for child in node.children for inner in _scalars(child)]


def _json(text: str, file: str) -> str:
    value = read_json(text, file, _DEPTH)[0]
    for path, flow in list(keyed_places(value)):
        around: Any = value
        for part in path:
            around = around[part]
        moved = {key: around[key] for key in in_order(around, flow=flow)}
        around.clear()
        around.update(moved)
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _yaml(text: str, file: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    value = read_yaml(text, file, _DEPTH)[0]
    if _BREAKS.search(text):
        raise CannotFormat("it has line breaks other than line feeds; write them as escapes in double quotes")
    places = list(keyed_places(value))
    done = text
    for step in (_in_brackets, _in_lines):
        root = read_tree(done)
        nodes = ((descend(root, path), flow) for path, flow in places)
        done = step(done, root, {id(node): flow for node, flow in nodes if node is not None})
    if _said(read_yaml(done, file, _DEPTH)[0]) != _said(value) or comments(done) != comments(text):
        raise CannotFormat("its lines cannot be moved without a change of what they say")
    return done


def _said(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _order(node: Node, ordered: Mapping[int, bool]) -> list[int]:
    """The entries of a mapping in their order, by their numbers. Where one takes up what another names, all stay."""
    numbers = list(range(len(node.entries)))
    given, used = anchors_and_aliases(node)
    if id(node) not in ordered or given & used:
        return numbers
    names = {key.text: number for number, (key, _) in enumerate(node.entries)}
    return [names[key] for key in in_order(names, flow=ordered[id(node)])]


def _in_brackets(text: str, root: Node, ordered: Mapping[int, bool]) -> str:
    """The text with the steps that are written in brackets in order: each entry goes to the place of another."""

    def outermost(node: Node) -> Iterator[Node]:
        if node.flow:
            yield node
        else:
            for child in node.children:
                yield from outermost(child)

    def written(node: Node) -> str:
        if not node.flow:
            return text[node.start.index : node.end.index]
        parts = [(key.start.index, value) for key, value in node.entries] or [(i.start.index, i) for i in node.items]
        texts = [text[start : value.start.index] + written(value) for start, value in parts]
        ends = [node.start.index, *(value.end.index for _, value in parts)]
        starts = [*(start for start, _ in parts), node.end.index]
        between = [text[end:start] for end, start in zip(ends, starts, strict=True)]
        order = _order(node, ordered)
        if node.kind == "mapping" and not any("#" in part for part in between):
            texts = [texts[number] for number in order]
        return "".join(part for pair in zip(between, [*texts, ""], strict=True) for part in pair)

    done, at = "", 0
    for node in outermost(root):
        done += text[at : node.start.index] + written(node)
        at = node.end.index
    return done + text[at:]


def _in_lines(text: str, root: Node, ordered: Mapping[int, bool]) -> str:
    """The text with the steps that are written in lines in order, and all of it indented by two spaces."""
    if not root.block:
        return text.strip("\n") + "\n"
    return "\n".join(_Lines(text.split("\n"), ordered).document(root)) + "\n"


@dataclass
class _Block:
    """Lines on their way: ``above`` are the comments that go above the first of them, wherever that will stand."""

    above: list[str]
    lines: list[str]


@dataclass(frozen=True)
class _Lines:
    """The lines of a text. Their numbers are from 0, and ranges are without their end."""

    lines: list[str]
    ordered: Mapping[int, bool]

    def document(self, root: Node) -> list[str]:
        first = root.first.line
        body = self._block(root, 0, first, len(self.lines))
        head = _packed([*(line.rstrip() for line in self.lines[:first]), *body.above])
        while head and not head[0]:
            head.pop(0)
        return [*head, *body.lines]

    def _block(self, node: Node, column: int, start: int, end: int) -> _Block:
        """A mapping or sequence told by its indentation, with all that stands in its lines, at a new column."""
        starts = node.dashes or tuple(key.start for key, _ in node.entries)
        values = node.items or tuple(value for _, value in node.entries)
        old = starts[0].column
        for place in starts:
            if place.column != old or self.lines[place.line][:old].strip(" -"):
                raise CannotFormat(f"line {place.line + 1} begins in a way that only a person can indent")
        ends = [self._last(place.line, value) + 1 for place, value in zip(starts, values, strict=True)]
        # Where what belongs to an entry begins: with the comments above it.
        begins = [start, *(self._own(one, place.line, old) for one, place in zip(ends, starts[1:], strict=False))]
        tail = self._own(ends[-1], end, old)
        blocks: list[_Block] = []
        for place, value, begin, limit in zip(starts, values, begins, [*begins[1:], tail], strict=True):
            block = self._entry(place.line, old, value, column, limit)
            blocks.append(_Block([*self._comments(begin, place.line, column), *block.above], block.lines))
        if node.kind == "mapping":
            blocks = [blocks[number] for number in _order(node, self.ordered)]
        rest = [line for block in blocks[1:] for line in (*block.above, *block.lines)]
        last = self._comments(tail, end, column)
        while last and not last[-1]:
            last.pop()
        return _Block(blocks[0].above, [*blocks[0].lines, *rest, *last])

    def _entry(self, line: int, old: int, value: Node, column: int, end: int) -> _Block:
        """A key with its value, or a dash with its item. ``end`` is where the next begins."""
        if not value.block:
            return _Block([], self._as_it_is(line, old, value, column, end))
        first, inside = value.first.line, column + 2
        if first == line:  # behind its dash
            block = self._block(value, inside, line, end)
            above = [f"{' ' * column}{text.strip()}" for text in block.above if text]
            return _Block(above, [f"{' ' * column}- {block.lines[0][inside:]}", *block.lines[1:]])
        anchored = max((n for n in range(line + 1, first) if not _silent(self.lines[n])), default=line) + 1
        block = self._block(value, inside, anchored, end)
        between = self._comments(line + 1, anchored, inside)
        above = block.above[1:] if block.above and not block.above[0] else block.above
        return _Block([], [f"{' ' * column}{self.lines[line][old:].rstrip()}", *between, *above, *block.lines])

    def _as_it_is(self, line: int, old: int, value: Node, column: int, end: int) -> list[str]:
        """The lines of a value that stay as they are, but for where they begin, and the comments behind them."""
        last, by = self._last(line, value), column - old
        lines = [f"{' ' * column}{self.lines[line][old:]}"]
        lines += [_shifted(text, by) for text in self.lines[line + 1 : last + 1]]
        if value.style not in _BLOCK:
            lines[-1] = lines[-1].rstrip()
        return lines + _packed([_shifted(text, by).rstrip() for text in self.lines[last + 1 : end]])

    def _last(self, line: int, value: Node) -> int:
        """The last line of a value; the blank ones behind a text left out, where they say nothing."""
        if value.block:
            return max(self._last(line, child) for child in value.children)
        if value.style not in _BLOCK:
            return max(line, value.end.line)
        last = value.end.line if value.end.column else value.end.line - 1
        keeps = "+" in self.lines[value.start.line][value.start.column :].partition(" #")[0]
        while not keeps and last > value.start.line and not self.lines[last].strip():
            last -= 1
        return max(line, value.start.line, last)

    def _own(self, start: int, end: int, column: int) -> int:
        """Between two entries, the line from which on comments belong to the second: those not indented deeper than it, and
        the blank lines before them.
        """
        said = [number for number in range(start, end) if self.lines[number].strip()]
        deeper = [number for number in said if _indent(self.lines[number]) > column]
        own = [number for number in said if _indent(self.lines[number]) <= column]
        before = [number for number in deeper if not own or number < own[0]]
        return before[-1] + 1 if before else start

    def _comments(self, start: int, end: int, column: int) -> list[str]:
        return _packed([f"{' ' * column}{text.strip()}".rstrip() for text in self.lines[start:end]])


def _silent(line: str) -> bool:
    """Whether a line is blank or a comment."""
    return not line.strip() or line.strip().startswith("#")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _shifted(line: str, by: int) -> str:
    if by >= 0:
        return f"{' ' * by}{line}" if line else line
    return line[min(-by, _indent(line)) :]


def _packed(lines: Sequence[str]) -> list[str]:
    """With one blank line where there are several."""
    return [line for number, line in enumerate(lines) if line or number == 0 or lines[number - 1]]
