"""Events in and out: buses, rules and what waits for them, from a document to the template."""

import json
import re
from graphlib import TopologicalSorter

import aws_cdk as cdk
import pytest
from aws_cdk import aws_events as events
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from stepworkflows_cdk.constructs.workflow import StepWorkflow
from stepworkflows_cdk.errors import ConfigurationError

HEAD = """\
name: parcel
inputs: {order_id: string}
resources: {news: {type: bus}}
steps:
"""
STEPS = (
    """\
  - id: announce
    emit: {bus: news, source: shop, detail-type: Sent}
    inputs: {order_id: "{order_id}"}
""",
    """\
  - id: report
    emit: {source: shop, detail-type: Reported}
    inputs: {order_id: "{order_id}"}
""",
    """\
  - id: delivered
    wait-for: {event: {source: carrier, detail-type: Delivered, bus: news}, match: {order_id: "{order_id}"}}
    timeout: 14d
""",
    """\
  - id: paid
    wait-for:
      event: {source: bank, detail-type: Paid}
      match: {order.id: "{order_id}", order.kind: parcel}
    timeout: 1h
""",
)
BUS = {"Ref": "FlowbusnewsBus71611397"}
BUS_ARN = {"Fn::GetAtt": ["FlowbusnewsBus71611397", "Arn"]}
TABLE = {"Fn::GetAtt": ["FlowtablewaitsTableF19BBDD3", "Arn"]}
RESOLVER = {"Fn::GetAtt": ["FlowwaitresolverFunctionF3CD5E1D", "Arn"]}
RESOLVER_LOGS = {"Fn::GetAtt": ["FlowwaitresolverLogs64C1EB60", "Arn"]}
DEAD_LETTERS = {"Fn::GetAtt": ["StepWorkflowsSharedDeadLetters11D2BC6C", "Arn"]}
HERE = [{"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}]
ABROAD = "arn:aws:events:eu-west-1:999900009999:event-bus/central"


@pytest.fixture
def write(tmp_path):
    """Writes a document of the steps and gives its path."""

    def written(*steps, name="workflow.yaml"):
        file = tmp_path / name
        file.write_text(HEAD + "".join(steps), encoding="utf-8")
        return file

    return written


@pytest.fixture
def synthesised(stack, write, template):
    StepWorkflow(stack, "Flow", definition=write(*STEPS))
    return template(stack)


def waits(number):
    return [STEPS[-1].replace("id: paid", f"id: paid-{each}") for each in range(number)]


def rule(template, step):
    """The rule of a step, with its logical id."""
    ((id_, properties),) = (
        found for found in template.of_type("AWS::Events::Rule").items() if found[0].startswith(f"Flowrule{step}Rule")
    )
    return id_, properties


@pytest.mark.parametrize(
    ("step", "bus", "pattern"),
    [
        (
            "delivered",
            BUS,
            {"source": ["carrier"], "detail-type": ["Delivered"], "detail": {"order_id": [{"exists": True}]}},
        ),
        (
            "paid",
            None,
            {
                "source": ["bank"],
                "detail-type": ["Paid"],
                "detail": {"order": {"id": [{"exists": True}], "kind": [{"exists": True}]}},
            },
        ),
    ],
)
def test_a_rule_takes_the_events_that_are_waited_for(synthesised, step, bus, pattern):
    _, found = rule(synthesised, step)
    assert found.get("EventBusName") == bus
    assert found["EventPattern"] == pattern
    assert found["State"] == "ENABLED"


def test_the_function_is_given_the_wait_and_the_whole_event(synthesised):
    event = {
        "version": "0",
        "id": "e1",
        "detail-type": "Paid",
        "source": "bank",
        "account": "111122223333",
        "time": "2030-01-01T00:00:00Z",
        "region": "eu-west-1",
        "resources": ["arn:one"],
        "detail": {"order": {"id": "o-1", "kind": "parcel"}, "amount": 3},
    }
    _, found = rule(synthesised, "paid")
    (target,) = found["Targets"]
    assert target["Arn"] == RESOLVER
    given = target["InputTransformer"]["InputTemplate"]
    for name, path in target["InputTransformer"]["InputPathsMap"].items():
        given = given.replace(f"<{name}>", json.dumps(event[path.removeprefix("$.")]))
    assert json.loads(given) == {
        "wait": "parcel/paid",
        "match": ["order.id", "order.kind"],
        "keep": 1_299_600,
        "fixed": {"order.kind": "parcel"},
        "event": event,
    }


@pytest.mark.parametrize("step", ["delivered", "paid"])
def test_one_statement_lets_the_rules_of_the_function_call_it_by_their_names(synthesised, step):
    permission = synthesised.only("AWS::Lambda::Permission")
    assert (permission["Action"], permission["FunctionName"]) == ("lambda:InvokeFunction", RESOLVER)
    assert permission["Principal"] == "events.amazonaws.com"
    *_, here = permission["SourceArn"]["Fn::Join"][1]
    _, found = rule(synthesised, step)
    beginning = found["Name"].removesuffix(f"rule-{step}")
    assert here == f":rule/*{beginning}*"
    assert re.fullmatch(r"[0-9a-f]{12}-", beginning)


def test_what_cannot_be_handed_over_is_kept(synthesised):
    targets = [each for found in synthesised.of_type("AWS::Events::Rule").values() for each in found["Targets"]]
    assert [each["DeadLetterConfig"] for each in targets] == [{"Arn": DEAD_LETTERS}] * 3  # one tells of failures
    secure, rules = synthesised.only("AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"]
    assert secure["Effect"] == "Deny"
    assert rules == {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": DEAD_LETTERS,
        "Condition": {
            "ArnLike": {
                "aws:SourceArn": {
                    "Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":events:", *HERE, ":rule/*"]],
                }
            },
            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        },
    }


def test_many_waits_fit_the_policy_of_the_queue_and_share_one_for_their_answers(stack, write, template):
    StepWorkflow(stack, "Flow", definition=write(*waits(50)), notify=False)
    StepWorkflow(stack, "Second", definition=write(*waits(2), name="second.yaml"), notify=False)
    found = template(stack)
    assert len(found.of_type("AWS::Events::Rule")) == 52
    assert len(found.only("AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"]) == 2
    answering = [
        policy["PolicyDocument"]["Statement"]
        for policy in found.of_type("AWS::IAM::ManagedPolicy").values()
        if "states:SendTaskSuccess" in json.dumps(policy)
    ]
    actions = ["states:SendTaskFailure", "states:SendTaskSuccess"]
    assert answering == [[{"Effect": "Allow", "Action": actions, "Resource": "*"}]]
    assert len(found.of_type("AWS::Lambda::Permission")) == 2  # for 50 rules, and for two


def test_the_table_of_waits_goes_with_its_rows_and_its_stack(synthesised):
    table = synthesised.only("AWS::DynamoDB::Table")
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert not table.get("DeletionProtectionEnabled")
    (kept,) = [each for each in synthesised.resources.values() if each["Type"] == "AWS::DynamoDB::Table"]
    assert (kept["DeletionPolicy"], kept["UpdateReplacePolicy"]) == ("Delete", "Delete")


def test_who_may_do_what(synthesised):
    default = {
        "Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":events:", *HERE, ":event-bus/default"]],
    }

    def allow(resource, *actions):
        return {"Effect": "Allow", "Action": actions[0] if len(actions) == 1 else list(actions), "Resource": resource}

    assert synthesised.statements("states.amazonaws.com") == [
        allow(TABLE, "dynamodb:UpdateItem"),
        allow([BUS_ARN, default], "events:PutEvents"),
        allow(RESOLVER, "lambda:InvokeFunction"),
    ]
    assert synthesised.statements("lambda.amazonaws.com") == [
        allow(TABLE, "dynamodb:UpdateItem"),
        allow(RESOLVER_LOGS, "logs:CreateLogStream", "logs:PutLogEvents"),
        allow(DEAD_LETTERS, "sqs:SendMessage"),
    ]
    shared = [arn["Ref"][:-8] for arn in synthesised.role("lambda.amazonaws.com")["ManagedPolicyArns"]]
    assert shared[:2] == ["StepWorkflowsSharedTracing", "StepWorkflowsSharedTaskAnswers"]


def test_a_bus_has_a_name_of_its_own_in_each_stack(synthesised):
    name = synthesised.only("AWS::Events::EventBus")["Name"]
    assert name == "Shop-Shop-Flow-busnews-1BADD987"  # as it is said in other stacks too, such as the key's
    assert substitution(synthesised) == BUS


def substitution(template):
    return template.only("AWS::StepFunctions::StateMachine")["DefinitionSubstitutions"]["bus_news_name"]


def bus_of_the_app(stack):
    return events.EventBus(stack, "Own", event_bus_name="own")


def bus_by_name(stack):
    return events.EventBus.from_event_bus_name(stack, "Own", "own")


@pytest.mark.parametrize("own", [bus_of_the_app, bus_by_name])
def test_the_callers_bus_is_used_and_none_is_made(stack, write, template, own):
    bus = own(stack)
    flow = StepWorkflow(stack, "Flow", definition=write(*STEPS), resources={"news": bus})
    assert flow.resources["news"] is bus
    found = template(stack)
    assert not any(id_.startswith("Flowbus") for id_ in found.resources)
    name, arn = stack.resolve(bus.event_bus_name), stack.resolve(bus.event_bus_arn)
    assert rule(found, "delivered")[1]["EventBusName"] == name
    assert substitution(found) == name
    (sends,) = [each for each in found.statements("states.amazonaws.com") if each["Action"] == "events:PutEvents"]
    assert arn in sends["Resource"]


def test_names_of_rules_are_short_and_differ(stack, write, template):
    long = "a" * 60
    steps = [STEPS[-1].replace("id: paid", f"id: {long}-{each}") for each in "bc"]
    StepWorkflow(stack, "Flow", definition=write(*steps), notify=False)
    names = {each["Name"] for each in template(stack).of_type("AWS::Events::Rule").values()}
    assert len(names) == 2
    assert all(len(name) <= 64 for name in names)


@pytest.mark.parametrize("env", [None, cdk.Environment(account="111122223333", region="eu-west-1")])
def test_a_bus_of_another_account_is_named_by_its_arn(stack, write, template, env):
    stack = cdk.Stack(stack.node.root, "Other", env=env)
    bus = events.EventBus.from_event_bus_arn(stack, "Own", ABROAD)
    StepWorkflow(stack, "Flow", definition=write(STEPS[0]), resources={"news": bus})
    assert substitution(template(stack)) == ABROAD


def test_a_bus_whose_account_may_be_another_gets_its_rules(stack, write, template):
    bus = events.EventBus.from_event_bus_arn(stack, "Own", ABROAD)
    StepWorkflow(stack, "Flow", definition=write(STEPS[2]), resources={"news": bus})
    assert rule(template(stack), "delivered")[1]["EventBusName"] == "central"


def test_no_rule_is_made_on_a_bus_of_another_account(stack, write):
    stack = cdk.Stack(stack.node.root, "Other", env=cdk.Environment(account="111122223333", region="eu-west-1"))
    bus = events.EventBus.from_event_bus_arn(stack, "Own", ABROAD)
    with pytest.raises(ConfigurationError, match=r"workflow\.yaml:\d+:\d+: the bus is one of another account"):
        StepWorkflow(stack, "Flow", definition=write(STEPS[2]), resources={"news": bus})


def test_what_is_no_bus_is_refused(stack, write):
    bucket = s3.Bucket(stack, "Own")
    with pytest.raises(ConfigurationError, match=r"resources: 'news' is a bus; pass an events\.IEventBus, not Bucket"):
        StepWorkflow(stack, "Flow", definition=write(*STEPS), resources={"news": bucket})


def test_both_packs_of_nag_find_nothing(stack, write):
    StepWorkflow(stack, "Flow", definition=write(*STEPS))
    for pack in (AwsSolutionsChecks, ServerlessChecks):
        assert pack(stack).validate_scope(stack).violations == []


def test_no_cycle_in_the_template(synthesised):
    def named(value):
        match value:
            case {"Ref": str(id_)} | {"Fn::GetAtt": [str(id_), *_]}:
                yield id_
            case dict() | list():
                for each in value.values() if isinstance(value, dict) else value:
                    yield from named(each)

    resources = synthesised.resources
    graph = {
        id_: {*named(each.get("Properties", {})), *each.get("DependsOn", [])} & set(resources)
        for id_, each in resources.items()
    }
    assert len(list(TopologicalSorter(graph).static_order())) == len(resources)


def test_two_synths_are_byte_equal(tmp_path, new_stack, write):
    document = write(*STEPS)

    def assembly(outdir):
        stack = new_stack(outdir)
        StepWorkflow(stack, "Flow", definition=document)
        stack.node.root.synth()
        return {path.relative_to(outdir).as_posix(): path.read_bytes() for path in outdir.rglob("*") if path.is_file()}

    first, second = assembly(tmp_path / "one"), assembly(tmp_path / "two")
    assert "Shop.template.json" in first
    assert first == second


def test_moving_steps_changes_nothing_but_the_machine(new_stack, write, template):
    def resources(*steps):
        stack = new_stack()
        StepWorkflow(stack, "Flow", definition=write(*steps))
        found = template(stack).resources
        return {id_: each for id_, each in found.items() if each["Type"] != "AWS::StepFunctions::StateMachine"}

    assert resources(*STEPS) == resources(*reversed(STEPS))
