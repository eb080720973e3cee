"""``stepworkflows graph``: a picture of the flow, as Mermaid text or as SVG."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from stepworkflows_cdk.cli.options import add_config, add_flow, config_of, library_of
from stepworkflows_cdk.cli.output import write
from stepworkflows_cdk.definition import Definition, compile_workflow
from stepworkflows_cdk.pictures.mermaid import mermaid
from stepworkflows_cdk.pictures.model import read
from stepworkflows_cdk.pictures.steps import steps_only
from stepworkflows_cdk.pictures.svg import svg

__all__ = ["add"]

_FORMATS = {"mermaid": mermaid, "svg": svg}


def add(verbs: Any) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser("graph", help="draw the flow")
    add_flow(parser)
    add_config(parser)
    parser.add_argument(
        "--format", choices=sorted(_FORMATS), help="default: svg for a FILE that ends with .svg, else mermaid"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write to this file, not to standard output")
    parser.add_argument("--states", action="store_true", help="draw every state, not only those that the steps name")
    parser.set_defaults(do=_do)


def _do(given: argparse.Namespace) -> int:
    definition = Definition.load(*given.flow, library=library_of(given))
    graph = read(compile_workflow(definition, config=config_of(given, definition)))
    svg_file = given.output is not None and Path(given.output).suffix.lower() == ".svg"
    draw = _FORMATS[given.format or ("svg" if svg_file else "mermaid")]
    picture = draw(graph if given.states else steps_only(graph))
    if given.output is None:
        sys.stdout.write(picture)
    else:
        write(Path(given.output), picture)
    return 0
