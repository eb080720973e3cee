"""The models become one JSON Schema of documents, by which editors complete keys, explain them and underline what is wrong.

It is as strict as shape alone can be: what depends on other parts of a document, or on files, ``validate`` finds.
https://json-schema.org/draft/2020-12
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from stepworkflows_cdk.language.defaults import default_models
from stepworkflows_cdk.language.keys import STEP
from stepworkflows_cdk.language.model import DefaultKeys, FlowKeys, OutputKeys, StepKeys
from stepworkflows_cdk.language.work_key import WorkKey

__all__ = ["Kind", "document_schema"]

Kind = Literal["document", "flow", "step"]
Json = dict[str, Any]

_FLOW, _STEP = "flow", "step"
_REFERENCE = "#/$defs/"
_TITLES = {
    "document": "A document of a workflow: a flow (`type: RunnableStep`) or a step (`type: ActorStep`)",
    "flow": "A flow: a document of `type: RunnableStep`",
    "step": "A step: a document of `type: ActorStep`",
}


def document_schema(integrations: Sequence[WorkKey], kind: Kind = "document") -> Json:
    """The schema of documents with the work keys, resources and triggers of the integrations."""
    models = dict.fromkeys(_models(integrations))
    references, made = models_json_schema([(model, "validation") for model in models], by_alias=True)
    defs: Json = _cleaned(made["$defs"])
    schemas = {model: _definition(defs, references[model, "validation"]) for model in models}
    by_name = {name: references[model, "validation"] for name, model in default_models(integrations).items()}
    for name in {each for work in by_name.values() for each in _used(work, defs)}:
        defs[name].pop("required", None)  # what a step lacks may be a default of its flow
    works = [(integration, schemas[integration.keys]) for integration in integrations if integration.keys]
    step = _with_works(schemas[StepKeys], works)
    flow = _with_works(schemas[FlowKeys], works)
    flow["anyOf"] = _titled()
    for schema in (step, flow):
        output = {"anyOf": [references[OutputKeys, "validation"], True]}
        schema["properties"]["outputs"] = _mapping(schema["properties"]["outputs"], additionalProperties=output)
    defaults = {**schemas[DefaultKeys]["properties"], **by_name}
    flow["properties"]["defaults"] = _mapping(
        flow["properties"]["defaults"], properties=defaults, additionalProperties=False
    )
    resources = {type_: schemas[model] for i in integrations for type_, model in i.resource_types.items()}
    triggers = {kind: references[model, "validation"] for i in integrations for kind, model in i.triggers.items()}
    properties = flow["properties"]
    properties["resources"] = _mapping(properties["resources"], additionalProperties=_resource(resources))
    one_or_many = {kind: {"anyOf": [model, {"type": "array", "items": model}]} for kind, model in triggers.items()}
    described = {kind: {**form, "description": _of(defs, triggers[kind])} for kind, form in one_or_many.items()}
    properties["triggers"] = _mapping(properties["triggers"], properties=described, additionalProperties=False)
    defs |= {_STEP: step, _FLOW: flow}
    root = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": _TITLES[kind], **_root(kind)}
    return {**root, "$defs": {name: defs[name] for name in sorted(_used(root, defs))}}


def _models(integrations: Sequence[WorkKey]) -> Iterator[type[BaseModel]]:
    yield from (FlowKeys, StepKeys, OutputKeys, DefaultKeys)
    for integration in integrations:
        if integration.keys:
            yield integration.keys
        yield from integration.resource_types.values()
        yield from integration.triggers.values()
    yield from default_models(integrations).values()


def _root(kind: Kind) -> Json:
    flow, step = _to(_FLOW), _to(_STEP)
    if kind != "document":
        return flow if kind == "flow" else step
    actor = {"properties": {"type": {"const": "ActorStep"}}, "required": ["type"]}
    surely = {"anyOf": [{"required": ["type"]}, {"required": ["steps"]}]}
    other = {"if": surely, "then": flow, "else": {"anyOf": [flow, step]}}
    return {"type": "object", "if": actor, "then": step, "else": other}


def _with_works(own: Json, works: Sequence[tuple[WorkKey, Json]]) -> Json:
    """The keys, and those of any one work beside them."""
    keys = {key for _, work in works for key in work["properties"]}
    properties = {
        key: _merged([work["properties"][key] for _, work in works if key in work["properties"]]) for key in keys
    }
    conditions = [_condition(integration, work, keys) for integration, work in works if integration.key]
    leaders = {integration.key for integration, _ in works}
    followers = [
        {
            "if": {"required": [key]},
            "then": {"anyOf": [{"required": [leader]} for leader in _leaders(key, works)]},
        }
        for key in sorted(keys - leaders)
    ]
    return {
        **own,
        "properties": {**own["properties"], **{key: properties[key] for key in sorted(keys)}},
        "allOf": [*conditions, *followers],
    }


def _condition(integration: WorkKey, work: Json, keys: Iterable[str]) -> Json:
    """With its work key no other work stands, and the keys beside it are as its model says."""
    leader = str(integration.key)
    chosen: Json = {"required": [leader]}
    if integration.runtime:
        chosen["properties"] = {leader: work["properties"][leader]}
        own = {key: schema for key, schema in work["properties"].items() if key != leader}
    else:
        own = {}
    others = {key: False for key in sorted(keys) if key not in work["properties"]}
    return {"if": chosen, "then": {"properties": {**own, **others}}}


def _leaders(key: str, works: Sequence[tuple[WorkKey, Json]]) -> list[str]:
    found = (integration.key for integration, work in works if integration.key and key in work["properties"])
    return list(dict.fromkeys(found))


def _merged(schemas: Sequence[Json]) -> Json:
    """What any of them allows, with what all of them say."""
    forms: list[Json] = []
    for schema in schemas:
        form = {key: value for key, value in schema.items() if key != "description"}
        forms += [form] if form not in forms else []
    says = dict.fromkeys(str(schema["description"]) for schema in schemas if "description" in schema)
    merged = forms[0] if len(forms) == 1 else {"anyOf": forms}
    return {**merged, "description": " ".join(says)} if says else merged  # a reference leads to a description


def _resource(types: Mapping[str, Json]) -> Json:
    """One name under ``resources``: its type decides its other keys."""
    described = {"enum": sorted(types), "description": "What it is."}
    conditions = [
        {
            "if": {"properties": {"type": {"const": type_}}, "required": ["type"]},
            "then": {**model, "properties": {"type": {}, **model.get("properties", {})}},
        }
        for type_, model in types.items()
    ]
    return {"type": "object", "properties": {"type": described}, "required": ["type"], "allOf": conditions}


def _titled() -> list[Json]:
    return [{"required": ["name"]}, {"required": ["id"]}]


def _mapping(schema: Json, **forms: Any) -> Json:
    """The schema of a key that holds a mapping, with what stands in it."""
    return {"type": ["object", "null"], **forms, "description": schema["description"]}


def _cleaned(value: Any) -> Any:
    """Without titles that only repeat names, without defaults that say nothing, with steps in their places."""
    match value:
        case {"items": items} if items == STEP:
            rest = {key: item for key, item in value.items() if key != "items"}
            return {**_cleaned(rest), "items": {**_to(_STEP), "anyOf": _titled()}}
        case dict() if value == STEP:
            return _to(_STEP)
        case dict():
            kept = {key: item for key, item in value.items() if not _empty(key, item)}
            return {key: _line(item) if key == "description" else _cleaned(item) for key, item in kept.items()}
        case list():
            return [_cleaned(item) for item in value]
        case _:
            return value


def _line(text: Any) -> Any:
    """The first paragraph of a docstring; of a key that is called so, its schema."""
    return " ".join(text.split("\n\n")[0].split()) if isinstance(text, str) else _cleaned(text)


def _empty(key: str, value: Any) -> bool:
    return (key == "title" and isinstance(value, str)) or (key == "default" and value in (None, ""))


def _to(name: str) -> Json:
    return {"$ref": f"{_REFERENCE}{name}"}


def _definition(defs: Json, reference: Json) -> Json:
    return {"properties": {}, **defs[_name(reference)]}


def _name(reference: Json) -> str:
    return str(reference["$ref"]).removeprefix(_REFERENCE)


def _of(defs: Json, reference: Json) -> str:
    return str(_definition(defs, reference).get("description", ""))


def _used(root: Json, defs: Json) -> set[str]:
    """The names of the definitions that the schema leads to."""
    found: set[str] = set()
    ahead = [root]
    while ahead:
        for name in set(_references(ahead.pop())) - found:
            found.add(name)
            ahead.append(defs[name])
    return found


def _references(value: Any) -> Iterator[str]:
    match value:
        case dict():
            if isinstance(value.get("$ref"), str):
                yield value["$ref"].removeprefix(_REFERENCE)
            for item in value.values():
                yield from _references(item)
        case list():
            for item in value:
                yield from _references(item)
