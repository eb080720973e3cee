"""Doing something again whenever documents change, or files that they name. Plain polling: it works on every file system."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from stepworkflows_cdk.language.diagnostics import Report
from stepworkflows_cdk.language.document import SyntaxProblem
from stepworkflows_cdk.language.source import read_document

__all__ = ["watch"]

_PAUSE = 0.5
"""Seconds between two looks."""
_LONGEST = 255
_NOT_OURS = frozenset({"__pycache__", "node_modules", "cdk.out"})
_Stamps = dict[Path, tuple[int, int] | None]


def watch(
    paths: Sequence[Path],
    check: Callable[[], Report],
    pause: Callable[[], None] = lambda: time.sleep(_PAUSE),
) -> int:
    """Calls ``check``, and again whenever one of the documents, or a file or folder that one of them names, is another.
    ``pause`` is called between two looks. Ctrl-C ends it: 1 where the last report had errors, else 0.
    """
    code = 0
    names: dict[Path, frozenset[str]] = {path: frozenset() for path in paths}
    try:
        while True:
            before = _stamps(names)
            report = check()
            code = 1 if report.errors else 0
            names = {path: frozenset() for path in paths} | {path: _names(path) for path in _documents(report)}
            after = _stamps(names)
            # What changed while it was looked at counts as changed.
            seen = after | {path: stamp for path, stamp in before.items() if path in after}
            while _stamps(names) == seen:
                pause()
    except KeyboardInterrupt:
        return code


def _documents(report: Report) -> Iterator[Path]:
    """The files that were read."""
    return (Path(report.folder, file) for file in report.sources if not file.startswith("<"))


def _names(path: Path) -> frozenset[str]:
    """The texts in a document that can be names of files, relative to it."""
    try:
        value = read_document(path, path.name).value
    except SyntaxProblem:
        return frozenset()
    return frozenset(text for text in _texts(value) if _may_be_name(text))


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for item in value.values():
                yield from _texts(item)


def _may_be_name(text: str) -> bool:
    return len(text) <= _LONGEST and text.isprintable() and any(map(str.isalnum, text)) and not os.path.isabs(text)


def _stamps(names: dict[Path, frozenset[str]]) -> _Stamps:
    """The documents and what they name, each with its time and size; None for what is not there, but may come."""
    found: _Stamps = {}
    for document, named in names.items():
        found[document] = _stamp(document)
        folder = document.parent
        for name in named:
            for path in (folder / name, *_files_in(folder / name)):
                found[path] = _stamp(path)
        # Templates of mails stand in a folder of their own and are named without their ending.
        for path in _one_below(folder) if named else ():
            if path.name.partition(".")[0] in named:
                found[path] = _stamp(path)
    return found


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return (found.st_mtime_ns, found.st_size)


def _files_in(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if _ours(name)]
        yield from (Path(place, file) for file in files)


def _one_below(folder: Path) -> Iterator[Path]:
    for inner in folder.iterdir() if folder.is_dir() else ():
        if _ours(inner.name) and inner.is_dir():
            yield from inner.iterdir()


def _ours(name: str) -> bool:
    return name not in _NOT_OURS and not name.startswith(".")
