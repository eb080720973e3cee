"""Where something stands in a document, and what is wrong there.

Codes: ``SW0xx`` file and syntax, ``1xx`` shape, ``2xx`` graph and references, ``3xx`` expressions, ``4xx`` limits of
AWS, ``5xx`` packaging, ``6xx`` security.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from stepworkflows_cdk.language.credentials import CREDENTIAL, TELLING

__all__ = ["Lent", "Mark", "Problem", "Report"]


@dataclass(frozen=True, order=True)
class Mark:
    """A place in a document. ``line`` and ``column`` count from 1; ``step`` is the id of the step it belongs to, if
    any, and ``flow`` that of the step's flow.

    ``file`` is relative to the folder of the first document, so that a mark is the same on every machine.
    """

    file: str
    line: int
    column: int
    step: str = ""
    flow: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    @property
    def programmed(self) -> bool:
        """Whether a program said it, and no file: ``<overrides>``, ``<python>``."""
        return self.file.startswith("<")


_VALUE = r"""(?P<value>"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s"'{\[&*|>][^,}]*)"""
_UNDER_A_TELLING_KEY = re.compile(
    rf"""(?P<key>(?<![\w-])["']?[\w-]*{TELLING}[\w-]*["']?\s*:\s*){_VALUE}""", re.IGNORECASE
)
_UNDER_ANY_KEY = re.compile(rf"""(?P<key>["']?\b[\w-]+["']?\s*:\s*){_VALUE}""")
_MAPPING_OF_SECRETS = re.compile(r"""\bsecrets["']?\s*:\s*\{""")
_OPENS_A_TELLING_VALUE = re.compile(
    rf"""(?<![\w-])["']?[\w-]*{TELLING}[\w-]*["']?\s*:\s*(?:[|>][+\d-]*|\{{)?\s*(?:#.*)?$""", re.IGNORECASE
)
_REFERENCE = re.compile(r"""["']?\{[\w.-]+\}["']?\s*""")


@dataclass(frozen=True)
class Problem:
    """One finding. ``message`` says what is wrong and what is allowed, ``hint`` the fix; what looks like a credential is
    masked in both.
    """

    code: str
    message: str
    mark: Mark
    hint: str = ""
    severity: Literal["error", "warning"] = "error"
    test: str = ""
    """The flow's test that alone has it: the flow itself, and its other tests, are right."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", _without_credentials(self.message))
        object.__setattr__(self, "hint", _without_credentials(self.hint))


@dataclass(frozen=True)
class Lent:
    """The lines, from ``first`` to ``last``, of a step of a library that another document uses ``at`` a place."""

    file: str
    first: int
    last: int
    at: Mark


@dataclass(frozen=True)
class Report:
    """All problems of a set of documents, in the order of the text."""

    problems: tuple[Problem, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    """The text of each file, for the excerpts."""
    folder: str = ""
    """The folder of the first document as the user named it, put before the file names that are shown."""
    lent: tuple[Lent, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "error")

    def sorted(self) -> Report:
        """The same, each problem once, in the order of the files and their lines."""
        files = {name: number for number, name in enumerate(self.sources)}
        unique: dict[Problem, Problem] = {}
        for problem in self.problems:  # what stands once, and holds for several steps, is one problem
            unique.setdefault(replace(problem, mark=replace(problem.mark, step="", flow="")), problem)
        ordered = sorted(unique.values(), key=lambda p: (files.get(p.mark.file, 0), p.mark.line, p.mark.column, p.code))
        return replace(self, problems=tuple(ordered))

    def users(self, mark: Mark) -> tuple[str, ...]:
        """Where the step of a library that a mark is in is used."""
        found = (lent.at for lent in self.lent if lent.file == mark.file and lent.first <= mark.line <= lent.last)
        return tuple(f"{self.file(at)}:{at.line}:{at.column}" for at in sorted(set(found)))

    def file(self, mark: Mark) -> str:
        """The file of a mark as the user can open it."""
        return mark.file if mark.programmed else f"{self.folder}{mark.file}"

    def to_json(self) -> list[dict[str, Any]]:
        """For programs: an object for each problem."""
        return [
            {
                "code": problem.code,
                "severity": problem.severity,
                "message": problem.message,
                "file": self.file(problem.mark),
                "line": problem.mark.line,
                "column": problem.mark.column,
                "hint": problem.hint,
                **({"used_at": list(users)} if (users := self.users(problem.mark)) else {}),
            }
            for problem in self.problems
        ]

    def text(self) -> str:
        """For people: ``file:line:column CODE message``, the line with a caret, the fix."""
        return "\n".join(block for problem in self.problems for block in self._blocks(problem))

    def _blocks(self, problem: Problem) -> Iterable[str]:
        mark = problem.mark
        label = problem.code if problem.severity == "error" else f"{problem.code} (warning)"
        yield f"{self.file(mark)}:{mark.line}:{mark.column} {label} {problem.message}"
        lines = self.sources.get(mark.file, "").splitlines()
        if 0 < mark.line <= len(lines):
            yield from _excerpt(lines, mark)
        if users := self.users(mark):
            yield f"    used at: {', '.join(users)}"
        if problem.hint:
            yield f"    fix: {problem.hint}"


def _excerpt(lines: Sequence[str], mark: Mark) -> Iterable[str]:
    """The line, cut to a window around the column, with a caret below. Credentials are masked, control characters
    shown as dots.
    """
    line = lines[mark.line - 1]
    masked = _UNDER_A_TELLING_KEY.sub(_mask, _without_credentials(line))
    inside = _MAPPING_OF_SECRETS.search(masked)
    if inside is not None:
        masked = masked[: inside.end()] + _UNDER_ANY_KEY.sub(_mask, masked[inside.end() :])
    elif _OPENS_A_TELLING_VALUE.search(_opener(lines, mark.line - 1)):
        masked = _UNDER_ANY_KEY.sub(_mask, masked) if re.match(r"""\s*["']?[\w-]+["']?\s*:""", line) else _hidden(line)
    shown = "".join(char if char.isprintable() else ("." if char != "\t" else " ") for char in masked)
    start = max(0, mark.column - 60)
    yield f"    {shown[start : start + 120]}"
    yield " " * (4 + mark.column - 1 - start) + "^"


def _opener(lines: Sequence[str], number: int) -> str:
    """The nearest line above that is indented less: whose value, if it has none of its own, this line is part of."""
    indent = _indent(lines[number])
    return next((line for line in reversed(lines[:number]) if line.strip() and _indent(line) < indent), "")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _without_credentials(text: str) -> str:
    return CREDENTIAL.sub(lambda found: "*" * len(found.group()), text)


def _mask(found: re.Match[str]) -> str:
    value = found["value"]
    shown = _REFERENCE.fullmatch(value) or "description" in found["key"]
    return found["key"] + (value if shown else "*" * len(value))


def _hidden(line: str) -> str:
    return re.sub(r"\S", "*", line)
