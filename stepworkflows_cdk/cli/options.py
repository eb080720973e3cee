"""Options that several verbs share."""

from __future__ import annotations

import argparse
from typing import Any

from stepworkflows_cdk.compiler.config import declared_config, from_text
from stepworkflows_cdk.definition import Definition
from stepworkflows_cdk.errors import ConfigurationError

__all__ = ["add_config", "add_flow", "add_json", "config_of", "library_of"]


def add_flow(parser: argparse.ArgumentParser) -> None:
    """The documents, and those that they can use by names."""
    parser.add_argument("flow", nargs="+", metavar="FLOW", help="the documents of the flow, a RunnableStep first")
    parser.add_argument(
        "--library",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="a document that `uses` can name, as the library of a WorkflowSpace has it; may be repeated",
    )


def add_config(parser: argparse.ArgumentParser) -> None:
    """Values for ``config``."""
    parser.add_argument(
        "--config",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a value for a name under `config`; may be repeated",
    )


def add_json(parser: argparse.ArgumentParser, help_: str) -> None:
    """Output for programs, of problems too."""
    parser.add_argument("--json", action="store_true", help=help_)


def config_of(given: argparse.Namespace, definition: Definition) -> dict[str, Any]:
    """The values of ``--config``, of the declared types. Raises ``ConfigurationError``."""
    declared = declared_config(definition.workflows)
    found: dict[str, Any] = {}
    for entry in given.config:
        name, equals, value = entry.partition("=")
        if not equals:
            raise ConfigurationError(f"--config {entry}: write NAME=VALUE")
        found[name] = from_text(name, value, declared)
    return found


def library_of(given: argparse.Namespace) -> dict[str, str]:
    """The documents of ``--library`` by their names. Raises ``ConfigurationError``."""
    found: dict[str, str] = {}
    for entry in given.library:
        name, equals, file = entry.partition("=")
        if not (name and equals and file):
            raise ConfigurationError(f"--library {entry}: write NAME=FILE")
        found[name] = file
    return found
