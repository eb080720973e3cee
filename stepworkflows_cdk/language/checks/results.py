"""What the steps inside of a step give, and what its own outputs, or the condition of its rounds, name of that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.references import Reference
from stepworkflows_cdk.language.scope import View
from stepworkflows_cdk.language.shape import nearest
from stepworkflows_cdk.language.targets import ResultTarget, Target
from stepworkflows_cdk.language.views import ends
from stepworkflows_cdk.language.work_key import WorkKey
from stepworkflows_cdk.language.workflow import Output, Step

__all__ = ["named_files", "named_results"]


@dataclass
class _Given:
    """``surely``: names that are there whatever was skipped; ``maybe``: those that may be missing."""

    surely: set[str] = field(default_factory=set)
    maybe: set[str] = field(default_factory=set)

    @property
    def names(self) -> set[str]:
        return self.surely | self.maybe

    def add(self, other: _Given, *, sure: bool = True) -> None:
        self.surely |= other.surely if sure else set()
        self.maybe |= other.maybe if sure else other.names
        self.maybe -= self.surely


def named_results(target: Target, view: View, output: Output | None, *, alone: bool, mark: Mark) -> Iterator[Problem]:
    """The problems of a name for a part of the result of steps inside of the step at hand. ``output`` is the one that it
    stands in, ``alone`` where nothing else does.
    """
    step = view.step
    if not isinstance(target, ResultTarget) or step is None:
        return
    if step.integration:
        yield from _of_work(target, step, step.integration, mark)
        return
    if not (step.arms or step.branches):
        return
    if step.keys.for_each and step.keys.for_each.results:
        message = "what the items gave is in files, by `results`, and not at hand"
        yield Problem("SW205", message, mark, f"remove it; behind, `{{steps.{step.title}.outputs.results}}` says where")
        return
    path = [part for part in target.path if isinstance(part, str)]
    for number, given in enumerate(_levels(step, path)):
        name, around = path[number], f"`{'.'.join(path[:number])}` of " if number else ""
        if name not in given.names:
            known = ", ".join(f"`{each}`" for each in sorted(given.names))
            hint = nearest(name, sorted(given.names)) or (
                f"it gives {known}" if known else "give steps inside `outputs`"
            )
            yield Problem("SW203", f"{around}`{step.title}` gives no `{name}`", mark, hint)
            return
        if name in given.maybe and alone and not (output and output.has_default):
            message = f"not every way through `{step.title}` gives `{name}`, and it is then missing"
            shown = output.name if output else name
            yield Problem("SW207", message, mark, f"give it a default: `{shown}: {{value: ..., default: null}}`")
            return


def named_files(reference: Reference, target: Target, view: View, mark: Mark) -> Iterator[Problem]:
    """The problem of a work's own output that names the files of the `for-each` beside it, which are there only behind it."""
    named = isinstance(target, ResultTarget) and reference.root == "results"
    loop = next((step for step in view.workflow.forward if view.loops and step.id == view.loops[-1].id), None)
    if named and loop and loop.written_id and loop.keys.for_each and loop.keys.for_each.results:
        message = f"this is an output of each item, and the files of `{loop.title}` are there once all have ended"
        hint = (
            f"remove it; behind, `{{steps.{loop.title}.outputs.results}}` says where they are. "
            "A field of the work's own result is `{result.results}`"
        )
        yield Problem("SW205", message, mark, hint)


def _of_work(target: ResultTarget, step: Step, work: WorkKey, mark: Mark) -> Iterator[Problem]:
    """The problem of a field that the result of the step's own work surely has not."""
    known, name = work.gives(step), str(target.path[0]) if target.path else ""
    if known is None or not name or name in known:
        return
    shown = sorted(known)
    some = ", ".join(f"`{each}`" for each in shown[:12]) + (" ..." if len(shown) > 12 else "")
    near = nearest(name, shown)
    hint = f"it gives {some}{f'; {near}' if near else ''}" if shown else "it gives nothing: remove this"
    yield Problem("SW203", f"the result of `{step.title}` has no `{name}`", mark, hint)


def _levels(step: Step, path: list[str]) -> Iterator[_Given]:
    """What can be named at each part of the path, as far as that is known."""
    forked = step.keys.parallel is not None and step.keys.join != "any"
    if path and forked:
        branches = {branch.name: branch.steps for branch in step.branches}
        told = {"winners"} if step.is_race else set[str]()
        # Of a race, the branches that lost are missing.
        yield _Given(told if step.is_race else set(branches), set(branches) if step.is_race else set())
        if len(path) > 1 and path[0] in branches:
            yield _of_steps(branches[path[0]])
    elif path and step.is_race:
        each = [_of_steps(branch.steps) for branch in step.branches]
        yield _either([*each], complete=True, also={"winner"})
    elif path:
        yield _of_inside(step)


def _of_steps(steps: Iterable[Step]) -> _Given:
    found = _Given()
    for step in steps:
        if step.outputs:
            always = not (step.may_be_skipped or step.may_fail_alone or step.catches)
            surely = {output.name for output in step.outputs if always or output.has_default}
            found.add(_Given(surely, {output.name for output in step.outputs} - surely))
        elif not step.is_race:
            found.add(_of_inside(step), sure=not (step.may_be_skipped or step.may_fail_alone or step.catches))
    return found


def _of_inside(step: Step) -> _Given:
    """What a step without outputs of its own gives."""
    if step.arms:
        ways = [_of_steps(arm.steps) for arm in step.arms if not ends(arm.steps)]
        return _either(ways, complete=step.arms[-1].when is None)
    found = _Given()
    for branch in step.branches:
        given = _of_steps(branch.steps)
        found.add(_Given(given.names) if branch.each else given)  # a list, whoever was skipped
    return found


def _either(ways: list[_Given], *, complete: bool, also: Iterable[str] = ()) -> _Given:
    """What one of several ways gives."""
    surely = set.intersection(*(way.surely for way in ways)) if ways and complete else set[str]()
    names = {name for way in ways for name in way.names}
    return _Given(surely | set(also), names - surely)
