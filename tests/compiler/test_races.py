"""Races, by property: who wins, when the race is over and how it fails follow from how long each branch takes and whether it
succeeds; and a loser's work that has begun has its effect all the same.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.local import RunResult, run

BRANCHES = st.lists(
    st.tuples(st.integers(1, 60), st.booleans()), min_size=2, max_size=5, unique_by=lambda branch: branch[0]
)


def ran(document: Mapping[str, Any], files: Mapping[str, str] | None = None) -> RunResult:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (files or {}).items():
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).write_text(text)
        file = Path(folder) / "workflow.json"
        file.write_text(json.dumps(document))
        return run(compile_workflow(Definition.load(file)), {}, integrations=BUILTIN)


def flow(branches: Sequence[tuple[int, bool]], join: Any) -> dict[str, Any]:
    parallel = {
        f"b{number}": [
            {"id": f"wait-{number}", "wait": seconds},
            {"id": f"end-{number}", "outputs": {"n": number, "list": [number], "none": None}}
            if succeeds
            else {"id": f"end-{number}", "fail": {"error": f"E{number}"}},
        ]
        for number, (seconds, succeeds) in enumerate(branches)
    }
    race = {"id": "race", "join": join, "parallel": parallel, "outputs": {"all": "{result}"}}
    return {"name": "x", "steps": [race], "outputs": {"all": "{all}"}}


@given(BRANCHES)
def test_the_first_branch_that_succeeds_wins(branches: list[tuple[int, bool]]) -> None:
    result = ran(flow(branches, "any"))
    best = min((branch for branch in branches if branch[1]), default=None)
    if best is None:
        assert result.error == "AllBranchesFailed"
        assert result.simulated_seconds == max(seconds for seconds, _ in branches)
    else:
        number = branches.index(best)
        assert result.output == {"all": {"n": number, "list": [number], "none": None, "winner": f"b{number}"}}
        assert result.simulated_seconds == best[0]


@pytest.mark.deep
@given(BRANCHES.filter(lambda branches: len(branches) > 2), st.data())
def test_so_many_branches_win_as_are_needed(branches: list[tuple[int, bool]], data: st.DataObject) -> None:
    needed = data.draw(st.integers(2, len(branches) - 1))
    result = ran(flow(branches, {"at-least": needed}))
    good = sorted(branch for branch in branches if branch[1])[:needed]
    if len(good) < needed:
        assert result.error == "TooFewBranches"
        assert result.simulated_seconds == max(seconds for seconds, _ in branches)
    else:
        winners = {f"b{branches.index(branch)}" for branch in good}
        gave = dict(result.output["all"])
        assert set(gave.pop("winners")) == gave.keys() == winners
        assert all(value == {"n": int(name[1:]), "list": [int(name[1:])], "none": None} for name, value in gave.items())
        assert result.simulated_seconds == good[-1][0]


CODE = """
import time
def handler(event, context):
    print(event["id"])
    time.sleep(event["seconds"])
    return {"id": event["id"]}
"""


@pytest.mark.parametrize("join", ["any", {"at-least": 2}])
def test_work_of_a_loser_that_has_begun_has_its_effect(join: Any) -> None:
    def step(id_: str, seconds: int) -> dict[str, Any]:
        return {"id": id_, "runs-on": "lambda", "zip-file": "code", "inputs": {"id": id_, "seconds": seconds}}

    race = {
        "id": "race",
        "join": join,
        "parallel": {"a": [step("a", 1)], "b": [step("b", 2)], "c": [step("c", 20), step("d", 1)]},
    }
    result = ran({"name": "x", "steps": [race]}, {"code/handler.py": CODE})
    assert result.status == "SUCCEEDED"
    assert sorted(str(line.text) for line in result.logs) == ["a", "b", "c"]
    assert result.simulated_seconds == (1 if join == "any" else 2)
