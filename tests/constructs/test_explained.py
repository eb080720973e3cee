"""Whatever a role of the template may do, ``stepworkflows explain`` tells, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import aws_secretsmanager as secretsmanager

from stepworkflows_cdk import Definition, StepWorkflow, compile_workflow
from stepworkflows_cdk.compiler.bundle import Bundle
from stepworkflows_cdk.compiler.causes import Cause, causes
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.reference import order_flow

FLOWS = Path(__file__).parent.parent / "flows"
DOCUMENTS = {
    "order-flow": order_flow(),
    **{
        name: FLOWS / name / "workflow.yaml"
        for name in (
            "uses",
            "triggers",
            "container",
            "files",
            "messages",
            "for-each-source",
            "wait-for",
            "http",
            "activity",
        )
    },
}
SHARED = ("StepWorkflowsSharedApiLogger", "StepWorkflowsSharedNetworkLogs", "StepWorkflowsSharedPublicNetworkLogs")
"""Roles of the stack: for the logs of APIs and networks, as the note under ``explain`` says."""
ELSEWHERE = {"clustercontainers": "StepWorkflowsSharedCluster"}
"""What stands in a resource's name for a need that all flows of the stack share."""
IN_A_WAY = re.compile(r", where | where the profile demands")


def plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", text)


def allowed(resources: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The logical id of each role, and each statement that it has."""
    for id_, role in resources.items():
        if role["Type"] != "AWS::IAM::Role":
            continue
        properties = role["Properties"]
        assert "Policies" not in properties
        for arn in properties.get("ManagedPolicyArns", ()):
            if "Ref" in arn:
                yield from ((id_, each) for each in resources[arn["Ref"]]["Properties"]["PolicyDocument"]["Statement"])
    for policy in resources.values():
        assert policy["Type"] != "AWS::IAM::Policy"
        for role in policy["Properties"].get("Roles", ()) if policy["Type"] == "AWS::IAM::ManagedPolicy" else ():
            yield from ((role["Ref"], each) for each in policy["Properties"]["PolicyDocument"]["Statement"])


def holder_of(role: str, holders: Mapping[str, str]) -> str:
    """Logical ids begin with the path of the construct."""
    return max((name for path, name in holders.items() if role.startswith(path)), key=len, default="")


def explained(bundle: Bundle) -> dict[str, list[Cause]]:
    found: dict[str, list[Cause]] = {}
    for cause in causes(bundle, BUILTIN):
        if cause.what in ("permission", "added"):
            found.setdefault(cause.holder, []).append(cause)
    return found


def is_told(action: str, resource: str, told: list[Cause]) -> bool:
    """Whether a line tells the action, on what the resource in the template is named after."""
    for cause in told:
        name, _, on = cause.name.partition(" on ")
        if name == action and (cause.what == "added" or is_named(resource, on)):
            return True
    return False


def is_named(resource: str, on: str) -> bool:
    """What of the line stands in the ARN: all of its words, needs by their construct ids."""
    words = [
        word
        for word in re.split(r"[:/*]", on.partition(", if ")[0])
        if word not in ("", "arn", "aws", "REGION", "ACCOUNT_ID")
    ]
    return all(ELSEWHERE.get(plain(word), plain(word)) in plain(resource) for word in words)


@pytest.mark.parametrize("profile", ["baseline", "hipaa"])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_statement_is_told(new_stack: Any, template: Any, name: str, profile: str) -> None:
    if (name, profile) == ("container", "hipaa"):
        pytest.skip("its image is public")
    stack = new_stack()
    bundle = compile_workflow(Definition.load(DOCUMENTS[name]))
    given = {"bank": secretsmanager.Secret(stack, "Bank")} if name == "http" else {}
    StepWorkflow(stack, "Flow", definition=DOCUMENTS[name], profile=profile, secrets=given)
    told = explained(bundle)
    starting = {f"Flow{plain(holder.partition(',')[0])}Start": holder for holder in told if "where ECS" in holder}
    holders = {**{f"Flow{plain(holder)}": holder for holder in told}, **starting}
    untold, seen = [], set()
    for role, statement in allowed(template(stack).resources):
        if statement["Effect"] != "Allow" or role.startswith(SHARED):
            continue
        holder = holder_of(role, holders)
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        for action in actions:
            seen.add((holder, action))
            # Those on keys come with what the key is for, as the note says.
            if action.startswith("kms:") and "kms:ViaService" in json.dumps(statement.get("Condition", {})):
                continue
            untold += [
                f"{role} ({holder}) {action} on {json.dumps(each)}"
                for each in resources
                if not is_told(action, json.dumps(each), told.get(holder, []))
            ]
    assert untold == []
    missing = {
        (holder, cause.name)
        for holder, found in told.items()
        for cause in found
        if (holder, cause.name.partition(" on ")[0]) not in seen
        and not IN_A_WAY.search(cause.name)
        and holder != "backups"
    }
    assert missing == set()
