"""``stepworkflows validate``: all problems of the documents, at once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stepworkflows_cdk.cli.formats import as_github, as_json
from stepworkflows_cdk.cli.options import add_flow, library_of
from stepworkflows_cdk.cli.watch import watch
from stepworkflows_cdk.definition import Definition, Library
from stepworkflows_cdk.definition import validate as find_problems
from stepworkflows_cdk.language.diagnostics import Report
from stepworkflows_cdk.language.usage import inferred_inputs
from stepworkflows_cdk.language.workflow import recorded_outputs

__all__ = ["add"]


def add(verbs: Any) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser("validate", help="check documents: all problems at once")
    add_flow(parser)
    parser.add_argument(
        "--format",
        choices=("text", "json", "github"),
        default="text",
        help="text for people (the default); json: a list of objects; github: annotations beside the lines",
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="check again whenever a document, or what it names, changes; Ctrl-C ends it, with the last check's exit code",
    )
    parser.set_defaults(do=_do)


def _do(given: argparse.Namespace) -> int:
    library = library_of(given)

    def check() -> Report:
        report = find_problems(*given.flow, library=library)
        _show(report, given, library)
        sys.stdout.flush()
        return report

    if given.watch:
        return watch([Path(path) for path in given.flow], check)
    return 1 if check().errors else 0


def _show(report: Report, given: argparse.Namespace, library: Library) -> None:
    if given.format == "json":
        print(as_json(report, indent=None if given.watch else 2))
    elif report.problems:
        print(as_github(report) if given.format == "github" else report.text())
    if given.format == "text":
        print("\n".join(_summary(report, given, library)))


def _summary(report: Report, given: argparse.Namespace, library: Library) -> Iterator[str]:
    if report.errors:
        warnings = len(report.problems) - len(report.errors)
        yield _counted(len(report.errors), "problem") + (f", {_counted(warnings, 'warning')}" if warnings else "")
        return
    for workflow in Definition.load(*given.flow, library=library).workflows:
        yield f"{workflow.name}: ok, {_counted(len(workflow.all_steps), 'step')}"
        for step in workflow.all_steps:
            for name in recorded_outputs(step).values():
                yield f"  the output `{name}` of `{step.id}` is also recorded, in the table `outputs`"
        for name in inferred_inputs(workflow):
            yield f"  the input is open; the flow reads `{name}` from it"


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' if number != 1 else ''}"
