"""What a flow says once for many steps, its ``defaults`` and ``policies``, becomes keys of the steps themselves.

Each laid key keeps the line that it was written on, so whatever is wrong with it, or comes of it, is shown there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.document import Document, Path_, copied
from stepworkflows_cdk.language.habits import Around
from stepworkflows_cdk.language.keys import key_names, model_in
from stepworkflows_cdk.language.model import DefaultKeys, PolicyKeys
from stepworkflows_cdk.language.places import places
from stepworkflows_cdk.language.shape import nearest, read_keys, unknown_key
from stepworkflows_cdk.language.work_key import WorkKey

__all__ = ["Layer", "default_models"]

_DEFAULTS, _POLICIES = "defaults", "policies"
_RUNS_ON = "runs-on"
_SHARED = key_names(PolicyKeys)


@dataclass(frozen=True)
class _Kind:
    """One kind of work: whose it is, and under which key of a step its own keys stand. ``model`` is None where it has none."""

    integration: WorkKey
    place: Path_
    model: type[BaseModel] | None


def default_models(integrations: Sequence[WorkKey]) -> dict[str, type[BaseModel]]:
    """Work key or runtime -> the model of the keys that can have defaults."""
    return {name: kind.model for name, kind in _kinds(integrations) if kind.model}


class Layer:
    """What lies under the steps of a flow, or of a step of a library.

    A name that no policy has, and a default that no step can have, become problems; so does, as a warning, what none of the
    steps takes.
    """

    def __init__(self, flow: Document, integrations: Sequence[WorkKey], problems: list[Problem]) -> None:
        self._flow = flow
        self._problems = problems
        self._kinds = dict(_kinds(integrations))
        self._defaults = _mapping(flow.value.get(_DEFAULTS))
        self._policies = _mapping(flow.value.get(_POLICIES))
        self._taken: set[Path_] = set()
        self._marks = _said_once(flow.marks)
        self._key_marks = _said_once(flow.key_marks)

    def under(self, document: Document) -> Document:
        """The document with everything laid under its steps."""
        found = list(places(document.value))
        if not self._defaults and not any("policy" in step for _, step in found):
            return document
        changed = replace(
            document, value=copied(document.value), marks={**document.marks}, key_marks={**document.key_marks}, laid={}
        )
        for path, _ in found:
            kind = self._kind(changed.get(path))
            if kind:
                self._step(changed, path, kind)
        return changed

    def under_library(self, document: Document, place: Path_) -> Document:
        """The document with the defaults laid under a step that came from a library. What the library says of it stays, and
        so do the policies that it names, which are the library's.
        """
        if not self._defaults:
            return document
        laid = {path: [*marks] for path, marks in document.laid.items()}
        changed = replace(
            document,
            value=copied(document.value),
            marks={**document.marks},
            key_marks={**document.key_marks},
            laid=laid,
        )
        for path, step in places(changed.get(place), place):
            if kind := self._kind(step):
                self._step(changed, path, kind, named=False)
        return changed

    def check(self) -> None:
        """Adds what is wrong with the defaults themselves, and what nobody takes."""
        known = {key: value for key, value in self._defaults.items() if key in key_names(DefaultKeys)}
        read_keys(DefaultKeys, self._flow, (_DEFAULTS,), known, self._problems)
        if "policy" in known and not self._policy((_DEFAULTS, "policy"), self._flow):
            self._taken.add((_DEFAULTS, "policy"))  # a name that is wrong is no default that nobody takes
        for key, value in self._defaults.items():
            path = (_DEFAULTS, key)
            keys = [path] if key in known else self._keys_of(path, value)
            left = [each for each in keys or () if each not in self._taken]
            for each in [path] if left == keys else left:
                self._unused(each, "no step takes this default", "remove it, or the key in the steps")
        for path in ((_POLICIES, name) for name in self._policies):
            if path not in self._taken:
                self._unused(path, f"no step has the policy `{path[1]}`", f"name it: `policy: {path[1]}`, or remove it")

    def _keys_of(self, path: Path_, value: Any) -> list[Path_] | None:
        """The keys of one kind of work, as deep as they go to steps one by one; None, with a problem, where it is none."""
        kind = self._kinds.get(str(path[-1]))
        if kind is None or kind.model is None:
            allowed = {*key_names(DefaultKeys), *(name for name, kind in self._kinds.items() if kind.model)}
            self._problems.append(unknown_key(self._flow, path, Around(allowed)))
        elif not isinstance(value, dict):
            mark, hint = self._flow.mark(path), "write the keys of its steps"
            self._problems.append(Problem("SW103", f"`{path[-1]}` must be a mapping", mark, hint))
        else:
            return list(self._known(path, value, kind.model))
        return None

    def _known(self, path: Path_, value: Mapping[str, Any], model: type[BaseModel]) -> Iterator[Path_]:
        for key, item in value.items():
            field = _field(model, key)
            if field is None:
                self._problems.append(unknown_key(self._flow, (*path, key), Around(key_names(model))))
            elif isinstance(item, dict) and (nested := model_in(field)):
                yield from self._known((*path, key), item, nested)
            else:
                yield (*path, key)

    def _step(self, document: Document, path: Path_, kind: _Kind, *, named: bool = True) -> None:
        """Lays under one step: first the policy that is ``named``, then what is for its kind of work, then what is for all."""
        step = document.get(path)
        own_code = path == () and document.file == self._flow.file
        shared = tuple(
            key for key in _SHARED if key == "retry" or not own_code
        )  # a flow's `timeout` is all of its time
        if named and "policy" in step and not own_code and self._policy((*path, "policy"), document):
            self._shared(document, path, kind, (_POLICIES, step["policy"]), _SHARED)
        name = str(kind.place[-1])
        if isinstance(self._defaults.get(name), dict) and kind.model:
            self._work(document, path, kind, name)
        self._borrowed(document, path, kind)
        if kind.integration.waits or kind.integration.starts_flows or kind.integration.keeps_time:
            return
        self._shared(document, path, kind, (_DEFAULTS,), shared)
        policy = self._defaults.get("policy")
        if "policy" not in step and isinstance(policy, str) and policy in self._policies:
            self._shared(document, path, kind, (_POLICIES, policy), shared)
            self._taken.add((_DEFAULTS, "policy"))

    def _policy(self, path: Path_, document: Document) -> bool:
        """Whether there is a policy of the name at ``path``."""
        name = document.get(path)
        if isinstance(name, str) and name not in self._policies:
            hint = nearest(name, self._policies) or "declare it under `policies`"
            self._problems.append(Problem("SW203", f"no policy is called `{name}`", document.mark(path), hint))
            return False
        if isinstance(name, str):
            self._taken.add((_POLICIES, name))
        return isinstance(name, str)

    def _shared(self, document: Document, path: Path_, kind: _Kind, source: Path_, keys: Sequence[str]) -> None:
        step = document.get(path)
        settings = document.get((*path, *kind.place))
        for key in keys:
            said = key in step or (isinstance(settings, dict) and key in settings and key == "timeout")
            if self._flow.get((*source, key)) is not None and not said:
                self._lay(document, path, (key,), (*source, key))

    def _work(self, document: Document, path: Path_, kind: _Kind, name: str) -> None:
        step = document.get(path)
        if kind.place[0] == _RUNS_ON and step[_RUNS_ON] == name:
            step[_RUNS_ON] = {name: {}}
        settings = document.get((*path, *kind.place))
        assert kind.model
        if isinstance(settings, dict):
            for key in self._defaults[name]:
                if kind.integration.takes_default(key, step):
                    self._keys(document, path, kind.place, (_DEFAULTS, name), key, kind.model)

    def _borrowed(self, document: Document, path: Path_, kind: _Kind) -> None:
        """Lays what is said for another kind of work, and means the same here: the sender of mails."""
        for name, places_ in kind.integration.borrows.items():
            for *inside, key in places_:
                settings = document.get((*path, *kind.place, *inside))
                if isinstance(settings, dict) and key not in settings and key in _mapping(self._defaults.get(name)):
                    self._lay(document, path, (*kind.place, *inside, key), (_DEFAULTS, name, key))

    def _keys(
        self, document: Document, step: Path_, place: Path_, source: Path_, key: str, model: type[BaseModel]
    ) -> None:
        """Lays one key, or what is in it: keys of a part that a step may have or not go to the steps that have it. ``place``
        leads to the keys inside the step.
        """
        value, field = self._flow.get((*source, key)), _field(model, key)
        nested = model_in(field) if field is not None and isinstance(value, dict) else None
        written = document.get((*step, *place))
        if nested and isinstance(written.get(key), dict):
            for inner in value:
                self._keys(document, step, (*place, key), (*source, key), inner, nested)
        elif field is not None and not nested and key not in written:
            self._lay(document, step, (*place, key), (*source, key))

    def _lay(self, document: Document, step: Path_, key: Path_, source: Path_) -> None:
        """The key inside the step becomes what is written at ``source``."""
        place = (*step, *key)
        document.get(place[:-1])[place[-1]] = copied(self._flow.get(source))
        document.laid.setdefault(step, []).append(self._flow.key_mark(source))
        self._taken.add(source)
        for marks, found in ((document.marks, self._marks), (document.key_marks, self._key_marks)):
            for path, mark in found.items():
                if path[: len(source)] == source:
                    marks[(*place, *path[len(source) :])] = mark

    def _kind(self, step: Any) -> _Kind | None:
        """What kind of work a mapping does."""
        runs_on = step.get(_RUNS_ON)
        names = [*(runs_on if isinstance(runs_on, dict) else [runs_on]), *step]
        found = (self._kinds[name] for name in names if isinstance(name, str) and name in self._kinds)
        return next((kind for kind in found if kind.place[0] in step), None)

    def _unused(self, path: Path_, message: str, hint: str) -> None:
        self._problems.append(Problem("SW250", message, self._flow.key_mark(path), hint, severity="warning"))


def _kinds(integrations: Sequence[WorkKey]) -> Iterator[tuple[str, _Kind]]:
    for integration in integrations:
        if integration.keys is None or integration.key is None:
            continue
        model = model_in(_field(integration.keys, integration.key))
        if integration.runtime is None:
            yield integration.key, _Kind(integration, (integration.key,), model)
        else:
            settings = model_in(_field(model, integration.runtime)) if model else None
            yield integration.runtime, _Kind(integration, (_RUNS_ON, integration.runtime), settings)


def _field(model: type[BaseModel], key: str) -> Any:
    """The type of the key; None where the model has none of that name."""
    return next((field.annotation for name, field in model.model_fields.items() if (field.alias or name) == key), None)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _said_once(marks: Mapping[Path_, Any]) -> dict[Path_, Any]:
    return {path: mark for path, mark in marks.items() if path[:1] in ((_DEFAULTS,), (_POLICIES,))}
