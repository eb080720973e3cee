"""Tags of a flow, in a stack."""

from __future__ import annotations

import pytest

from stepworkflows_cdk import StepWorkflow

SHOP = """
name: shop
tags: {team: shop, stage: dev}
resources: {orders: {type: table, key: id}}
steps:
  - {id: note, record: {table: orders, key: {id: "1"}}}
  - {id: count, uses: part.yaml}
"""
PART = """
name: part
type: RunnableStep
tags: {team: counters}
steps: [{id: one, outputs: {n: 1}}]
"""


@pytest.fixture(scope="module")
def made(new_stack, template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tags")
    (folder / "shop.yaml").write_text(SHOP)
    (folder / "part.yaml").write_text(PART)
    stack = new_stack()
    StepWorkflow(stack, "Shop", definition=folder / "shop.yaml")
    return template(stack)


def tags(properties):
    return {tag["Key"]: tag["Value"] for tag in properties["Tags"]}


def test_everything_that_is_made_for_a_flow_has_its_tags(made):
    for type_ in ("DynamoDB::Table", "IAM::Role", "CloudWatch::Alarm", "Logs::LogGroup"):
        assert all(
            tags(found)["stage"] == "dev" for id_, found in made.of_type(f"AWS::{type_}").items() if "Shop" in id_
        )
    assert tags(made.only("AWS::DynamoDB::Table")) == {"team": "shop", "stage": "dev"}


def test_the_machine_of_another_flow_has_its_own(made):
    found = made.of_type("AWS::StepFunctions::StateMachine")
    by_name = {name: tags(each) for id_, each in found.items() for name in ("shop", "part") if f"machine{name}" in id_}
    assert by_name == {"shop": {"team": "shop", "stage": "dev"}, "part": {"team": "counters", "stage": "dev"}}
