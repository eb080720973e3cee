import json
import re

import pytest
from aws_cdk import assertions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from stepworkflows_cdk.constructs.order_flow import OrderFlow
from stepworkflows_cdk.constructs.workflow import StepWorkflow
from stepworkflows_cdk.errors import ConfigurationError

DOCUMENT = """\
name: shop
type: RunnableStep
inputs: {amount: number}
steps:
  - {id: charge, runs-on: lambda, zip-file: charge, inputs: {amount: "{amount}"}}
"""
EVENT = {
    "version": "0",
    "detail-type": "Step Functions Execution Status Change",
    "source": "aws.states",
    "time": "2030-01-01T00:00:00Z",
    "region": "eu-west-1",
    "detail": {
        "executionArn": "arn:aws:states:eu-west-1:111122223333:execution:shop:o-1",
        "name": "o-1",
        "status": "FAILED",
        "input": '{"email": "ann@example.com"}',
        "output": None,
        "error": "Refused",
        "cause": "the card of ann@example.com",
    },
}


@pytest.fixture
def document(tmp_path, code):
    file = tmp_path / "workflow.yaml"
    file.write_text(DOCUMENT, encoding="utf-8")
    return file


@pytest.fixture
def flow(stack, document):
    return StepWorkflow(stack, "Flow", definition=document)


@pytest.fixture
def found(stack, flow, template):
    return template(stack)


def alarms(found):
    """Metric -> alarm."""
    return {each["MetricName"]: each for each in found.of_type("AWS::CloudWatch::Alarm").values()}


def logical_id(found, type_):
    (id_,) = found.of_type(type_)
    return id_


def test_alarms_for_what_nobody_should_overlook(found):
    machine = {"Name": "StateMachineArn", "Value": {"Ref": logical_id(found, "AWS::StepFunctions::StateMachine")}}
    expected = {
        "ExecutionsFailed": (1, 1, [machine]),
        "ExecutionsTimedOut": (1, 1, [machine]),
        "ExecutionThrottled": (1, 3, [machine]),
    }
    got = {
        name: (alarm["Threshold"], alarm["EvaluationPeriods"], alarm["Dimensions"])
        for name, alarm in alarms(found).items()
        if alarm["Namespace"] == "AWS/States"
    }
    assert got == expected
    letters = alarms(found)["ApproximateNumberOfMessagesVisible"]
    assert (letters["Threshold"], letters["Statistic"]) == (1, "Maximum")
    for alarm in alarms(found).values():
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert alarm["Period"] == 300
        assert alarm["AlarmActions"] == [{"Ref": logical_id(found, "AWS::SNS::Topic")}]


def test_a_flow_that_refuses_as_a_matter_of_business(stack, document, template):
    StepWorkflow(stack, "Flow", definition=document, failures=20)
    thresholds = {name: alarm["Threshold"] for name, alarm in alarms(template(stack)).items()}
    assert thresholds["ExecutionsFailed"] == 20
    assert thresholds["ExecutionThrottled"] == 1


def message(found, event):
    """What EventBridge makes of an event for the topic."""
    (target,) = found.only("AWS::Events::Rule")["Targets"]
    given = target["InputTransformer"]["InputTemplate"]
    for name, path in target["InputTransformer"]["InputPathsMap"].items():
        value = event
        for part in path.removeprefix("$.").split("."):
            value = value[part]
        given = re.sub(rf"(?<=[:\[,])<{name}>(?=[,}}\]])", json.dumps(value), given)
        given = given.replace(f"<{name}>", str(value))
    return json.loads(given)


def test_the_message_about_an_execution_has_none_of_its_data(found):
    assert message(found, EVENT) == {
        "workflow": "Shop/Flow",
        "status": "FAILED",
        "execution": "o-1",
        "arn": EVENT["detail"]["executionArn"],
        "time": "2030-01-01T00:00:00Z",
        "console": "https://console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/"
        + EVENT["detail"]["executionArn"],
    }


def test_messages_are_about_executions_of_this_flow_that_did_not_end_well(found):
    rule = found.only("AWS::Events::Rule")
    assert rule["EventPattern"] == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {
            "status": ["FAILED", "TIMED_OUT", "ABORTED"],
            "stateMachineArn": [{"Ref": logical_id(found, "AWS::StepFunctions::StateMachine")}],
        },
    }
    (target,) = rule["Targets"]
    assert target["Arn"] == {"Ref": logical_id(found, "AWS::SNS::Topic")}
    assert "RoleArn" not in target, "EventBridge cannot deliver to an encrypted topic by a role"
    assert "DeadLetterConfig" in target


def test_messages_can_be_left_away(stack, document, template):
    StepWorkflow(stack, "Flow", definition=document, notify=False)
    assert template(stack).of_type("AWS::Events::Rule") == {}


def test_the_topic_is_encrypted_and_takes_messages_from_alarms_and_rules_only(found):
    topic = logical_id(found, "AWS::SNS::Topic")
    key = logical_id(found, "AWS::KMS::Key")
    assert found.only("AWS::SNS::Topic")["KmsMasterKeyId"] == {"Fn::GetAtt": [key, "Arn"]}
    insecure, *allowed = found.only("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    assert (insecure["Effect"], insecure["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    here = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    publishers = {each["Principal"]["Service"]: each for each in allowed}
    assert set(publishers) == {"cloudwatch.amazonaws.com", "events.amazonaws.com"}
    assert all(each["Action"] == "sns:Publish" and each["Resource"] == {"Ref": topic} for each in allowed)
    assert publishers["cloudwatch.amazonaws.com"]["Condition"] == here
    properties = found.only("AWS::KMS::Key")
    assert properties["EnableKeyRotation"] is True
    users = {
        each["Principal"]["Service"]: each
        for each in properties["KeyPolicy"]["Statement"]
        if "Service" in each["Principal"]
    }
    assert set(users) == set(publishers)
    assert all(each["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"] for each in users.values())
    # EventBridge takes no conditions on the source, in neither policy: messages would be lost.
    for policy in (publishers, users):
        assert "Condition" not in policy["events.amazonaws.com"]


def test_flows_of_a_stack_share_the_topic_and_the_alarm_on_dead_letters(stack, flow, document, template):
    second = StepWorkflow(stack, "Second", definition=document)
    found = template(stack)
    assert second.alarm_topic.node.path == flow.alarm_topic.node.path
    names = [alarm["MetricName"] for alarm in found.of_type("AWS::CloudWatch::Alarm").values()]
    assert names.count("ApproximateNumberOfMessagesVisible") == 1
    assert names.count("ExecutionsFailed") == 2
    assert len(found.only("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]) == 3
    assert found.of_type("AWS::SNS::Topic").keys() == {stack.get_logical_id(flow.alarm_topic.node.default_child)}


def test_the_callers_topic_and_its_key_are_opened(stack, document, template):
    own = sns.Topic(stack, "Own", master_key=kms.Key(stack, "Key"))
    flow = StepWorkflow(stack, "Flow", definition=document, alarms=own)
    found = template(stack)
    assert flow.alarm_topic is own
    topic = logical_id(found, "AWS::SNS::Topic")
    assert all(alarm["AlarmActions"] == [{"Ref": topic}] for alarm in alarms(found).values())
    for policy in (
        found.only("AWS::SNS::TopicPolicy")["PolicyDocument"],
        found.only("AWS::KMS::Key")["KeyPolicy"],
    ):
        services = {each["Principal"].get("Service") for each in policy["Statement"]} - {None}
        assert services == {"cloudwatch.amazonaws.com", "events.amazonaws.com"}


def test_everybody_who_has_a_topic_hears_of_dead_letters(stack, flow, document, template):
    imported = sns.Topic.from_topic_arn(stack, "Own", "arn:aws:sns:eu-west-1:111122223333:alarms")
    StepWorkflow(stack, "Second", definition=document, alarms=imported)
    told = [
        alarm["AlarmActions"]
        for alarm in template(stack).of_type("AWS::CloudWatch::Alarm").values()
        if alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    ]
    assert ["arn:aws:sns:eu-west-1:111122223333:alarms"] in told
    assert len(told) == 2


def graphs(found):
    body = found.only("AWS::CloudWatch::Dashboard")["DashboardBody"]["Fn::Join"][1]
    text = "".join(part if isinstance(part, str) else "TOKEN" for part in body)
    return [widget["properties"] for widget in json.loads(text)["widgets"]]


def test_the_dashboard_shows_how_executions_end_and_what_steps_do(found):
    lines = {
        graph["title"]: [line[-1]["label"] if isinstance(line[-1], dict) else line[1] for line in graph["metrics"]]
        for graph in graphs(found)
        if "metrics" in graph
    }
    assert lines == {
        "shop: executions": ["started", "succeeded", "failed", "timed out", "aborted"],
        "shop: milliseconds": ["p50", "p99"],
        "Errors of functions": ["charge"],
        "Functions: milliseconds, p99": ["charge"],
        "Throttled": ["shop"],
        "Dead letters of the stack": ["messages"],
    }
    assert len(graphs(found)[0]["alarms"]) == 4


def test_no_dashboard(stack, document, template):
    assert StepWorkflow(stack, "Flow", definition=document, dashboard=False).dashboard is None
    assert template(stack).of_type("AWS::CloudWatch::Dashboard") == {}


def test_the_log_has_no_data_unless_it_is_asked_for(new_stack, document, template):
    quiet, open_ = new_stack(), new_stack()
    StepWorkflow(quiet, "Flow", definition=document)
    StepWorkflow(open_, "Flow", definition=document, log_data=True, log_retention=logs.RetentionDays.ONE_WEEK)

    def logging(stack):
        return template(stack).only("AWS::StepFunctions::StateMachine")["LoggingConfiguration"]["IncludeExecutionData"]

    assert (logging(quiet), logging(open_)) == (False, True)
    warned = [
        [entry.entry.data for entry in assertions.Annotations.from_stack(stack).find_warning("*", MATCH)]
        for stack in (quiet, open_)
    ]
    assert warned[0] == []
    assert len(warned[1]) == 1
    for stack, days in ((quiet, 90), (open_, 7)):
        groups = template(stack).of_type("AWS::Logs::LogGroup").values()
        assert [group["RetentionInDays"] for group in groups] == [days, days]  # the machine's, the function's


MATCH = assertions.Match.string_like_regexp("personal data")


def test_both_packs_of_nag_find_nothing_in_any_form(stack, document):
    document.write_text(DOCUMENT + "deploy: {strategy: canary}\n", encoding="utf-8")
    StepWorkflow(stack, "Flow", definition=document)
    OrderFlow(stack, "Order", failures=5, log_data=True)
    for pack in (AwsSolutionsChecks, ServerlessChecks):
        assert pack(stack).validate_scope(stack).violations == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"failures": 0}, "failures: a whole number from 1, not 0"),
        ({"failures": True}, "failures: a whole number from 1, not True"),
        ({"alarms": "arn:aws:sns:eu-west-1:111122223333:alarms"}, r"alarms: pass an sns\.ITopic, not str"),
        ({"alarms": s3.Bucket}, r"alarms: pass an sns\.ITopic"),
        ({"log_retention": 30}, r"log_retention: a value of logs\.RetentionDays, not 30"),
    ],
)
def test_what_cannot_be(stack, document, options, message):
    with pytest.raises(ConfigurationError, match=message):
        StepWorkflow(stack, "Flow", definition=document, **options)
    assert stack.node.children == []


def test_the_order_flow_takes_the_same(stack, template):
    own = sns.Topic(stack, "Own")
    flow = OrderFlow(
        stack,
        "Flow",
        alarms=own,
        failures=9,
        notify=False,
        dashboard=False,
        log_retention=logs.RetentionDays.ONE_DAY,
        log_data=True,
    )
    found = template(stack)
    assert flow.alarm_topic is own
    assert alarms(found)["ExecutionsFailed"]["Threshold"] == 9
    assert flow.dashboard is None
    assert {1} == {group["RetentionInDays"] for group in found.of_type("AWS::Logs::LogGroup").values()}
    machine = found.only("AWS::StepFunctions::StateMachine")
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is True
