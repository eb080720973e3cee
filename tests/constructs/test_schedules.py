"""What a schedule may do where the stack's profile demands a key."""

import pytest

from stepworkflows_cdk import StepWorkflow

FLOW = "name: nightly\ntriggers: {schedule: {every: 1d}}\nsteps: [{id: pause, wait: 1h}]\n"


@pytest.mark.parametrize(("profile", "encrypts"), [("baseline", False), ("nist", True)])
def test_a_schedule_may_encrypt_its_dead_letters(stack, tmp_path, template, profile, encrypts):
    (tmp_path / "workflow.yaml").write_text(FLOW, encoding="utf-8")
    StepWorkflow(stack, "Flow", definition=tmp_path / "workflow.yaml", profile=profile)
    allowed = [each for each in template(stack).statements("scheduler.amazonaws.com") if "kms:" in str(each["Action"])]
    assert [each["Action"] for each in allowed] == ([["kms:Decrypt", "kms:GenerateDataKey"]] if encrypts else [])
    assert all("kms:ViaService" in each["Condition"]["StringEquals"] for each in allowed)
