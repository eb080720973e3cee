"""Jobs that a `call` waits for: what the page says of them, and what is allowed for names that only a run knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.integrations.aws_sdk.called import called
from stepworkflows_cdk.integrations.aws_sdk.jobs import JOBS
from stepworkflows_cdk.objects import Step, Workflow

PAGE = Path(__file__).parents[2] / "docs" / "calls.md"


def test_the_page_names_every_job() -> None:
    text = PAGE.read_text("utf-8")
    assert {name for name in JOBS if f"`{name}`" not in text} == set()


@pytest.mark.parametrize("name", sorted(JOBS))
def test_every_job_is_an_action_with_the_parameters_of_the_table(name: str) -> None:
    known = called(f"{name}.sync")
    assert known
    assert known.resource == f"{name}.sync"
    members = known.service.shape(known.operation.input or "")["members"]
    known_names = {member[:1].upper() + member[1:] for member in members}
    paths = [each.arn.partition("{")[2].partition("}")[0].partition("=")[0] for each in known.job.on if "{" in each.arn]  # type: ignore[union-attr]
    assert {
        path.partition(".")[0] for path in [*paths, *([known.job.role] if known.job and known.job.role else [])]
    } <= (known_names)


def grants(call: str, inputs: dict[str, Any], **keys: Any) -> set[str]:
    flow = Workflow("jobs", inputs={"id": "string"}, steps=[Step("job", call=call, inputs=inputs, **keys)])
    bundle = compile_workflow(Definition.load(flow))
    return {
        f"{action} {grant.resource.fill(lambda hole: hole.attribute)}"
        for grant in bundle.grants
        for action in grant.actions
    }


@pytest.mark.parametrize(
    ("definition", "on"),
    [
        ("work", {"job-definition/work", "job-definition/work:*"}),
        ("work:3", {"job-definition/work:3"}),
        ("{id}", {"job-definition/*"}),
        ("work-{id}", {"job-definition/work-*"}),
        ("arn:aws:batch:REGION:ACCOUNT_ID:job-definition/work:7", {"job-definition/work:7"}),
    ],
)
def test_the_definition_of_a_batch_job_is_allowed_as_it_is_named(definition: str, on: set[str]) -> None:
    inputs = {"JobName": "a", "JobQueue": "q", "JobDefinition": definition}
    found = {
        each.rpartition(":job-definition")[2] for each in grants("batch:submitJob.sync", inputs) if "definition" in each
    }
    assert {f"job-definition{each}" for each in found} == on


def test_a_role_that_a_job_gets_is_a_condition_where_nothing_passes_it() -> None:
    role = "arn:aws:iam::ACCOUNT_ID:role/spark"
    inputs = {"virtualClusterId": "c", "executionRoleArn": role, "releaseLabel": "emr-7", "jobDriver": {}}
    flow = Workflow("jobs", steps=[Step("job", call="emr-containers:startJobRun.sync", inputs=inputs)])
    begun = next(
        each for each in compile_workflow(Definition.load(flow)).grants if "emr-containers:StartJobRun" in each.actions
    )
    assert [condition.key for condition in begun.conditions] == ["emr-containers:ExecutionRoleArn"]
