"""What a run did with each node and edge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stepworkflows_cdk.pictures.model import START, Graph
from stepworkflows_cdk.pictures.steps import steps_only
from stepworkflows_cdk.pictures.trace import Trace, trace

Draw = Callable[..., Graph]


def entered(*names: str) -> list[dict[str, Any]]:
    return [{"event": "StateEntered", "name": name, "step": "", "at": 0.0} for name in names]


def failed(name: str, retry_in: float | None = None) -> list[dict[str, Any]]:
    event = {"event": "AttemptFailed", "name": name, "step": "", "at": 0.0, "attempt": 1, "error": "E", "cause": ""}
    return [{**event, "retry_in": retry_in}]


def ways(found: Trace) -> set[tuple[str, str, str]]:
    return {(edge.source, edge.target, edge.kind) for edge in found.edges}


def test_the_edges_between_states_that_followed_each_other_were_taken(drawn: Draw, nested: dict[str, Any]) -> None:
    # The branches run at the same time: their events are mixed.
    events = entered("check", "both", "each", "poll", "pack", "ready?", "ship", "pause", "poll", "ready?", "bill")
    found = trace(drawn(nested), [*events, *entered("small", "end")])
    assert ways(found) == {
        (START, "check", "next"),
        ("check", "both", "condition"),
        ("both", "small", "next"),
        ("small", "end", "next"),
        ("each", "ship", "next"),
        ("poll", "ready?", "next"),
        ("ready?", "pause", "default"),
        ("pause", "poll", "next"),
        ("ready?", "bill", "condition"),
    }
    assert found.visits["poll"].entered == 2
    assert "refused" not in found.visits
    assert found.status("refused") == ""


def test_after_a_failure_the_edge_of_the_error_was_taken(drawn: Draw) -> None:
    states = {
        "a": {"Type": "Task", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "b"}], "Next": "b"},
        "b": {"Type": "Succeed"},
    }
    graph = drawn({"StartAt": "a", "States": states})
    assert ("a", "b", "next") in ways(trace(graph, entered("a", "b")))
    found = trace(graph, [*entered("a"), *failed("a", 1.0), *failed("a"), *entered("b")])
    assert ways(found) == {(START, "a", "next"), ("a", "b", "error")}
    assert found.notes() == {"a": "entered once, 2 failed, 1 retried", "b": "entered once"}
    assert (found.status("a"), found.status("b")) == ("failed", "entered")


def test_a_retry_that_helped_is_no_failure(drawn: Draw) -> None:
    graph = drawn({"StartAt": "a", "States": {"a": {"Type": "Task", "End": True}}})
    assert trace(graph, [*entered("a"), *failed("a", 1.0)]).status("a") == "retried"


def test_an_end_that_fails_has_failed(drawn: Draw) -> None:
    graph = drawn({"StartAt": "a", "States": {"a": {"Type": "Fail"}}})
    assert trace(graph, entered("a")).status("a") == "failed"


def test_a_retry_through_states_that_are_left_out_counts(flow_graph: Callable[[str], Graph]) -> None:
    graph = steps_only(flow_graph("retry"))
    again = entered("busy: again?", "busy: which?", "busy: again", "busy: wait")
    found = trace(graph, [*entered("Input", "busy"), *failed("busy"), *again, *entered("busy", "Done")])
    assert found.notes() == {"busy": "entered 2 times, 1 failed, 1 retried", "Done": "entered once"}
    assert found.status("busy") == "retried"
    assert ways(found) == {(START, "busy", "next"), ("busy", "Done", "next")}
