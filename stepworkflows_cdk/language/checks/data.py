"""Data: every reference means something, every expression parses, contracts and config fit themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stepworkflows_cdk.language.contract import contract_faults
from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.document import Document, Path_
from stepworkflows_cdk.language.expressions import FUNCTIONS, free_variables, syntax_fault
from stepworkflows_cdk.language.model import ConfigKeys, key_type
from stepworkflows_cdk.language.references import (
    Expression,
    Value,
    WrongValue,
    parse_condition,
    parse_value,
    references_in,
    strings_in,
)
from stepworkflows_cdk.language.scope import (
    ROOTS,
    ConfigTarget,
    ResourceTarget,
    SecretTarget,
    StepTarget,
    Target,
    Unresolved,
    View,
    resolve,
    views,
)
from stepworkflows_cdk.language.usage import conditions_of, strings_of
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["check", "place"]

_DEPLOYED = (ConfigTarget, ResourceTarget, SecretTarget)


def check(workflow: Workflow) -> Iterator[Problem]:
    yield from _contract(workflow)
    for name, config in workflow.config.items():
        yield from _config(workflow, name, config)
    for step, view in _steps(workflow):
        yield from _step(step, view)
    for output in workflow.outputs if not workflow.own_code else ():
        view = View(workflow, workflow.steps)
        yield from _value(workflow.document, output.path, "", workflow.document.get(output.path), view)


def place(document: Document, path: Path_, text: str, offset: int, step: str = "") -> Mark:
    """The mark of a character inside the string at ``path``; of the string itself where the text is written
    otherwise.
    """
    mark = document.mark(path)
    lines = document.text.split("\n")
    line = lines[mark.line - 1] if mark.line <= len(lines) else ""
    for quote in (0, 1):
        if line.startswith(text, mark.column - 1 + quote):
            return Mark(mark.file, mark.line, mark.column + quote + offset, step)
    return Mark(mark.file, mark.line, mark.column, step)


def _steps(workflow: Workflow) -> Iterator[tuple[Step, View]]:
    """Each step once: an undo step that several steps name can name the same things for each of them."""
    seen: set[int] = set()
    for step, view in views(workflow):
        if id(step) not in seen:
            seen.add(id(step))
            yield step, view


def _step(step: Step, view: View) -> Iterator[Problem]:
    for path, text in strings_of(step):
        inside = view.of_outputs() if path[0] == "outputs" else view
        allowed = _DEPLOYED if path[0] in ("env", "secrets") else ()
        yield from _string(step.document, (*step.path, *path), step.id, text, inside, allowed)
    for path, text in conditions_of(step):
        yield from _condition(step, path, text, view.of_retry() if path[0] == "retry" else view)
    for name in step.keys.outputs or {}:
        if name in ROOTS:
            hint = "give it another name"
            yield Problem(
                "SW108",
                f"an output cannot be called `{name}`: it is the root of references",
                step.key_mark("outputs", name),
                hint,
            )
        return


def _condition(step: Step, path: Path_, text: str, view: View) -> Iterator[Problem]:
    at = (*step.path, *path)
    try:
        value = parse_condition(text)
    except WrongValue as error:
        yield Problem("SW301", str(error), place(step.document, at, text, error.offset, step.id), error.hint)
        return
    yield from _parsed(step.document, at, step.id, text, value, view, ())


def _value(document: Document, path: Path_, step: str, value: Any, view: View) -> Iterator[Problem]:
    for place_, text in strings_in(value, path):
        yield from _string(document, place_, step, text, view, ())


def _string(
    document: Document, path: Path_, step: str, text: str, view: View, allowed: tuple[type[Target], ...]
) -> Iterator[Problem]:
    try:
        value = parse_value(text)
    except WrongValue as error:
        yield Problem("SW301", str(error), place(document, path, text, error.offset, step), error.hint)
        return
    yield from _parsed(document, path, step, text, value, view, allowed)


def _parsed(
    document: Document, path: Path_, step: str, text: str, value: Value, view: View, allowed: tuple[type[Target], ...]
) -> Iterator[Problem]:
    for reference in references_in(value):
        mark = place(document, path, text, reference.offset, step)
        try:
            target = resolve(reference, view)
        except Unresolved as error:
            yield Problem(error.code, str(error), mark, error.hint)
            continue
        if allowed and not isinstance(target, allowed):
            hint = "name `config`, `resources` or `secrets` here, and pass the rest as `inputs`"
            yield Problem(
                "SW215",
                f"`{reference.text}` is known only while the flow runs, and this is fixed at deployment",
                mark,
                hint,
            )
        if not allowed and isinstance(target, SecretTarget):
            hint = "name it under `secrets` of the step: the variable holds its ARN, and the code reads the value"
            yield Problem("SW601", "a secret is no data of the flow", mark, hint)
        if isinstance(target, StepTarget) and target.field == "attempt" and path[-2:-1] == ("require",):
            yield Problem("SW212", "`step.attempt` can be named only in a step that does work", mark)
    if isinstance(value, Expression):
        if allowed:
            yield Problem(
                "SW302",
                "an expression is evaluated while the flow runs, and this is fixed at deployment",
                place(document, path, text, 0, step),
                "write text and references",
            )
            return
        yield from _expression(document, path, step, text, value)


def _expression(document: Document, path: Path_, step: str, text: str, value: Expression) -> Iterator[Problem]:
    # Every reference becomes a variable of the same length, so that places stay what they are.
    code = "".join(part if isinstance(part, str) else "$" + "_" * (len(part.text) - 1) for part in value.parts)
    if fault := syntax_fault(code):
        message, at = fault
        mark = place(document, path, text, value.offset + min(at, len(code)), step)
        yield Problem(
            "SW303", f"this is no JSONata: {message[:1].lower()}{message[1:]}", mark, "see https://docs.jsonata.org"
        )
        return
    for name, at in free_variables(code).items():
        mark = place(document, path, text, value.offset + at, step)
        if name == "states":
            yield Problem(
                "SW304",
                "`$states` is not for documents",
                mark,
                "use references: `{input.x}`, `{result.x}`, `{execution.id}`",
            )
        elif set(name) == {"_"} or name in FUNCTIONS:
            continue
        elif name == "eval":
            yield Problem("SW304", "`$eval` does not exist in Step Functions", mark, "write the expression itself")
        else:
            yield Problem(
                "SW304",
                f"`${name}` is neither set in this expression nor a function",
                mark,
                "use a reference for data of the flow: `{name}`",
            )


def _contract(workflow: Workflow) -> Iterator[Problem]:
    for name, schema in (workflow.keys.inputs or {}).items():
        path = ("inputs", name)
        if name in ROOTS:
            yield Problem(
                "SW108",
                f"an input cannot be called `{name}`: it is the root of references",
                workflow.document.key_mark(path),
                "give it another name",
            )
        for inner, message, hint in contract_faults(schema, top=True):
            yield Problem("SW113", message, workflow.document.mark((*path, *inner)), hint)


def _config(workflow: Workflow, name: str, config: ConfigKeys) -> Iterator[Problem]:
    values: list[tuple[Path_, Any]] = [] if config.default is None else [(("default",), config.default)]
    values += [(("allowed", index), value) for index, value in enumerate(config.allowed or ())]
    for path, value in values:
        if key_type(value) != config.type and not (config.type == "number" and key_type(value) == "integer"):
            mark = workflow.document.mark(("config", name, *path))
            yield Problem("SW114", f"the value is no {config.type}", mark, f"write a value of the type {config.type}")
    if config.allowed is not None and config.default is not None and config.default not in config.allowed:
        yield Problem(
            "SW114",
            "the default is not among the allowed values",
            workflow.document.mark(("config", name, "default")),
            "add it to `allowed`",
        )
