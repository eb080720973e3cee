"""A value of a wrong shape, and what can be written in its place: the same as its key wants it, or an example.

Whatever is proposed has been tried: the model takes it. So what is proposed holds for every model, also of integrations
that others write. Values that may be credentials are not repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ValidationError

from stepworkflows_cdk.language.credentials import TELLING
from stepworkflows_cdk.language.document import Path_, with_value
from stepworkflows_cdk.language.durations import UNIT_NAMES, parse_duration
from stepworkflows_cdk.language.habits import slug_of
from stepworkflows_cdk.language.keys import ID, STEP
from stepworkflows_cdk.language.model import key_type
from stepworkflows_cdk.language.yaml_text import yaml_line

__all__ = ["example_of", "place_in", "repair", "shown"]

Form = dict[str, Any]
"""A part of a JSON Schema."""

_PRIVATE = re.compile(rf"{TELLING}|^secrets$|^env$|^auth$", re.IGNORECASE)
_TRUTH = {"true": True, "yes": True, "on": True, "y": True, "false": False, "no": False, "off": False, "n": False}
_SPELT = re.compile(r"(\d+)\s*(w|d|h|m|s)[a-z]*\.?(?:\s*,?\s*(?:and\s+)?|\Z)", re.IGNORECASE)
_ACTION = re.compile(r"(?:arn:aws:states:::(?:aws-sdk:)?)?([A-Za-z0-9]+)[:.]([A-Za-z]+)")
"""An action of AWS, as a `Resource` in the States Language or an SDK writes it."""
_ISO = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?\Z")
_TYPES = {
    "array": "list tuple set sequence",
    "boolean": "bool flag",
    "integer": "int long",
    "number": "float double decimal numeric",
    "object": "dict map mapping json",
    "string": "str text date datetime timestamp",
}
_TYPE = {name: type_ for type_, names in _TYPES.items() for name in names.split()}
"""What types are called elsewhere."""
_DURATION_OF_DATA = re.compile(r"(\{[\w.]+\})\s*(s|m|h|d)[a-z]*\Z")
_WORK = "what a step does, its work key says: `runs-on`, `call`, `record`, ..."
_FAILS = "remove it: an error ends the flow anyway"
_MEANT = {
    ("catch", "continue"): "write `on-error: continue` instead",
    **{("on-error", word): _FAILS for word in ("abort", "exit", "fail", "raise", "stop")},
    ("retry", "false"): "write `retry: {attempts: 0}`",
    ("retry", "true"): "remove it: errors that may pass are tried again anyway",
    ("type", "choice"): "remove it, and write `switch: [{when: CONDITION, steps: [...]}, {else: [...]}]`",
    ("type", "fail"): "remove it, and write `fail: {error: NAME}`",
    ("type", "map"): "remove it, and write `for-each: {items: LIST}`",
    ("type", "parallel"): "remove it, and write `parallel: {NAME: [...], NAME: [...]}`",
    ("type", "pass"): "remove it: a step that only has `outputs` sets values",
    ("type", "succeed"): "remove it, and write `stop: {}`",
    ("type", "task"): f"remove it: {_WORK}",
    ("type", "wait"): "remove it, and write `wait: 5m`",
}
"""Words of other formats, by the key that they are written under."""
_NAME = re.compile(r"[^\W\d]\w*")
_STEP: Form = {"id": "notify", "wait": "5m"}
_EXAMPLES: dict[str, Sequence[Any]] = {
    "add": [{"total": 1}],
    "append": [{"notes": "{note}"}],
    "asl": [{"Type": "Pass", "Output": {"a": 1}}],
    "auth": ["iam"],
    "bucket": ["uploads"],
    "catch": [[{"errors": ["States.ALL"], "steps": [_STEP]}]],
    "concurrency": ["{user.email}"],
    "condition": [{"status": "NEW"}],
    "config": [{"stage": {"default": "dev"}}],
    "defaults": [{"timeout": "5m"}],
    "env": [{"STAGE": "dev"}],
    "error": ["OutOfStock"],
    "errors": [["States.Timeout"]],
    "fail": [{"error": "OutOfStock"}],
    "for-each": [{"items": "{items}"}],
    "from": ["shop@example.com"],
    "if": ["{n} > 0"],
    "ignore": [["OrderNotFound"]],
    "inputs": [{"order_id": "{order_id}"}, {"order_id": "string"}],
    "key": [{"order_id": "{order_id}"}, "order_id"],
    "match": [{"order_id": "{order_id}"}],
    "max": [10],
    "needs": [["charge"]],
    "outputs": [{"order_id": "{order_id}"}],
    "parallel": [{"left": [_STEP], "right": [{**_STEP, "id": "wait-too"}]}],
    "permissions": [{"orders": ["read"]}],
    "policies": [{"patient": {"retry": {"attempts": 10}}}],
    "repeat": [{"until": "{result.status} = 'done'", "max": 10}],
    "resources": [{"orders": {"type": "table", "key": "order_id"}}],
    "retry": [{"attempts": 3}],
    "schedule": [{"every": "1h"}],
    "secrets": [{"API_KEY": "{secrets.api}"}],
    "source": [{"bucket": "orders", "prefix": "2026/"}, "shop.orders"],
    "stop": [{}],
    "subject": ["Your order {order_id}"],
    "switch": [[{"when": "{n} > 0", "steps": [_STEP]}, {"else": []}]],
    "table": ["orders"],
    "tags": [{"team": "shop"}],
    "that": ["{n} > 0"],
    "to": ["{user.email}"],
    "triggers": [{"schedule": {"every": "1h"}}],
    "undo": ["none"],
    "until": ["{result.status} = 'done'"],
    "url": ["https://example.com/orders"],
    "when": ["{n} > 0"],
}
"""What is written under keys whose form alone says little."""
_LONGEST = 100
_SUCH_AS = re.compile(r"such as `([^`]+)`")


def repair(model: type[BaseModel], value: Any, place: Path_, path: Path_) -> str:
    """What to write at ``place`` of ``value``, of which the model takes all but that; empty where nothing is known. ``path``
    leads to the value in its document.
    """
    key = (*path, *place)[-1:]
    if meant := _MEANT.get((str(key[-1]) if key else "", str(_at(value, place)).lower())):
        return meant
    forms = _forms(model, place)
    written = _at(value, place)
    if not any(_PRIVATE.search(str(part)) for part in (*path, *place)):
        found = list(_variants(written, key, forms))
        if (*path, *place)[:-1] == ("inputs",) and isinstance(written, str) and written.endswith("?"):
            found = [{"type": kind, "required": False} for kind in _of_text(written[:-1], sorted(_TYPES), forms)]
        for candidate in (*found, *(second for first in found for second in _variants(first, key, forms))):
            if _takes(model, value, place, candidate):
                return f"write {shown(key, candidate)}"
    if isinstance(written, int | float) and [form.get("type") for form in forms] == ["string"]:
        return "quote it"
    example = next((example for example in _examples(forms, key) if _takes(model, value, place, example)), None)
    return "" if example is None else f"write it like {shown(key, example)}"


def example_of(model: type[BaseModel], place: Path_) -> Any:
    """What can stand at a place of what the model reads."""
    return next(_examples(_forms(model, place), place[-1:]), "...")


def place_in(value: Any, fault: Any) -> Path_:
    """Where in a value a fault of its model is: without the parts that pydantic adds for short forms and unions."""
    found: list[str | int] = []
    loc: tuple[str | int, ...] = fault["loc"]
    for number, part in enumerate(loc):
        missing = fault["type"] == "missing" and number == len(loc) - 1
        match value, part:
            case dict(), str() if part in value or missing:
                found.append(part)
                value = value.get(part)
            case list(), int() if part < len(value):
                found.append(part)
                value = value[part]
    return tuple(found)


def _at(value: Any, place: Path_) -> Any:
    for part in place:
        value = value[part]
    return value


def _takes(model: type[BaseModel], value: Any, place: Path_, candidate: Any) -> bool:
    changed = with_value(value, place, candidate)
    try:
        model.model_validate(changed)
    except ValidationError as error:
        return not any(place_in(changed, fault)[: len(place)] == place for fault in error.errors(include_url=False))
    return True


def _variants(value: Any, key: Path_, forms: Sequence[Form]) -> Iterator[Any]:
    """The same, written otherwise."""
    allowed = [word for form in forms for word in _words(form)]
    if isinstance(value, list) and value:
        yield from _of_list(value, key)
    match value:
        case str():
            yield from _of_text(value, allowed, forms)
        case int() | float() if not isinstance(value, bool):
            yield from _of_number(value, forms)
        case [one]:
            yield from ({"type": "array", "items": one},) if "array" in allowed else ()
            yield one
        case dict():
            yield from _of_mapping(value, key)
    if "string" in allowed and isinstance(value, bool | int | float):
        yield key_type(value)
    if isinstance(value, dict) or not any(form.get("items") == STEP for form in forms):
        yield [value]
    yield from _under_a_key(value, key, forms)
    yield from allowed if len(allowed) == 1 and not isinstance(value, dict | list) else ()


def _of_text(value: str, allowed: Sequence[Any], forms: Sequence[Form]) -> Iterator[Any]:
    if len(value) > _LONGEST:
        return
    same = re.sub(r"[\s_]", "-", value.strip().lower())
    words = {word.lower(): word for word in allowed if isinstance(word, str)}
    yield from (words[word] for word in get_close_matches(same, words, n=1, cutoff=0.6))
    yield from (known[same] for known in (_TYPE, _TRUTH) if same in known)
    if re.fullmatch(r"-?\d+(\.\d+)?", same):
        yield float(same) if "." in same else int(same)
    if any(form.get("pattern") == ID for form in forms):
        yield slug_of(value)
    yield from _duration(value)
    if action := _ACTION.fullmatch(value):
        yield ":".join(
            f"{part[0].lower()}{part[1:]}" if part[1:2].islower() else part.lower() for part in action.groups()
        )
    if lasting := _DURATION_OF_DATA.fullmatch(value):
        yield {"until": f"{{% $fromMillis($millis() + {lasting[1]} * {parse_duration('1' + lasting[2]) * 1000}) %}}"}
    if braced := re.fullmatch(r"\{(\w+)\}", value):
        yield braced[1]
    if amount := re.fullmatch(r"(\d+)(?:times|-times|x|mb|mib)", same):
        yield int(amount[1])
    if loop := re.fullmatch(r"(\w+) in \{?([\w.]+)\}?", value):
        yield {"items": f"{{{loop[2]}}}", "as": loop[1]}
    if "," in value:
        yield [part.strip() for part in value.split(",")]


def _duration(value: str) -> Iterator[str]:
    """A duration that is spelt in words, or as ISO 8601 says."""
    spelt = [(int(number), unit.lower()) for number, unit in _SPELT.findall(value)] if not _SPELT.sub("", value) else []
    if short := re.fullmatch(r"(\d+)h(\d+)", value):
        spelt = [(int(short[1]), "h"), (int(short[2]), "m")]
    iso = _ISO.match(value)
    if iso:
        spelt = [(int(number), name[0]) for number, name in zip(iso.groups(), UNIT_NAMES, strict=True) if number]
    if spelt:
        yield "".join(f"{number * 7}d" if unit == "w" else f"{number}{unit}" for number, unit in spelt)


def _of_number(value: float, forms: Sequence[Form]) -> Iterator[Any]:
    if isinstance(value, float) and value.is_integer():
        yield int(value)
    for form in forms if not any("examples" in form for form in forms) else ():
        least, most = form.get("minimum"), form.get("maximum")
        if least is not None and value < least:
            yield least
        if most is not None and value > most:
            yield most


def _of_list(value: list[Any], key: Path_) -> Iterator[Any]:
    """Names, or names and values, that stand in a list elsewhere."""
    if all(isinstance(item, dict) and {"name", "value"} == set(item) for item in value):
        yield {str(item["name"]): item["value"] for item in value}
    elif all(isinstance(item, dict) and isinstance(item.get("id", item.get("name")), str) for item in value):
        names = [item.get("id", item.get("name")) for item in value]
        rest = [{part: inner for part, inner in item.items() if part not in ("id", "name")} for item in value]
        yield dict(zip(names, rest, strict=True))
        yield {name: [item] for name, item in zip(names, value, strict=True)}
    elif key in (("inputs",), ("outputs",)) and all(_NAME.fullmatch(str(item)) for item in value):
        yield {item: f"{{{item}}}" for item in value}
        yield dict.fromkeys(value, "string")


def _of_mapping(value: dict[Any, Any], key: Path_) -> Iterator[Any]:
    """Steps by their names; a duration by its units; the properties of a schema."""
    if value.get("type") == "object" and isinstance(value.get("properties"), dict):
        yield value["properties"]
    if "steps" not in value and value and all(isinstance(item, list) for item in value.values()):
        yield from _of_ways(value, key)
    if value and all(isinstance(item, dict) for item in value.values()):
        yield [{"id": key, **item} for key, item in value.items()]
    if value and set(value) <= set(UNIT_NAMES):
        yield "".join(f"{value[name]}{name[0]}" for name in UNIT_NAMES if name in value)


def _of_ways(value: dict[Any, Any], key: Path_) -> Iterator[Any]:
    """Arms by their conditions; catches by their errors."""
    otherwise = [name for name in value if name in ("default", "else", "otherwise")]
    named = {name: steps for name, steps in value.items() if name not in otherwise}
    if key == ("switch",):
        arms = [{"when": name, "steps": steps} for name, steps in named.items()]
        yield [*arms, *({"else": value[name]} for name in otherwise)]
    if key == ("catch",):
        catches = [{"errors": [name], "steps": steps} for name, steps in named.items()]
        yield [*catches, *({"steps": value[name]} for name in otherwise)]


def _under_a_key(value: Any, key: Path_, forms: Sequence[Form]) -> Iterator[Any]:
    """The value of the one key that is meant, in a mapping: one that has to be there, or that of an example."""
    text = isinstance(value, str) and "{" not in value and any(form.get("type") == "string" for form in forms)
    for form in forms if isinstance(value, str | int) and not (isinstance(value, bool) or text) else ():
        shown = [example for example in _EXAMPLES.get(str(key[-1]), ()) if isinstance(example, dict)]
        known = form.get("properties", {})
        words = {name: _words(each) for name, each in known.items()}
        keys = [name for name, allowed in words.items() if value in allowed]
        keys += form.get("required") or [key for example in shown for key in example if len(example) == 1]
        yield from ({key: value} for key in (*keys, "default") if key in known)


def _words(form: Form) -> list[Any]:
    return [*form.get("enum", ()), *([form["const"]] if "const" in form else [])]


@lru_cache(maxsize=1000)
def _forms(model: type[BaseModel], place: Path_) -> list[Form]:
    """What the schema of a model allows at a place: each of its alternatives."""
    schema = model.model_json_schema()
    defs = schema.get("$defs", {})
    found = list(_alternatives(schema, defs))
    for part in place:
        inner: list[Any] = []
        for form in found:
            if isinstance(part, int):
                inner.append(form.get("items"))
            else:
                inner.append(form.get("properties", {}).get(part, form.get("additionalProperties")))
        found = [other for form in inner if isinstance(form, dict) for other in _alternatives(form, defs)]
    return found


def _alternatives(form: Form, defs: Form) -> Iterator[Form]:
    said: Form = {key: form[key] for key in ("examples", "description", "default") if key in form}
    if "$ref" in form:
        yield from _alternatives({**defs[form["$ref"].rpartition("/")[2]], **said}, defs)
    elif "anyOf" in form:
        for each in form["anyOf"]:
            yield from _alternatives({**each, **said}, defs)
    elif form.get("type") != "null":
        yield {**form, "$defs": defs}


def _examples(forms: Sequence[Form], key: Path_) -> Iterator[Any]:
    """Values that a schema may allow, the telling ones first."""
    for form in forms:
        yield from form.get("examples", ())
        said = _SUCH_AS.search(form.get("description", ""))
        if said:
            yield int(said[1]) if said[1].isdigit() else said[1]
    types = {form.get("type") for form in forms}
    known = _EXAMPLES.get(str(key[-1]), ()) if key else ()
    yield from (example for example in known if types & {None, key_type(example)})
    for form in forms:
        yield from _plain_examples(form)


def _plain_examples(form: Form) -> Iterator[Any]:
    if any(form.get(key) == item for key, item in STEP.items()):
        yield _STEP
        return
    yield from _words(form)
    match form.get("type"):
        case "array":
            yield [_inside(form, form.get("items", {}), 0)]
        case "object" if "properties" in form:
            keys = form.get("required") or list(form["properties"])[:1]
            yield {key: _inside(form, form["properties"][key], key) for key in keys}
        case "object":
            inner = form.get("additionalProperties")
            yield {"name": _inside(form, inner, "name") if isinstance(inner, dict) else "..."}
        case "boolean":
            yield True
        case "integer" | "number":
            yield form.get("default") or form.get("minimum") or 1
        case _:
            yield from (form["default"],) if form.get("default") else ()
            words = ("...", "notify", "https://example.com")
            yield from (word for word in words if re.search(form.get("pattern", ""), word))


def _inside(form: Form, inner: Form, part: str | int) -> Any:
    return next(_examples(list(_alternatives(inner, form.get("$defs", {}))), (part,)), "...")


def shown(key: Path_, value: Any) -> str:
    """A value behind its key, on one line; what is long in it is left out. ``key`` is the end of its path."""
    for depth in (9, 2, 1):
        kept = _cut(value, depth)
        text = yaml_line({key[-1]: kept} if key and isinstance(key[-1], str) else [kept])[1:-1]
        text = re.sub(r"""(["'])\.\.\.\1""", "...", text)
        text = re.sub(r"""'((?:[^'"\\]|'')+)'""", lambda found: '"' + found[1].replace("''", "'") + '"', text)
        if len(text) <= _LONGEST:
            break
    return f"`{text}`"


def _cut(value: Any, depth: int) -> Any:
    if depth == 0:
        return "..." if isinstance(value, dict | list) else value
    match value:
        case dict():
            return {key: "..." if _is_private(key, item) else _cut(item, depth - 1) for key, item in value.items()}
        case list():
            return [_cut(item, depth - 1) for item in value]
        case _:
            return value


def _is_private(key: Any, value: Any) -> bool:
    return bool(_PRIVATE.search(str(key))) and not str(value).startswith("{secrets.")
