"""Words for what happens in a run: durations, errors and their causes, a failed attempt."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.workflow import Step
from stepworkflows_cdk.local import AttemptFailed, CodeLine

__all__ = ["attempt_failed", "counted", "duration", "in_function", "retry_hint", "said", "winner"]

_EXPRESSION = re.compile(
    r"The JSONata expression '.*' specified for the field '(?P<field>[^']*)' (?P<fault>.*)", re.DOTALL
)
_LONGEST = 300
_ANY = frozenset({"States.ALL", "States.TaskFailed"})
_TRANSIENT = "transient"


def duration(seconds: float) -> str:
    """``1209600`` -> ``14d``, ``90`` -> ``1m30s``, ``0.5`` -> ``0.5s``."""
    whole = int(seconds)
    if seconds != whole and seconds < 60:
        return f"{seconds:.1f}s"
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def counted(number: int, one: str, many: str) -> str:
    """``1 item``, ``2 items``."""
    return f"{number} {one if number == 1 else many}"


def said(cause: str) -> str:
    """The part of a cause that tells a person something: Lambda's is a JSON object, also where it stands among others, an
    expression's repeats its code."""
    if found := _EXPRESSION.search(cause):
        return f": the expression for {found['field']} {found['fault']}"[:_LONGEST]
    first, *_ = _with_messages(cause).splitlines() or [""]
    shown = first if len(first) <= _LONGEST else f"{first[: _LONGEST - 4]} ..."
    return f": {shown}" if shown.strip() else ""


def _with_messages(cause: str) -> str:
    """A text with the first line of the message for each error of Lambda in it."""
    told, rest = "", cause
    while rest:
        before, brace, behind = rest.partition("{")
        told, rest = told + before, brace + behind
        try:
            parsed, end = json.JSONDecoder().raw_decode(rest)
        except ValueError:
            parsed, end = None, 1
        known = isinstance(parsed, Mapping) and "errorMessage" in parsed
        told += next(iter(str(parsed["errorMessage"]).splitlines()), "") if known else rest[:end]
        rest = rest[end:]
    return told


def attempt_failed(event: AttemptFailed, cause: str, mark: Mark) -> str:
    """A failed attempt with its cause in words, and when the next one is; of the last one, where its step is written."""
    again = f" ({mark})" if event.retry_in is None else f"; again in {duration(event.retry_in)}"
    return f"attempt {event.attempt} failed: {event.error}{cause}{again}"


def in_function(code: CodeLine) -> str:
    """The function of a line of code, and its text."""
    where = f", {code.function}" if code.function else ""
    return f"{where}: {code.text}" if code.text else where


def winner(cause: str) -> str:
    """Who won a race, by its result."""
    result = json.loads(cause)
    return str(result.get("winner") or " and ".join(result["winners"]))


def retry_hint(step: Step, error: str) -> str:
    """What is to be said where the rules of the step's own `retry` take other errors than this one; else nothing."""
    rules = step.keys.retry or ()
    known = step.integration.transient if step.integration else ()
    taken = [name for rule in rules for name in (*rule.errors, *(known if _TRANSIENT in rule.errors else ()))]
    if not rules or any(rule.when for rule in rules) or error in taken or _ANY & set(taken):
        return ""
    names = list(dict.fromkeys(name for rule in rules for name in rule.errors))
    only = "transient errors" if names == [_TRANSIENT] else ", ".join(names)
    return f"retry of {step.title} takes {only} only; {error} is none of these: add errors: [{error}]"
