"""``stepworkflows validate``: all problems of the documents, at once."""

from __future__ import annotations

import argparse
from typing import Any

from stepworkflows_cdk.cli.options import add_flow
from stepworkflows_cdk.definition import Definition
from stepworkflows_cdk.definition import validate as find_problems
from stepworkflows_cdk.language.usage import inferred_inputs

__all__ = ["add"]


def add(verbs: Any) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser("validate", help="check documents: all problems at once")
    add_flow(parser)
    parser.set_defaults(do=_do)


def _do(given: argparse.Namespace) -> int:
    report = find_problems(*given.flow)
    if report.problems:
        print(report.text())
    if report.errors:
        count = len(report.errors)
        print(f"{count} problem{'s' if count != 1 else ''}")
        return 1
    for workflow in Definition.load(*given.flow).workflows:
        steps = len(workflow.all_steps)
        print(f"{workflow.name}: ok, {steps} step{'s' if steps != 1 else ''}")
        for name in inferred_inputs(workflow):
            print(f"  the input is open; the flow reads `{name}` from it")
    return 0
