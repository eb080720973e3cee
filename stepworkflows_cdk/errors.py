"""What can go wrong, as exceptions.

    StepWorkflowsError
    ├── DocumentError        the documents have problems; carries all of them, each with file, line and column
    ├── ConfigurationError   what the caller passed beside the documents does not fit them (resources, secrets, config)
    ├── PackagingError       step code cannot be packaged (a broken zip, a package without a wheel)
    └── LocalRunError        a flow cannot be run on this machine (a missing extra, a task without a local counterpart)

A flow that fails while it runs is a result and no exception: see ``stepworkflows_cdk.local``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepworkflows_cdk.language.diagnostics import Report

__all__ = [
    "ConfigurationError",
    "DocumentError",
    "LocalRunError",
    "PackagingError",
    "StepWorkflowsError",
]


class StepWorkflowsError(Exception):
    """The root of every error that this package raises on purpose."""


class DocumentError(StepWorkflowsError):
    """The documents have problems. ``report`` holds all of them, in the order of the text."""

    def __init__(self, report: Report) -> None:
        super().__init__(report.text())
        self.report = report


class ConfigurationError(StepWorkflowsError):
    """A resource, secret or config value given by the caller does not fit the documents."""


class PackagingError(StepWorkflowsError):
    """The code of a step cannot be packaged; the message names the step and the fix."""


class LocalRunError(StepWorkflowsError):
    """A flow cannot be run on this machine; the message says what is missing."""
