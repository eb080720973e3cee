"""Every key of the language does something: with it and without it, the bundle or the report differs.

The keys are read from the models, so a new key fails here until it has an example.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from key_examples import BY_INTEGRATION, EXAMPLES
from key_flow import FLOW
from pydantic import BaseModel

from stepworkflows_cdk import Definition, DocumentError, compile_workflow
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.integrations.messages.resources import TopicKeys
from stepworkflows_cdk.language.cases import CaseKeys, ExpectKeys
from stepworkflows_cdk.language.contract import Schema
from stepworkflows_cdk.language.keys import key_names
from stepworkflows_cdk.language.model import ConfigKeys, DefaultKeys, FlowKeys, OutputKeys, StepKeys

ROOTS: tuple[type[BaseModel], ...] = (
    FlowKeys,
    StepKeys,
    OutputKeys,
    DefaultKeys,
    *(integration.keys for integration in BUILTIN if integration.keys),
    *(model for integration in BUILTIN for model in integration.triggers.values()),
    *(model for integration in BUILTIN for model in integration.resource_types.values()),
)
OF_TESTS = {CaseKeys, ExpectKeys}
"""What is under ``tests`` changes no bundle: see tests/cli/test_cases.py."""


def models() -> list[type[BaseModel]]:
    """All that documents are read into."""
    found: dict[type[BaseModel], None] = {}
    waiting = list(ROOTS)
    while waiting:
        model = waiting.pop(0)
        if model not in found and model not in OF_TESTS:
            found[model] = None
            waiting += [inner for field in model.model_fields.values() for inner in inside(field.annotation)]
    return list(found)


def inside(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from inside(argument)


FOR_READERS = {(ConfigKeys, "description"), (Schema, "description"), (FlowKeys, "version"), (StepKeys, "version")}
"""Keys that say something to people, or about the document itself, and by design change nothing."""

ALL_KEYS = [(model, key) for model in models() for key in key_names(model) if (model, key) not in FOR_READERS]


def example(model: type[BaseModel], key: str) -> tuple[tuple[str | int, ...], Any]:
    if model is TopicKeys:
        return ("resources", "posts"), True
    return EXAMPLES.get((model, key)) or BY_INTEGRATION[key]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    (folder / "code").mkdir()
    (folder / "code" / "handler.py").write_text("def handler(event, context):\n    return event\n", encoding="utf-8")
    for name in ("part", "other"):
        part = {"name": name, "type": "RunnableStep", "steps": [{"id": "x", "outputs": {"y": 1}}]}
        (folder / f"{name}.json").write_text(json.dumps(part), encoding="utf-8")
    return folder


def outcome(folder: Path, document: Any) -> str:
    """What becomes of a document, places in it left out."""
    path = folder / "flow.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    try:
        bundle = compile_workflow(Definition.load(path)).to_json()
    except DocumentError as error:
        return "\n".join(f"{problem.code} {problem.message}" for problem in error.report.problems)
    return json.dumps(without_marks(bundle), sort_keys=True)


def without_marks(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_marks(item) for key, item in value.items() if key not in ("mark", "states")}
    return [without_marks(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("model", "key"), ALL_KEYS, ids=[f"{model.__name__}-{key}" for model, key in ALL_KEYS])
def test_every_key_changes_the_bundle_or_the_report(folder: Path, model: type[BaseModel], key: str) -> None:
    path, value = example(model, key)
    document = copy.deepcopy(FLOW)
    place: Any = document
    for part in path:
        place = place.setdefault(part, {}) if isinstance(place, dict) else place[part]
    if isinstance(place, str):  # the short form of a schema
        name = path[-1]
        document["inputs"][name] = place = {"type": place}
    before = outcome(folder, document)
    place[key] = value
    assert outcome(folder, document) != before


def test_the_base_of_the_examples_is_right(folder: Path) -> None:
    assert outcome(folder, FLOW).startswith("{")
