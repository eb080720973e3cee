"""Where in a user's code an error arose: the innermost frame of a stack trace, as Lambda writes it, that is in the user's folder."""

from __future__ import annotations

import json
import re
from pathlib import Path

from stepworkflows_cdk.local.events import CodeLine
from stepworkflows_cdk.local.world import World

__all__ = ["ROOT", "code_line"]

ROOT = "/var/task"
"""Where the code is in Lambda; shown in stack traces in place of the folder on this machine."""
_FRAME = re.compile(
    rf'\s*File "{ROOT}/(?P<file>[^"]+)",? [Ll]ine (?P<line>\d+)(?:, in (?P<function>[^\n]+))?(?:\n\s*(?P<text>[^\n]*))?'
)
_INSTALLED = re.compile(r"(^|/)(site-packages|dist-packages)/")
_LONGEST = 100
"""Characters of a line that are shown."""


def code_line(cause: str, code: Path, world: World) -> CodeLine | None:
    """The line of ``code``, a folder or a zip, that a cause tells of; without its text where that has a secret in it."""
    try:
        trace = json.loads(cause).get("stackTrace", ())
    except (AttributeError, ValueError):  # of a container that was ended, or too long
        return None
    for found in filter(None, (_FRAME.match(str(frame)) for frame in reversed(trace))):
        if not _INSTALLED.search(found["file"]):
            text = (found["text"] or "").strip()
            shown = "" if any(world.leaks("", text)) else text[:_LONGEST]
            return CodeLine(str(code / found["file"]), int(found["line"]), found["function"] or "", shown)
    return None
