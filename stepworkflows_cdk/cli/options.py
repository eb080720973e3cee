"""Options that several verbs share."""

from __future__ import annotations

import argparse
import json
from typing import Any

from stepworkflows_cdk.definition import Definition
from stepworkflows_cdk.errors import ConfigurationError

__all__ = ["add_config", "add_flow", "config_of"]


def add_flow(parser: argparse.ArgumentParser) -> None:
    """The documents."""
    parser.add_argument("flow", nargs="+", metavar="FLOW", help="the documents of the flow, a RunnableStep first")


def add_config(parser: argparse.ArgumentParser) -> None:
    """Values for ``config``."""
    parser.add_argument(
        "--config",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a value for a name under `config`; may be repeated",
    )


def config_of(given: argparse.Namespace, definition: Definition) -> dict[str, Any]:
    """The values of ``--config``, of the declared types. Raises ``ConfigurationError``."""
    types = {name: keys.type for flow in definition.workflows for name, keys in flow.config.items()}
    found: dict[str, Any] = {}
    for entry in given.config:
        name, equals, value = entry.partition("=")
        if not equals:
            raise ConfigurationError(f"--config {entry}: write NAME=VALUE")
        found[name] = value if types.get(name, "string") == "string" else _parsed(name, value)
    return found


def _parsed(name: str, value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        raise ConfigurationError(f"--config {name}: write a number, true or false") from None
