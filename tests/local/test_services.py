"""Tables, secrets and APIs of AWS in a run: the tasks on them, their errors' names, what is seen of mails and rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from stepworkflows_cdk.compiler.bundle import Bundle
from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.compiler.plan import Hole, Need
from stepworkflows_cdk.errors import ConfigurationError, LocalRunError
from stepworkflows_cdk.integrations.aws_sdk import local as aws_sdk
from stepworkflows_cdk.integrations.aws_sdk.models import boto_name, java_name
from stepworkflows_cdk.integrations.dynamodb import local as dynamodb
from stepworkflows_cdk.integrations.dynamodb.needs import TableNeed
from stepworkflows_cdk.integrations.secretsmanager import local as secretsmanager
from stepworkflows_cdk.integrations.secretsmanager.needs import SecretNeed
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.local import MailSent, RowWritten, RunResult, World, run

MARK = Mark("flow.yaml", 1, 1)
ORDERS = TableNeed(id="table-orders", mark=MARK, name="orders", partition_key="order_id", sort_key=None)
LINES = TableNeed(id="table-lines", mark=MARK, name="lines", partition_key="pk", sort_key="sk")
SECRET = SecretNeed(id="secret-payment", mark=MARK, name="payment", description="key")

Calls = Callable[..., RunResult]


class Tables(Integration):
    needs = (TableNeed,)
    tasks = ("dynamodb:",)

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        assert isinstance(need, TableNeed)
        return dynamodb.realise(need, world)

    def perform(self, resource: str, arguments: Any, world: World) -> Any:
        return dynamodb.perform(resource, arguments, world)


class Secrets(Integration):
    needs = (SecretNeed,)

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        assert isinstance(need, SecretNeed)
        return secretsmanager.realise(need, world)


class Sdk(Integration):
    tasks = ("aws-sdk:",)

    def perform(self, resource: str, arguments: Any, world: World) -> Any:
        return aws_sdk.perform(resource, arguments, world)


@pytest.fixture
def calls(bundle: Callable[..., Bundle]) -> Calls:
    """Makes one call behind the other: ``calls((resource, arguments), ..., outside=...)``; the output is the last result."""

    def make(*made: tuple[str, Any], **options: Any) -> RunResult:
        states: dict[str, Any] = {}
        for number, (resource, arguments) in enumerate(made):
            following = {"End": True} if number == len(made) - 1 else {"Next": f"S{number + 1}"}
            task = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Arguments": arguments}
            states[f"S{number}"] = {**task, **following}
        needs = [ORDERS, LINES, SECRET]
        holes = [Hole("table-orders", "name"), Hole("table-orders", "arn"), Hole("secret-payment", "arn")]
        return run(bundle(states, needs=needs, holes=holes), None, integrations=(Tables(), Secrets(), Sdk()), **options)

    return make


def put(order: str, **item: Any) -> tuple[str, Any]:
    return "dynamodb:putItem", {"TableName": "${table_orders_name}", "Item": {"order_id": {"S": order}, **item}}


ONCE = {"ConditionExpression": "attribute_not_exists(order_id)"}


def test_rows_that_are_given_are_there(calls: Calls) -> None:
    rows = [{"order_id": "1", "total": 1.5, "tags": ["a"], "more": {"n": None, "ok": True}, "qty": 3}]
    get = ("dynamodb:getItem", {"TableName": "${table_orders_name}", "Key": {"order_id": {"S": "1"}}})
    seen: list[Any] = []
    result = calls(get, outside=[{"given": {"tables": {"orders": rows}}}], listener=seen.append)
    assert result.output["Item"]["total"] == {"N": "1.5"}
    assert result.output["SdkHttpMetadata"] == {"HttpStatusCode": 200}
    assert result.tables == {"lines": [], "orders": rows}
    assert [event for event in seen if isinstance(event, RowWritten)] == []


def test_rows_are_written_and_told_of(calls: Calls) -> None:
    seen: list[Any] = []
    name = {"TableName": "${table_orders_name}"}
    key = {"Key": {"order_id": {"S": "2"}}}
    update = {"UpdateExpression": "SET qty = :q", "ExpressionAttributeValues": {":q": {"N": "2"}}}
    both = [{"Put": {**name, "Item": {"order_id": {"S": "4"}}}}, {"Update": {**name, **key, **update}}]
    result = calls(
        put("3"),
        put("1", qty={"N": "1"}),
        ("dynamodb:updateItem", {**name, **key, **update}),
        ("dynamodb:deleteItem", {**name, "Key": {"order_id": {"S": "3"}}}),
        ("aws-sdk:dynamodb:transactWriteItems", {"TransactItems": both}),
        listener=seen.append,
    )
    assert result.status == "SUCCEEDED", result.cause
    assert result.tables["orders"] == [{"order_id": "1", "qty": 1}, {"order_id": "2", "qty": 2}, {"order_id": "4"}]
    written = [(event.operation, event.table, event.key["order_id"]) for event in seen if isinstance(event, RowWritten)]
    assert written == [
        ("put", "orders", "3"),
        ("put", "orders", "1"),
        ("update", "orders", "2"),
        ("delete", "orders", "3"),
        ("put", "orders", "4"),
        ("update", "orders", "2"),
    ]


def test_rows_are_sorted_by_both_keys(calls: Calls) -> None:
    rows = [{"pk": pk, "sk": sk} for pk in "ba" for sk in "zx"]
    result = calls(put("1"), outside=[{"given": {"tables": {"lines": rows}}}])
    assert [(row["pk"], row["sk"]) for row in result.tables["lines"]] == [
        ("a", "x"),
        ("a", "z"),
        ("b", "x"),
        ("b", "z"),
    ]


def test_a_given_row_without_its_key(calls: Calls) -> None:
    with pytest.raises(ConfigurationError, match="a given row of table orders has no text as its key order_id"):
        calls(put("1"), outside=[{"given": {"tables": {"orders": [{"order_id": 1}]}}}])


def test_an_unknown_table_is_refused(calls: Calls) -> None:
    with pytest.raises(ConfigurationError, match="'order' is unknown; known: lines, orders; did you mean orders"):
        calls(put("1"), outside=[{"given": {"tables": {"order": []}}}])


@pytest.mark.parametrize(
    ("call", "error", "cause"),
    [
        (
            (put("1")[0], {**put("1")[1], **ONCE}),
            "DynamoDB.ConditionalCheckFailedException",
            (
                "The conditional request failed (Service: AmazonDynamoDBv2; Status Code: 400; "
                "Error Code: ConditionalCheckFailedException; Request ID: "
            ),
        ),
        (
            ("dynamodb:putItem", {"TableName": "nope", "Item": {"a": {"S": "1"}}}),
            "DynamoDB.ResourceNotFoundException",
            "Requested resource not found (Service: AmazonDynamoDBv2; ",
        ),
        (
            ("dynamodb:putItem", {"TableName": "nope"}),
            "DynamoDB.AmazonDynamoDBException",
            "Error Code: ValidationException",
        ),
        (
            ("aws-sdk:dynamodb:putItem", {**put("1")[1], **ONCE}),
            "DynamoDb.ConditionalCheckFailedException",
            "The conditional request failed (Service: DynamoDb, Status Code: 400, Request ID: ",
        ),
        (
            (
                "aws-sdk:dynamodb:transactWriteItems",
                {"TransactItems": [{"Put": put("2")[1]}, {"Put": {**put("1")[1], **ONCE}}]},
            ),
            "DynamoDb.TransactionCanceledException",
            (
                "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed] "
                "(Service: DynamoDb, Status Code: 400, Request ID: "
            ),
        ),
        (("aws-sdk:dynamodb:putItem", {"TableName": "x"}), "DynamoDb.DynamoDbException", "1 validation error detected"),
        (
            ("aws-sdk:dynamodb:putItem", {"TableName": "x", "Itm": 1}),
            "States.Runtime",
            'could not be used to start the Task: [The field "Itm" is not supported by Step Functions]',
        ),
        (
            ("aws-sdk:s3:getObject", {"Bucket": "nope-1", "Key": "k"}),
            "S3.NoSuchBucketException",
            "(Service: S3, Status Code: 404, ",
        ),
        (
            ("aws-sdk:sqs:getQueueUrl", {"QueueName": "nope"}),
            "Sqs.QueueDoesNotExistException",
            "(Service: Sqs, Status Code: 400, ",
        ),
        (
            ("aws-sdk:secretsmanager:getSecretValue", {"SecretId": "nope"}),
            "SecretsManager.ResourceNotFoundException",
            "(Service: SecretsManager, Status Code: ",
        ),
    ],
)
def test_errors_have_the_names_of_step_functions(calls: Calls, call: tuple[str, Any], error: str, cause: str) -> None:
    result = calls(put("1"), call)
    assert (result.status, result.error) == ("FAILED", error)
    assert cause in str(result.cause)


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        (("aws-sdk:nope:getThing", {}), "boto3 knows no service 'nope'"),
        (("aws-sdk:s3:putThing", {}), "service s3 has no action putThing"),
        (("aws-sdk:s3:PutObject", {}), "service s3 has no action PutObject"),
        (("dynamodb:query", {}), "dynamodb:query is no task of Step Functions"),
        (
            ("aws-sdk:braket:searchJobs", {"Filters": []}),
            r"does not have braket:SearchJobs; .* \{at: s0, returns: ...\}",
        ),
    ],
)
def test_what_is_not_here_stops_the_run(calls: Calls, call: tuple[str, Any], fault: str) -> None:
    with pytest.raises(LocalRunError, match=fault):
        calls(call)


def test_parameters_and_responses_are_in_pascal_case(calls: Calls) -> None:
    create = ("aws-sdk:sfn:createActivity", {"Name": "a"})
    result = calls(create)
    assert set(result.output) == {"ActivityArn", "CreationDate"}
    assert result.output["CreationDate"].endswith("Z")
    assert calls(("aws-sdk:sfn:createActivity", {"name": "a", "tags": None})).status == "SUCCEEDED"


def test_bodies_are_text(calls: Calls) -> None:
    bucket = {"Bucket": "bucket-1"}
    made = [
        ("aws-sdk:s3:createBucket", bucket),
        ("aws-sdk:s3:putObject", {**bucket, "Key": "k", "Body": {"ä": 1}}),
        ("aws-sdk:s3:getObject", {**bucket, "Key": "k"}),
    ]
    output = calls(*made).output
    assert output["Body"] == '{"\\u00e4":1}'
    assert "ResponseMetadata" not in output


def secret_value(calls: Calls, **options: Any) -> Any:
    return calls(("aws-sdk:secretsmanager:getSecretValue", {"SecretId": "${secret_payment_arn}"}), **options).output[
        "SecretString"
    ]


def test_secrets_have_the_given_value_or_one_from_the_seed(calls: Calls) -> None:
    assert secret_value(calls, outside=[{"given": {"secrets": {"payment": "abc"}}}]) == "abc"
    assert secret_value(calls, outside=[{"given": {"secrets": {"payment": {"k": 1}}}}]) == '{"k": 1}'
    assert secret_value(calls, seed=1) == secret_value(calls, seed=1) != secret_value(calls, seed=2)


def test_mails_are_seen_however_they_are_sent(calls: Calls) -> None:
    to = {"ToAddresses": ["ann@example.com"], "CcAddresses": ["bob@example.com"]}
    text = {"Subject": {"Data": "Hi"}, "Body": {"Text": {"Data": "text"}, "Html": {"Data": "<p>"}}}
    raw = "From: Shop <shop@example.com>\nTo: Cy <cy@example.com>\nSubject: =?utf-8?q?r=C3=B6h?=\n\nbody"
    seen: list[Any] = []
    result = calls(
        ("aws-sdk:ses:sendEmail", {"Source": "Shop <shop@example.com>", "Destination": to, "Message": text}),
        (
            "aws-sdk:sesv2:sendEmail",
            {"FromEmailAddress": "v2@example.com", "Destination": to, "Content": {"Simple": text}},
        ),
        ("aws-sdk:ses:sendRawEmail", {"RawMessage": {"Data": raw}}),
        listener=seen.append,
    )
    assert result.status == "SUCCEEDED", result.cause
    same = {"subject": "Hi", "text": "text", "html": "<p>", "time": "2026-01-01T00:00:00.000Z"}
    both = ["ann@example.com", "bob@example.com"]
    assert result.outbox == (
        {"from": "Shop <shop@example.com>", "to": both, **same},
        {"from": "v2@example.com", "to": both, **same},
        {
            **same,
            "from": "Shop <shop@example.com>",
            "to": ["cy@example.com"],
            "subject": "röh",
            "text": "body",
            "html": None,
        },
    )
    assert [event.subject for event in seen if isinstance(event, MailSent)] == ["Hi", "Hi", "röh"]


@pytest.mark.parametrize(
    ("name", "service", "java"),
    [
        ("dynamodb", "dynamodb", "DynamoDb"),
        ("sfn", "stepfunctions", "Sfn"),
        ("eventbridge", "events", "EventBridge"),
        ("sesv2", "sesv2", "SesV2"),
        ("cloudwatchlogs", "logs", "CloudWatchLogs"),
        ("acmpca", "acm-pca", "AcmPca"),
        ("cognitoidentityprovider", "cognito-idp", "CognitoIdentityProvider"),
        ("apigateway", "apigateway", "ApiGateway"),
    ],
)
def test_the_names_of_services(name: str, service: str, java: str) -> None:
    import botocore.session

    assert boto_name(name) == service
    assert java_name(botocore.session.Session().get_service_model(service).service_id) == java
