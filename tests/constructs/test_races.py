"""The table in which the branches of a race are counted, in a stack."""

from __future__ import annotations

from pathlib import Path

import pytest
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from stepworkflows_cdk import StepWorkflow

FLOW = Path(__file__).parent.parent / "flows" / "race-at-least" / "workflow.yaml"


@pytest.fixture(scope="module")
def made(new_stack, template):
    stack = new_stack()
    StepWorkflow(stack, "Flow", definition=FLOW)
    return stack, template(stack)


def test_the_table_serves_running_executions_only(made):
    table = made[1].only("AWS::DynamoDB::Table")
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    (kept,) = [each for each in made[1].resources.values() if each["Type"] == "AWS::DynamoDB::Table"]
    assert kept["DeletionPolicy"] == "Delete"


def test_the_machine_may_count_and_nothing_else(made):
    (table,) = [name for name, each in made[1].resources.items() if each["Type"] == "AWS::DynamoDB::Table"]
    on_table = [
        statement
        for statement in made[1].statements("states.amazonaws.com")
        if statement["Resource"] == {"Fn::GetAtt": [table, "Arn"]}
    ]
    assert [statement["Action"] for statement in on_table] == ["dynamodb:UpdateItem"]


def test_both_packs_find_nothing(made):
    for pack in (AwsSolutionsChecks, ServerlessChecks):
        assert [each.rule_name for each in pack(made[0]).validate_scope(made[0]).violations] == []
