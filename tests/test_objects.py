"""Workflows as Python objects: what a file would say, loaded, compiled and refused as a file would be."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepworkflows_cdk import ConfigurationError, Definition, DocumentError, Step, Workflow, compile_workflow, validate
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.language.yaml_source import read_yaml
from stepworkflows_cdk.language.yaml_text import yaml_text
from stepworkflows_cdk.local import run

FLOWS = Path(__file__).parent / "flows"
RIGHT = sorted(path.name for path in FLOWS.iterdir() if not path.name.startswith("wrong-"))


def without_marks(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_marks(item) for key, item in value.items() if key not in ("mark", "states")}
    return [without_marks(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", RIGHT)
def test_a_document_becomes_an_object_and_the_same_document_again(name: str) -> None:
    paths = sorted((FLOWS / name).glob("workflow.*")) + sorted((FLOWS / name).glob("step-*.*"))
    objects = [Workflow.from_yaml(path) for path in paths]
    for path, made in zip(paths, objects, strict=True):
        again = Workflow.from_yaml(made.to_yaml())
        assert json.dumps(dict(again)) == json.dumps(dict(Workflow.from_yaml(path)))
        assert again == made
    bundles = [compile_workflow(Definition.load(*source)).to_json() for source in (paths, objects)]
    assert without_marks(bundles[0]) == without_marks(bundles[1])


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    [
        "yes",
        "0o7",
        "1e3",
        "0x1F",
        "1:30",
        "~",
        "null",
        "<<",
        "=",
        "- a",
        "# b",
        "a: b",
        " a",
        "a\n",
        "\n a",
        "\u202e",
        "\x85",
        ".5",
    ]
)
VALUES = st.recursive(
    SCALARS | TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)


@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4))
def test_any_value_survives_its_text(value: dict[str, Any]) -> None:
    assert json.dumps(read_yaml(yaml_text(value), "a.yaml", 100)[0]) == json.dumps(value)


def test_keywords_become_keys_in_their_order(tmp_path: Path) -> None:
    step = Step("pay", on_error="continue", if_="{n} > 1", zip_file=tmp_path / "pay", runs_on="lambda")
    keys = {
        "id": "pay",
        "if": "{n} > 1",
        "runs-on": "lambda",
        "zip-file": str(tmp_path / "pay"),
        "on-error": "continue",
    }
    assert list(step.items()) == list(keys.items())
    assert step == keys
    flow = Workflow("shop", steps=(step,), timeout="1h")
    assert list(flow) == ["name", "type", "timeout", "steps"]
    assert flow["steps"][0]["id"] == "pay"
    assert Workflow.from_yaml(flow.to_yaml()) == flow
    assert eval(repr(step)) == step


def test_texts_over_several_lines_are_readable() -> None:
    assert Step("a", description="one\ntwo\n", steps=[{"id": "b"}]).to_yaml() == (
        "id: a\ndescription: |\n  one\n  two\nsteps:\n  - id: b\n"
    )


def test_a_flow_runs_with_its_code_and_steps_that_follow(tmp_path: Path) -> None:
    (tmp_path / "greet").mkdir()
    (tmp_path / "greet" / "handler.py").write_text("def handler(event, context):\n    return event\n", encoding="utf-8")
    say = Step("say", runs_on="lambda", zip_file="greet", inputs={"text": "Hello {name}"}, outputs={"text": "{text}"})
    flow = Workflow("greet", inputs={"name": "string"}, outputs={"text": "{text}{more}"}, steps=[say], folder=tmp_path)
    definition = Definition.load(flow, Step("more", outputs={"more": "!"}))
    assert run(compile_workflow(definition), {"name": "Ada"}, integrations=BUILTIN).output == {"text": "Hello Ada!"}
    elsewhere = Workflow("greet", inputs={"name": "string"}, steps=[{**say, "zip-file": str(tmp_path / "greet")}])
    assert validate(elsewhere).problems == ()


def test_faults_are_shown_in_its_text() -> None:
    report = validate(Workflow("a", steps=[Step("b", zipfile="x", runs_on="lambda")]), Step("c", wiat=1))
    first, second = report.problems[0], report.problems[-1]
    assert f"{first.mark} {first.code} {first.hint}" == "<python>:6:5 SW101 did you mean `zip-file`?"
    assert f"{second.mark} {second.code}" == "<python-2>:2:1 SW101"
    assert "<python>:6:5 SW101 `zipfile` is no key here\n        zipfile: x\n        ^" in report.text()
    with pytest.raises(DocumentError, match="SW101"):
        Definition.load(Workflow("a", steps=[{"id": "b", "zipfile": "x"}]))


def test_without_a_folder_relative_paths_lead_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "handler.py").write_text("def handler(event, context): ...\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    flow = Workflow("a", steps=[Step("b", runs_on="lambda", zip_file="code")])
    assert [problem.code[:3] for problem in validate(flow).errors] == ["SW5"]
    assert validate(Workflow("a", steps=flow["steps"], folder=".")).errors == ()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Step("a", inputs={"x": {1, 2}}), "`inputs.x` is a set, which no document can hold"),
        (lambda: Step("a", inputs={"x": [b""]}), "`inputs.x[0]` is a bytes"),
        (lambda: Step("a", inputs={1: 2}), "`inputs`: the key 1 is no text"),
        (lambda: Workflow("a", steps=[Step("b", folder="x")]), "`steps[0]`: a step inside another has no folder"),
    ],
)
def test_what_no_document_can_hold_is_refused_at_once(make: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(says)):
        make()


def test_a_text_is_told_from_a_path(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: a\n", encoding="utf-8")
    assert Workflow.from_yaml(str(tmp_path / "a.yaml")) == Workflow.from_yaml("name: a") == {"name": "a"}
    assert Workflow.from_yaml(tmp_path / "a.yaml").folder == tmp_path
    with pytest.raises(DocumentError, match="<python>:1:8 SW010"):
        Workflow.from_yaml("name: [")
    with pytest.raises(DocumentError, match=r"nowhere\.yaml:1:1 SW001"):
        Workflow.from_yaml("nowhere.yaml")


def test_the_page_does_what_it_says(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (repository / "docs" / "python.md").read_text("utf-8"), re.DOTALL)
    (tmp_path / "greet").mkdir()
    (tmp_path / "greet" / "handler.py").write_text("def handler(event, context): ...\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__file__": str(tmp_path / "flow.py")}
    exec(compile(code, "flow.py", "exec"), names)
    assert Workflow.from_yaml(tmp_path / "greet.yaml") == names["greet"]
    assert names["bundle"].main.key


def test_a_construct_takes_it(tmp_path: Path) -> None:
    import aws_cdk as cdk

    from stepworkflows_cdk import StepWorkflow

    stack = cdk.Stack(cdk.App(outdir=str(tmp_path)), "Stack")
    flow = StepWorkflow(stack, "Flow", definition=Workflow("a", steps=[Step("b", outputs={"x": 1})]))
    assert "b" in flow.steps
    with pytest.raises(ConfigurationError, match="depend on the folder"):
        StepWorkflow(stack, "Other", definition=[Workflow("a", steps=[Step("b", wait=1)], folder="flows")])
