"""What a workflow reads: every string that holds a value, and what the references in it mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from stepworkflows_cdk.language.document import Path_
from stepworkflows_cdk.language.keys import key_names
from stepworkflows_cdk.language.references import (
    Expression,
    WrongValue,
    parse_condition,
    parse_value,
    references_in,
    strings_in,
)
from stepworkflows_cdk.language.scope import Unresolved, View, resolve
from stepworkflows_cdk.language.targets import InputTarget, Known, OutputTarget, StatusTarget, Target
from stepworkflows_cdk.language.views import at_end, views
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = [
    "condition_view",
    "conditions_of",
    "given_inside",
    "inferred_inputs",
    "read_outside",
    "reads_result",
    "skipping",
    "status_readers",
    "strings_of",
    "strings_of_flow",
    "targets",
]

Place = Literal["alone", "text", "expression"]
"""Where a reference stands: as a value of its own, within a text, in JSONata."""


def strings_of(step: Step) -> Iterator[tuple[Path_, str]]:
    """The strings of a step that hold values, with their paths inside it; conditions are not among them."""
    work = key_names(step.integration.keys) if step.integration and step.integration.keys else ()
    for key in ("inputs", "outputs", "env", "secrets", "fail", "stop", "wait", *work):
        if key == "inputs" and step.whole_input:
            continue
        for path, text in strings_in(step.get(key), (key,)):
            if not (path[0] == "outputs" and (path[-1] == "type" or _in_default(step, path))):
                yield path, text
    if step.keys.for_each:
        for place in (("items",), ("source", "key"), ("source", "prefix"), ("results", "prefix")):
            yield from strings_in(step.get("for-each", *place), ("for-each", *place))
    if step.keys.require and step.get("require", "message") is not None:
        yield ("require", "message"), step.keys.require.message


def strings_of_flow(workflow: Workflow) -> Iterator[tuple[Path_, str]]:
    """The strings of a flow that are read before its first step, with their paths."""
    place = ("concurrency",) if isinstance(workflow.document.get(("concurrency",)), str) else ("concurrency", "key")
    if workflow.keys.concurrency:
        yield place, workflow.keys.concurrency.key
    for name, value in (workflow.keys.cancel.match if workflow.keys.cancel else {}).items():
        yield from strings_in(value, ("cancel", "match", name))


def _in_default(step: Step, path: Path_) -> bool:
    output = step.output(str(path[1]))
    return path[2:3] == ("default",) and output is not None and output.has_default


def conditions_of(step: Step) -> Iterator[tuple[Path_, str]]:
    """The conditions of a step, with their paths inside it."""
    if step.keys.require:
        yield ("require", "that"), step.keys.require.that
    if isinstance(step.keys.if_, str):
        yield ("if",), step.keys.if_
    for index, arm in enumerate(step.keys.switch or ()):
        if arm.when is not None:
            yield ("switch", index, "when"), arm.when
    if step.keys.repeat:
        yield ("repeat", "until"), step.keys.repeat.until
    for index, catch in enumerate(step.keys.catch or ()):
        if catch.when is not None:
            yield ("catch", index, "when"), catch.when
    for index, retry in enumerate(step.keys.retry or ()):
        if retry.when is not None:
            yield (*step.rule("retry", index), "when"), retry.when


def skipping(step: Step, view: View) -> tuple[Known, ...]:
    """The steps with which a step is skipped, by its `needs`."""
    ids = step.waits.skips if step.waits else ()
    return tuple(known for known in view.known if known.step.id in ids)


def condition_view(path: Path_, view: View) -> View:
    """The view from a condition of a step."""
    if path[0] == "repeat":
        return view.of_round()
    return view.of_try() if path[0] in ("retry", "catch") else view


def targets(workflow: Workflow) -> Iterator[tuple[Target, View]]:
    """What every reference of the workflow means, with its view, in the order of the text."""
    return ((target, view) for target, view, _ in _read(workflow))


def _read(workflow: Workflow) -> Iterator[tuple[Target, View, Place]]:
    """The same, and where each reference stands."""
    for _, text in strings_of_flow(workflow):
        yield from _targets(text, View(workflow), condition=False)
    for step, view in views(workflow):
        for known in skipping(step, view):
            yield StatusTarget(known), view, "expression"
        for path, text in strings_of(step):
            yield from _targets(text, view.of_outputs() if path[0] == "outputs" else view, condition=False)
        for path, text in conditions_of(step):
            yield from _targets(text, condition_view(path, view), condition=True)
    if not workflow.own_code:
        for output in workflow.outputs:
            for _, text in strings_in(workflow.document.get(output.path)):
                yield from _targets(text, at_end(workflow), condition=False)


def inferred_inputs(workflow: Workflow) -> dict[str, bool]:
    """The fields of an open input that the flow reads, in the order of the text, and whether it fails without: a reference
    stands alone, and no expression asks whether the field is there.
    """
    found: dict[str, set[Place]] = {}
    for target, _, place in _read(workflow):
        if isinstance(target, InputTarget) and target.inferred:
            found.setdefault(str(target.path[0]), set()).add(place)
    return {name: "alone" in places and "expression" not in places for name, places in found.items()}


def status_readers(workflow: Workflow) -> frozenset[str]:
    """The ids of the steps whose status is read anywhere."""
    return frozenset(target.known.step.id for target, _ in targets(workflow) if isinstance(target, StatusTarget))


def read_outside(workflow: Workflow) -> frozenset[str]:
    """The ids of the steps that something outside of their own branch reads."""
    named = {
        known.step.id
        for target, view in targets(workflow)
        for known in _steps_of(target)
        if view.shared(known.frame) < len(known.frame)
    }
    wholes = [step for step in workflow.forward if step.inside and step.keys.outputs]
    return frozenset(named | {inner.id for whole in wholes for inner in _given_by_branches(whole)})


def reads_result(condition: str) -> bool:
    """Whether a condition names ``result``."""
    try:
        return any(reference.root == "result" for reference in references_in(parse_condition(condition)))
    except WrongValue:
        return False


def given_inside(step: Step) -> Iterator[Step]:
    """The steps inside another whose outputs are its result."""
    for inner in step.inside:
        if inner.outputs:
            yield inner
        elif not inner.is_race:
            yield from given_inside(inner)


def _given_by_branches(step: Step) -> Iterator[Step]:
    """Those of the same that are in a scope of their own."""
    if step.branches:
        yield from given_inside(step)
        return
    for inner in step.inside:
        if not (inner.outputs or inner.is_race):
            yield from _given_by_branches(inner)


def _steps_of(target: Target) -> tuple[Known, ...]:
    match target:
        case OutputTarget(known=known, others=others):
            return (known, *others)
        case StatusTarget(known):
            return (known,)
        case _:
            return ()


def _targets(text: str, view: View, *, condition: bool) -> Iterator[tuple[Target, View, Place]]:
    try:
        value = parse_condition(text) if condition else parse_value(text)
    except WrongValue:
        return
    for reference in references_in(value):
        try:
            target = resolve(reference, view)
        except Unresolved:
            continue
        if isinstance(value, Expression):
            yield target, view, "expression"
        else:
            yield target, view, "alone" if reference.text == text else "text"
