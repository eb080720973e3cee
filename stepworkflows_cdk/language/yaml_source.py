"""YAML text becomes values with marks: the node tree of PyYAML's C parser, its scalars read by YAML 1.2's core schema.

So ``on``, ``yes`` and ``no`` are strings, a key stands once, and aliases cannot blow a document up.
https://yaml.org/spec/1.2.2/#103-core-schema
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.document import Path_, SyntaxProblem, problem_at
from stepworkflows_cdk.language.yaml_slips import mend

__all__ = ["read_yaml", "reads_as_text"]

_MAX_NODES = 500_000
_MAX_EXPANSION = 10
_PLENTY = 1000
"""Brackets, or columns of a line, that might be as many levels."""


def read_yaml(text: str, file: str, max_depth: int) -> tuple[Any, dict[Path_, Mark], dict[Path_, Mark]]:
    """The value, the marks of all values and the marks of all keys. Raises :class:`SyntaxProblem`."""
    return _Reader(text, file, max_depth).read()


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _PlainLoader(_Loader):  # type: ignore[misc]  # the base class is chosen at run time
    """Resolves nothing: every plain scalar arrives as text, so that the values are ours to decide."""

    yaml_implicit_resolvers: dict[str, Any] = {}


_NULL = re.compile(r"(?:null|Null|NULL|~|)\Z")
_BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")
_INT = re.compile(r"[-+]?[0-9]+\Z")
_OCT_HEX = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")


def reads_as_text(text: str) -> bool:
    """Whether a scalar without quotes is a text, and no number, truth value or null."""
    return not any(kind.match(text) for kind in (_NULL, _BOOL, _INT, _OCT_HEX, _FLOAT, _NOT_FINITE))


class _Reader:
    """One YAML text on its way to values and marks."""

    def __init__(self, text: str, file: str, max_depth: int) -> None:
        self._text = text
        self._file = file
        self._max_depth = max_depth
        self._marks: dict[Path_, Mark] = {}
        self._key_marks: dict[Path_, Mark] = {}
        self._left = _MAX_NODES

    def read(self) -> tuple[Any, dict[Path_, Mark], dict[Path_, Mark]]:
        try:
            self._look_at_depth()
            loader = _PlainLoader(self._text)
            root = loader.get_single_node()
        except yaml.MarkedYAMLError as error:
            raise self._syntax(error) from None
        except yaml.reader.ReaderError as error:
            index = error.position
            message = (
                f"the character U+{ord(self._text[index]) if index < len(self._text) else 0:04X} is not allowed in YAML"
            )
            raise problem_at("SW004", self._file, self._text, index, message, "remove it") from None
        except RecursionError:
            raise self._too_deep(Mark(self._file, 1, 1)) from None
        if root is None:
            raise SyntaxProblem(
                Problem("SW005", "the document is empty", Mark(self._file, 1, 1), "begin with `name: ...`")
            )
        written = sum(1 for _ in _nodes(root))
        self._left = min(_MAX_NODES, max(written * _MAX_EXPANSION, 1000))
        return self._value(root, ()), self._marks, self._key_marks

    def _look_at_depth(self) -> None:
        """Refuses what is nested too deeply before it becomes a tree, which PyYAML's C parser makes by recursion: beyond some
        ten thousand levels that ends the process. Texts that have neither brackets nor columns for so many are not looked
        at, since this takes as long as half of the reading.
        """
        brackets = self._text.count("[") + self._text.count("{")
        if max(brackets, max(map(len, self._text.splitlines()), default=0)) < _PLENTY:
            return
        depth = 0
        for event in yaml.parse(self._text, Loader=_PlainLoader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > self._max_depth + 1:
                    raise self._too_deep(self._mark(event))
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1

    def _value(self, node: Any, path: Path_) -> Any:
        mark = self._mark(node)
        self._marks[path] = mark
        self._left -= 1
        if self._left < 0:
            raise SyntaxProblem(
                Problem(
                    "SW002",
                    "aliases blow the document up beyond ten times what is written",
                    mark,
                    "write less with aliases",
                )
            )
        if len(path) > self._max_depth:
            raise self._too_deep(mark)
        if self._text.startswith("!", node.start_mark.index):
            raise SyntaxProblem(
                Problem("SW006", "a YAML tag has no meaning here", mark, "remove the tag; quote a text")
            )
        if isinstance(node, yaml.ScalarNode):
            return node.value if node.style else self._scalar(node.value, mark)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._mapping(node, path)

    def _mapping(self, node: Any, path: Path_) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            mark = self._mark(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                raise SyntaxProblem(
                    Problem(
                        "SW007",
                        "a mapping stands where a text is expected",
                        self._mark(node),
                        'quote it: `"{name}"`, if a reference is meant',
                    )
                )
            key = key_node.value
            if key == "<<" and not key_node.style:
                raise SyntaxProblem(
                    Problem(
                        "SW006",
                        "merge keys (`<<`) are not part of YAML 1.2",
                        mark,
                        "write the keys out, or alias a whole value",
                    )
                )
            if key in result:
                first = self._key_marks[(*path, key)]
                raise SyntaxProblem(
                    Problem(
                        "SW008", f"the key `{key}` stands twice, first on line {first.line}", mark, "remove one of them"
                    )
                )
            self._key_marks[(*path, key)] = mark
            if (
                value_node.start_mark.index == value_node.end_mark.index
                and self._flow(node)
                and self._looks_like_reference(node)
            ):
                raise SyntaxProblem(
                    Problem(
                        "SW007",
                        "an unquoted `{...}` is a YAML mapping, and no reference",
                        self._mark(node),
                        f'quote it: `"{{{key}}}"`',
                    )
                )
            result[key] = self._value(value_node, (*path, key))
        return result

    def _flow(self, node: Any) -> bool:
        return self._text.startswith("{", node.start_mark.index)

    def _looks_like_reference(self, node: Any) -> bool:
        return (
            len(node.value) == 1
            and re.match(r"\{\s*[A-Za-z][\w.\-]*\s*\}", self._text[node.start_mark.index :]) is not None
        )

    def _scalar(self, text: str, mark: Mark) -> Any:
        if _NULL.match(text):
            return None
        if _BOOL.match(text):
            return text in ("true", "True", "TRUE")
        if _INT.match(text):
            return int(text) if len(text) < 400 else self._refuse_number(mark)
        if _OCT_HEX.match(text):
            return int(text[2:], 8 if text[1] == "o" else 16)
        if _FLOAT.match(text):
            value = float(text)
            return value if value not in (float("inf"), float("-inf")) else self._refuse_number(mark)
        if _NOT_FINITE.match(text):
            return self._refuse_number(mark)
        return text

    def _refuse_number(self, mark: Mark) -> Any:
        raise SyntaxProblem(
            Problem(
                "SW009", "this number cannot be written in JSON", mark, "use a finite number, or quote it as a text"
            )
        )

    def _mark(self, node: Any) -> Mark:
        return Mark(self._file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _too_deep(self, mark: Mark) -> SyntaxProblem:
        return SyntaxProblem(
            Problem("SW002", f"values are nested deeper than {self._max_depth}", mark, "flatten the document")
        )

    def _syntax(self, error: yaml.MarkedYAMLError) -> SyntaxProblem:
        at = error.problem_mark or error.context_mark
        mark = self._at(at.line, at.column) if at else Mark(self._file, 1, 1)
        problem = error.problem or "wrong syntax"
        if "expected a single document" in (error.context or "") + problem:
            return SyntaxProblem(
                Problem(
                    "SW006", "one file is one document; here a second one begins", mark, "move it to a file of its own"
                )
            )
        if "\t" in self._line(mark.line)[: mark.column]:
            return SyntaxProblem(Problem("SW010", "a tab cannot indent YAML", mark, "indent with spaces"))
        if "exceeded" in problem or "depth" in problem:
            return self._too_deep(mark)
        context = f" {error.context}" if error.context else ""
        hint = mend(self._text.split("\n"), mark.line - 1, mark.column - 1)
        if not hint and error.context_mark and "flow" in context:
            opened = self._at(error.context_mark.line, error.context_mark.column)
            hint = f"close what opens on line {opened.line}, or mend what is inside of it"
        hint = hint or "check indentation, colons and quotes near here"
        return SyntaxProblem(Problem("SW010", f"wrong YAML{context}: {problem}", mark, hint))

    def _at(self, line: int, column: int) -> Mark:
        """A place from 0; the parser puts the end of the text behind its last line."""
        lines = self._text.split("\n")
        if line >= len(lines):
            return Mark(self._file, len(lines), len(lines[-1]) + 1)
        return Mark(self._file, line + 1, column + 1)

    def _line(self, number: int) -> str:
        lines = self._text.split("\n")
        return lines[number - 1] if 0 < number <= len(lines) else ""


def _nodes(root: Any) -> Iterator[Any]:
    """Every node that is written, once, however often aliases name it."""
    seen: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, yaml.MappingNode):
            stack.extend(part for pair in node.value for part in pair)
        elif isinstance(node, yaml.SequenceNode):
            stack.extend(node.value)
