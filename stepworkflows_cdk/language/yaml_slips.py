"""What YAML refuses, and what its author most likely meant: a value without its quotes, a line at the wrong depth."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stepworkflows_cdk.language.credentials import TELLING

__all__ = ["mend"]

_KEY = r"(?P<key>[\w.-]+):\s+"
_ENTRY = re.compile(rf"\s*(?:-\s+)*{_KEY}(?P<value>\S.*?)\s*$")
_REFERENCE = r"\{[\w.\[\]'-]+\}"
_VALUES = (
    r"\{%.*?%\}",  # an expression
    rf"(?:{_REFERENCE}|[!@`%*])[^,}}]*",  # what begins with a reference, or with a sign of YAML
    r"""[^\s"'{}\[\],][^{}\[\],]*?:\s[^,}]*""",  # a text with a colon in it
)
_IN_BRACES = re.compile(rf"(?<=[{{,\s]){_KEY}(?P<value>{'|'.join(_VALUES)})")
_NEEDS_QUOTES = re.compile(rf"\{{%|{_REFERENCE}\s*\S|[!@`%*]")
_NO_COLON = re.compile(r"\s*(?:-\s+)?[A-Za-z][\w-]*(?:\s+[^\s#:]+)?\s*")
_QUOTED_IN_PART = re.compile(r"""(["']).*?\1\s*[^\s,}\]#]""")


def mend(lines: Sequence[str], number: int, column: int) -> str:
    """What to do about the line ``number``, from 0, where reading stopped at ``column``; empty where nothing is seen."""
    line = lines[number] if number < len(lines) else ""
    entries = [found for found in _IN_BRACES.finditer(line) if found.start() <= column <= found.end()]
    inside = bool(entries) and line[: entries[-1].start()].count("{") > line[: entries[-1].start()].count("}")
    entry = entries[-1] if inside else _ENTRY.match(line)
    if entry and column >= entry.start("value"):
        key, value = entry["key"], entry["value"].rstrip()
        if _QUOTED_IN_PART.match(value):
            return "quote the whole value once, and use the other quotes inside of it"
        if _NEEDS_QUOTES.match(value) or (": " in value and value[0] not in "{["):
            shown = re.search(TELLING, key, re.IGNORECASE) is None
            return f"quote it: `{key}: {_quoted(value)}`" if shown else "quote the value"
    before = next((other for other in range(min(number, len(lines)) - 1, -1, -1) if lines[other].strip()), None)
    if before is not None and _NO_COLON.fullmatch(lines[before]):
        return f"a colon is missing on line {before + 1}"
    return _depth(lines, number)


def _quoted(value: str) -> str:
    return f"'{value}'" if '"' in value and "'" not in value else '"' + value.replace('"', '\\"') + '"'


def _depth(lines: Sequence[str], number: int) -> str:
    """Where a line is indented as none above it that it could belong to."""
    line = lines[number] if number < len(lines) else ""
    depth = _indent(line)
    above: list[int] = []
    for other in reversed(lines[:number]):
        if other.strip() and not other.lstrip().startswith("#") and (not above or _indent(other) < above[-1]):
            above.append(_indent(other))
            if other.lstrip().startswith("- "):
                above.insert(-1, _indent(other) + 2)
    if not line.strip() or depth in above:
        listed = any(_indent(other) == depth and other.lstrip().startswith("- ") for other in lines[:number])
        return "an item of a list begins with `- `" if listed and not line.lstrip().startswith("- ") else ""
    return f"it is indented by {depth}, and what it can belong to by {' or '.join(str(each) for each in sorted(set(above)))}"


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
