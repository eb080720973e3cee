"""What a key becomes, for the reference page: the difference between the bundles without it and with it, in words."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from key_flow import FLOW
from key_right import RIGHT
from pydantic import BaseModel
from test_keys import ALL_KEYS, FOR_READERS, example

from stepworkflows_cdk import Definition, DocumentError, compile_workflow
from stepworkflows_cdk.language.manual import Example
from stepworkflows_cdk.language.yaml_text import yaml_line

HANDLER = "def handler(event, context):\n    return event\n"
PART = {"name": "part", "type": "RunnableStep", "steps": [{"id": "x", "outputs": {"y": 1}}]}
MOST = 3
LONGEST = 100


def examples(folder: Path) -> dict[tuple[type[BaseModel], str], Example]:
    """For each key an example that is right, and what it becomes; ``folder`` is for the documents and what they name."""
    for name in ("code", "more"):
        (folder / name).mkdir()
        for module in ("handler", "other"):
            (folder / name / f"{module}.py").write_text(HANDLER, encoding="utf-8")
    (folder / "mail").mkdir()
    (folder / "mail" / "hello.txt").write_text("Subject: Hello\n\nHello\n", encoding="utf-8")
    for name in ("part", "other"):
        (folder / f"{name}.json").write_text(json.dumps({**PART, "name": name}), encoding="utf-8")
    bundles = _Bundles(folder)
    found: dict[tuple[type[BaseModel], str], Example] = {}
    for model, key in dict.fromkeys([*ALL_KEYS, *sorted(FOR_READERS, key=str), *RIGHT]):
        before, after, path = RIGHT.get((model, key)) or _changed(model, key)
        value = after
        for part in path:
            value = value[part]  # type: ignore[index]
        bundle = bundles.of(after)
        assert bundle is not None, f"{model.__name__}, `{key}`: put one in key_right.py that is right; {bundles.report}"
        found[model, key] = Example(yaml_line({key: value})[1:-1], tuple(_becomes(bundles.of(before), bundle)))
    return found


def _changed(model: type[BaseModel], key: str) -> tuple[dict[str, Any], dict[str, Any], tuple[str | int, ...]]:
    path, value = example(model, key)
    document = copy.deepcopy(FLOW)
    place: Any = document
    for part in path:
        place = place.setdefault(part, {}) if isinstance(place, dict) else place[part]
    if isinstance(place, str):
        document["inputs"][path[-1]] = place = {"type": place}
    before = copy.deepcopy(document)
    place[key] = value
    return before, document, (*path, key)


class _Bundles:
    """Documents compiled, each once."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "flow.json"
        self._found: dict[str, Any] = {}
        self.report = ""

    def of(self, document: Any) -> Any:
        """The bundle; None where the document is wrong."""
        text = json.dumps(document)
        if text not in self._found:
            self._path.write_text(text, encoding="utf-8")
            try:
                self._found[text] = compile_workflow(Definition.load(self._path)).to_json()
            except DocumentError as error:
                self._found[text], self.report = None, str(error)
        return self._found[text]


def _becomes(before: Any, after: Any) -> Iterator[str]:
    """The shortest say most: what is another in one place."""
    lines = sorted(
        _differences(before or {"machines": [], "needs": [], "grants": []}, after),
        key=lambda line: (line.startswith("no state"), len(line)),
    )
    yield from lines[:MOST]
    if len(lines) > MOST:
        yield f"and {len(lines) - MOST} more"


def _differences(before: Any, after: Any) -> Iterator[str]:
    old, new = _states(before), _states(after)
    for name, state in new.items():
        if name in old:
            yield from _fields(name, old[name], state)
    for name, state in new.items():
        if name not in old:
            yield (
                f"{name}: {_cut(state)}"
                if name.startswith("the machine")
                else f"a state {_code(name)} ({state['Type']})"
            )
    needs = {need["id"]: need for need in before["needs"]}
    for need in after["needs"]:
        if need["id"] in needs:
            yield from _fields(need["id"], needs[need["id"]], need)
        else:
            yield f"{need['kind']} {_code(need['id'])}"
    grants = [_grant(grant) for grant in before["grants"]]
    yield from (line for grant in after["grants"] if (line := _grant(grant)) not in grants)
    yield from (f"no state {_code(name)}" for name in old if name not in new and not name.startswith("the machine"))


def _states(bundle: Any) -> dict[str, Any]:
    """All states by their names, and what is said of the machines themselves."""
    found: dict[str, Any] = {}
    for machine in bundle["machines"]:
        definition = machine["definition"]
        rest = {key: value for key, value in definition.items() if key not in ("States", "StartAt", "QueryLanguage")}
        found[f"the machine {machine['id']}"] = {**rest, "deploy": machine["deploy"]}
        found |= dict(_inner(definition))
    return found


def _inner(definition: Any) -> Iterator[tuple[str, Any]]:
    for name, state in definition["States"].items():
        inner = [*state.get("Branches", []), *([state["ItemProcessor"]] if "ItemProcessor" in state else [])]
        rest = {key: value for key, value in state.items() if key != "Branches"}
        if "ItemProcessor" in rest:
            rest["ItemProcessor"] = {
                key: value for key, value in rest["ItemProcessor"].items() if key == "ProcessorConfig"
            }
        yield name, _without_next(rest)
        for each in inner:
            yield from _inner(each)


def _without_next(value: Any) -> Any:
    """Without where it goes on: that is another wherever a state comes between."""
    if isinstance(value, dict):
        return {key: _without_next(item) for key, item in value.items() if key not in ("Next", "Default")}
    return [_without_next(item) for item in value] if isinstance(value, list) else value


def _fields(name: str, old: Any, new: Any) -> Iterator[str]:
    """What is another in a state or need: as deep as one field is."""
    for key in new:
        if key in ("mark", "states") or new[key] == old.get(key):
            continue
        path, before, value = [key], old.get(key), new[key]
        while (part := _only_change(before, value)) is not None:
            known = not isinstance(before, dict) or part in before
            path, before, value = [*path, str(part)], before[part] if known else None, value[part]
        if path == ["Arguments", "FunctionName"]:
            continue  # functions of the same code and other settings get other names
        shown = name if name.startswith("the machine") else _code(name)
        written = f"{'.'.join(path)}: {_cut(value, before)}"
        yield f"{shown}: {_code(written)}"
    for key in old:
        if key not in new:
            yield f"{_code(name)}: no {_code(key)}"


def _grant(grant: Any) -> str:
    where = [
        f"{key} {operator} {', '.join(values)}"
        for operator, keys in grant.get("conditions", {}).items()
        for key, values in keys.items()
    ]
    tagged = [each for each in where if each.startswith("aws:ResourceTag/")]
    more = "".join(f", if {each}" for each in tagged) + (f": {grant['reason']}" if "reason" in grant else "")
    return f"{grant['holder']} may {', '.join(grant['actions'])} on {_code(grant['resource'])}{more}"


def _only_change(before: Any, value: Any) -> str | int | None:
    """The key, or the index, of the one thing that is another in a value."""
    changed: list[str | int] = []
    if isinstance(value, dict) and isinstance(before, dict):
        changed = [key for key in value if value[key] != before.get(key)]
    elif isinstance(value, list) and isinstance(before, list) and len(value) == len(before):
        changed = [index for index, item in enumerate(value) if item != before[index]]
    return changed[0] if len(changed) == 1 else None


def _cut(value: Any, before: Any = None) -> str:
    """A value as JSON; of a long text what is another, and a little before it."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= LONGEST:
        return text
    pairs = enumerate(zip(text, json.dumps(before, ensure_ascii=False), strict=False)) if isinstance(value, str) else ()
    same = next((index for index, (new, old) in pairs if new != old), 0)
    start = max(0, same - 20) if same + 20 > LONGEST else 0
    return f"{'... ' if start else ''}{text[start : start + LONGEST]}{' ...' if start + LONGEST < len(text) else ''}"


def _code(text: str) -> str:
    return f"`{text}`"
