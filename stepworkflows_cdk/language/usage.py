"""What a workflow reads: every string that holds a value, and what the references in it mean."""

from __future__ import annotations

from collections.abc import Iterator

from stepworkflows_cdk.language.document import Path_
from stepworkflows_cdk.language.references import WrongValue, parse_condition, parse_value, references_in, strings_in
from stepworkflows_cdk.language.scope import InputTarget, StatusTarget, Target, Unresolved, View, resolve, views
from stepworkflows_cdk.language.shape import key_names
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["conditions_of", "inferred_inputs", "status_readers", "strings_of", "targets"]


def strings_of(step: Step) -> Iterator[tuple[Path_, str]]:
    """The strings of a step that hold values, with their paths inside it; conditions are not among them."""
    work = key_names(step.integration.keys) if step.integration and step.integration.keys else ()
    for key in ("inputs", "outputs", "env", "secrets", "fail", *work):
        if key == "inputs" and step.whole_input:
            continue
        for path, text in strings_in(step.get(key), (key,)):
            if not (path[0] == "outputs" and path[-1] == "type"):
                yield path, text
    if step.keys.require and step.get("require", "message") is not None:
        yield ("require", "message"), step.keys.require.message


def conditions_of(step: Step) -> Iterator[tuple[Path_, str]]:
    """The conditions of a step, with their paths inside it."""
    if step.keys.require:
        yield ("require", "that"), step.keys.require.that
    for index, retry in enumerate(step.keys.retry or ()):
        if retry.when is not None:
            yield (("retry", "when") if isinstance(step.get("retry"), dict) else ("retry", index, "when")), retry.when


def targets(workflow: Workflow) -> Iterator[Target]:
    """What every reference of the workflow means, in the order of the text; what means nothing is left out."""
    for step, view in views(workflow):
        for path, text in strings_of(step):
            yield from _targets(text, view.of_outputs() if path[0] == "outputs" else view, condition=False)
        for path, text in conditions_of(step):
            yield from _targets(text, view.of_retry() if path[0] == "retry" else view, condition=True)
    if not workflow.own_code:
        for output in workflow.outputs:
            for _, text in strings_in(workflow.document.get(output.path)):
                yield from _targets(text, View(workflow, workflow.steps), condition=False)


def inferred_inputs(workflow: Workflow) -> tuple[str, ...]:
    """The fields of an open input that the flow reads, in the order of the text."""
    found = [target for target in targets(workflow) if isinstance(target, InputTarget) and target.inferred]
    return tuple(dict.fromkeys(str(target.path[0]) for target in found))


def status_readers(workflow: Workflow) -> frozenset[str]:
    """The ids of the steps whose status is read anywhere."""
    return frozenset(target.step.id for target in targets(workflow) if isinstance(target, StatusTarget))


def _targets(text: str, view: View, *, condition: bool) -> Iterator[Target]:
    try:
        value = parse_condition(text) if condition else parse_value(text)
    except WrongValue:
        return
    for reference in references_in(value):
        try:
            yield resolve(reference, view)
        except Unresolved:
            continue
