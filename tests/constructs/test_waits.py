"""Waits at the stack's API: paths for answers, and pages for decisions by links in mails."""

from pathlib import Path

import pytest
from aws_cdk import aws_cognito as cognito
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from stepworkflows_cdk.constructs.workflow import StepWorkflow
from stepworkflows_cdk.errors import ConfigurationError

ORDERS = """\
name: orders
inputs: {id: string}
resources: {desk: {type: user-pool}}
triggers: {api: {path: /orders, auth: cognito}}
steps:
  - {id: paid, "wait-for": {api: {path: /orders/paid, auth: cognito}, match: {id: "{id}"}}, timeout: 1d}
  - {id: sent, "wait-for": {api: {path: /orders/sent, method: PUT, auth: iam}, match: {id: "{id}"}}, timeout: 1d}
  - id: fine
    wait-for: {approval: {from: desk@example.com, to: head@example.com, subject: s, text: "{id}"}}
    timeout: 1d
  - id: also-fine
    wait-for: {approval: {from: other@example.org, to: head@example.com, subject: s, text: "{id}"}}
    timeout: 1d
"""
API = {"Ref": "StepWorkflowsSharedApi61ECB4B1"}


@pytest.fixture
def document(tmp_path):
    path = Path(tmp_path, "workflow.yaml")
    path.write_text(ORDERS, encoding="utf-8")
    return path


@pytest.fixture
def orders(stack, document):
    pool = cognito.UserPool(stack, "Users")
    return StepWorkflow(stack, "Orders", definition=document, resources={"desk": pool}, notify=False, dashboard=False)


@pytest.fixture
def found(stack, orders, template):
    return template(stack)


def methods(found):
    """Verb and the last part of the path -> the method's properties."""
    parts = {id_: each["PathPart"] for id_, each in found.of_type("AWS::ApiGateway::Resource").items()}
    return {
        (each["HttpMethod"], parts.get(each["ResourceId"].get("Ref"), "/")): each
        for each in found.of_type("AWS::ApiGateway::Method").values()
    }


def function(found, handler):
    ((id_, _),) = (each for each in found.of_type("AWS::Lambda::Function").items() if each[1]["Handler"] == handler)
    return id_


def allowed(found, function_id):
    """The actions of a function's own policies."""
    role = found.resources[function_id]["Properties"]["Role"]["Fn::GetAtt"][0]
    policies = [arn["Ref"] for arn in found.resources[role]["Properties"]["ManagedPolicyArns"]]
    return [
        statement
        for policy in policies
        for statement in found.resources[policy]["Properties"]["PolicyDocument"]["Statement"]
        if not policy.startswith("StepWorkflowsShared")
    ]


def test_each_path_asks_who_is_calling_and_the_page_of_a_link_does_not(found):
    types = {key: each["AuthorizationType"] for key, each in methods(found).items()}
    assert types == {
        ("POST", "orders"): "COGNITO_USER_POOLS",
        ("GET", "{id}"): types["GET", "{id}"],
        ("POST", "paid"): "COGNITO_USER_POOLS",
        ("PUT", "sent"): "AWS_IAM",
        ("POST", "{id}"): "NONE",
    }


def test_the_page_takes_fewer_requests(found):
    settings = found.only("AWS::ApiGateway::Stage")["MethodSettings"]
    rates = {(each["HttpMethod"], each["ResourcePath"]): each.get("ThrottlingRateLimit") for each in settings}
    assert rates["POST", "/~1approvals~1orders~1{id}"] == 10
    assert rates["PUT", "/~1orders~1sent"] == 50


def test_mails_come_from_the_documents_senders_only(found):
    sending = [each for each in allowed(found, function(found, "mailer.handler")) if each["Action"] == "ses:SendEmail"]
    assert [each["Condition"]["StringEquals"]["ses:FromAddress"] for each in sending] == [
        "desk@example.com",
        "other@example.org",
    ]


def test_the_page_cannot_mail_and_the_mailer_cannot_read(found):
    table = {"dynamodb:GetItem", "dynamodb:UpdateItem"}

    def actions(handler):
        statements = allowed(found, function(found, handler))
        listed = [each["Action"] for each in statements if "dynamodb" in str(each["Action"])]
        return {action for one in listed for action in ([one] if isinstance(one, str) else one)}

    assert actions("approvals.handler") == table
    assert actions("mailer.handler") == {"dynamodb:UpdateItem"}
    assert "ses:" not in str(allowed(found, function(found, "approvals.handler")))


def test_links_lead_to_the_stage_of_the_api(found):
    url = found.resources[function(found, "mailer.handler")]["Properties"]["Environment"]["Variables"]["URL"]
    *_, end = url["Fn::Join"][1]
    assert end == "/live/approvals/orders"


def test_two_workflows_of_a_stack_cannot_answer_one_path(stack, document, orders, tmp_path):
    other = Path(tmp_path, "other.yaml")
    other.write_text(ORDERS.replace("name: orders", "name: others").replace("path: /orders,", "path: /others,"))
    with pytest.raises(ConfigurationError, match=r"something else in this stack has POST /orders/paid"):
        StepWorkflow(stack, "Others", definition=other, resources={"desk": orders.resources["desk"]})


def test_nag_finds_nothing(stack, document):
    pool = cognito.UserPool.from_user_pool_id(stack, "Users", "eu-west-1_1")
    StepWorkflow(stack, "Orders", definition=document, resources={"desk": pool})
    for pack in (AwsSolutionsChecks, ServerlessChecks):
        assert pack(stack).validate_scope(stack).violations == []
