"""Where something stands in a document, and what is wrong there.

Codes: ``SW0xx`` file and syntax, ``1xx`` shape, ``2xx`` graph and references, ``3xx`` expressions, ``4xx`` limits of
AWS, ``5xx`` packaging, ``6xx`` security.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Mark", "Problem", "Report"]


@dataclass(frozen=True, order=True)
class Mark:
    """A place in a document. ``line`` and ``column`` count from 1; ``step`` is the id of the step it belongs to, if
    any.

    ``file`` is relative to the folder of the first document, so that a mark is the same on every machine.
    """

    file: str
    line: int
    column: int
    step: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Problem:
    """One finding. ``message`` says what is wrong and what is allowed, ``hint`` the fix."""

    code: str
    message: str
    mark: Mark
    hint: str = ""
    severity: Literal["error", "warning"] = "error"


_CREDENTIAL = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}"  # an access key's id
    r"|(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"  # the length and alphabet of a secret access key
)
_TELLING = r"(?:pass(?:word|wd|phrase)?|pw|pwd|secret|token|credentials?|(?:api|access|private|secret)[_-]?key)"
_UNDER_A_TELLING_KEY = re.compile(
    rf"""(?P<key>["']?[\w-]*{_TELLING}[\w-]*["']?\s*:\s*)"""
    r"""(?P<value>"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s"'{\[&*|>][^,}]*)""",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Report:
    """All problems of a set of documents, in the order of the text."""

    problems: tuple[Problem, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    """The text of each file, for the excerpts."""
    folder: str = ""
    """The folder of the first document as the user named it, put before the file names that are shown."""

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "error")

    def sorted(self) -> Report:
        """The same, each problem once, in the order of the files and their lines."""
        files = {name: number for number, name in enumerate(self.sources)}
        unique = dict.fromkeys(self.problems)
        ordered = sorted(unique, key=lambda p: (files.get(p.mark.file, 0), p.mark.line, p.mark.column, p.code))
        return Report(tuple(ordered), self.sources, self.folder)

    def text(self) -> str:
        """For people: ``file:line:column CODE message``, the line with a caret, the fix."""
        return "\n".join(block for problem in self.problems for block in self._blocks(problem))

    def _blocks(self, problem: Problem) -> Iterable[str]:
        mark = problem.mark
        label = problem.code if problem.severity == "error" else f"{problem.code} (warning)"
        folder = "" if mark.file.startswith("<") else self.folder  # no file: what a program passed
        yield f"{folder}{mark} {label} {problem.message}"
        lines = self.sources.get(mark.file, "").splitlines()
        if 0 < mark.line <= len(lines):
            yield from _excerpt(lines[mark.line - 1], mark.column)
        if problem.hint:
            yield f"    fix: {problem.hint}"


def _excerpt(line: str, column: int) -> Iterable[str]:
    """The line, cut to a window around the column, with a caret below. Credentials are masked, control characters
    shown as dots.
    """
    masked = _UNDER_A_TELLING_KEY.sub(_mask, _CREDENTIAL.sub(lambda found: "*" * len(found.group()), line))
    shown = "".join(char if char.isprintable() else ("." if char != "\t" else " ") for char in masked)
    start = max(0, column - 60)
    yield f"    {shown[start : start + 120]}"
    yield " " * (4 + column - 1 - start) + "^"


def _mask(found: re.Match[str]) -> str:
    value = found["value"]
    return found["key"] + (value if "{secrets." in value else "*" * len(value))
