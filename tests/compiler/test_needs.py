"""`needs`, by property: in a graph made at random no step begins before those that it needs have ended, and none later than
it must where forks in forks can keep the order.

The waits of the graphs take their time by the clock of the run, so when a step begins tells what it waited for.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from stepworkflows_cdk import Definition, compile_workflow, validate
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.language.source import read_document
from stepworkflows_cdk.local import Event, StateEntered, run


@dataclass(frozen=True)
class Node:
    id: str
    seconds: int
    needs: tuple[str, ...] | None
    runs: bool = True

    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = {"id": self.id, "wait": self.seconds}
        if self.needs is not None:
            found["needs"] = list(self.needs)
        if not self.runs:
            found["if"] = False
        return found


@st.composite
def graphs(draw: st.DrawFn) -> list[Node]:
    """Any order: each needs some of those that come before it in an order which is not that of the list."""
    count = draw(st.integers(2, 8))
    names = [f"s{number}" for number in range(count)]
    found = [
        Node(
            name,
            draw(st.integers(1, 60)),
            draw(st.none() | st.lists(st.sampled_from(names[:number]), unique=True, max_size=3).map(tuple))
            if number
            else (),
            draw(st.sampled_from([True, True, True, False])),
        )
        for number, name in enumerate(names)
    ]
    return draw(st.permutations(found))


@st.composite
def nested(draw: st.DrawFn) -> list[Node]:
    """A series-parallel order: what is drawn together waits for all of what was drawn before it."""
    names = iter(f"s{number}" for number in range(10_000))

    def part(depth: int, needs: tuple[str, ...]) -> tuple[list[Node], tuple[str, ...]]:
        if depth == 0:
            node = Node(next(names), draw(st.integers(1, 60)), needs)
            return [node], (node.id,)
        inside, ends = list[Node](), tuple[str, ...]()
        for _ in range(draw(st.integers(1, 3))):
            nodes, last = part(depth - 1, needs)
            inside += nodes
            if depth % 2:
                ends += last
            else:
                needs = ends = last
        return inside, ends

    found, _ = part(draw(st.integers(1, 3)), ())
    return draw(st.permutations(found))


def waits(nodes: Sequence[Node]) -> Mapping[str, set[str]]:
    """What each waits for by itself."""
    before = {node.id: {other.id for other in nodes[:number]} for number, node in enumerate(nodes)}
    return {node.id: before[node.id] if node.needs is None else set(node.needs) for node in nodes}


def has_circle(graph: Mapping[str, set[str]]) -> bool:
    left = dict(graph)
    while free := [id_ for id_, needed in left.items() if not needed & left.keys()]:
        for id_ in free:
            del left[id_]
    return bool(left)


def earliest(nodes: Sequence[Node]) -> dict[str, tuple[int, int]]:
    """When each that runs begins and ends at the earliest."""
    graph, by_id = waits(nodes), {node.id: node for node in nodes}
    found: dict[str, tuple[int, int]] = {}
    skipped: set[str] = set()
    while len(found) < len(nodes):
        for node in nodes:
            if node.id not in found and graph[node.id] <= found.keys():
                begin = max((found[id_][1] for id_ in graph[node.id]), default=0)
                if not node.runs or any(id_ in skipped for id_ in node.needs or ()):
                    skipped.add(node.id)
                    found[node.id] = (begin, begin)
                else:
                    found[node.id] = (begin, begin + by_id[node.id].seconds)
    return {id_: times for id_, times in found.items() if id_ not in skipped}


def began(nodes: Sequence[Node]) -> tuple[dict[str, float], bool]:
    """When each began that ran, and whether the report warns that some wait for what they do not need."""
    told: list[Event] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "workflow.json"
        file.write_text(json.dumps({"name": "x", "steps": [node.document() for node in nodes]}))
        definition = Definition.load(file)
        result = run(compile_workflow(definition), {}, integrations=BUILTIN, listener=told.append)
    assert result.status == "SUCCEEDED"
    ids = {node.id for node in nodes}
    times = {event.name: event.at for event in told if isinstance(event, StateEntered) and event.name in ids}
    return times, any(problem.code == "SW264" for problem in definition.report.problems)


@given(graphs())
def test_no_step_begins_before_what_it_needs_has_ended(nodes: list[Node]) -> None:
    assume(not has_circle(waits(nodes)))
    times, warned = began(nodes)
    expected = earliest(nodes)
    assert times.keys() == expected.keys()
    for id_, needed in waits(nodes).items():
        for other in needed & times.keys():
            assert id_ not in times or times[id_] >= times[other] + next(n.seconds for n in nodes if n.id == other)
    if not warned:
        assert times == {id_: begin for id_, (begin, _) in expected.items()}


@given(nested())
def test_forks_in_forks_take_no_longer_than_they_must(nodes: list[Node]) -> None:
    times, warned = began(nodes)
    assert not warned
    assert times == {id_: begin for id_, (begin, _) in earliest(nodes).items()}


HANDLER = "def handler(event, context):\n    print(event['id'])\n    return {}\n"


@given(graphs(), st.data())
def test_what_was_attempted_is_undone_once_all_rests_and_before_what_it_needed(
    nodes: list[Node], data: st.DataObject
) -> None:
    graph = waits(nodes)
    assume(not has_circle(graph))
    fails = data.draw(st.sampled_from([node.id for node in nodes]))

    def work(id_: str) -> dict[str, Any]:
        return {"id": id_, "runs-on": "lambda", "zip-file": "code", "inputs": {"id": id_}}

    steps = []
    for node in nodes:
        step = {key: value for key, value in node.document().items() if key != "wait"}
        steps.append({**step, **work(node.id), "undo": work(f"un-{node.id}")})
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "code").mkdir()
        (Path(folder) / "code" / "handler.py").write_text(HANDLER)
        file = Path(folder) / "workflow.json"
        file.write_text(json.dumps({"name": "x", "steps": steps}))
        fault = {"at": fails, "throws": {"error": "Boom", "cause": ""}, "after-effect": True}
        result = run(compile_workflow(Definition.load(file)), {}, integrations=BUILTIN, outside=[fault])
    told = [str(line.text) for line in result.logs]
    attempted = [id_ for id_ in told if not id_.startswith("un-")]
    if fails not in attempted:
        assert result.status == "SUCCEEDED"
        assert told == attempted
        return
    assert (result.status, result.error) == ("FAILED", "Boom")
    undone = [id_.removeprefix("un-") for id_ in told[len(attempted) :]]
    assert sorted(undone) == sorted(attempted)
    for id_ in attempted:
        before = graph[id_] & set(attempted)
        assert fails not in before
        assert all(attempted.index(other) < attempted.index(id_) for other in before)
        assert all(undone.index(other) > undone.index(id_) for other in before)


def documents(*steps: str) -> Path:
    file = Path(tempfile.mkdtemp()) / "workflow.yaml"
    file.write_text("name: x\nsteps:\n" + "".join(f"  - {{{step}}}\n" for step in steps))
    return file


def test_another_order_of_the_steps_makes_the_same_states() -> None:
    steps = [
        "id: b, needs: [], wait: 1m",
        "id: a, needs: [], wait: 1m",
        "id: d, needs: [a], wait: 1m",
        "id: c, needs: [a], wait: 1m",
        "id: e, needs: [b, c, d], wait: 1m",
    ]
    bundles = [compile_workflow(Definition.load(documents(*order))) for order in (steps, steps[::-1])]
    assert set(bundles[0].main.states) == set(bundles[1].main.states)
    assert {"a beside b", "c beside d"} <= set(bundles[0].main.states)


FLOWS = Path(__file__).parent.parent / "flows"
OTHERWISE = ('"if"', '"needs"', '"uses"')
"""Keys of flows that would mean something else: what is skipped with a step; documents that name others."""


def plain_flows() -> Iterator[tuple[str, Any]]:
    """Golden flows of one document, without those keys."""
    for folder in sorted(FLOWS.iterdir()):
        document = next(folder.glob("workflow.*"))
        if not folder.name.startswith("wrong-") and not list(folder.glob("step-*")):
            value = read_document(document, document.name).value
            if not any(key in json.dumps(value) for key in OTHERWISE):
                yield folder.name, value


def with_all_needs(value: Any) -> Any:
    """The document with all needs written that steps have without any."""
    if isinstance(value, list):
        return [with_all_needs(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: with_all_needs(item) for key, item in value.items()}
    branches = found["parallel"].values() if isinstance(found.get("parallel"), dict) else ()
    for steps in (*(found.get(key) for key in ("steps", "else")), *branches):
        ids = [step.get("id") for step in steps or () if isinstance(step, dict)]
        for number, step in enumerate(steps or () if None not in ids else ()):
            step["needs"] = ids[:number]
    return found


def test_needs_that_say_what_the_list_says_change_nothing(tmp_path: Path) -> None:
    seen = 0
    for name, value in plain_flows():
        shutil.copytree(FLOWS / name, tmp_path / name)
        next((tmp_path / name).glob("workflow.*")).unlink()
        file = tmp_path / name / "workflow.json"
        file.write_text(json.dumps(with_all_needs(value)))
        bundle = compile_workflow(Definition.load(file))
        assert "".join(f"{machine.text}\n" for machine in bundle.machines) == (FLOWS / name / "asl.json").read_text(
            "utf-8"
        )
        seen += 1
    assert seen > 50


def test_long_lists_are_scheduled_in_a_moment() -> None:
    chains = [f"id: s{number}, needs: {[f's{number - 9}'] if number > 8 else []}, wait: 1m" for number in range(450)]
    assert not validate(documents(*chains)).problems
    cut = [
        f"id: s{number}, needs: {[f's{other}' for other in range(number - 9, number - 7) if other >= 0]}, wait: 1m"
        for number in range(450)
    ]
    assert all(problem.code == "SW264" for problem in validate(documents(*cut)).problems)
