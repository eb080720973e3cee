"""Pieces of JSONata text: literals and paths.

Everything that reaches an expression as text goes through here, so that nothing a user writes can end a string early.
"""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["literal", "path", "quoted", "text_of"]

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_WORDS = frozenset({"and", "or", "in", "true", "false", "null", "function"})


def literal(value: Any) -> str:
    """A JSON value as JSONata."""
    return json.dumps(value, ensure_ascii=False)


def quoted(name: str) -> str:
    """A field's name, in backquotes where it is no plain name."""
    return name if _PLAIN.match(name) and name not in _WORDS else f"`{name}`"


def path(root: str, parts: tuple[str | int, ...]) -> str:
    """``root`` followed by fields and indices."""
    for part in parts:
        if isinstance(part, int):
            root = f"{root}[{part}]"
        else:
            root = f"{root}.{quoted(part)}" if "`" not in part else f"$lookup({root}, {literal(part)})"
    return root


def text_of(code: str) -> str:
    """The expression as an operand of ``&`` or of a path: in brackets, unless it is a plain path."""
    return code if re.fullmatch(r"[$\w.`\[\]'\-]+", code) else f"({code})"
