"""The text of a machine: what users write stays text, what the deployment fills is a hole."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from stepworkflows_cdk.compiler.asl import render
from stepworkflows_cdk.compiler.plan import Hole, MachinePlan, Succeed, Text
from stepworkflows_cdk.language.diagnostics import Mark

MARK = Mark("flow.yaml", 1, 1)
TEXTS = st.text() | st.lists(
    st.sampled_from(["${", "}", "{{", "\ue000", "\ue001", "table_x_name", "$", "{", "\\", '"'])
).map("".join)


def machine(output: object) -> MachinePlan:
    return MachinePlan("flow", MARK, "", (Succeed("End", MARK, output),))  # type: ignore[arg-type]


@given(text=TEXTS)
def test_no_text_of_a_user_becomes_a_hole_or_a_dynamic_reference(text: str) -> None:
    rendered, holes = render(MachinePlan("flow", MARK, text, (Succeed("End", MARK, {"value": text, text or "k": 1}),)))
    assert holes == ()
    assert "${" not in rendered
    assert "{{" not in rendered
    assert json.loads(rendered)["States"]["End"]["Output"] == {"value": text, text or "k": 1}


@given(before=TEXTS, after=TEXTS)
def test_holes_are_written_where_they_stand(before: str, after: str) -> None:
    hole = Hole("table-x", "name")
    rendered, holes = render(machine({"value": Text((before, hole, after))}))
    assert holes == (hole,)
    assert rendered.count("${") == 1
    filled = json.loads(rendered.replace("${table_x_name}", "orders"))
    assert filled["States"]["End"]["Output"] == {"value": f"{before}orders{after}"}
