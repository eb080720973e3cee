"""A document: plain values, and for each of them the line and column where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stepworkflows_cdk.language.diagnostics import Mark, Problem

__all__ = ["Document", "Path_", "SyntaxProblem", "copied", "problem_at", "with_value"]

Path_ = tuple[str | int, ...]
"""The keys and indices that lead from a document to a value in it."""


class SyntaxProblem(Exception):
    """Raised where a text cannot be read on; carries the problem, and the text as far as it is one."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.text = ""


@dataclass(frozen=True)
class Document:
    """One file, read. ``value`` is a JSON value; ``marks`` and ``key_marks`` are found by the path of keys and
    indices.
    """

    file: str
    folder: Path
    text: str
    value: Any
    marks: dict[Path_, Mark] = field(repr=False)
    key_marks: dict[Path_, Mark] = field(repr=False)
    laid: dict[Path_, list[Mark]] = field(default_factory=dict, repr=False)
    """Step -> where those of its keys are written that are said once for many steps."""

    def mark(self, path: Path_) -> Mark:
        """Where the value at ``path`` stands; for a path that is not there, the nearest value around it."""
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks[path]

    def key_mark(self, path: Path_) -> Mark:
        """Where the key of the value at ``path`` stands."""
        return self.key_marks.get(path) or self.mark(path)

    def get(self, path: Path_) -> Any:
        """The value at ``path``, None where there is none."""
        value = self.value
        for part in path:
            match value, part:
                case dict(), str() if part in value:
                    value = value[part]
                case list(), int() if part < len(value):
                    value = value[part]
                case _:
                    return None
        return value


def problem_at(code: str, file: str, text: str, index: int, message: str, hint: str) -> SyntaxProblem:
    """A problem at the character ``index`` of a text."""
    line = text.count("\n", 0, index) + 1
    column = index - (text.rfind("\n", 0, index) + 1) + 1
    return SyntaxProblem(Problem(code, message, Mark(file, line, column), hint))


def with_value(value: Any, path: Path_, new: Any) -> Any:
    """The value with another at ``path``."""
    if not path:
        return new
    if isinstance(value, dict):
        return {key: with_value(item, path[1:], new) if key == path[0] else item for key, item in value.items()}
    return [with_value(item, path[1:], new) if index == path[0] else item for index, item in enumerate(value)]


def copied(value: Any) -> Any:
    """The value, all of it another, so that it can be changed."""
    match value:
        case dict():
            return {key: copied(item) for key, item in value.items()}
        case list():
            return [copied(item) for item in value]
        case _:
            return value
