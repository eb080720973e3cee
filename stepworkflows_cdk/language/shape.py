"""Shapes: values of a document against pydantic models, every fault with its place, its key and the nearest right
one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.document import Document, Path_
from stepworkflows_cdk.language.keys import ID
from stepworkflows_cdk.language.model import OTHERWISE, OutputKeys

__all__ = ["is_long_form", "key_names", "model_in", "nearest", "read_keys", "unknown_key"]

Model = TypeVar("Model", bound=BaseModel)

_EXPECTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "list_type": "a list",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def read_keys(model: type[Model], document: Document, path: Path_, value: Any, problems: list[Problem]) -> Model | None:
    """The model of the mapping at ``path``; None, with problems added, where it does not fit."""
    try:
        read = model.model_validate(value)
    except ValidationError as error:
        problems.extend(_problems(error, model, document, path))
        return None
    problems.extend(_without_value(model, document, path, value))
    return read


def _without_value(model: type[BaseModel], document: Document, path: Path_, value: Any) -> Iterator[Problem]:
    """Keys that were written, and then nothing behind them: they would say nothing."""
    for name, field in model.model_fields.items():
        key = field.alias or name
        if key not in value or field.annotation is Any:
            continue
        if value[key] is None:
            mark = document.key_mark((*path, key))
            yield Problem("SW103", f"`{key}` has no value", mark, "write one, or remove the key")
        inner = [part for part in (field.annotation, *get_args(field.annotation)) if isinstance(part, type)]
        models = [part for part in inner if issubclass(part, BaseModel)]
        if len(models) == 1 and isinstance(value[key], dict):
            yield from _without_value(models[0], document, (*path, key), value[key])


def key_names(model: type[BaseModel]) -> tuple[str, ...]:
    """The keys of a model as they are written."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def nearest(word: str, words: Iterable[str]) -> str:
    """`` did you mean ...`` for a misspelt word, or nothing."""
    found = get_close_matches(word, [str(known) for known in words], n=1, cutoff=0.6)
    return f"did you mean `{found[0]}`?" if found else ""


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The first model in a type, such as that of a key that may be left away."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if found := model_in(argument):
            return found
    return None


def is_long_form(value: dict[str, Any]) -> bool:
    """Whether a mapping says how an output is made; with a key that nearly says so, a typo is more likely than data."""
    others = set(value) - {"value"}
    known = set(key_names(OutputKeys))
    return "value" in value and all(key in known or nearest(key, known) for key in others)


def unknown_key(document: Document, path: Path_, allowed: Iterable[str]) -> Problem:
    """The problem of a key that nobody knows."""
    key = str(path[-1])
    allowed = sorted(allowed)
    mark = document.key_mark(path)
    listed = ", ".join(f"`{name}`" for name in allowed)
    hint = OTHERWISE.get(key) or nearest(key, allowed) or f"known here: {listed or 'none'}"
    return Problem("SW101", f"`{key}` is no key here", mark, hint)


def _problems(error: ValidationError, model: type[BaseModel], document: Document, path: Path_) -> Iterator[Problem]:
    faults = [((*path, *_in_document(document, path, fault)), fault) for fault in error.errors(include_url=False)]
    seen: set[Path_] = {place[:length] for place, _ in faults for length in range(len(place))}
    for place, fault in faults:
        kind = fault["type"]
        if place in seen:
            continue  # another member of the same union, of which one may fit but for what is inside it
        seen.add(place)
        if kind == "extra_forbidden":
            yield unknown_key(document, place, _siblings(model, fault["loc"]))
        elif kind == "missing":
            key = place[-1]
            yield Problem("SW102", f"the key `{key}` is missing", document.mark(place[:-1]), f"add `{key}`")
        else:
            yield Problem("SW103", f"{_subject(place)} must be {_expected(fault)}", document.mark(place), _hint(fault))


def _in_document(document: Document, path: Path_, fault: Any) -> Path_:
    """The location without the parts that pydantic adds for short forms and unions."""
    found: list[str | int] = []
    loc: tuple[str | int, ...] = fault["loc"]
    for number, part in enumerate(loc):
        value = document.get((*path, *found))
        missing = fault["type"] == "missing" and number == len(loc) - 1
        match value, part:
            case dict(), str() if part in value or missing:
                found.append(part)
            case list(), int():
                found.append(part)
    return tuple(found)


def _siblings(model: type[BaseModel], loc: tuple[str | int, ...]) -> tuple[str, ...]:
    """The keys of the model that the unknown key at ``loc`` stands in."""
    current: type[BaseModel] = model
    for part in loc[:-1]:
        field = next((field for name, field in current.model_fields.items() if part in (field.alias, name)), None)
        inner = model_in(field.annotation) if field else None
        if inner:
            current = inner
    return key_names(current)


def _subject(path: Path_) -> str:
    key = next((part for part in reversed(path) if isinstance(part, str)), None)
    return f"`{key}`" if key else "the value"


def _expected(fault: Any) -> str:
    kind, context = fault["type"], fault.get("ctx", {})
    match kind:
        case "literal_error":
            return str(context["expected"]).replace("'", "`")
        case "value_error":
            return str(context["error"]).removeprefix("a duration is ")
        case "string_pattern_mismatch" if context["pattern"] == ID:
            return "small letters, digits and `-`, beginning with a letter, at most 63 of them"
        case "string_pattern_mismatch":
            return f"a text of the form {context['pattern']}"
        case "string_too_long":
            return f"at most {context['max_length']} characters long"
        case "string_too_short" | "too_short":
            return "longer: it is empty"
        case "greater_than_equal":
            return f"at least {context['ge']}"
        case "less_than_equal":
            return f"at most {context['le']}"
        case _:
            return _EXPECTED.get(kind) or str(fault["msg"]).removeprefix("Input should be ").lower()


def _hint(fault: Any) -> str:
    match fault["type"]:
        case "string_type" if isinstance(fault["input"], (bool, int, float)):
            return "quote it"
        case "literal_error" if isinstance(fault["input"], str):
            return nearest(
                fault["input"], str(fault["ctx"]["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
            )
        case _:
            return ""
