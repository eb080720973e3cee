"""Flows made at random do what a plain reading of their documents says: which work, with what, in which order, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings

from oracle.comparing import Compiled, compare
from oracle.failing import check_every_failure
from oracle.soundness import faults_of
from oracle.writing import Made, flows, sample

FAILED = 4
"""Flows that are failed at every call in every run of the tests."""


def few(deep: int) -> int:
    """So many examples where many are wanted, and all of those few otherwise."""
    return min(settings().max_examples, deep)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("flow")


@settings(max_examples=few(600))
@given(made=flows(depth=2))
def test_a_flow_does_what_its_document_says(folder: Path, made: Made) -> None:
    compare(made, folder)


@pytest.mark.deep
@settings(max_examples=few(800))
@given(made=flows(depth=4, steps=24))
def test_a_deep_flow_does_what_its_document_says(folder: Path, made: Made) -> None:
    compare(made, folder)


@pytest.mark.parametrize("seed", range(FAILED))
def test_wherever_a_flow_fails_it_does_what_its_document_says(folder: Path, seed: int) -> None:
    check_every_failure(Compiled(sample(seed + 1)[seed], folder))


@pytest.mark.deep
@settings(max_examples=few(150), phases=[Phase.generate])
@given(made=flows(depth=3))
def test_wherever_a_deep_flow_fails_it_does_what_its_document_says(folder: Path, made: Made) -> None:
    check_every_failure(Compiled(made, folder))


def test_soundness_sees_a_dead_state() -> None:
    dead = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}, "B": {"Type": "Succeed"}}}
    assert faults_of(json.dumps(dead)) == ["nothing leads to B"]


def test_soundness_sees_a_variable_that_may_not_be_there() -> None:
    states = {
        "A": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input.x %}", "Next": "B"}], "Default": "C"},
        "B": {"Type": "Pass", "Assign": {"b": 1}, "Next": "C"},
        "C": {"Type": "Succeed", "Output": "{% $b %}"},
    }
    found = faults_of(json.dumps({"StartAt": "A", "States": states}))
    assert found == ["C reads $b, which not every way there assigns"]
