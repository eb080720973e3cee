"""JSON text becomes values with marks, read by the grammar of RFC 8259: no comments, no trailing commas, no duplicate
keys.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from json import JSONDecodeError
from json import decoder as _decoder
from typing import Any

from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.document import Path_, SyntaxProblem

__all__ = ["read_json"]

_scanstring: Any = vars(_decoder)[
    "scanstring"
]  # the reader of strings of the standard library, which typeshed does not list
_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None}


def read_json(text: str, file: str, max_depth: int) -> tuple[Any, dict[Path_, Mark], dict[Path_, Mark]]:
    """The value, the marks of all values and the marks of all keys. Raises :class:`SyntaxProblem`."""
    reader = _Reader(text, file, max_depth)
    value, end = reader.value(reader.space(0), ())
    if (rest := reader.space(end)) != len(text):
        raise reader.problem(rest, "more text follows the document", "one file is one document")
    return value, reader.marks, reader.key_marks


class _Reader:
    def __init__(self, text: str, file: str, max_depth: int) -> None:
        self._text = text
        self._file = file
        self._max_depth = max_depth
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]
        self.marks: dict[Path_, Mark] = {}
        self.key_marks: dict[Path_, Mark] = {}

    def space(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return found.end() if found else at

    def value(self, at: int, path: Path_) -> tuple[Any, int]:
        self.marks[path] = self._mark(at)
        if len(path) > self._max_depth:
            raise self.problem(at, f"values are nested deeper than {self._max_depth}", "flatten the document", "SW002")
        match self._text[at : at + 1]:
            case "{":
                return self._object(at, path)
            case "[":
                return self._array(at, path)
            case '"':
                return self._string(at)
            case _:
                return self._word(at)

    def _object(self, at: int, path: Path_) -> tuple[dict[str, Any], int]:
        result: dict[str, Any] = {}
        at = self.space(at + 1)
        if self._text[at : at + 1] == "}":
            return result, at + 1
        while True:
            if self._text[at : at + 1] != '"':
                raise self.problem(
                    at, "a key in double quotes is expected", "write the key as a string; no comma stands before `}`"
                )
            key, end = self._string(at)
            if key in result:
                first = self.key_marks[(*path, key)]
                raise self.problem(
                    at, f"the key `{key}` stands twice, first on line {first.line}", "remove one of them", "SW008"
                )
            self.key_marks[(*path, key)] = self._mark(at)
            at = self._expect(self.space(end), ":", "after the key")
            result[key], at = self.value(self.space(at), (*path, key))
            at = self.space(at)
            if self._text[at : at + 1] == "}":
                return result, at + 1
            at = self.space(self._expect(at, ",", "between two keys"))

    def _array(self, at: int, path: Path_) -> tuple[list[Any], int]:
        result: list[Any] = []
        at = self.space(at + 1)
        if self._text[at : at + 1] == "]":
            return result, at + 1
        while True:
            item, at = self.value(at, (*path, len(result)))
            result.append(item)
            at = self.space(at)
            if self._text[at : at + 1] == "]":
                return result, at + 1
            at = self.space(self._expect(at, ",", "between two items"))

    def _string(self, at: int) -> tuple[str, int]:
        try:
            text, end = _scanstring(self._text, at + 1, True)
        except JSONDecodeError as error:
            raise self.problem(error.pos, f"wrong string: {error.msg.lower()}", "check quotes and escapes") from None
        if any("\ud800" <= char <= "\udfff" for char in text):
            raise self.problem(
                at, "half of a surrogate pair is no character", "write the whole pair, or the character itself", "SW004"
            )
        return text, end

    def _word(self, at: int) -> tuple[Any, int]:
        for word, value in _WORDS.items():
            if self._text.startswith(word, at):
                return value, at + len(word)
        found = _NUMBER.match(self._text, at)
        if not found:
            raise self.problem(at, "a value is expected", "write a string, number, object, list, true, false or null")
        number = found.group()
        if len(number) > 400 or (found.lastindex and abs(float(number)) == float("inf")):
            raise self.problem(at, "this number is too large", "quote it as a text", "SW009")
        return (float(number) if found.lastindex else int(number)), found.end()

    def _expect(self, at: int, char: str, where: str) -> int:
        if self._text[at : at + 1] != char:
            raise self.problem(at, f"a `{char}` is expected {where}", f"insert `{char}`")
        return at + 1

    def _mark(self, at: int) -> Mark:
        line = bisect_right(self._lines, at)
        return Mark(self._file, line, at - self._lines[line - 1] + 1)

    def problem(self, at: int, message: str, hint: str, code: str = "SW010") -> SyntaxProblem:
        text = message if code != "SW010" else f"wrong JSON: {message}"
        return SyntaxProblem(Problem(code, text, self._mark(min(at, len(self._text))), hint))
