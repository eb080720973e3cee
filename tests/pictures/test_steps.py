"""The view of the steps: what the compiler added is gone, and what remains leads where it led before."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from stepworkflows_cdk.compiler.bundle import Bundle, Machine
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.pictures.model import START, Graph, Node, read, walk
from stepworkflows_cdk.pictures.steps import auxiliary_states, steps_only

Draw = Callable[..., Graph]
FlowGraph = Callable[[str], Graph]


def found(graph: Graph, name: str) -> Node:
    return next(node for _, node in walk(graph) if node.name == name)


def leaving(graph: Graph, name: str) -> set[tuple[str, str, str]]:
    return {(edge.target, edge.kind, edge.label) for edge in graph.edges if edge.source == name}


def test_the_order_flow_is_its_steps_and_its_ends(flow_graph: FlowGraph) -> None:
    graph = steps_only(flow_graph("order-flow"))
    assert [node.name for node in graph.nodes] == [
        START,
        "Wrong input",
        "place-order",
        "summary",
        "confirm",
        "reserve",
        "sold-out",
        "charge",
        "create-order",
        "shipped",
        "delivered",
        "thanks",
        "close-order",
        "Done",
        "refund",
        "release",
        "mark-failed",
        "Failed",
        "Undo failed",
    ]
    assert leaving(graph, START) == {("place-order", "next", ""), ("Wrong input", "next", "")}
    assert leaving(graph, "confirm") == {("reserve", "next", "or any error")}
    assert leaving(graph, "charge") == {("create-order", "next", ""), ("refund", "error", "any error")}
    assert leaving(graph, "mark-failed") == {
        ("Failed", "next", "or any error"),
        ("Undo failed", "next", "or any error"),
    }


def test_a_loop_of_retries_becomes_a_retry_of_its_step(flow_graph: FlowGraph) -> None:
    states = flow_graph("retry-rules")
    graph = steps_only(states)
    assert "X" not in found(states, "first").retries
    assert "X" in found(graph, "first").retries
    assert leaving(graph, "first") == {("never", "next", ""), ("Failed", "error", "any error")}


def test_a_fence_is_what_it_fences(flow_graph: FlowGraph) -> None:
    states = flow_graph("require-after-work")
    graph = steps_only(states)
    assert (found(states, "adult").kind, found(graph, "adult").kind) == ("Parallel", "Choice")
    assert found(graph, "adult").branches == ()


def test_a_refusal_without_a_fence_is_an_end_and_stays(flow_graph: FlowGraph) -> None:
    graph = steps_only(flow_graph("require"))
    assert leaving(graph, "adult") == {
        ("end", "condition", "{age} >= 18"),
        ("adult: refused", "default", "default"),
    }


def test_one_undo_for_two_steps_is_two_nodes(flow_graph: FlowGraph) -> None:
    graph = steps_only(flow_graph("saga"))
    assert {"un-b (c)", "un-b (b)"} <= {node.name for node in graph.nodes}


def test_steps_with_the_names_of_the_compilers_states_stay(flow_graph: FlowGraph) -> None:
    graph = steps_only(flow_graph("names-collide"))
    assert [node.name for node in graph.nodes] == [START, "Input", "Done", "Done: refused", "Failed", "Done (2)"]


def test_names_cut_at_the_longest_are_known_too(drawn: Draw) -> None:
    name = "n" * 78
    states: dict[str, Any] = {
        name: {"Type": "Task", "Catch": [{"ErrorEquals": ["X"], "Next": f"{name}: "[:80]}], "Next": "Done"},
        f"{name}: "[:80]: {"Type": "Choice", "Choices": [], "Default": f"{name}: "[:76] + " (2)"},
        f"{name}: "[:76] + " (2)": {"Type": "Wait", "Next": name},
        "Done": {"Type": "Succeed"},
    }
    graph = drawn({"StartAt": name, "States": states}, dict.fromkeys(list(states)[:3], "step"))
    assert auxiliary_states(graph) == {*list(states)[1:3], "Done"}
    assert [node.name for node in steps_only(graph).nodes] == [START, name, "Done"]


def test_branches_with_steps_stay_without_what_was_added_in_them(drawn: Draw) -> None:
    inside = {
        "StartAt": "a: prepare",
        "States": {
            "a": {"Type": "Task", "Next": "a: leave"},
            "a: prepare": {"Type": "Pass", "Next": "a"},
            "a: leave": {"Type": "Pass", "End": True},
        },
    }
    graph = drawn(
        {
            "StartAt": "Input",
            "States": {
                "Input": {"Type": "Pass", "Next": "both"},
                "both": {"Type": "Parallel", "Branches": [inside], "Next": "Done"},
                "Done": {"Type": "Succeed"},
            },
        },
        {"both": "both", "a": "a", "a: prepare": "a", "a: leave": "a"},
    )
    both = found(steps_only(graph), "both")
    assert both.kind == "Parallel"
    assert [[node.name for node in branch.nodes] for branch in both.branches] == [["a"]]


def test_a_state_that_holds_a_step_stays_though_it_was_added(drawn: Draw) -> None:
    branch = {"StartAt": "a", "States": {"a": {"Type": "Task", "End": True}}}
    states = {"fence": {"Type": "Parallel", "Branches": [branch], "Next": "Done"}, "Done": {"Type": "Succeed"}}
    graph = steps_only(drawn({"StartAt": "fence", "States": states}, {"a": "a"}))
    assert [node.name for node in graph.nodes] == [START, "fence", "Done"]


def test_conditions_of_a_step_to_the_same_target_are_one_edge(drawn: Draw) -> None:
    rules = [{"Condition": "{% $a %}", "Next": "b"}, {"Condition": "{% $c %}", "Next": "b"}]
    states = {
        "a": {"Type": "Choice", "Choices": rules, "Default": "d"},
        "b": {"Type": "Succeed"},
        "d": {"Type": "Fail"},
    }
    graph = steps_only(drawn({"StartAt": "a", "States": states}, {"a": "a"}))
    assert leaving(graph, "a") == {("b", "condition", "$a or $c"), ("d", "default", "default")}


def test_a_second_call_of_a_step_is_part_of_it(flow_graph: FlowGraph) -> None:
    graph = steps_only(flow_graph("wait-for"))
    assert leaving(graph, "delivered") == {
        ("after", "next", "or error States.Timeout"),
        ("Failed", "error", "any error"),
    }


def test_what_an_error_leads_to_is_no_good_path_though_choices_lead_there_too(flow_graph: FlowGraph) -> None:
    (cancel, _) = (node.branches[0] for node in steps_only(flow_graph("cancel")).nodes)
    assert leaving(cancel, "ship") >= {("delivered", "next", ""), ("undo-reserve", "error", "any error")}
    assert leaving(cancel, "paid") >= {("confirm", "next", ""), ("undo-place", "error", "any error")}
    assert leaving(cancel, "note") == {("Failed", "next", "or any error"), ("Undo failed", "next", "or any error")}


def test_a_step_that_is_skipped_is_no_sign_of_an_error(drawn: Draw) -> None:
    catch = [{"ErrorEquals": ["X"], "Next": "c"}]
    states = {
        "a": {"Type": "Task", "Next": "b: if", "Catch": catch},
        "b: if": {"Type": "Choice", "Choices": [{"Condition": "{% $x %}", "Next": "b"}], "Default": "c"},
        "b": {"Type": "Task", "Next": "c"},
        "c": {"Type": "Succeed"},
    }
    graph = steps_only(drawn({"StartAt": "a", "States": states}, {"a": "a", "b: if": "b", "b": "b", "c": "c"}))
    assert leaving(graph, "a") == {("b", "next", ""), ("c", "next", "or error X")}


def test_what_is_guarded_stands_inside_of_the_guard(flow_graph: FlowGraph) -> None:
    graph = steps_only(flow_graph("guard"))
    assert [node.name for node in graph.nodes] == [START, "Guarded", "mark-failed", "close", "Failed"]
    assert leaving(graph, START) == {("Guarded", "next", "")}
    assert leaving(graph, "Guarded") == {("mark-failed", "error", "any error"), ("Failed", "error", "any error")}
    (inside,) = found(graph, "Guarded").branches
    assert [node.title for node in inside.nodes][:6] == [START, "Wrong input", "place", "work", "pause", "check"]
    assert leaving(inside, "Guarded/check") == {
        ("Guarded/close", "next", ""),
        ("Guarded/undo-place", "error", "any error"),
    }


def test_machines_beside_each_other_keep_their_own_steps() -> None:
    mark = Mark("flow.yaml", 1, 1)
    states = {"a": {"Type": "Pass", "Next": "b"}, "b": {"Type": "Pass", "End": True}}
    text = json.dumps({"StartAt": "a", "States": states})
    own = Mark("flow.yaml", 2, 1, "own")
    one = Machine("One", text, (), {"a": own, "b": mark}, mark)
    two = Machine("Two", text, (), {"a": mark, "b": own}, mark)
    graph = steps_only(read(Bundle((one, two), (), ())))
    inside = {node.name: [inner.name for inner in node.branches[0].nodes] for node in graph.nodes}
    assert inside == {"One": [START, "a"], "Two": [START, "b"]}


@pytest.mark.parametrize(
    "flow",
    [
        "order-flow",
        "saga",
        "retry-rules",
        "recorded-outputs",
        "guarded-result",
        "require-after-work",
        "wait-for",
        "one-step",
    ],
)
def test_what_can_be_reached_is_the_same_in_both_views(flow: str, flow_graph: FlowGraph) -> None:
    states = flow_graph(flow)
    steps = steps_only(states)
    shown = {node.name for node in steps.nodes}
    for name in shown:
        assert reached(steps, name) == reached(states, name) & shown - ({name} - reached(steps, name))


def reached(graph: Graph, name: str) -> set[str]:
    ahead, seen = [name], set()
    while ahead:
        here = ahead.pop()
        for edge in graph.edges:
            if edge.source == here and edge.target not in seen:
                seen.add(edge.target)
                ahead.append(edge.target)
    return seen


def test_a_step_in_a_container_is_called_by_its_work(flow_graph: FlowGraph) -> None:
    graph = steps_only(flow_graph("container"))
    assert [node.name for node in graph.nodes] == [START, "Wrong input", "pack", "told", "Done", "Failed"]
    assert found(graph, "pack").service == "ecs:runTask.sync"
