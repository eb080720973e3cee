"""The manual says what the models say, with an example of every key that compiles."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from key_outcomes import examples
from test_keys import FOR_READERS

from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.integrations.activities.plan import ActivityKeys, ActivityRuntime
from stepworkflows_cdk.language.cases import CaseKeys, ExpectKeys
from stepworkflows_cdk.language.keys import key_names
from stepworkflows_cdk.language.manual import Examples, manual
from stepworkflows_cdk.language.model import ConfigKeys, FlowKeys, ForEachKeys, StepKeys
from stepworkflows_cdk.language.scope import ROOTS

TESTS = {(model, key) for model in (CaseKeys, ExpectKeys) for key in key_names(model)}
NO_DIFFERENCE = (
    FOR_READERS
    | TESTS
    | {
        (ActivityRuntime, "activity"),  # the long form of the only form
        (ActivityKeys, "runs-on"),
        (ConfigKeys, "allowed"),  # what is refused when the flow is compiled
        (FlowKeys, "type"),
        (FlowKeys, "tests"),
        (FlowKeys, "tags"),  # what a CDK app does with the flow's resources
        (StepKeys, "type"),
        (ForEachKeys, "as"),  # a name inside the document
    }
)
"""Keys whose examples change nothing in the bundle: they say something to people, or what holds without them."""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    return examples(tmp_path_factory.mktemp("keys"))


def test_the_page_is_what_the_models_say(repository: Path, shown: Examples) -> None:
    page = repository / "docs" / "language.md"
    text = manual(BUILTIN, shown)
    if os.environ.get("UPDATE_GOLDEN") == "1" and not os.environ.get("CI"):
        page.write_text(text, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == text


def test_every_key_has_an_example_that_becomes_something(shown: Examples) -> None:
    rows = [
        line for line in manual(BUILTIN, shown).partition("## References")[0].splitlines() if line.startswith("| `")
    ]
    assert len(rows) > 250
    assert [row for row in rows if row.endswith("|  |")] == []
    assert {key for key, example in shown.items() if not example.becomes} == NO_DIFFERENCE


def test_every_root_of_a_reference_is_explained() -> None:
    text = manual(BUILTIN, {})
    assert [root for root in ROOTS if f"| `{{{root}" not in text] == []


def test_every_key_says_what_it_means() -> None:
    rows = [line for line in manual(BUILTIN, {}).splitlines() if line.startswith("| `")]
    assert len(rows) > 80
    assert [row for row in rows if row.endswith(("|  |  |", "|  |  |  |"))] == []
