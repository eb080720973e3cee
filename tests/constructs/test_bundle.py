import json
from dataclasses import replace
from graphlib import TopologicalSorter

import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager

from stepworkflows_cdk.compiler.bundle import DEFINITION_SIZE, Bundle
from stepworkflows_cdk.compiler.plan import Hole, Text
from stepworkflows_cdk.errors import ConfigurationError

TABLE = {"Fn::GetAtt": ["FlowtableordersTable17947ED4", "Arn"]}
FUNCTION_LOGS = {"Fn::GetAtt": ["FlowfunctionchargeLogsFD8698FE", "Arn"]}
SECRET = {"Ref": "FlowsecretpaymentSecretF853E6F8"}
DEAD_LETTERS = {"Fn::GetAtt": ["StepWorkflowsSharedDeadLetters11D2BC6C", "Arn"]}


def allow(resource, *actions):
    return {"Effect": "Allow", "Action": actions[0] if len(actions) == 1 else list(actions), "Resource": resource}


def version(found):
    """The published version of the one function: its id ends with a hash of code and settings."""
    (id_,) = found.of_type("AWS::Lambda::Version")
    return {"Ref": id_}


def test_the_definition_is_the_compiled_text_with_every_hole_filled(stack, shop, bind, template):
    bind(stack, shop)
    found = template(stack)
    properties = found.only("AWS::StepFunctions::StateMachine")
    assert properties["DefinitionString"] == shop.main.text
    assert properties["DefinitionSubstitutions"] == {
        "aws_partition": {"Ref": "AWS::Partition"},
        "function_charge_arn": version(found),
        "table_orders_name": {"Ref": "FlowtableordersTable17947ED4"},
    }


def test_the_machine_may_do_what_its_grants_say_and_nothing_else(stack, shop, bind, template):
    bind(stack, shop)
    found = template(stack)
    assert found.statements("states.amazonaws.com") == [
        allow(TABLE, "dynamodb:PutItem"),
        allow(version(found), "lambda:InvokeFunction"),
    ]


def test_a_function_may_do_what_its_grants_say_and_write_its_own_log(stack, shop, bind, template):
    bind(stack, shop)
    assert template(stack).statements("lambda.amazonaws.com") == [
        allow(TABLE, "dynamodb:GetItem", "dynamodb:Query"),
        allow(FUNCTION_LOGS, "logs:CreateLogStream", "logs:PutLogEvents"),
        allow(SECRET, "secretsmanager:GetSecretValue"),
        allow(DEAD_LETTERS, "sqs:SendMessage"),
    ]


def test_wildcards_stand_in_the_two_shared_policies_only(stack, shop, bind, template):
    bind(stack, shop)
    found = template(stack)
    wild = [id_ for id_, policy in found.of_type("AWS::IAM::ManagedPolicy").items() if '"*"' in json.dumps(policy)]
    assert sorted(id_[:-8] for id_ in wild) == ["StepWorkflowsSharedLogDelivery", "StepWorkflowsSharedTracing"]
    assert found.of_type("AWS::IAM::Policy") == {}


def test_what_one_flow_shares_with_the_next_is_there_once(new_stack, shop, bind, template):
    one, two = new_stack(), new_stack()
    bind(one, shop)
    bind(two, shop)
    bind(two, shop, construct_id="Second")

    def shared(stack):
        return sorted(id_ for id_ in template(stack).resources if id_.startswith("StepWorkflowsShared"))

    assert len(template(two).of_type("AWS::StepFunctions::StateMachine")) == 2
    assert shared(one) == shared(two)


def test_functions_are_made_as_the_need_says(stack, shop, bind, template):
    bind(stack, shop)
    function = template(stack).only("AWS::Lambda::Function")
    assert function["Environment"]["Variables"] == {"STAGE": "test", "TABLE": {"Ref": "FlowtableordersTable17947ED4"}}
    expected = {
        "Architectures": ["arm64"],
        "Handler": "handler.handler",
        "MemorySize": 256,
        "Runtime": "python3.14",
        "Timeout": 60,
        "TracingConfig": {"Mode": "Active"},
        "DeadLetterConfig": {"TargetArn": DEAD_LETTERS},
    }
    assert {key: function[key] for key in expected} == expected


def test_a_runtime_that_the_cdk_does_not_list(stack, make, bind, template, code):
    # An old one, since a new one would be the newest for cdk-nag in the whole process, and the others out of date.
    need = make.function("charge", code, python="3.5", architecture="x86_64", name="charge-prod", env=())
    bind(stack, Bundle((make.machine({"a": {"Type": "Succeed"}}, ()),), (need,), ()))
    function = template(stack).only("AWS::Lambda::Function")
    assert (function["Runtime"], function["Architectures"]) == ("python3.5", ["x86_64"])
    assert function["FunctionName"] == "charge-prod"


def test_logs_hold_every_event_but_no_data_and_end_some_day(stack, shop, bind, template):
    bind(stack, shop)
    found = template(stack)
    logging = found.only("AWS::StepFunctions::StateMachine")["LoggingConfiguration"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ALL", False)
    groups = found.of_type("AWS::Logs::LogGroup").values()
    assert all(group["RetentionInDays"] == 90 for group in groups)
    (name,) = [group["LogGroupName"] for group in groups if "LogGroupName" in group]
    assert name["Fn::Join"][1][:2] == ["/aws/vendedlogs/states/", {"Ref": "AWS::StackName"}]


def test_orders_and_keys_outlive_their_stack(stack, shop, bind, template):
    bind(stack, shop)
    found = template(stack)
    kept = {each["Type"] for each in found.resources.values() if each.get("DeletionPolicy") == "Retain"}
    assert kept == {
        "AWS::DynamoDB::Table",
        "AWS::SecretsManager::Secret",
        "AWS::StepFunctions::StateMachineVersion",
    }
    table = found.only("AWS::DynamoDB::Table")
    assert table["DeletionProtectionEnabled"]
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]


def test_no_cycle_in_the_template(stack, shop, bind, template):
    bind(stack, shop)
    resources = template(stack).resources

    def named(value):
        match value:
            case {"Ref": str(id_)} | {"Fn::GetAtt": [str(id_), *_]}:
                yield id_
            case dict():
                for each in value.values():
                    yield from named(each)
            case list():
                for each in value:
                    yield from named(each)

    graph = {
        id_: {*named(each.get("Properties", {})), *each.get("DependsOn", [])} & set(resources)
        for id_, each in resources.items()
    }
    order = list(TopologicalSorter(graph).static_order())
    assert len(order) == len(resources)
    (machine,) = [id_ for id_, each in resources.items() if each["Type"] == "AWS::StepFunctions::StateMachine"]
    permissions = [id_ for id_, each in resources.items() if each["Type"] == "AWS::IAM::ManagedPolicy"]
    assert all(order.index(id_) < order.index(machine) for id_ in permissions), "permissions stand before their use"


def test_the_order_of_needs_and_grants_changes_no_resource(new_stack, make, bind, template, shop):
    code = shop.needs[-1].code
    more = replace(
        shop,
        needs=(*shop.needs, make.table("stock"), make.function("refund", code)),
        grants=(*shop.grants, make.grant("machine-main", "function-refund", "lambda:InvokeFunction")),
    )
    backwards = replace(
        more,
        needs=(make.table("stock"), make.table(), make.function("refund", code), *reversed(shop.needs[1:])),
        grants=tuple(reversed(more.grants)),
    )
    first, second = new_stack(), new_stack()
    bind(first, more)
    bind(second, backwards)
    assert template(first).resources == template(second).resources


def test_two_synths_are_byte_equal(tmp_path, new_stack, shop, bind):
    def assembly(outdir):
        stack = new_stack(outdir)
        bind(stack, shop)
        stack.node.root.synth()
        return {path.relative_to(outdir).as_posix(): path.read_bytes() for path in outdir.rglob("*") if path.is_file()}

    first, second = assembly(tmp_path / "one"), assembly(tmp_path / "two")
    assert "Shop.template.json" in first
    assert first == second


def test_the_callers_table_is_used_and_none_is_made(stack, shop, bind, template):
    own = dynamodb.Table.from_table_name(stack, "Own", "orders-of-old")
    bound = bind(stack, shop, resources={"orders": own})
    found = template(stack)
    assert bound.bindings["table-orders"].construct is own
    assert found.of_type("AWS::DynamoDB::Table") == {}
    assert found.only("AWS::StepFunctions::StateMachine")["DefinitionSubstitutions"]["table_orders_name"] == (
        "orders-of-old"
    )
    assert "table/orders-of-old" in json.dumps(found.statements("states.amazonaws.com"))


def test_the_key_of_the_callers_table_comes_with_the_table(stack, shop, bind, template):
    key = kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:111122223333:key/k")
    own = dynamodb.Table(
        stack, "Own", partition_key={"name": "order_id", "type": dynamodb.AttributeType.STRING}, encryption_key=key
    )
    bind(stack, shop, resources={"orders": own})
    uses = [each for each in template(stack).statements("states.amazonaws.com") if "kms:Decrypt" in each["Action"]]
    assert [each["Resource"] for each in uses] == ["arn:aws:kms:eu-west-1:111122223333:key/k"]
    assert not any("*" in action for each in uses for action in each["Action"])


def test_the_callers_secret_is_used_and_none_is_made(stack, shop, bind, template):
    arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:payment-a1b2c3"
    own = secretsmanager.Secret.from_secret_complete_arn(stack, "Own", arn)
    bind(stack, shop, secrets={"payment": own})
    found = template(stack)
    assert found.of_type("AWS::SecretsManager::Secret") == {}
    assert allow(arn, "secretsmanager:GetSecretValue") in found.statements("lambda.amazonaws.com")


def test_a_users_own_grant_reaches_the_role_of_a_function(stack, shop, bind, template):
    bound = bind(stack, shop)
    s3.Bucket(stack, "Bucket").grant_read(bound.bindings["function-charge"].construct)
    s3.Bucket(stack, "Other").grant_read(bound.main.state_machine)
    assert len(template(stack).of_type("AWS::IAM::Policy")) == 2


def test_an_imported_function_is_called_by_its_arn(stack, make, bind, template):
    arn = Text(("arn:", Hole("aws", "partition"), ":lambda:eu-west-1:111122223333:function:charge"))
    need = make.function("charge", None, arn=arn)
    states = {"charge": make.task("lambda:invoke", {"FunctionName": "${function_charge_arn}"})}
    grants = (make.grant("machine-main", "function-charge", "lambda:InvokeFunction"),)
    bind(stack, Bundle((make.machine(states, (Hole("function-charge", "arn"),)),), (need,), grants))
    found = template(stack)
    assert found.of_type("AWS::Lambda::Function") == {}
    assert found.statements("states.amazonaws.com") == [
        allow(
            {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":lambda:eu-west-1:111122223333:function:charge"]]},
            "lambda:InvokeFunction",
        )
    ]


def test_an_imported_function_can_be_given_no_permissions(stack, make, bind):
    need = make.function("charge", None, arn=Text(("arn:aws:lambda:eu-west-1:111122223333:function:charge",)))
    grants = (make.grant("function-charge", "table-orders", "dynamodb:GetItem"),)
    bundle = Bundle((make.machine({"a": {"Type": "Succeed"}}, ()),), (make.table(), need), grants)
    with pytest.raises(ConfigurationError, match=r"function-charge exists already.*dynamodb:GetItem"):
        bind(stack, bundle)


def wrong_table(stack):
    return dynamodb.Table(stack, "Own", partition_key={"name": "id", "type": dynamodb.AttributeType.NUMBER})


def table_with_sort_key(stack):
    string = dynamodb.AttributeType.STRING
    return dynamodb.Table(
        stack,
        "Own",
        partition_key={"name": "order_id", "type": string},
        sort_key={"name": "line", "type": string},
    )


def secret_without_its_arn(stack):
    return secretsmanager.Secret.from_secret_name_v2(stack, "Own", "payment")


@pytest.mark.parametrize(
    ("argument", "name", "own", "message"),
    [
        ("resources", "order", wrong_table, r"resources: unknown name 'order'; .* did you mean 'orders'\?"),
        ("resources", "payment", wrong_table, "resources: unknown name 'payment'; the workflow has orders"),
        ("secrets", "payments", secret_without_its_arn, "secrets: unknown name 'payments'.*did you mean 'payment'"),
        (
            "resources",
            "orders",
            wrong_table,
            r"has the key id \(number\), and flow.yaml:1:1 asks for order_id \(string\)",
        ),
        ("resources", "orders", table_with_sort_key, r"has the key order_id \(string\), line \(string\)"),
        ("resources", "orders", s3.Bucket, "pass a dynamodb.ITable, not Bucket"),
        ("secrets", "payment", secret_without_its_arn, "without its complete ARN.*from_secret_complete_arn"),
        ("secrets", "payment", s3.Bucket, "pass a secretsmanager.ISecret for 'payment', not Bucket"),
    ],
)
def test_what_does_not_fit_the_document(request, argument, name, own, message):
    stack, shop, bind = (request.getfixturevalue(fixture) for fixture in ("stack", "shop", "bind"))
    given = own(stack, "Own") if own is s3.Bucket else own(stack)
    with pytest.raises(ConfigurationError, match=message):
        bind(stack, shop, **{argument: {name: given}})


def test_a_need_that_nobody_binds_is_named(stack, shop, bind):
    with pytest.raises(ConfigurationError, match=r"flow.yaml:1:1: no integration binds TableNeed \(table-orders\)"):
        bind(stack, shop, integrations=())


def test_a_definition_that_step_functions_would_refuse(stack, shop, bind):
    huge = replace(shop.main, text=json.dumps({"Comment": "x" * DEFINITION_SIZE}))
    with pytest.raises(ConfigurationError, match="and Step Functions takes 1,048,576"):
        bind(stack, replace(shop, machines=(huge,)))
    assert stack.node.find_all()[1:] == [stack.node.find_child("Flow")], "nothing was made before it was refused"


def test_the_constructs_are_those_of_the_cdk(stack, shop, bind):
    bound = bind(stack, shop)
    assert isinstance(bound.bindings["function-charge"].construct, lambda_.Function)
    assert isinstance(bound.bindings["table-orders"].construct, dynamodb.Table)
