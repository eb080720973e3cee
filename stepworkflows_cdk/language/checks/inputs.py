"""The `inputs` of a step as one value: a reference or an expression, where nothing depends on their names before a run."""

from __future__ import annotations

import json
from collections.abc import Iterator

from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.references import Expression, Reference, WrongValue, parse_value
from stepworkflows_cdk.language.work_key import WorkKey
from stepworkflows_cdk.language.workflow import Step

__all__ = ["check"]


def check(step: Step, work: WorkKey) -> Iterator[Problem]:
    written = step.keys.inputs
    if not isinstance(written, str):
        return
    if not _is_one_value(written):
        hint = "give it a name: `inputs: {text: " + (json.dumps(written, ensure_ascii=False)) + "}`"
        message = "`inputs` are a mapping, or one reference or expression that gives one"
        yield Problem("SW103", message, step.mark_of("inputs"), hint)
    elif not work.takes_whole(step):
        message = f"the `inputs` of `{work.key}` are known by their names before the flow runs, and these are not"
        inside = f"{written[:-1]}.NAME}}" if not written.startswith("{%") else "{% ... %}"
        hint = f'name each of them: `inputs: {{NAME: "{inside}"}}`'
        yield Problem("SW121", message, step.mark_of("inputs"), hint)


def _is_one_value(text: str) -> bool:
    """Whether it is one reference or expression; one that is no value is reported as that."""
    try:
        value = parse_value(text)
    except WrongValue:
        return True
    return isinstance(value, Expression) or (
        not isinstance(value, str) and len(value.parts) == 1 and isinstance(value.parts[0], Reference)
    )
