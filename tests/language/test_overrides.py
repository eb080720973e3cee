"""Changes to steps, laid over documents by a program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.compiler.bundle import Bundle
from stepworkflows_cdk.errors import ConfigurationError, DocumentError
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.local import run

FLOW = """\
name: shop
inputs: {n: integer}
steps:
  - id: price
    runs-on: lambda
    zip-file: code
    timeout: 10s
    env: {STAGE: test, LEVEL: low}
    inputs: {n: "{n}", id: charge}
    outputs: {amount: "{amount}"}
    undo: back
  - id: ship
    switch:
      - when: "{n} > 1"
        steps:
          - {name: Charge It, wait: 1h}
      - else: [{id: nothing, outputs: {x: 1}}]
undo-steps:
  back: {runs-on: lambda, zip-file: code}
outputs: {amount: "{amount}"}
"""


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    for folder, factor in (("code", 1), ("elsewhere/mine", 10)):
        (tmp_path / folder).mkdir(parents=True)
        code = f"def handler(event, context):\n    return {{'amount': {factor} * event['n']}}\n"
        (tmp_path / folder / "handler.py").write_text(code, encoding="utf-8")
    (tmp_path / "workflow.yaml").write_text(FLOW, encoding="utf-8")
    return tmp_path / "workflow.yaml"


def bundle(flow: Path, **overrides: Any) -> Bundle:
    return compile_workflow(Definition.load(flow, overrides=overrides))


def function(found: Bundle) -> Any:
    (need,) = [need for need in found.needs if "price" in need.steps]
    return need


def test_keys_are_replaced_mappings_merged_and_none_removes(flow: Path) -> None:
    env = {"LEVEL": "high", "STAGE": None}
    changed = function(bundle(flow, price={"runs-on": {"lambda": {"memory": 1024}}, "timeout": "20s", "env": env}))
    assert (changed.memory, changed.timeout) == (1024, 20)
    assert [(name, text.parts) for name, text in changed.env] == [("LEVEL", ("high",))]


def test_a_step_runs_other_code_from_elsewhere(flow: Path) -> None:
    mine = flow.parent / "elsewhere" / "mine"
    changed = bundle(flow, price={"zip-file": mine})
    assert function(changed).id == "function-mine"
    assert run(changed, {"n": 2}, integrations=BUILTIN).output == {"amount": 20}


@pytest.mark.parametrize("id_", ["charge-it", "nothing", "back", "shop"])
def test_every_step_can_be_changed_wherever_it_stands(flow: Path, id_: str) -> None:
    Definition.load(flow, overrides={id_: {"description": "another"}})


def test_data_with_an_id_is_no_step(flow: Path) -> None:
    with pytest.raises(ConfigurationError, match="no step has the id 'charge'; did you mean `charge-it`"):
        Definition.load(flow, overrides={"charge": {"wait": "2h"}})


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (
            {"env": {}, "timeout": "20m"},
            ["<overrides>:4:16 SW401 a Lambda function runs 15 minutes", '    "timeout": "20m"'],
        ),
        ({"zip-fil": "x"}, ["<overrides>:3:5 SW101 `zip-fil` is no key here", "did you mean `zip-file`"]),
        ({"zip-file": "nowhere"}, ["<overrides>:3:17 SW502 there is no `nowhere`"]),
    ],
)
def test_a_fault_in_an_override_is_shown_where_it_stands(flow: Path, change: Any, shown: list[str]) -> None:
    with pytest.raises(DocumentError) as raised:
        Definition.load(flow, overrides={"price": change})
    assert all(part in str(raised.value) for part in shown)


def test_faults_of_the_document_keep_their_places(flow: Path) -> None:
    flow.write_text(FLOW.replace("timeout: 10s", "timeout: 16m"), encoding="utf-8")
    with pytest.raises(DocumentError, match=r"workflow\.yaml:7:14 SW401"):
        Definition.load(flow, overrides={"price": {"env": {"STAGE": "x"}}})


TWO = Path(__file__).parents[1] / "flows" / "ids-of-two-flows" / "workflow.yaml"


def test_a_step_of_one_flow_is_changed_where_another_has_its_id() -> None:
    found = bundle(TWO, **{"inner/work": {"timeout": "20s"}, "outer": {"description": "two flows"}})
    timeouts = {need.id: need.timeout for need in found.needs if hasattr(need, "timeout")}
    assert sorted(timeouts.values()) == [20, 30]


@pytest.mark.parametrize(
    ("id_", "says"),
    [
        ("work", "'work' is several steps; write `outer/work` or `inner/work`"),
        ("inner/wrok", "no step has the id 'inner/wrok'; did you mean `inner/work`?"),
    ],
)
def test_an_id_that_means_several_steps_is_refused(id_: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        bundle(TWO, **{id_: {"timeout": "20s"}})
    assert str(raised.value) == f"overrides: {says}"


@pytest.mark.parametrize("change", ["20s", {"id": "other"}])
def test_what_is_no_change_is_refused(flow: Path, change: Any) -> None:
    with pytest.raises(ConfigurationError, match="'price' must be a mapping of the step's keys"):
        Definition.load(flow, overrides={"price": change})


def test_the_document_itself_is_left_alone(flow: Path) -> None:
    assert bundle(flow, price={"timeout": "20s"}) != bundle(flow)
    assert function(bundle(flow)).timeout == 10
