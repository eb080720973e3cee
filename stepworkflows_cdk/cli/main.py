"""The ``stepworkflows`` command: one verb, one module.

Exit codes: 0 it went well; 1 the flow failed, or the documents have problems; 2 wrong usage; 3 this machine lacks
something; 130 interrupted. With ``--json``, problems of the documents are JSON on standard output, as ``validate --format
json`` prints them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

from stepworkflows_cdk.cli import compile_, explain, fmt, graph, run, schema, test, validate
from stepworkflows_cdk.cli.formats import as_json
from stepworkflows_cdk.errors import (
    ConfigurationError,
    DocumentError,
    LocalRunError,
    PackagingError,
    StepWorkflowsError,
)

__all__ = ["main"]

_FAILED, _USAGE, _ENVIRONMENT = 1, 2, 3
_CODES: tuple[tuple[type[StepWorkflowsError], int], ...] = (
    (DocumentError, _FAILED),
    (PackagingError, _FAILED),
    (ConfigurationError, _USAGE),
    (LocalRunError, _ENVIRONMENT),
    (StepWorkflowsError, _ENVIRONMENT),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; the exit code."""
    parser = argparse.ArgumentParser(
        prog="stepworkflows", description="Step documents become AWS Step Functions state machines."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb in (validate, compile_, explain, graph, run, test, fmt, schema):
        verb.add(verbs)
    given = parser.parse_args(arguments)
    try:
        code: int = given.do(given)
        sys.stdout.flush()
        return code
    except StepWorkflowsError as error:
        if isinstance(error, DocumentError) and getattr(given, "json", False):
            print(as_json(error.report))
        else:
            print(error, file=sys.stderr)
        return next(code for kind, code in _CODES if isinstance(error, kind))
    except BrokenPipeError:
        # The reader of a pipe (``| head``) has gone; what is still buffered has nowhere to go.
        sys.stderr.close()
        return _FAILED
    except KeyboardInterrupt:
        return 130


def _version() -> str:
    try:
        return installed("stepworkflows-cdk")
    except PackageNotFoundError:
        return "(not installed)"
