"""A machine's text as a graph: nothing of it is missing, nothing is added but the start."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from stepworkflows_cdk.compiler.bundle import Bundle, Machine
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.pictures.model import START, Edge, Graph, read, walk

Draw = Callable[..., Graph]


def test_a_graph_has_every_state_of_the_text_and_the_start(drawn: Draw, nested: dict[str, Any]) -> None:
    graph = drawn(nested)
    names = {node.name: node.kind for _, node in walk(graph)}
    assert names == {
        START: "Start",
        "check": "Choice",
        "both": "Parallel",
        "each": "Map",
        "pack": "Task",
        "ship": "Task",
        "poll": "Task",
        "ready?": "Choice",
        "pause": "Wait",
        "bill": "Task",
        "small": "Pass",
        "end": "Succeed",
        "refused": "Fail",
    }
    assert graph.edges[0] == Edge(START, "check")


def test_edges_say_what_leads_along_them(drawn: Draw, nested: dict[str, Any]) -> None:
    graph = drawn(nested)
    assert set(graph.edges) == {
        Edge(START, "check"),
        Edge("check", "both", "condition", "$input.total > 100"),
        Edge("check", "small", "default", "default"),
        Edge("both", "small"),
        Edge("both", "refused", "error", "error Boom, Bang"),
        Edge("small", "end"),
    }
    [both] = [node for node in graph.nodes if node.name == "both"]
    assert [branch.title for branch in both.branches] == ["branch 1", "branch 2"]
    assert Edge("pause", "poll") in both.branches[1].edges


def test_nodes_know_their_step_and_where_it_stands(flow_graph: Callable[[str], Graph]) -> None:
    nodes = {node.name: node for _, node in walk(flow_graph("order-flow"))}
    charge = nodes["charge"]
    assert (charge.step, charge.file, charge.kind, charge.service) == (
        "charge",
        "workflow.yaml",
        "Task",
        "lambda:invoke",
    )
    assert charge.line > nodes["reserve"].line > 1
    assert nodes["reserve"].service == "dynamodb:transactWriteItems"
    assert charge.retries[0] == "PaymentBusy"
    assert nodes["Done"].step == ""


@pytest.mark.parametrize(
    ("resource", "service"),
    [
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", "sqs:sendMessage.waitForTaskToken"),
        ("arn:aws-cn:states:::aws-sdk:s3:getObject", "s3:getObject"),
        ("arn:aws:lambda:eu-west-1:111122223333:function:pay", "lambda:function"),
        ("arn:aws:states:eu-west-1:111122223333:activity:sign", "states:activity"),
    ],
)
def test_the_service_is_the_end_of_the_resource(drawn: Draw, resource: str, service: str) -> None:
    graph = drawn({"StartAt": "a", "States": {"a": {"Type": "Task", "Resource": resource, "End": True}}})
    assert graph.nodes[1].service == service


def test_a_retrier_that_forbids_retries_is_none(drawn: Draw) -> None:
    rules = [{"ErrorEquals": ["No"], "MaxAttempts": 0}, {"ErrorEquals": ["Yes", "Also"]}, {"ErrorEquals": ["Yes"]}]
    graph = drawn({"StartAt": "a", "States": {"a": {"Type": "Task", "Retry": rules, "End": True}}})
    assert graph.nodes[1].retries == ("Yes", "Also")


def test_the_state_that_begins_comes_first_wherever_it_stands(drawn: Draw) -> None:
    graph = drawn({"StartAt": "b", "States": {"a": {"Type": "Succeed"}, "b": {"Type": "Pass", "Next": "a"}}})
    assert [node.name for node in graph.nodes] == [START, "b", "a"]


def test_several_machines_are_nodes_with_their_graphs_inside() -> None:
    text = json.dumps({"StartAt": "a", "States": {"a": {"Type": "Succeed"}}})
    machines = tuple(Machine(id_, text, (), {}, Mark("flow.yaml", 1, 1)) for id_ in ("Outer", "Inner"))
    graph = read(Bundle(machines, (), ()))
    assert [(node.name, node.kind) for node in graph.nodes] == [("Outer", "Machine"), ("Inner", "Machine")]
    assert [node.name for node in graph.nodes[1].branches[0].nodes] == [START, "a"]
