"""``stepworkflows schema``: the JSON Schema of documents, for editors."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from stepworkflows_cdk.cli.output import write
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.language.schema import document_schema

__all__ = ["add"]


def add(verbs: Any) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser("schema", help="print the JSON Schema of documents, for editors")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--flow", action="store_const", dest="kind", const="flow", help="only of flows")
    kind.add_argument(
        "--step", action="store_const", dest="kind", const="step", help="only of steps in files of their own"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write to this file, not to standard output")
    parser.set_defaults(do=_do, kind="document")


def _do(given: argparse.Namespace) -> int:
    text = json.dumps(document_schema(BUILTIN, given.kind), ensure_ascii=False, indent=2)
    if given.output is None:
        print(text)
    else:
        write(Path(given.output), f"{text}\n")
    return 0
