"""What a report proposes for a value of the wrong shape: of every key, something; and written as proposed, it is right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from test_keys import models

from stepworkflows_cdk.language.cases import CaseKeys, ExpectKeys
from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.document import Document, Path_
from stepworkflows_cdk.language.keys import key_names
from stepworkflows_cdk.language.model import FlowKeys, StepKeys
from stepworkflows_cdk.language.shape import read_keys

WRONG: tuple[Any, ...] = ("some text", "5", 5, 2.5, -1, True, [], ["a"], ["a", "b"], [5], {}, {"a": 1}, None)
ALL = tuple(dict.fromkeys((*models(), CaseKeys, ExpectKeys)))


def problems(model: type[BaseModel], value: dict[str, Any]) -> list[Problem]:
    marks = dict.fromkeys(places(value), Mark("flow.yaml", 1, 1))
    document = Document("flow.yaml", Path(), "", value, marks, {})
    found: list[Problem] = []
    read_keys(model, document, (), value, found)
    return found


def places(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, item in items:
        yield from places(item, (*path, part))


def of(problem: Problem, key: str) -> bool:
    """Whether it is about the value of the key, and not about what is inside it, or the mapping around it."""
    return problem.code == "SW103" and problem.message.startswith(f"`{key}`")


@pytest.mark.parametrize("model", ALL, ids=[model.__name__ for model in ALL])
def test_every_wrong_value_has_a_fix_and_the_fix_is_right(model: type[BaseModel]) -> None:
    for key in key_names(model):
        for wrong in WRONG:
            for problem in problems(model, {key: wrong}):
                if not of(problem, key):
                    continue
                assert problem.hint, f"{key}: {wrong!r}: {problem.message}"
                for written in re.findall(r"(?:write|like) `(.*)`", problem.hint):
                    mended = yaml.safe_load(f"{{{written}}}")
                    left = [other.message for other in problems(model, mended) if of(other, key)]
                    assert left == [], f"{key}: {wrong!r}: {problem.hint}"


STEP = {"id": "x", "wait": 5}
FIXES: dict[str, tuple[type[BaseModel], dict[str, Any], str]] = {
    "a duration in words": (StepKeys, {"timeout": "5 minutes"}, "timeout: 5m"),
    "one of several words": (StepKeys, {"wait": "1 hour, 30 min"}, "wait: 1h30m"),
    "one as ISO 8601 writes it": (StepKeys, {"timeout": "PT1H30M"}, "timeout: 1h30m"),
    "one by its units": (StepKeys, {"wait": {"seconds": 5}}, "wait: 5s"),
    "one in quotes": (StepKeys, {"wait": "10"}, "wait: 10"),
    "a time where a duration may be": (StepKeys, {"wait": "{time}"}, 'wait: {until: "{time}"}'),
    "the key that is meant": (StepKeys, {"retry": 3}, "retry: {attempts: 3}"),
    "the only key": (StepKeys, {"join": 2}, "join: {at-least: 2}"),
    "the key that has to be there": (StepKeys, {"fail": "OutOfStock"}, "fail: {error: OutOfStock}"),
    "a condition": (StepKeys, {"require": "{n} > 0"}, 'require: {that: "{n} > 0"}'),
    "a list": (StepKeys, {"for-each": "{rows}"}, 'for-each: {items: "{rows}"}'),
    "the only word": (StepKeys, {"on-error": "ignore"}, "on-error: continue"),
    "truth": (StepKeys, {"pivot": "yes"}, "pivot: true"),
    "untruth": (StepKeys, {"pivot": "False"}, "pivot: false"),
    "one for a list": (StepKeys, {"needs": "a"}, "needs: [a]"),
    "several in a text": (StepKeys, {"needs": "a, b"}, "needs: [a, b]"),
    "a list of one": (StepKeys, {"name": ["a"]}, "name: a"),
    "names for values": (StepKeys, {"outputs": ["id", "sum"]}, 'outputs: {id: "{id}", sum: "{sum}"}'),
    "names for types": (FlowKeys, {"inputs": ["id"]}, "inputs: {id: string}"),
    "steps by their names": (StepKeys, {"steps": {"x": {"wait": 5}}}, "steps: [{id: x, wait: 5}]"),
    "one arm": (StepKeys, {"catch": {"steps": [STEP]}}, "catch: [{steps: [{id: x, wait: 5}]}]"),
    "another spelling": (FlowKeys, {"mode": "EXPRESS"}, "mode: express"),
    "a type as others call it": (FlowKeys, {"inputs": {"n": "int"}}, "n: integer"),
    "a list of a type": (FlowKeys, {"inputs": {"n": ["string"]}}, "n: {type: array, items: string}"),
    "an id": (StepKeys, {"id": "sendMail"}, "id: send-mail"),
    "too little": (StepKeys, {"repeat": {"until": "true", "max": 0}}, "max: 1"),
}


@pytest.mark.parametrize("what", FIXES)
def test_the_same_is_written_as_the_key_wants_it(what: str) -> None:
    model, value, fix = FIXES[what]
    assert [problem.hint for problem in problems(model, value)] == [f"write `{fix}`"]


def test_what_may_be_a_credential_is_not_repeated() -> None:
    for value in (
        {"env": [{"name": "PASSWORD", "value": "swordfish"}]},
        {"secrets": ["swordfish"]},
        {"catch": {"steps": [{"id": "x", "env": {"PASSWORD": "swordfish"}}]}},
    ):
        hints = [problem.hint for problem in problems(StepKeys, value)]
        assert hints
        assert "swordfish" not in "".join(hints)
