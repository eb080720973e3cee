"""The values of ``config``: what the caller gave, else the defaults, each of the declared type and allowed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.language.model import ConfigKeys, key_type
from stepworkflows_cdk.language.workflow import Workflow

__all__ = ["declared_config", "from_text", "settle"]


def settle(workflows: Sequence[Workflow], given: Mapping[str, Any]) -> dict[str, Any]:
    """Name -> value for all flows. Raises ``ConfigurationError`` naming what is missing, unknown or not allowed."""
    declared = declared_config(workflows)
    for name in given:
        if name not in declared:
            close = get_close_matches(name, declared, n=1)
            fix = f"did you mean '{close[0]}'?" if close else f"declared: {', '.join(sorted(declared)) or 'nothing'}"
            raise ConfigurationError(f"the documents declare no config '{name}'; {fix}")
    return {name: _value(name, keys, given) for name, keys in declared.items()}


def declared_config(workflows: Sequence[Workflow]) -> dict[str, ConfigKeys]:
    """What stands under ``config`` in all flows."""
    return {name: keys for flow in workflows for name, keys in flow.config.items()}


def from_text(name: str, text: str, declared: Mapping[str, ConfigKeys]) -> Any:
    """A value given as text, of the type that the documents declare. Raises ``ConfigurationError`` where it is of none."""
    if name not in declared or declared[name].type == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        raise ConfigurationError(
            f"config '{name}' must be of the type {declared[name].type}, and not {text!r}"
        ) from None


def _value(name: str, keys: ConfigKeys, given: Mapping[str, Any]) -> Any:
    if name not in given:
        if "default" not in keys.model_fields_set:
            raise ConfigurationError(
                f"config '{name}' ({keys.type}) has no default and no value was given; pass config={{'{name}': ...}}"
            )
        return keys.default
    value = given[name]
    found = key_type(value)
    if found != keys.type and not (keys.type == "number" and found == "integer"):
        raise ConfigurationError(f"config '{name}' must be of the type {keys.type}, and a {found} was given")
    if keys.allowed is not None and value not in keys.allowed:
        allowed = ", ".join(repr(item) for item in keys.allowed)
        raise ConfigurationError(f"config '{name}' must be one of {allowed}")
    return value
