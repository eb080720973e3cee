"""Names become targets: what a reference means at the place where it stands.

Long roots (``input``, ``steps``, ``config`` ...) mean the same everywhere. A bare name is, first hit wins: in a
step's own ``outputs`` a field of its result; elsewhere an output of a step surely finished; a declared input; a field
of an open input.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import combinations, takewhile

from stepworkflows_cdk.language.needs import how_to_wait
from stepworkflows_cdk.language.references import Reference
from stepworkflows_cdk.language.targets import (
    ConfigTarget,
    ErrorTarget,
    ExecutionTarget,
    Frame,
    InputTarget,
    ItemTarget,
    Known,
    Loop,
    OutputTarget,
    ResourceTarget,
    ResultTarget,
    SecretTarget,
    StatusTarget,
    StepTarget,
    Tail,
    Target,
    Turn,
    Way,
)
from stepworkflows_cdk.language.workflow import EACH, Step, Workflow, walk

__all__ = ["ROOTS", "Unresolved", "View", "resolve", "root_meant"]

ROOTS = ("input", "steps", "result", "index", "error", "secrets", "resources", "config", "execution", "step")
_ROOTS_ELSEWHERE = {"inputs": "input", "resource": "resources", "secret": "secrets"}
"""What other formats call the beginnings of references."""
_EXECUTION = ("id", "name", "started")
_STEP = ("id", "attempt")
_ERROR = ("type", "cause")
_ERROR_ELSEWHERE = {
    **dict.fromkeys(("error", "name", "code", "type"), "type"),
    **dict.fromkeys(("message", "cause", "details", "text"), "cause"),
}
"""What other formats call the parts of an error."""


class Unresolved(Exception):
    """A reference that means nothing here."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


@dataclass(frozen=True)
class View:
    """What can be named at one place, which is inside the branches ``frame``.

    ``handling``: an error of the flow is, and any step can be named, null where it did not finish; ``undoing``: by an undo.
    ``error``: one can be named; ``catching`` is the id of the step whose ``catch`` handles it.
    """

    workflow: Workflow
    known: tuple[Known, ...] = ()
    step: Step | None = None
    own_result: bool = False
    handling: bool = False
    undoing: bool = False
    error: bool = False
    catching: str = ""
    frame: Frame = ()
    loops: tuple[Loop, ...] = ()
    """Those that the place is inside of, outermost first."""
    turns: tuple[Turn, ...] = ()
    """What is done again that it is inside of, too."""
    until: bool = False
    """Whether the place is the condition of a ``repeat``, which may read ``result`` as well."""
    ending: bool = False
    """Whether there may be no error at all, though it can be named."""

    def shared(self, frame: Frame) -> int:
        """How many of the scopes ``frame`` are around the place too. Branches that have come to rest are not."""
        number = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(self.frame, frame, strict=False)))
        while self.undoing and number and not self.frame[number - 1].endswith(EACH):
            number -= 1
        return number

    def of_outputs(self) -> View:
        """The view from the step's own outputs."""
        step = self.step
        own = step is not None and bool(step.integration or step.branches or step.arms)
        return replace(self, own_result=own)

    def of_round(self) -> View:
        """The view from the condition on which a step with ``repeat`` ends."""
        known = tuple(replace(one, sure=True) if one.step is self.step else one for one in self.known)
        return replace(self, known=known, own_result=False, until=True)

    def of_try(self) -> View:
        """The view from a condition on the error of a try."""
        return replace(self, own_result=False, error=True, catching="")


def resolve(reference: Reference, view: View) -> Target:
    """What the reference means. Raises :class:`Unresolved`."""
    tail = reference.parts[1:]
    match reference.root:
        case "input":
            return _input(tail, view)
        case "steps":
            return _long_output(tail, view)
        case "result":
            if not (view.own_result or view.until):
                hint = "name an output of a step: `{steps.ID.outputs.NAME}`"
                raise Unresolved("SW210", "`result` can be named only in the `outputs` of a step that does work", hint)
            return ResultTarget(tail)
        case "error":
            if not view.error:
                hint = "use it in `catch`, `undo`, `on-failure` or `retry.when`"
                raise Unresolved("SW211", "`error` can be named only where an error is handled", hint)
            if len(tail) == 1 and (meant := _ERROR_ELSEWHERE.get(str(tail[0]).lower())) and tail[0] not in _ERROR:
                raise Unresolved("SW203", f"`error` has no `{tail[0]}`", f"write `{{error.{meant}}}`")
            return ErrorTarget(_one_of("error", tail, _ERROR))
        case "config":
            hint = "declare it: `config: {NAME: {default: dev}}`"
            return ConfigTarget(_one_of("config", tail, tuple(view.workflow.config), hint))
        case "resources":
            hint = "declare it: `resources: {NAME: {type: table, key: id}}`"
            return ResourceTarget(_one_of("resources", tail, tuple(view.workflow.resources), hint))
        case "secrets":
            return SecretTarget(
                _one_of("secrets", tail, tuple(view.workflow.secrets), "declare it: `secrets: {NAME: {}}`")
            )
        case "execution":
            return ExecutionTarget(_one_of("execution", tail, _EXECUTION))
        case "step":
            if view.step is None:
                raise Unresolved("SW212", "`step` can be named only inside a step", "name it in an output of a step")
            return StepTarget(_one_of("step", tail, _STEP))
        case "index":
            if not view.loops or tail:
                hint = "write `{index}`, inside of a step with `for-each`"
                raise Unresolved("SW213", "`index` can be named only inside a `for-each`, and is a number", hint)
            if view.loops[-1].batch:
                raise Unresolved("SW213", "a batch has no `index`", "name what tells the items apart")
            return ItemTarget(view.loops[-1], index=True)
        case name:
            return ResultTarget(reference.parts) if view.own_result else _bare(name, reference.parts, view)


def _bare(name: str, parts: Tail, view: View) -> Target:
    loop = next((loop for loop in reversed(view.loops) if loop.name == name), None)
    if loop:
        return ItemTarget(loop, parts[1:])
    owners = [known for known in view.known if known.step.output(name)]
    owners = [known for known in owners if not _is_inside(known, owners)]
    owners = [known for known in owners if not known.raced] or owners[:1]
    declared = name in (view.workflow.keys.inputs or {})
    if (owners and declared) or not all(_apart(*pair) for pair in combinations(owners, 2)):
        places = [f"`{{steps.{known.step.title}.outputs.{name}}}`" for known in owners]
        places += [f"`{{input.{name}}}`"] * declared
        raise Unresolved("SW204", f"`{name}` could mean more than one thing", "write " + " or ".join(places))
    if owners:
        return _output(owners, name, parts[1:], view)
    later = next((step for step in view.workflow.forward if step.output(name) and step is not view.step), None)
    if name == "item" and view.loops and not (declared or later):
        meant = f"write `{{{'.'.join(str(part) for part in (view.loops[-1].name, *parts[1:]))}}}`, as the `for-each` calls it"
        meant += "; `{input.item}` is a field of the input" if view.workflow.open else ""
        raise Unresolved("SW203", "nothing is called `item` here", meant)
    if declared or (view.workflow.open and not later):
        return InputTarget(parts, inferred=not declared)
    if later:
        message = f"`{name}` is an output of `{later.title}`, which has not finished here"
        meant = f"; write `{{input.{name}}}` for a field of the input" if view.workflow.open else ""
        raise Unresolved("SW205", message, _sooner(later, name, view) + meant)
    names = [loop.name for loop in reversed(view.loops)]
    names += [output.name for known in view.known for output in known.step.outputs]
    if meant := root_meant(parts, view):
        raise Unresolved("SW203", f"nothing is called `{name}` here", meant)
    raise Unresolved(
        "SW203", f"nothing is called `{name}` here", _suggest(name, [*names, *(view.workflow.keys.inputs or {})])
    )


def root_meant(parts: Tail, view: View) -> str:
    """What was meant by a name that begins a path: a step's id, or a root as others call it; empty where neither is seen."""
    name, rest = str(parts[0]), ".".join(str(part) for part in parts[1:] if part != "outputs")
    if any(step.title == name for step in view.workflow.forward):
        return f"write `{{steps.{name}.outputs.{rest or 'NAME'}}}`"
    root = _ROOTS_ELSEWHERE.get(name)
    return f"write `{{{root}.{rest}}}`" if root and rest else ""


def _is_inside(known: Known, others: Sequence[Known]) -> bool:
    """Whether it is inside another of them, which says by its own outputs what it gives."""
    return any(known.step is inner for other in others for inner in walk(other.step.inside))


def _apart(one: Known, other: Known) -> bool:
    """Whether at most one of two steps ran: they are in different ways out of one fork."""
    taken = {way.fork: way.index for way in one.ways}
    return any(taken.get(way.fork, way.index) != way.index for way in other.ways)


def _covered(ways: Sequence[tuple[Way, ...]]) -> bool:
    """Whether one of the steps that are in these ways ran, whichever ways were taken."""
    if not all(ways):
        return bool(ways)
    by_index = {first.index: [rest for head, *rest in ways if head == first] for first, *_ in ways}
    complete = len({first.fork for first, *_ in ways}) == 1 and len(by_index) == ways[0][0].number
    return complete and all(_covered([tuple(rest) for rest in inner]) for inner in by_index.values())


def _input(path: Tail, view: View) -> InputTarget:
    declared = view.workflow.keys.inputs or {}
    if path and not view.workflow.open and path[0] not in declared:
        raise Unresolved("SW203", f"the input has no `{path[0]}`", _suggest(str(path[0]), declared))
    return InputTarget(path, inferred=bool(path) and path[0] not in declared)


def _long_output(tail: Tail, view: View) -> Target:
    if not tail:
        raise Unresolved("SW206", "a step's id is missing", "write `{steps.ID.outputs.NAME}`")
    id_ = str(tail[0])
    found = [known for known in view.known if known.step.title == id_]
    # Of a step that does its work for each item, the loop around it has an output of its own.
    wanted = str(tail[2]) if len(tail) > 2 else ""
    known = next((known for known in found if known.step.output(wanted)), found[-1] if found else None)
    if known is None and view.step is not None and view.step.title == id_:
        rest = ".".join(str(part) for part in tail[2:]) or "NAME"
        hint = (
            f"name a field of its result: `{{result.{rest}}}`" if view.own_result else "name what was there before it"
        )
        raise Unresolved("SW205", f"`{id_}` is this step, and has not finished here", hint)
    if known is None:
        steps = {step.title: step for step in view.workflow.forward}
        if id_ not in steps:
            raise Unresolved("SW203", f"no step has the id `{id_}`", _suggest(id_, steps))
        hint = _sooner(steps[id_], wanted, view)
        raise Unresolved("SW205", f"the step `{id_}` has not finished here", hint)
    match tail[1:]:
        case ("status",):
            _at_hand(known)
            return StatusTarget(known)
        case ("outputs", str(name), *path):
            return _output([known], name, tuple(path), view)
        case _:
            message = "of a step, `status` and `outputs.NAME` can be named"
            last = str(tail[-1])
            name = last if len(tail) > 1 and known.step.output(last) else "NAME"
            raise Unresolved("SW206", message, f"write `{{steps.{id_}.outputs.{name}}}`")


def _sooner(step: Step, output: str, view: View) -> str:
    """How what a step gives can be named where it is not known yet."""
    if view.step is None and not view.known:
        return "name what the flow is given, such as `{input.NAME}`: this is known before its first step"
    if output and _is_of_round(step, view):
        return f"write `{{result.{output}}}`: what a round gives is its result"
    return how_to_wait(view.workflow, view.step, step)


def _is_of_round(step: Step, view: View) -> bool:
    """Whether a step is inside of the one whose rounds end on the condition at the place."""
    return view.until and view.step is not None and step in tuple(walk(view.step.inside))


def _output(owners: list[Known], name: str, path: Tail, view: View) -> OutputTarget:
    # What ran in place of a step is asked before the step, whose defaults are there in any case.
    owners = sorted(owners, key=lambda known: [way.index or way.number for way in known.ways])
    known = owners[0]
    _at_hand(known)
    step = known.step
    outputs = [output for owner in owners if (output := owner.step.output(name))]
    if not outputs:
        names = [output.name for output in step.outputs]
        raise Unresolved("SW203", f"the step `{step.id}` has no output `{name}`", _suggest(name, names))
    output = next((output for output in outputs if output.has_default), outputs[0])
    others = tuple(owners[1:])
    if view.handling or (known.each and (output.has_default or not known.gaps)):
        ran = known.sure and not known.ways and not view.handling
        return OutputTarget(known, output, path, uncertain=not ran, others=others)
    covered = _covered([owner.ways for owner in owners])
    alone = next((owner.step for owner in owners if owner.step.may_fail_alone), None)
    if covered and alone is None and all(owner.sure and not owner.gaps for owner in owners):
        return OutputTarget(known, outputs[0], path, others=others)
    if output.has_default:
        return OutputTarget(known, output, path, uncertain=True, others=others)
    how, instead = _may_lack(known, alone is not None)
    hint = f"{instead}give it a default: `{name}: {{value: ..., default: null}}`"
    raise Unresolved("SW207", f"the step `{(alone or step).id}` {how}, and `{name}` is then missing", hint)


def _may_lack(known: Known, alone: bool) -> tuple[str, str]:
    """Why what a step gives may be missing, and what there is to do beside a default."""
    step = known.step
    skips = step.waits.skips if step.waits and step.keys.if_ is None else ()
    caught = known.sure and [way.fork for way in known.ways] == [step.id]
    if known.each:
        return "may not finish for each item", ""
    if alone:
        return "may fail without ending the flow", ""
    if skips:
        instead = (
            f"remove `needs` of `{step.title}`: it then waits for all before it, and is not skipped with them; or "
        )
        return f"is skipped with {' or '.join(f'`{id_}`' for id_ in skips)}, which it needs", instead
    if caught:
        late = step.keys.on_timeout not in (None, "fail") and len(step.catches) == 1
        return "may not be done in time" if late else "may fail, and what handles that goes on", ""
    return "may not run", ""


def _at_hand(known: Known) -> None:
    if known.raced:
        message = f"`{known.step.title}` is in a branch of `{known.raced}`, and another branch may have been faster"
        hint = f"name what the winner gave, in `outputs` of `{known.raced}`"
        raise Unresolved("SW205", message, hint)
    if known.away:
        message = f"what `{known.step.title}` gave is in files, by `results` of `{known.away}`"
        raise Unresolved("SW205", message, f"name where they are: `{{steps.{known.away}.outputs.results}}`")


def _one_of(root: str, tail: Tail, names: tuple[str, ...], none: str = "") -> str:
    if len(tail) == 1 and tail[0] in names:
        return str(tail[0])
    written = ".".join(str(part) for part in tail) or "nothing"
    hint = (none.replace("NAME", str(tail[0])) if tail and not names else "") or _suggest(
        str(tail[0]) if tail else "", names
    )
    raise Unresolved("SW203", f"`{root}` has no `{written}`" if tail else f"`{root}` alone has no value", hint)


def _suggest(word: str, names: Iterable[str]) -> str:
    known = list(names)
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"known here: {', '.join(f'`{name}`' for name in known)}" if known else "nothing is declared here"
