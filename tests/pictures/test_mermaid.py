"""Mermaid text: what it looks like for flows of this repository, and that no name is more than text in it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepworkflows_cdk.pictures.mermaid import mermaid
from stepworkflows_cdk.pictures.model import Graph
from stepworkflows_cdk.pictures.steps import steps_only

Draw = Callable[..., Graph]
GOLDEN = Path(__file__).parent / "golden"
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1" and not os.environ.get("CI")


def golden(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.mmd"
    if UPDATE:
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("flow", ["order-flow", "saga", "require-after-work"])
def test_flows_look_like_this(flow: str, flow_graph: Callable[[str], Graph]) -> None:
    golden(flow, mermaid(steps_only(flow_graph(flow))))


def test_all_states_of_a_flow_look_like_this(flow_graph: Callable[[str], Graph]) -> None:
    golden("retry-states", mermaid(flow_graph("retry")))


def test_branches_are_subgraphs(drawn: Draw, nested: dict[str, Any]) -> None:
    golden("nested", mermaid(drawn(nested)))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ('say "hi"', "say #34;hi#34;"),
        ("<script>alert(1)</script>", "#60;script#62;alert(1)#60;/script#62;"),
        ("%%{init: {}}%%", "#37;#37;#123;init: #123;#125;#125;#37;#37;"),
        ("1. first", "1#46; first"),
        ("- item", "#45; item"),
        ("*bold* and _leaning_ but snake_case", "#42;bold#42; and #95;leaning#95; but snake_case"),
        ("`code` #35; & more", "#96;code#96; #35;35#59; #38; more"),
        ("two\nlines", "two lines"),
        ("a\u202eb\x00c", "a\ufffdb\ufffdc".replace("\ufffd", "#65533;")),
        ("订单 — größer", "订单 #8212; größer"),
        ("$$x$$", "#36;$x#36;$"),
    ],
)
def test_names_are_only_text(name: str, text: str, drawn: Draw) -> None:
    shown = mermaid(drawn({"StartAt": name, "States": {name: {"Type": "Succeed"}}}))
    assert f'n1(["{text}"])\n' in shown


def test_conditions_are_only_text_and_short(drawn: Draw) -> None:
    condition = '{% $x = "|" and ' + "$y and " * 30 + "true %}"
    rules = [{"Condition": condition, "Next": "b"}]
    states = {"a": {"Type": "Choice", "Choices": rules, "Default": "b"}, "b": {"Type": "Succeed"}}
    shown = mermaid(drawn({"StartAt": "a", "States": states}))
    label = re.search(r'n1 -->\|"(.*)"\| n2', shown)
    assert label
    assert label[1].startswith("$x = #34;#124;#34; and $y")
    assert label[1].endswith("…")
    assert len(label[1]) < 60


def test_every_error_edge_is_dotted_and_no_other(drawn: Draw, nested: dict[str, Any]) -> None:
    assert re.findall(r".*-\.->.*", mermaid(drawn(nested))) == ['  n2 -.->|"error Boom, Bang"| n12']
