"""Values become YAML text that is read back as the same values."""

from __future__ import annotations

import re
from typing import Any

import yaml

from stepworkflows_cdk.language.source import hides_text
from stepworkflows_cdk.language.yaml_source import reads_as_text

__all__ = ["yaml_line", "yaml_text"]


def yaml_text(value: Any) -> str:
    """The text of a document: keys in their order, nothing abbreviated, texts over several lines as they are."""
    text = _dumped(value, unicode=True)
    return text if not hides_text(text) else _dumped(value, unicode=False)


def yaml_line(value: Any) -> str:
    """The same in brackets, on one line."""
    dumped: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"), default_flow_style=True
    )
    return dumped.strip()


def _dumped(value: Any, *, unicode: bool) -> str:
    dumped: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=unicode, width=float("inf"))
    return dumped


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


_ODD = re.compile("[\x85\u2028\u2029\ufeff]")
"""Line breaks and marks that parsers differ about: written as escapes."""


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    # What PyYAML takes for a text, YAML 1.2 may take for a number: `0o7`, `1e3`.
    if _ODD.search(value):
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"')
    style = "|" if "\n" in value else None if reads_as_text(value) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
