"""A file becomes a document: its bytes a text, and the text, by the file's name, YAML or JSON.

JSON has a reader of its own, since YAML refuses some JSON (tabs, surrogate pairs).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.document import Document, SyntaxProblem, problem_at
from stepworkflows_cdk.language.json_source import read_json
from stepworkflows_cdk.language.yaml_source import read_yaml

__all__ = ["document_of", "hides_text", "read_document"]

_MAX_BYTES = 8 * 1024 * 1024
_MAX_DEPTH = 100
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")


def read_document(path: Path, file: str) -> Document:
    """Reads one file; ``file`` is the name that marks carry. Raises :class:`SyntaxProblem`."""
    return _read(_read_text(path, file), path, file)


def document_of(text: str, folder: Path, file: str) -> Document:
    """The document of a text in YAML that is in no file. Raises :class:`SyntaxProblem`."""
    return _read(text, folder / file, file)


def hides_text(text: str) -> bool:
    """Whether characters in it change the direction in which the text behind them is shown."""
    return _BIDI.search(text) is not None


def _read(text: str, path: Path, file: str) -> Document:
    try:
        return _parse(text, path, file)
    except SyntaxProblem as error:
        error.text = text
        raise


def _parse(text: str, path: Path, file: str) -> Document:
    if bidi := _BIDI.search(text):
        raise problem_at(
            "SW004", file, text, bidi.start(), "a bidirectional control character hides what is written", "remove it"
        )
    read = read_json if path.suffix == ".json" else read_yaml
    value, marks, key_marks = read(text, file, _MAX_DEPTH)
    if not isinstance(value, dict):
        message = f"a document is a mapping of keys, and not {_kind(value)}"
        raise SyntaxProblem(Problem("SW005", message, Mark(file, 1, 1), "begin with `name: ...`"))
    return Document(file, path.parent, text, value, marks, key_marks)


def _read_text(path: Path, file: str) -> str:
    start = Mark(file, 1, 1)
    try:
        size = path.stat().st_size
        if size > _MAX_BYTES:
            raise SyntaxProblem(
                Problem("SW002", f"the file has {size:,} bytes; at most {_MAX_BYTES:,} are read", start, "split it")
            )
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise SyntaxProblem(Problem("SW001", f"cannot read the file: {reason}", start, "check the path")) from None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4]:
        raise SyntaxProblem(
            Problem("SW003", "the file is not UTF-8 but looks like UTF-16 or UTF-32", start, "save it as UTF-8")
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        raise SyntaxProblem(
            Problem(
                "SW003",
                "the file is not UTF-8: a byte here begins no character",
                Mark(file, line, column),
                "save it as UTF-8",
            )
        ) from None


def _kind(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case list():
            return "a list"
        case str():
            return "a text"
        case _:
            return "a single value"
