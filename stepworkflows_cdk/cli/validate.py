"""``stepworkflows validate``: all problems of the documents, at once."""

from __future__ import annotations

import argparse
from typing import Any

from stepworkflows_cdk.cli.options import add_flow, library_of
from stepworkflows_cdk.definition import Definition
from stepworkflows_cdk.definition import validate as find_problems
from stepworkflows_cdk.language.usage import inferred_inputs
from stepworkflows_cdk.language.workflow import recorded_outputs

__all__ = ["add"]


def add(verbs: Any) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser("validate", help="check documents: all problems at once")
    add_flow(parser)
    parser.set_defaults(do=_do)


def _do(given: argparse.Namespace) -> int:
    report = find_problems(*given.flow, library=library_of(given))
    if report.problems:
        print(report.text())
    if report.errors:
        warnings = len(report.problems) - len(report.errors)
        print(_counted(len(report.errors), "problem") + (f", {_counted(warnings, 'warning')}" if warnings else ""))
        return 1
    for workflow in Definition.load(*given.flow, library=library_of(given)).workflows:
        print(f"{workflow.name}: ok, {_counted(len(workflow.all_steps), 'step')}")
        for step in workflow.all_steps:
            for name in recorded_outputs(step).values():
                print(f"  the output `{name}` of `{step.id}` is also recorded, in the table `outputs`")
        for name in inferred_inputs(workflow):
            print(f"  the input is open; the flow reads `{name}` from it")
    return 0


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' if number != 1 else ''}"
