"""Data: every reference means something, every expression parses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from stepworkflows_cdk.language.checks.contract import output_problems
from stepworkflows_cdk.language.checks.missing import missing_at_the_end
from stepworkflows_cdk.language.checks.results import named_files, named_results
from stepworkflows_cdk.language.checks.types import of_a_kind, within
from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.document import Document, Path_
from stepworkflows_cdk.language.expressions import FUNCTIONS, bare_names, bound_variables, free_variables, syntax_fault
from stepworkflows_cdk.language.references import (
    Expression,
    Value,
    WrongValue,
    parse_condition,
    parse_value,
    references_in,
    strings_in,
)
from stepworkflows_cdk.language.scope import ROOTS, Unresolved, View, resolve
from stepworkflows_cdk.language.slips import function_meant, name_meant, reference_meant, slip
from stepworkflows_cdk.language.targets import (
    ConfigTarget,
    InputTarget,
    ResourceTarget,
    SecretTarget,
    StepTarget,
    Target,
)
from stepworkflows_cdk.language.types import misfits, type_of
from stepworkflows_cdk.language.usage import condition_view, conditions_of, strings_of, strings_of_flow
from stepworkflows_cdk.language.views import at_end, views
from stepworkflows_cdk.language.workflow import RECORDED, Step, Workflow

__all__ = ["check", "check_deployed", "is_reserved", "place"]

_RESERVED = re.compile(
    r"(?:again|caught|failure|left|stopped)\d*\Z|(?:guarded|handled|holder|input|resources|result|running|states|turns)\Z"
    r"|(?:again|arm|attempts|count|error|failed|given|if|index|item|passed|result|rounds?|status|step|stopped)\d*_"
    r"|(?:in|pages|tried|tries|turn|undo|until|won)\d*_"
)
_MISSING = {
    "before end of expression": "close what is open",
    "nexpected end of expression": "write what is missing at its end",
    ", got ": "a comma, an operator or a bracket is missing before it",
}
"""Parts of what the parser says, and what to do about it."""
_DEPLOYED = (ConfigTarget, ResourceTarget, SecretTarget)


def check(workflow: Workflow) -> Iterator[Problem]:
    for step, view in _steps(workflow):
        yield from _step(step, view)
    for path, text in strings_of_flow(workflow):
        yield from _string(workflow.document, path, "", text, View(workflow), ())
    for output in workflow.outputs if not workflow.own_code else ():
        view = at_end(workflow)
        yield from output_problems(workflow.document, output)
        yield from _value(workflow.document, output.path, "", workflow.document.get(output.path), view)


def is_reserved(name: str) -> bool:
    """Whether a variable of that name has a meaning of its own in the state machine."""
    return bool(_RESERVED.match(name))


def check_deployed(document: Document, path: Path_, step: str, text: str, view: View) -> Iterator[Problem]:
    """What is wrong with a string that is fixed at deployment, and that templates show."""
    yield from _string(document, path, step, text, view, (ConfigTarget, ResourceTarget))


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
        owner = step.integration
        own = owner.variables(step) if owner and path[0] == owner.key else frozenset[str]()
        yield from _string(step.document, (*step.path, *path), step.id, text, inside, allowed, own)
    for path, text in conditions_of(step):
        yield from _condition(step, path, text, condition_view(path, view))
    yield from _outputs(step)
    yield from _keys(step)
    yield from of_a_kind(step, view)


def _outputs(step: Step) -> Iterator[Problem]:
    for output in step.outputs:
        mark = step.key_mark("outputs", output.name)
        if output.name in ROOTS:
            message = f"an output cannot be called `{output.name}`: it is the root of references"
            yield Problem("SW108", message, mark, "give it another name")
        if output.name in (RECORDED, f"{RECORDED}execution"):
            message = f"an output cannot be called `{output.name}`: its row is kept under the attribute `execution`"
            yield Problem("SW108", message, mark, "give it another name")
        yield from output_problems(step.document, output, step.id)


def _keys(step: Step) -> Iterator[Problem]:
    """References in keys of mappings: they would stay text."""
    for key in ("inputs", "outputs"):
        for path in _keys_in(step.get(key), (key,)):
            if str(path[-1]).endswith(".$"):
                message = f"`{path[-1]}` is a name as it is written"
                hint = f"write `{str(path[-1])[:-2]}`, and its value as a reference such as `{{name}}`"
                yield Problem("SW308", message, step.key_mark(*path), hint, "warning")
            try:
                value = parse_value(str(path[-1]))
            except WrongValue:
                continue
            if references_in(value):
                hint = "write the object as an expression: `{% {(KEY): VALUE} %}`"
                yield Problem(
                    "SW305",
                    f"the key `{path[-1]}` stays text: a reference has no meaning in a key",
                    step.key_mark(*path),
                    hint,
                )


def _keys_in(value: Any, path: Path_) -> Iterator[Path_]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key)
            yield from _keys_in(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _keys_in(item, (*path, index))


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
    document: Document,
    path: Path_,
    step: str,
    text: str,
    view: View,
    allowed: tuple[type[Target], ...],
    own: frozenset[str] = frozenset(),
) -> Iterator[Problem]:
    try:
        value = parse_value(text)
    except WrongValue as error:
        yield Problem("SW301", str(error), place(document, path, text, error.offset, step), error.hint)
        return
    if isinstance(value, str) or text.startswith("$"):
        yield from _looks_like_reference(document, path, step, text)
    yield from _parsed(document, path, step, text, value, view, allowed, own)


def _looks_like_reference(document: Document, path: Path_, step: str, text: str) -> Iterator[Problem]:
    if meant := reference_meant(text):
        yield Problem(
            "SW308", f"`{text}` stays text as it is written", place(document, path, text, 0, step), meant, "warning"
        )


def _parsed(
    document: Document,
    path: Path_,
    step: str,
    text: str,
    value: Value,
    view: View,
    allowed: tuple[type[Target], ...],
    own: frozenset[str] = frozenset(),
) -> Iterator[Problem]:
    types: dict[int, tuple[str, str]] = {}
    for reference in references_in(value):
        mark = place(document, path, text, reference.offset, step)
        try:
            target = resolve(reference, view)
        except Unresolved as error:
            yield Problem(error.code, str(error), mark, error.hint)
            continue
        if allowed and not isinstance(target, (*allowed, SecretTarget)):
            hint = "name `config`, `resources` or `secrets` here, and pass the rest as `inputs`"
            yield Problem(
                "SW215",
                f"`{reference.text}` is known only while the flow runs, and this is fixed at deployment",
                mark,
                hint,
            )
        yield from within(target, reference, view, mark)
        inside = path[len(view.step.path) :] if view.step else ()
        output = view.step.output(str(inside[1])) if view.step and inside[:1] == ("outputs",) else None
        yield from missing_at_the_end(reference, target, view, inside, alone=reference.text == text, mark=mark)
        files = list(named_files(reference, target, view, mark))
        yield from files or named_results(target, view, output, alone=reference.text == text, mark=mark)
        if isinstance(value, Expression) and (type_ := type_of(target, view)):
            types[reference.offset - value.offset + len(reference.text)] = type_, reference.text
        if not isinstance(value, Expression) and isinstance(target, InputTarget) and not _sure(target, view):
            yield _maybe_missing(document, path, text, mark)
        if isinstance(target, SecretTarget) and SecretTarget not in allowed:
            hint = "name it under `secrets` of the step: the variable holds its ARN, and the code reads the value"
            yield Problem("SW601", "a secret is no data of the flow", mark, hint)
        if isinstance(target, StepTarget) and target.field == "attempt" and path[-2:-1] == ("require",):
            hint = "name it in a step that does work, and its output here"
            yield Problem("SW212", "`step.attempt` can be named only in a step that does work", mark, hint)
    if isinstance(value, Expression):
        if allowed:
            yield Problem(
                "SW302",
                "an expression is evaluated while the flow runs, and this is fixed at deployment",
                place(document, path, text, 0, step),
                "write text and references",
            )
            return
        yield from _expression(document, path, step, text, value, own, types)


def _sure(target: InputTarget, view: View) -> bool:
    """Whether the contract promises the value; of an open input nothing is promised, and everybody knows that."""
    declared = view.workflow.keys.inputs or {}
    schema = declared.get(str(target.path[0])) if target.path else None
    if schema is None:
        return True
    if schema.optional and not schema.has("default"):
        return False
    for part in target.path[1:]:
        if schema.type != "object" or not schema.properties or part not in schema.properties:
            return True
        if not isinstance(schema.required, list) or part not in schema.required:
            return False
        schema = schema.properties[str(part)]
    return True


def _maybe_missing(document: Document, path: Path_, text: str, mark: Mark) -> Problem:
    alone = text.startswith("{") and text.endswith("}") and text.count("{") == 1
    what = "the step fails" if alone else "nothing stands there"
    hint = (
        f"require it, or write `{{% $exists({text}) ? {text} : ... %}}`"
        if alone
        else "require it, or give it a default"
    )
    return Problem("SW307", f"the input may lack this value, and then {what}", mark, hint, "warning")


def _expression(
    document: Document,
    path: Path_,
    step: str,
    text: str,
    value: Expression,
    own: frozenset[str],
    types: Mapping[int, tuple[str, str]],
) -> Iterator[Problem]:
    # Every reference becomes a variable of the same length, so that places stay what they are.
    code = "".join(part if isinstance(part, str) else "$" + "_" * (len(part.text) - 1) for part in value.parts)
    fault = syntax_fault(code)
    names = {} if fault else bare_names(code)
    if (fault or names) and (found := slip(code)):
        mark = place(document, path, text, value.offset + found.at, step)
        yield Problem("SW303", f"this is no JSONata: {found.message}", mark, found.hint)
        return
    if fault:
        message, at = fault
        mark = place(document, path, text, value.offset + min(at, len(code)), step)
        hint = next((hint for part, hint in _MISSING.items() if part in message), "see https://docs.jsonata.org")
        yield Problem("SW303", f"this is no JSONata: {message[:1].lower()}{message[1:]}", mark, hint)
        return
    for misfit in misfits(code, types) if types else ():
        mark = place(document, path, text, value.offset + misfit.at, step)
        if misfit.fails:
            yield Problem("SW310", misfit.message, mark, misfit.hint)
        else:
            yield Problem("SW311", misfit.message, mark, misfit.hint, "warning")
    for name, at in names.items():
        mark = place(document, path, text, value.offset + at, step)
        if name.startswith("$"):
            hint = "write `{name}` for a value of the flow"
            yield Problem("SW309", f"`{name}` is nothing here: no value is given to the expression", mark, hint)
        elif code[at + len(name) :].lstrip().startswith("("):
            hint = function_meant(name) or f"no function is called `${name}` either"
            yield Problem("SW309", f"`{name}` is no function", mark, hint)
        else:
            yield Problem("SW309", f"`{name}` is a field of nothing here", mark, name_meant(code, at))
    for name, at in bound_variables(code).items():
        if _RESERVED.match(name):
            mark = place(document, path, text, value.offset + at, step)
            yield Problem(
                "SW306",
                f"`${name}` has a meaning of its own in the state machine",
                mark,
                "give the variable another name",
            )
    for name, at in free_variables(code).items():
        mark = place(document, path, text, value.offset + at, step)
        if name in own or set(name) == {"_"} or name in FUNCTIONS:
            continue
        if name == "states":
            yield Problem(
                "SW304",
                "`$states` is not for documents",
                mark,
                "use references: `{input.x}`, `{result.x}`, `{execution.id}`",
            )
        elif name == "eval":
            yield Problem("SW304", "`$eval` does not exist in Step Functions", mark, "write the expression itself")
        elif code[at + len(name) + 1 :].lstrip().startswith("("):
            hint = function_meant(name) or "see https://docs.jsonata.org for the functions that there are"
            yield Problem("SW304", f"`${name}` is no function", mark, hint)
        else:
            yield Problem(
                "SW304",
                f"`${name}` is neither set in this expression nor a function",
                mark,
                "use a reference for data of the flow: `{name}`",
            )
