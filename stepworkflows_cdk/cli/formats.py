"""Reports for other programs: JSON, and the annotations that a workflow on GitHub shows beside the lines.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message
"""

from __future__ import annotations

import json

from stepworkflows_cdk.language.diagnostics import Problem, Report

__all__ = ["as_github", "as_json"]


def as_json(report: Report, *, indent: int | None = 2) -> str:
    """A list of objects with ``code``, ``severity``, ``message``, ``file``, ``line``, ``column`` and ``hint``."""
    return json.dumps(report.to_json(), ensure_ascii=False, indent=indent)


def as_github(report: Report) -> str:
    """An annotation a line."""
    return "\n".join(_annotation(report, problem) for problem in report.problems)


def _annotation(report: Report, problem: Problem) -> str:
    mark = problem.mark
    place = {"file": report.file(mark), "line": mark.line, "col": mark.column, "title": problem.code}
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in place.items())
    fix = f"\nfix: {problem.hint}" if problem.hint else ""
    return f"::{problem.severity} {properties}::{_data(problem.message + fix)}"


def _data(text: str) -> str:
    """The command is a line, and ``%`` begins an escape."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
