"""Distributed loops in a stack: what a machine may do with itself, and with the files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepworkflows_cdk import StepWorkflow

FLOW = Path(__file__).parent.parent / "flows" / "for-each-source" / "workflow.yaml"
KEYS = {"kms:Decrypt", "kms:GenerateDataKey"}


@pytest.fixture(scope="module", params=["baseline", "nist"])
def made(request, new_stack, template):
    stack = new_stack()
    StepWorkflow(stack, "Flow", definition=FLOW, profile=request.param)
    return request.param, stack, template(stack)


def statements(template, part):
    for id_, policy in template.of_type("AWS::IAM::ManagedPolicy").items():
        if part in id_:
            yield from policy["PolicyDocument"]["Statement"]


def test_a_machine_may_start_and_redrive_itself_by_a_policy_that_its_role_does_not_name(made):
    _, _, template = made
    (machine,) = template.of_type("AWS::StepFunctions::StateMachine")
    (own,) = (id_ for id_ in template.of_type("AWS::IAM::ManagedPolicy") if "OwnPermissions" in id_)
    (role,) = (ref["Ref"] for ref in template.of_type("AWS::IAM::ManagedPolicy")[own]["Roles"])
    assert own not in json.dumps(template.of_type("AWS::IAM::Role")[role])
    allowed = {json.dumps(each["Action"]): json.dumps(each["Resource"]) for each in statements(template, own)}
    start, redrive = allowed.pop('"states:StartExecution"'), allowed.pop('"states:RedriveExecution"')
    (executions,) = allowed.values()
    assert json.loads(start) == {"Ref": machine}
    assert executions.count(":execution:") == 1
    assert [redrive.count(f"/{name}:*") for name in ("again", "keep", "list", "price", "rows")] == [1] * 5
    assert all(machine in text for text in (executions, redrive))


def test_files_are_read_and_written_where_the_document_says_so(made):
    profile, _, template = made
    found = {
        (action, json.dumps(each["Resource"]))
        for part in ("machineforeachsourcePermissions", "SharedObjects")
        for each in statements(template, part)
        for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    }
    written = {action for action, resource in found if "/kept/*/*" in resource}
    assert written == {"s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"}
    read = {action for action, resource in found if "/in/" in resource}
    assert read == {"s3:GetObject"}
    (listing,) = (each for each in statements(template, "Permissions") if each["Action"] == "s3:ListBucket")
    assert listing["Condition"] == {"StringEquals": {"s3:prefix": "in/"}}
    keys = {action for action, _ in found if action.startswith("kms:")}
    assert keys >= (KEYS if profile == "nist" else set())
