"""Tags: what AWS takes as one, and values that are known at deployment."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.references import Template, WrongValue, parse_value, references_in
from stepworkflows_cdk.language.scope import Unresolved, View, resolve
from stepworkflows_cdk.language.targets import ConfigTarget
from stepworkflows_cdk.language.workflow import Workflow

__all__ = ["check", "fault"]

# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html#id_tags_naming_best_practices
_MOST = 50
_KEY, _VALUE = 128, 256
_CHARACTERS = re.compile(r"[\w\s.:/=+@-]*\Z")


def check(workflow: Workflow) -> Iterator[Problem]:
    tags, document = workflow.keys.tags or {}, workflow.document
    if len(tags) > _MOST:
        message = f"a resource has {_MOST} tags at most, and here are {len(tags)}"
        yield Problem("SW421", message, document.key_mark(("tags",)), "remove some")
    for key, value in tags.items():
        if wrong := fault(key, _KEY) or ("may not be empty" if not key else ""):
            yield Problem(
                "SW420", f"the key of a tag {wrong}", document.key_mark(("tags", key)), "give it another name"
            )
        mark = document.mark(("tags", key))
        try:
            parsed = parse_value(value)
        except WrongValue as error:
            yield Problem("SW420", f"this is no value of a tag: {error}", mark, "write a text, or `{config.NAME}`")
            continue
        if isinstance(parsed, str):
            if wrong := fault(parsed):
                yield Problem("SW420", f"the value of a tag {wrong}", mark, "shorten it, or write it otherwise")
        elif not isinstance(parsed, Template) or not _of_config(parsed, View(workflow)):
            hint = "write a text, or a name under `config`: `{config.NAME}`"
            yield Problem("SW420", "the value of a tag is known at deployment", mark, hint)


def fault(text: str, longest: int = _VALUE) -> str:
    """What AWS would refuse of the key or the value of a tag; nothing where it would not."""
    if len(text) > longest:
        return f"has {longest} characters at most"
    if text.lower().startswith("aws:"):
        return "may not begin with `aws:`, which is for AWS"
    if not _CHARACTERS.match(text):
        return "has letters, digits, spaces and `_ . : / = + - @`"
    return ""


def _of_config(value: Template, view: View) -> bool:
    try:
        return all(isinstance(resolve(reference, view), ConfigTarget) for reference in references_in(value))
    except Unresolved:
        return False
