"""Texts that are made alike for several integrations: values as JSON, ARNs of executions."""

from __future__ import annotations

import json
from collections.abc import Iterable

from stepworkflows_cdk.compiler.plan import Data, Hole, Jsonata, Text

__all__ = ["executions_arn", "json_text"]


def executions_arn(key: str, name: str = "*") -> Text:
    """The ARN of the execution of that name, of the machine of that key; by default of all, whose names are not known yet."""
    partition, region, account = (Hole("aws", attribute) for attribute in ("partition", "region", "account"))
    return Text(("arn:", partition, ":states:", region, ":", account, ":execution:", Hole(key, "name"), f":{name}"))


def json_text(value: Data) -> Text:
    """A value without expressions as JSON. What fills its holes must have no characters that JSON escapes."""
    match value:
        case Text(parts):
            return Text(('"', *(part if isinstance(part, Hole) else json.dumps(part)[1:-1] for part in parts), '"'))
        case list():
            inner = [json_text(item).parts for item in value]
            return _enclosed("[", inner, "]")
        case dict():
            inner = [(f"{json.dumps(key)}: ", *json_text(item).parts) for key, item in value.items()]
            return _enclosed("{", inner, "}")
        case Jsonata():
            raise TypeError("an expression is no JSON")
        case _:
            return Text((json.dumps(value),))


def _enclosed(opening: str, items: Iterable[tuple[str | Hole, ...]], closing: str) -> Text:
    """The items with commas between them; text beside text becomes one."""
    parts: list[str | Hole] = [opening]
    for index, item in enumerate(items):
        for part in (", " if index else "", *item):
            if isinstance(part, str) and isinstance(parts[-1], str):
                parts[-1] += part
            else:
                parts.append(part)
    if isinstance(parts[-1], str):
        parts[-1] += closing
    else:
        parts.append(closing)
    return Text(tuple(parts))
