"""Shapes: values of a document against pydantic models, every fault with its place, its key and the nearest right
one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.document import Document, Path_
from stepworkflows_cdk.language.habits import Around, hint_for, inner_models
from stepworkflows_cdk.language.keys import ID, key_names
from stepworkflows_cdk.language.model import OutputKeys
from stepworkflows_cdk.language.repair import example_of, place_in, repair, shown

__all__ = ["is_long_form", "nearest", "read_keys", "right_keys", "unknown_key"]

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


def read_keys(
    model: type[Model],
    document: Document,
    path: Path_,
    value: Any,
    problems: list[Problem],
    beside: Sequence[type[BaseModel]] = (),
) -> Model | None:
    """The model of the mapping at ``path``; None, with problems added, where it does not fit. ``beside`` has the models of
    other keys of that mapping.
    """
    try:
        read = model.model_validate(value)
    except ValidationError as error:
        problems.extend(_problems(error, model, document, path, value, beside))
        return None
    problems.extend(_without_value(model, document, path, value))
    return read


def right_keys(model: type[Model], value: dict[str, Any]) -> Model | None:
    """The model of those keys of a mapping that are right, for reading on; None where that is none."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        wrong = {fault["loc"][0] for fault in error.errors(include_url=False) if fault["loc"]}
        right = {key: item for key, item in value.items() if key not in wrong}
        return right_keys(model, right) if len(right) < len(value) else None


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


def nearest(word: str, words: Iterable[str]) -> str:
    """`` did you mean ...`` for a misspelt word, or nothing."""
    found = get_close_matches(word, [str(known) for known in words], n=1, cutoff=0.6)
    return f"did you mean `{found[0]}`?" if found else ""


def is_long_form(value: dict[str, Any]) -> bool:
    """Whether a mapping says how an output is made; with a key that nearly says so, a typo is more likely than data."""
    others = set(value) - {"value"}
    known = set(key_names(OutputKeys))
    return "value" in value and all(key in known or nearest(key, known) for key in others)


def unknown_key(document: Document, path: Path_, around: Around) -> Problem:
    """The problem of a key that nobody knows."""
    key = str(path[-1])
    return Problem("SW101", f"`{key}` is no key here", document.key_mark(path), hint_for(key, around))


def _problems(
    error: ValidationError,
    model: type[BaseModel],
    document: Document,
    path: Path_,
    value: Any,
    beside: Sequence[type[BaseModel]],
) -> Iterator[Problem]:
    faults: dict[Path_, list[Any]] = {}
    for fault in error.errors(include_url=False):
        faults.setdefault(place_in(value, fault), []).append(fault)
    around = {place[:length] for place in faults for length in range(len(place))}
    misspelt = {
        (*place[:-1], meant)
        for place, here in faults.items()
        if here[0]["type"] == "extra_forbidden"
        for meant in get_close_matches(str(place[-1]), key_names(_chain(model, here[0]["loc"])[-1]), n=1, cutoff=0.6)
    }
    for inner, here in faults.items():
        if inner in around:
            continue  # another member of the same union, of which one may fit but for what is inside it
        kind, place = here[0]["type"], (*path, *inner)
        if kind == "extra_forbidden":
            yield unknown_key(document, place, _around(model, here[0]["loc"], place, beside))
        elif kind == "missing" and inner in misspelt:
            continue
        elif kind == "missing":
            hint = f"add it, such as {shown(inner[-1:], example_of(model, inner))}"
            yield Problem("SW102", f"the key `{place[-1]}` is missing", document.mark(place[:-1]), hint)
        else:
            expected = ", or ".join(dict.fromkeys(_expected(fault) for fault in here))
            message = f"{_subject(place)} must be {expected}"
            yield Problem("SW103", message, document.mark(place), repair(model, value, inner, path))


def _chain(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[type[BaseModel]]:
    """The models that the unknown key at ``loc`` is inside of, the nearest last."""
    found = [model]
    for part in loc[:-1]:
        inner = dict(inner_models(found[-1])).get(str(part))
        found += [inner] if inner else []
    return found


def _around(
    model: type[BaseModel], loc: tuple[str | int, ...], place: Path_, beside: Sequence[type[BaseModel]]
) -> Around:
    *outer, here = _chain(model, loc)
    return Around(
        key_names(here),
        inner=tuple(inner_models(here)),
        outer={key for each in (*outer, *beside) for key in key_names(each)} if outer else (),
        under=next((part for part in reversed(place[:-1]) if isinstance(part, str)), ""),
    )


def _subject(path: Path_) -> str:
    key = next((part for part in reversed(path) if isinstance(part, str)), None)
    if key is None:
        return "the value"
    return f"`{key}`" if key == path[-1] else f"what is listed under `{key}`"


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
