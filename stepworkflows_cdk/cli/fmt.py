"""``stepworkflows fmt``: documents in their canonical form."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from stepworkflows_cdk.cli.output import write
from stepworkflows_cdk.language.diagnostics import Report
from stepworkflows_cdk.language.document import SyntaxProblem
from stepworkflows_cdk.language.formatting import CannotFormat, formatted
from stepworkflows_cdk.language.source import read_document

__all__ = ["add"]


def add(verbs: Any) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "fmt", help="put the keys of documents in order, and indent them alike; comments stay"
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a document")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where a file would be another")
    parser.set_defaults(do=_do)


def _do(given: argparse.Namespace) -> int:
    """1 where a file cannot be formatted, or with ``--check`` is not."""
    codes = [_format(Path(file), given.check) for file in given.files]
    return max(codes)


def _format(path: Path, check: bool) -> int:
    name = path.as_posix()
    try:
        text = read_document(path, name).text
        done = formatted(text, name)
    except SyntaxProblem as error:
        print(Report((error.problem,), {name: error.text}).text(), file=sys.stderr)
        return 1
    except CannotFormat as error:
        print(f"{name}: left as it is: {error}", file=sys.stderr)
        return 1
    # The bytes, since reading turns line breaks of Windows into others, and drops a mark of the byte order.
    if path.read_bytes() == done.encode():
        return 0
    print(f"{name}: {'not formatted' if check else 'formatted'}")
    if not check:
        write(path, done)
    return 1 if check else 0
