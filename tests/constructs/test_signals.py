"""Signals: what a flow is called by, who may send it some, and the queues whose messages steps wait for."""

from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from stepworkflows_cdk.constructs.workflow import StepWorkflow
from stepworkflows_cdk.errors import ConfigurationError

ORDERS = """\
name: orders
inputs: {id: string}
resources: {scans: {type: queue}}
steps:
  - {id: paid, "wait-for": {signal: paid, match: {id: "{id}"}}, timeout: 1d}
  - {id: again, "wait-for": {signal: sent.on, match: {id: "{id}"}}, timeout: 1d}
  - {id: scanned, "wait-for": {queue: scans, match: {id: "{id}"}}, timeout: 1d}
  - {id: weighed, "wait-for": {queue: scans, match: {weight: "{id}"}}, timeout: 1d}
  - {id: tell, signal: {to: orders, name: paid}, inputs: {id: "{id}"}}
"""
SENDER = """\
name: sender
inputs: {id: string}
resources: {orders: {type: workflow}}
steps:
  - {id: tell, signal: {to: "{resources.orders}", name: paid}, inputs: {id: "{id}"}}
"""
SOURCE = "Shop/Orders/orders"


@pytest.fixture
def write(tmp_path):
    """Writes a document and gives its path."""

    def written(text, name="workflow.yaml"):
        path = Path(tmp_path, name)
        path.write_text(text, encoding="utf-8")
        return path

    return written


@pytest.fixture
def orders(stack, write):
    return StepWorkflow(stack, "Orders", definition=write(ORDERS), notify=False, dashboard=False)


def sending(names, source=SOURCE):
    here = [{"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}]
    return {
        "Effect": "Allow",
        "Action": "events:PutEvents",
        "Resource": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":events:", *here, ":event-bus/default"]]},
        "Condition": {"ForAllValues:StringEquals": {"events:detail-type": names, "events:source": source}},
    }


def test_a_signal_is_an_event_from_the_flow_that_it_is_sent_to(stack, orders, template):
    assert orders.signal_source == SOURCE
    patterns = [each["EventPattern"] for each in template(stack).of_type("AWS::Events::Rule").values()]
    assert {"source": [SOURCE], "detail-type": ["paid"], "detail": {"id": [{"exists": True}]}} in patterns
    substitutions = template(stack).only("AWS::StepFunctions::StateMachine")["DefinitionSubstitutions"]
    assert substitutions["signals_orders_source"] == SOURCE


def test_a_step_may_send_this_signal_and_no_other(stack, orders, template):
    assert sending("paid") in template(stack).statements("states.amazonaws.com")


def test_others_are_let_send_signals_by_their_names(stack, orders, template):
    for name, signals in (("All", ()), ("One", ("paid",))):
        role = iam.Role(stack, name, assumed_by=iam.AccountRootPrincipal())
        orders.grant_signal(role, *signals)
    policies = template(stack).of_type("AWS::IAM::Policy").values()
    found = [policy["PolicyDocument"]["Statement"] for policy in policies]
    assert sorted(found, key=str) == sorted([[sending(["paid", "sent.on"])], [sending(["paid"])]], key=str)
    with pytest.raises(ConfigurationError, match=r"unknown name 'payed'.*did you mean 'paid'"):
        orders.grant_signal(role, "payed")


def test_a_workflow_that_waits_for_no_signal_takes_none(stack, write, orders):
    sender = StepWorkflow(stack, "Sender", definition=write(SENDER), resources={"orders": orders})
    with pytest.raises(ConfigurationError, match="no step of the workflow waits for a signal"):
        sender.grant_signal(iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal()))


def test_signals_go_to_a_workflow_of_another_stack(stack, write, orders, template):
    other = cdk.Stack(stack.node.root, "Other")
    StepWorkflow(other, "Sender", definition=write(SENDER, "sender.yaml"), resources={"orders": orders})
    assert sending("paid") in template(other).statements("states.amazonaws.com")


def test_signals_go_to_workflows_of_this_library_only(stack, write):
    machine = sfn.StateMachine.from_state_machine_name(stack, "Other", "other")
    with pytest.raises(ConfigurationError, match=r"workflow\.yaml:5:\d+: signals go to workflows of this library"):
        StepWorkflow(stack, "Sender", definition=write(SENDER), resources={"orders": machine})


def test_one_function_takes_the_messages_of_a_queue_for_all_steps_that_wait_for_some(stack, orders, template):
    found = template(stack)
    source = found.only("AWS::Lambda::EventSourceMapping")
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    (function,) = [
        each for each in found.of_type("AWS::Lambda::Function").values() if each["Handler"] == "messages.handler"
    ]
    assert '"wait": "orders/scanned", "match": ["id"]' in function["Environment"]["Variables"]["WAITS"]
    assert '"wait": "orders/weighed", "match": ["weight"]' in function["Environment"]["Variables"]["WAITS"]


def test_nag_finds_nothing(stack, orders):
    for pack in (AwsSolutionsChecks, ServerlessChecks):
        assert pack(stack).validate_scope(stack).violations == []
