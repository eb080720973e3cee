"""A flow's documents become a workflow: what each step's keys are, whose work it is, what is inside it.

Every fault becomes a problem, and reading goes on behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from stepworkflows_cdk.language.around import read_resources, read_triggers
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.document import Document, Path_
from stepworkflows_cdk.language.habits import Around, inner_models
from stepworkflows_cdk.language.ids import id_of, slug
from stepworkflows_cdk.language.keys import key_names
from stepworkflows_cdk.language.loops import LOOP, apart
from stepworkflows_cdk.language.model import NO_UNDO, FlowKeys, Keys, OutputKeys, StepKeys
from stepworkflows_cdk.language.needs import Faults, waiting
from stepworkflows_cdk.language.references import literal_of
from stepworkflows_cdk.language.shape import is_long_form, nearest, read_keys, right_keys, unknown_key
from stepworkflows_cdk.language.work import read_work, work_keys
from stepworkflows_cdk.language.work_key import WorkKey
from stepworkflows_cdk.language.workflow import Arm, Branch, Output, Secret, Step, Workflow

__all__ = ["Reader"]

_DEPTH = 20
"""Steps of libraries that are steps of libraries; more are a circle."""
_NAMES = {"inputs": "step", "config": "step", "secrets": "step", "resources": "resource"}
"""Keys of a flow that give names; what is lost with them."""
UndoSteps = dict[str, Step] | None


class Reader:
    """Reads one flow. What does not fit is added to ``problems``, and what could not be read (``step``, ``resource``) to
    ``lost``; ``whole`` tells whether all of the flow's own keys could. ``used`` gives the flow that a step names by the
    path at a place of a document; ``library`` the document with a step of a library put in, and whether the path names
    one.
    """

    def __init__(
        self,
        document: Document,
        integrations: Sequence[WorkKey],
        problems: list[Problem],
        lost: set[str],
        used: Callable[[Document, Path_, str], Workflow | None],
        library: Callable[[Document, Path_, str], tuple[Document | None, bool]],
    ) -> None:
        self._library = library
        self._from_library = 0
        self._document = document
        self._integrations = integrations
        self._problems = problems
        self._lost = lost
        self.whole = True
        self._used = used
        self._work_keys = work_keys(integrations)

    def flow(self, actors: Sequence[Document]) -> Workflow | None:
        document = self._document
        work = {key: value for key, value in document.value.items() if key in self._work_keys}
        own = {key: value for key, value in document.value.items() if key not in work}
        if not self._known(document, (), own, FlowKeys):
            own = {key: value for key, value in own.items() if key in key_names(FlowKeys)}
        keys = read_keys(FlowKeys, document, (), own, self._problems)
        undo_steps = {
            name: step
            for name in self._mapping("undo-steps")
            if (step := self._step(document, ("undo-steps", name), name))
        }
        steps: list[Step | None] = []
        if work and keys:
            steps.append(self._own_code(keys, work))
        steps.extend(self._step(document, ("steps", index), None, undo_steps) for index in self._list("steps"))
        steps.extend(self._step(actor, (), None, undo_steps) for actor in actors)
        on_failure, finally_ = (
            [self._step(document, (key, index), None) for index in self._list(key)] for key in ("on-failure", "finally")
        )
        sound = keys or right_keys(FlowKeys, own)
        if sound is None:
            return None
        if keys is None:  # what is right is checked all the same
            self.whole = False
            self._lost.update(kind for key, kind in _NAMES.items() if key in own and getattr(sound, key) is None)
        if not steps and not self._problems:
            self._problems.append(
                Problem("SW111", "the flow has no steps", document.mark(()), "add `steps`, or the keys of its own code")
            )
        resources = read_resources(document, sound, self._integrations, self._problems, self._lost)
        triggers = read_triggers(document, sound, self._integrations, self._problems)
        outputs = self._outputs(document, (), sound.outputs)
        name = sound.name or sound.id
        if name is None and not {"name", "id"} & set(own):
            self._problems.append(
                Problem(
                    "SW102",
                    "the flow has neither `name` nor `id`",
                    document.mark(()),
                    "add one, such as `name: order-flow`",
                )
            )
            return None
        return Workflow(
            id=sound.id or (self._slug(name, document, ("name",)) if name else "flow"),
            name=name or "flow",
            document=document,
            keys=sound,
            steps=self._waiting(steps),
            on_failure=self._waiting(on_failure),
            finally_=tuple(step for step in finally_ if step),
            undo_steps=undo_steps,
            outputs=outputs,
            resources=resources,
            secrets={
                name: Secret(name, secret, document.key_mark(("secrets", name)))
                for name, secret in (sound.secrets or {}).items()
            },
            config=sound.config or {},
            triggers=triggers,
        )

    def _own_code(self, keys: FlowKeys, work: dict[str, Any]) -> Step | None:
        shared = {
            key: self._document.value[key]
            for key in ("id", "name", "description", "outputs", "env", "retry", "permissions")
            if key in self._document.value
        }
        step = self._step_of(self._document, (), {**shared, **work}, None, {})
        if step is None:
            return None
        return replace(step, whole_input=True)

    def _step(self, document: Document, path: Path_, name: str | None, undo_steps: UndoSteps = None) -> Step | None:
        value = document.get(path)
        if not isinstance(value, dict):
            self._problems.append(
                Problem(
                    "SW103", "a step must be a mapping", document.mark(path), "write it like `- {id: pause, wait: 5m}`"
                )
            )
            return None
        return self._step_of(document, path, value, name, undo_steps)

    def _step_of(
        self,
        document: Document,
        path: Path_,
        value: dict[str, Any],
        name: str | None,
        undo_steps: UndoSteps,
    ) -> Step | None:
        uses = value.get("uses")
        if isinstance(uses, str) and "uses" in self._work_keys:
            found, is_step = self._library(document, path, uses)
            if is_step:
                return self._step_of_library(document, found, path, name, undo_steps)
        if "for-each" in value and "steps" not in value:
            return self._for_each(document, path, name, undo_steps)
        before = len(self._problems)
        known = {key: item for key, item in value.items() if key in key_names(StepKeys)}
        self._known(document, path, value, StepKeys)
        keys = read_keys(StepKeys, document, path, known, self._problems)
        integration, work = read_work(document, path, value, self._integrations, self._problems)
        flow = self._flow_of(document, path, integration, work)
        if keys is None or len(self._problems) > before:
            keys = keys or right_keys(StepKeys, known)
            if keys is None or not _is_sound_group(keys, known):
                self._lost.add("step")
                if keys:
                    self._inside(document, path, keys, "", undo_steps)  # what is there may be wrong as well
                return None
        title = keys.name or keys.id or name
        if title is None:
            self._problems.append(
                Problem(
                    "SW102",
                    "the step has neither `id` nor `name`",
                    document.mark(path),
                    "add one, such as `id: charge`",
                )
            )
            return None
        outputs = self._outputs(document, path, keys.outputs)
        if keys.for_each and keys.for_each.collect:
            outputs = (*outputs, Output("errors", (*path, "for-each", "collect")))
        if keys.for_each and keys.for_each.results:
            outputs = (*outputs, Output("results", (*path, "for-each", "results")))
        id_ = keys.id or (name if name and not keys.name else None) or self._slug(title, document, (*path, "name"))
        return Step(
            id_,
            title,
            document,
            path,
            keys,
            outputs,
            integration,
            work,
            *self._inside(document, path, keys, id_, undo_steps),
            flow=flow,
            flow_id=id_of(self._document.value) or "",
        )

    def _inside(
        self, document: Document, path: Path_, keys: StepKeys, id_: str, undo_steps: UndoSteps
    ) -> tuple[Step | None, tuple[Arm, ...], tuple[Branch, ...], tuple[Arm, ...], Arm | None]:
        """The steps inside a step: its undo, arms, branches, catches, reminder."""
        reminder: Arm | None = None
        if keys.remind:
            place = (*path, "remind")
            reminder = Arm(place, self._steps(document, (*place, "steps"), keys.remind.steps, undo_steps))
        return (
            self._undo(document, path, keys, id_, undo_steps),
            self._arms(document, path, keys, undo_steps),
            self._branches(document, path, keys, undo_steps),
            self._catches(document, path, keys, undo_steps),
            reminder,
        )

    def _step_of_library(
        self, document: Document, found: Document | None, path: Path_, name: str | None, undo_steps: UndoSteps
    ) -> Step | None:
        if found is None:
            self._lost.add("step")
            return None
        self._from_library += 1
        try:
            if self._from_library > _DEPTH:
                message = "this step of a library leads to itself"
                self._problems.append(Problem("SW228", message, found.mark((*path, "uses")), "break the circle"))
                self._lost.add("step")
                return None
            step = self._step_of(found, path, found.get(path), name, undo_steps)
        finally:
            self._from_library -= 1
        return step and self._with_handlers(document, path, step, undo_steps)

    def _with_handlers(self, document: Document, path: Path_, step: Step, undo_steps: UndoSteps) -> Step:
        """The step of a library with the steps that its user wrote for failures: their paths are from the user's document."""
        written = document.get(path)
        if {"catch", "on-timeout"} & set(written):
            step = replace(step, catches=self._catches(document, path, step.keys, undo_steps))
        if "undo" not in written:
            return step
        if not step.written_id:
            return replace(step, undo=self._undo(document, path, step.keys, step.id, undo_steps))
        (each,) = step.branches
        (work,) = each.steps
        work = replace(work, undo=self._undo(document, path, work.keys, work.id, undo_steps))
        return replace(step, branches=(replace(each, steps=(work,)),))

    def _for_each(self, document: Document, path: Path_, name: str | None, undo_steps: UndoSteps) -> Step | None:
        """A step that does its own work for each item: a loop around it."""
        split = apart(document, path)
        step = self._step_of(split, path, split.get(path), name, undo_steps)
        return step and replace(step, id=f"{step.id}{LOOP}", written_id=step.id)

    def _flow_of(self, document: Document, path: Path_, integration: WorkKey | None, work: Any) -> Workflow | None:
        if integration is None or integration.key is None or not integration.starts_flows or work is None:
            return None
        place = (*path, integration.key)
        return self._used(document, place, document.get(place))

    def _arms(self, document: Document, path: Path_, keys: StepKeys, undo_steps: UndoSteps) -> tuple[Arm, ...]:
        if keys.steps and not keys.for_each:
            place: Path_ = (*path, "steps")
            return (Arm(place, self._steps(document, place, keys.steps, undo_steps)),)
        arms: list[Arm] = []
        for index, arm in enumerate(keys.switch or ()):
            place = (*path, "switch", index)
            mark = document.mark(place)
            last = index + 1 == len(keys.switch or ())
            if arm.else_ is not None:
                if not last or arm.when is not None or arm.steps is not None:
                    self._problems.append(Problem("SW116", "`else` stands alone and last", mark, "move it to the end"))
                steps = self._steps(document, (*place, "else"), arm.else_, undo_steps) if arm.else_ else ()
                arms.append(Arm(place, steps))
            elif arm.when is None or arm.steps is None:
                self._problems.append(
                    Problem("SW116", "an arm has `when` and `steps`, or `else`", mark, "add what is missing")
                )
            else:
                steps = self._steps(document, (*place, "steps"), arm.steps, undo_steps)
                arms.append(Arm(place, steps, arm.when))
        return tuple(arms)

    def _branches(self, document: Document, path: Path_, keys: StepKeys, undo_steps: UndoSteps) -> tuple[Branch, ...]:
        if keys.for_each and keys.steps:
            return (Branch("each", self._steps(document, (*path, "steps"), keys.steps, undo_steps), each=True),)
        return tuple(
            Branch(name, self._steps(document, (*path, "parallel", name), steps, undo_steps))
            for name, steps in (keys.parallel or {}).items()
        )

    def _catches(self, document: Document, path: Path_, keys: StepKeys, undo_steps: UndoSteps) -> tuple[Arm, ...]:
        found: list[Arm] = []
        place: Path_ = (*path, "on-timeout")
        if keys.on_timeout not in (None, "fail"):
            late = keys.on_timeout if isinstance(keys.on_timeout, list) else None
            steps = () if late is None else self._steps(document, place, late, undo_steps)
            found.append(Arm(place, steps, errors=("States.Timeout",)))
        for index, catch in enumerate(keys.catch or ()):
            place = (*path, "catch", index)
            steps = self._steps(document, (*place, "steps"), catch.steps, undo_steps)
            found.append(Arm(place, steps, catch.when, tuple(catch.errors)))
        return tuple(found)

    def _steps(self, document: Document, path: Path_, steps: list[Any], undo_steps: UndoSteps) -> tuple[Step, ...]:
        found = [self._step(document, (*path, index), None, undo_steps) for index in range(len(steps))]
        if not steps:
            self._problems.append(
                Problem("SW106", "no steps stand here", document.mark(path), "add steps, or remove it")
            )
        return self._waiting(found)

    def _waiting(self, found: Sequence[Step | None]) -> tuple[Step, ...]:
        """The steps of one list, each with what it waits for."""
        try:
            return waiting([step for step in found if step])
        except Faults:
            self._lost.add("needs")
            return tuple(step for step in found if step)

    def _known(self, document: Document, path: Path_, value: dict[str, Any], model: type[Keys]) -> bool:
        allowed = {*key_names(model), *self._work_keys}
        unknown = [key for key in value if key not in allowed]
        models = [model, *(integration.keys for integration in self._integrations if integration.keys)]
        inner = [pair for each in models for pair in inner_models(each)] if unknown else []
        if model is FlowKeys:
            inner = [*inner_models(model)]
        around = Around(allowed, value, inner)
        self._problems.extend(unknown_key(document, (*path, key), around) for key in unknown)
        return not unknown

    def _undo(self, document: Document, path: Path_, keys: StepKeys, id_: str, undo_steps: UndoSteps) -> Step | None:
        if keys.undo is None:
            return None
        mark = document.mark((*path, "undo"))
        if undo_steps is None:
            self._problems.append(Problem("SW112", "only a step of the flow can have an `undo`", mark, "remove it"))
            return None
        if keys.undo == NO_UNDO:
            return None
        if isinstance(keys.undo, dict):
            return self._step(document, (*path, "undo"), f"undo-{id_}")
        if keys.undo not in undo_steps:
            written = self._document.get(("undo-steps",))
            declared = self._document.get(("undo-steps", keys.undo)) is not None or not isinstance(written, dict | None)
            if not declared:
                hint = nearest(keys.undo, undo_steps) or "declare it under `undo-steps`"
                self._problems.append(Problem("SW202", f"no undo step is called `{keys.undo}`", mark, hint))
            return None
        return replace(undo_steps[keys.undo])  # another one for each step, since each stands at another place

    def _outputs(self, document: Document, path: Path_, outputs: dict[str, Any] | None) -> tuple[Output, ...]:
        found: list[Output] = []
        for name, value in (outputs or {}).items():
            place = (*path, "outputs", name)
            if isinstance(value, dict) and is_long_form(value):
                keys = read_keys(OutputKeys, document, place, value, self._problems)
                if keys:
                    default = literal_of(keys.default)
                    found.append(Output(name, (*place, "value"), keys.type, "default" in value, default))
            else:
                found.append(Output(name, place))
        return tuple(found)

    def _slug(self, name: str, document: Document, path: Path_) -> str:
        id_ = slug(name)
        if id_ is None:
            message = f"no id can be made from the name `{name}`"
            self._problems.append(Problem("SW105", message, document.mark(path), "add `id`, such as `id: pay`"))
            return "step"
        return id_

    def _mapping(self, key: str) -> dict[str, Any]:
        value = self._document.get((key,))
        return value if isinstance(value, dict) else {}

    def _list(self, key: str) -> range:
        value = self._document.get((key,))
        return range(len(value)) if isinstance(value, list) else range(0)


def _is_sound_group(keys: StepKeys, written: Collection[str]) -> bool:
    """Whether a step holds others, and all is right that was written of its name, of what it gives and how they run."""
    groups = {"steps": keys.steps, "parallel": keys.parallel, "switch": keys.switch}
    rest = {"for-each": keys.for_each, "repeat": keys.repeat, "join": keys.join, "needs": keys.needs}
    named = {"id": keys.id, "name": keys.name, "outputs": keys.outputs}
    sound = all(value is not None for key, value in (groups | rest | named).items() if key in written)
    return sound and any(groups.values())
