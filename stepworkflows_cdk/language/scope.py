"""Names become targets: what a reference means at the place where it stands.

Long roots (``input``, ``steps``, ``config`` ...) mean the same everywhere. A bare name is, first hit wins: in a
step's own ``outputs`` a field of its result; elsewhere an output of a step surely finished; a declared input; a field
of an open input.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from stepworkflows_cdk.language.references import Reference
from stepworkflows_cdk.language.workflow import Output, Step, Workflow

__all__ = [
    "ROOTS",
    "ConfigTarget",
    "ErrorTarget",
    "ExecutionTarget",
    "InputTarget",
    "OutputTarget",
    "ResourceTarget",
    "ResultTarget",
    "SecretTarget",
    "StatusTarget",
    "StepTarget",
    "Target",
    "Unresolved",
    "View",
    "resolve",
    "views",
]

Tail = tuple[str | int, ...]

ROOTS = ("input", "steps", "result", "index", "error", "secrets", "resources", "config", "execution", "step")
_EXECUTION = ("id", "name", "started")
_STEP = ("id", "attempt")
_ERROR = ("type", "cause")


@dataclass(frozen=True)
class InputTarget:
    """A field of the flow's input, or all of it. ``inferred``: the input is open, and nobody declared the field."""

    path: Tail
    inferred: bool = False


@dataclass(frozen=True)
class OutputTarget:
    """An output of a step. ``uncertain``: the step may not have finished, and then it is the default or null."""

    step: Step
    output: Output
    path: Tail
    uncertain: bool = False


@dataclass(frozen=True)
class StatusTarget:
    """``done`` or ``failed``."""

    step: Step


@dataclass(frozen=True)
class ResultTarget:
    """A field of the step's own result, or all of it."""

    path: Tail


@dataclass(frozen=True)
class ErrorTarget:
    """``type`` or ``cause`` of the error that is being handled."""

    field: str


@dataclass(frozen=True)
class ConfigTarget:
    name: str


@dataclass(frozen=True)
class ResourceTarget:
    name: str


@dataclass(frozen=True)
class SecretTarget:
    name: str


@dataclass(frozen=True)
class ExecutionTarget:
    field: str


@dataclass(frozen=True)
class StepTarget:
    field: str


Target = (
    InputTarget
    | OutputTarget
    | StatusTarget
    | ResultTarget
    | ErrorTarget
    | ConfigTarget
    | ResourceTarget
    | SecretTarget
    | ExecutionTarget
    | StepTarget
)


class Unresolved(Exception):
    """A reference that means nothing here."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


@dataclass(frozen=True)
class View:
    """What can be named at one place.

    ``finished`` are the steps that have surely ended before it. ``handling`` says that an error is being handled: any
    step can be named then, and an output is null where the step did not finish.
    """

    workflow: Workflow
    finished: tuple[Step, ...] = ()
    step: Step | None = None
    own_result: bool = False
    handling: bool = False
    error: bool = False

    def of_outputs(self) -> View:
        """The view from the step's own outputs."""
        own = self.step is not None and self.step.integration is not None
        return View(self.workflow, self.finished, self.step, own, self.handling, self.error)

    def of_retry(self) -> View:
        """The view from a condition on the error of a try."""
        return View(self.workflow, self.finished, self.step, False, self.handling, True)


def views(workflow: Workflow) -> tuple[tuple[Step, View], ...]:
    """Every step that can run, with what it can name. An undo step is listed for each step that it undoes."""
    found: list[tuple[Step, View]] = []
    for index, step in enumerate(workflow.steps):
        found.append((step, View(workflow, workflow.steps[:index], step)))
        if step.undo:
            found.append((step.undo, View(workflow, workflow.steps, step.undo, handling=True, error=True)))
    used = {id(step) for step, _ in found}
    for step in (*workflow.undo_steps.values(), *workflow.on_failure):
        if id(step) not in used:
            found.append((step, View(workflow, workflow.steps, step, handling=True, error=True)))
    return tuple(found)


def resolve(reference: Reference, view: View) -> Target:
    """What the reference means. Raises :class:`Unresolved`."""
    tail = reference.parts[1:]
    match reference.root:
        case "input":
            return _input(tail, view)
        case "steps":
            return _long_output(tail, view)
        case "result":
            if not view.own_result:
                raise Unresolved("SW210", "`result` can be named only in the `outputs` of a step that does work")
            return ResultTarget(tail)
        case "error":
            if not view.error:
                raise Unresolved(
                    "SW211",
                    "`error` can be named only where an error is handled",
                    "use it in `undo`, `on-failure` or `retry.when`",
                )
            return ErrorTarget(_one_of("error", tail, _ERROR))
        case "config":
            return ConfigTarget(_one_of("config", tail, tuple(view.workflow.config)))
        case "resources":
            return ResourceTarget(_one_of("resources", tail, tuple(view.workflow.resources)))
        case "secrets":
            return SecretTarget(_one_of("secrets", tail, tuple(view.workflow.secrets)))
        case "execution":
            return ExecutionTarget(_one_of("execution", tail, _EXECUTION))
        case "step":
            if view.step is None:
                raise Unresolved("SW212", "`step` can be named only inside a step")
            return StepTarget(_one_of("step", tail, _STEP))
        case "index":
            raise Unresolved("SW213", "`index` can be named only inside a loop")
        case name:
            return ResultTarget(reference.parts) if view.own_result else _bare(name, reference.parts, view)


def _bare(name: str, parts: Tail, view: View) -> Target:
    owners = [step for step in view.finished if step.output(name)]
    declared = name in (view.workflow.keys.inputs or {})
    if len(owners) + declared > 1:
        places = [f"`{{steps.{step.id}.outputs.{name}}}`" for step in owners] + [f"`{{input.{name}}}`"] * declared
        raise Unresolved("SW204", f"`{name}` could mean more than one thing", "write " + " or ".join(places))
    if owners:
        return _output(owners[0], name, parts[1:], view)
    if declared or view.workflow.open:
        return InputTarget(parts, inferred=not declared)
    later = next((step for step in view.workflow.steps if step.output(name)), None)
    if later:
        raise Unresolved(
            "SW205",
            f"`{name}` is an output of `{later.id}`, which has not finished here",
            f"move this behind `{later.id}`",
        )
    known = [output.name for step in view.finished for output in step.outputs] + list(view.workflow.keys.inputs or {})
    raise Unresolved("SW203", f"nothing is called `{name}` here", _suggest(name, known))


def _input(path: Tail, view: View) -> InputTarget:
    declared = view.workflow.keys.inputs or {}
    if path and not view.workflow.open and path[0] not in declared:
        raise Unresolved("SW203", f"the input has no `{path[0]}`", _suggest(str(path[0]), declared))
    return InputTarget(path, inferred=bool(path) and path[0] not in declared)


def _long_output(tail: Tail, view: View) -> Target:
    if not tail:
        raise Unresolved("SW206", "a step's id is missing", "write `{steps.ID.outputs.NAME}`")
    id_ = str(tail[0])
    step = next((step for step in view.workflow.steps if step.id == id_), None)
    if step is None:
        raise Unresolved(
            "SW203", f"no step has the id `{id_}`", _suggest(id_, [step.id for step in view.workflow.steps])
        )
    if not any(finished.id == id_ for finished in view.finished):
        raise Unresolved("SW205", f"the step `{id_}` has not finished here", f"move this behind `{id_}`")
    match tail[1:]:
        case ("status",):
            return StatusTarget(step)
        case ("outputs", str(name), *path):
            return _output(step, name, tuple(path), view)
        case _:
            raise Unresolved(
                "SW206", "of a step, `status` and `outputs.NAME` can be named", f"write `{{steps.{id_}.outputs.NAME}}`"
            )


def _output(step: Step, name: str, path: Tail, view: View) -> OutputTarget:
    output = step.output(name)
    if output is None:
        raise Unresolved(
            "SW203",
            f"the step `{step.id}` has no output `{name}`",
            _suggest(name, [known.name for known in step.outputs]),
        )
    if step.may_fail_alone and not output.has_default and not view.handling:
        hint = f"give it a default: `{name}: {{value: ..., default: null}}`"
        raise Unresolved(
            "SW207", f"the step `{step.id}` may fail without ending the flow, and `{name}` is then missing", hint
        )
    return OutputTarget(step, output, path, uncertain=view.handling)


def _one_of(root: str, tail: Tail, names: tuple[str, ...]) -> str:
    if len(tail) == 1 and tail[0] in names:
        return str(tail[0])
    written = ".".join(str(part) for part in tail) or "nothing"
    hint = _suggest(str(tail[0]) if tail else "", names)
    raise Unresolved("SW203", f"`{root}` has no `{written}`" if tail else f"`{root}` alone has no value", hint)


def _suggest(word: str, names: Iterable[str]) -> str:
    known = list(names)
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"known here: {', '.join(f'`{name}`' for name in known)}" if known else "nothing is declared here"
