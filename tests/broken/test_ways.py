"""Every right golden flow, broken in every listed way: the fault is reported on its line, without a traceback or a hang."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from broken.ways import CREDENTIAL, HARMLESS, WAYS, Right, Way
from stepworkflows_cdk import Definition, compile_workflow, validate

FLOWS = Path(__file__).parent.parent / "flows"
RIGHT = sorted(path.parent.name for path in FLOWS.glob("*/workflow.yaml") if not path.parent.name.startswith("wrong-"))
SAMPLE = 3
"""Flows that each way breaks in every run."""


def files(folder: Path, name: str = "workflow.yaml") -> list[Path]:
    return [folder / name, *sorted(folder.glob("step-*.*"))]


def broken(way: Way, flow: str, folder: Path) -> bool:
    """Breaks a flow, and looks at what is said of it; False where it has nothing that can be broken in this way."""
    made = way.change(Right(FLOWS / flow / "workflow.yaml"))
    if made is None:
        return False
    here = folder / flow
    if not here.exists():
        shutil.copytree(FLOWS / flow, here)
    (here / made.name).write_bytes(made.data)
    began = time.monotonic()
    report = validate(*files(here, made.name))
    text = report.text()
    assert time.monotonic() - began < way.seconds
    assert CREDENTIAL not in text
    if way.codes == HARMLESS:
        assert not report.errors, text
        assert means(here, made.name) == means(FLOWS / flow)
    else:
        found = [problem for problem in report.errors if problem.code in way.codes]
        assert found, f"{flow}: not reported as {sorted(way.codes)}: {text[:2000]}"
        on_line = [problem for problem in found if not made.lines or problem.mark.line in made.lines]
        assert on_line, f"{flow}: line {made.lines} is not named: {text[:2000]}"
    return True


def means(folder: Path, name: str = "workflow.yaml") -> object:
    """What the flow becomes, without what only describes it."""
    bundle = compile_workflow(Definition.load(*files(folder, name)))
    return [without_comments(json.loads(machine.text)) for machine in bundle.machines]


def without_comments(value: object) -> object:
    if isinstance(value, dict):
        return {key: without_comments(item) for key, item in value.items() if key != "Comment"}
    return [without_comments(item) for item in value] if isinstance(value, list) else value


def sample(way: Way) -> Iterator[str]:
    """Some of the flows that can be broken in this way, other ones for each way."""
    first = WAYS.index(way) * 7
    order = RIGHT[first % len(RIGHT) :] + RIGHT[: first % len(RIGHT)]
    return iter(order)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_what_people_break_is_reported(way: Way, tmp_path: Path) -> None:
    number = 0
    for flow in sample(way):
        number += broken(way, flow, tmp_path)
        if number == SAMPLE:
            break
    assert number


@pytest.mark.deep
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_what_people_break_is_reported_in_every_flow(way: Way, tmp_path: Path) -> None:
    assert sum(broken(way, flow, tmp_path) for flow in RIGHT)


def test_documents_cut_off_anywhere_are_no_crash(tmp_path: Path) -> None:
    shutil.copytree(FLOWS / "saga", tmp_path / "saga")
    path = tmp_path / "saga" / "workflow.yaml"
    text = path.read_bytes()
    for end in range(0, len(text), 7):
        path.write_bytes(text[:end])
        validate(path).text()
