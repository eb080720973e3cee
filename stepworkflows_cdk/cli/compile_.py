"""``stepworkflows compile``: the state machine, or all that the documents become."""

from __future__ import annotations

import argparse
import json
from typing import Any

from stepworkflows_cdk.cli.options import add_config, add_flow, add_json, config_of, library_of
from stepworkflows_cdk.definition import Definition, compile_workflow

__all__ = ["add"]


def add(verbs: Any) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "compile", help="print the state machine in Amazon States Language"
    )
    add_flow(parser)
    add_config(parser)
    parser.add_argument(
        "--bundle",
        action="store_true",
        help="print everything as JSON: machines, needs, grants, and where each comes from",
    )
    add_json(parser, "where the documents have problems, print these as a JSON list too")
    parser.set_defaults(do=_do)


def _do(given: argparse.Namespace) -> int:
    definition = Definition.load(*given.flow, library=library_of(given))
    bundle = compile_workflow(definition, config=config_of(given, definition))
    print(json.dumps(bundle.to_json(), ensure_ascii=False, indent=2) if given.bundle else bundle.main.text)
    return 0
