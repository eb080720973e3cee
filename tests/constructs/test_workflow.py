import json
from pathlib import Path

import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_stepfunctions as sfn
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from stepworkflows_cdk.constructs.order_flow import OrderFlow
from stepworkflows_cdk.constructs.workflow import StepWorkflow
from stepworkflows_cdk.definition import Definition, compile_workflow
from stepworkflows_cdk.errors import ConfigurationError, DocumentError, PackagingError
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.reference import order_flow

DOCUMENT = """\
name: shop
type: RunnableStep
inputs: {order_id: string, amount: number}
config:
  stage: {type: string, default: test}
resources:
  orders: {type: table, key: order_id}
secrets:
  payment: {description: key of the payment provider}
steps:
  - id: charge
    runs-on: lambda
    zip-file: charge
    inputs: {amount: "{amount}"}
    outputs: {charge_id: "{charge_id}"}
    env: {STAGE: "{config.stage}"}
    secrets: {PAYMENT_KEY: "{secrets.payment}"}
    permissions: {orders: [read]}
  - id: create-order
    record: {table: orders, key: {order_id: "{order_id}"}, mode: once}
    inputs: {charge: "{charge_id}"}
outputs: {charge_id: "{charge_id}"}
"""


@pytest.fixture
def document(tmp_path, code) -> Path:
    file = tmp_path / "workflow.yaml"
    file.write_text(DOCUMENT, encoding="utf-8")
    return file


@pytest.fixture
def flow(stack, document):
    return StepWorkflow(stack, "Flow", definition=document)


def test_what_is_deployed_is_the_compiled_text(stack, flow, document, template):
    machine = template(stack).only("AWS::StepFunctions::StateMachine")
    assert machine["DefinitionString"] == compile_workflow(Definition.load(document)).main.text
    holes = set(machine["DefinitionSubstitutions"])
    assert all(f"${{{hole}}}" in machine["DefinitionString"] for hole in holes)


def test_what_was_made_can_be_had(stack, flow):
    assert isinstance(flow.state_machine, sfn.StateMachine)
    assert isinstance(flow.role, iam.Role)
    assert isinstance(flow.steps["charge"].function, lambda_.Function)
    assert isinstance(flow.resources["orders"], dynamodb.Table)
    assert isinstance(flow.secrets["payment"], secretsmanager.Secret)
    assert set(flow.steps) == {"charge", "create-order"}
    assert flow.log_group.node.scope is flow.state_machine.node.scope


def test_a_function_reads_what_its_step_may_read(stack, flow, template):
    statements = template(stack).statements("lambda.amazonaws.com")
    actions = {action for each in statements for action in [each["Action"]] if isinstance(action, str)}
    assert "secretsmanager:GetSecretValue" in actions
    assert any("dynamodb:GetItem" in each["Action"] for each in statements)
    assert not any("dynamodb:PutItem" in each["Action"] for each in statements)


def test_env_gives_config_and_the_secrets_arn_but_never_its_value(stack, document, template):
    StepWorkflow(stack, "Flow", definition=document, config={"stage": "prod"})
    found = template(stack)
    variables = found.only("AWS::Lambda::Function")["Environment"]["Variables"]
    assert variables["STAGE"] == "prod"
    assert set(variables["PAYMENT_KEY"]) == {"Ref"}
    assert "resolve:secretsmanager" not in json.dumps(found.body)


def test_the_callers_constructs_are_taken(stack, document, template):
    table = dynamodb.Table.from_table_name(stack, "Own", "orders-of-old")
    flow = StepWorkflow(stack, "Flow", definition=document, resources={"orders": table})
    assert flow.resources["orders"] is table
    assert template(stack).of_type("AWS::DynamoDB::Table") == {}


def test_both_packs_of_nag_find_nothing(stack, flow):
    for pack in (AwsSolutionsChecks, ServerlessChecks):
        assert pack(stack).validate_scope(stack).violations == []


def test_moving_steps_replaces_no_resource(new_stack, tmp_path, code, template):
    steps = [
        f"  - {{id: {name}, runs-on: lambda, zip-file: charge, env: {{NAME: {name}}}, inputs: {{}}}}"
        for name in ("one", "two", "three")
    ]

    def resources(number, ordered):
        file = tmp_path / f"{number}.yaml"
        file.write_text("\n".join(["name: moved", "type: RunnableStep", "steps:", *ordered]), encoding="utf-8")
        stack = new_stack()
        StepWorkflow(stack, "Flow", definition=file)
        found = template(stack)
        return {id_: (each["Type"], found.of_type(each["Type"])[id_]) for id_, each in found.resources.items()}

    first, second = resources(1, steps), resources(2, steps[::-1])
    changed = {first[id_][0] for id_ in first if first[id_] != second.get(id_)}
    assert set(first) == set(second)
    assert changed <= {"AWS::StepFunctions::StateMachine"}


def test_several_documents_in_their_order(stack, tmp_path, code):
    flow, step = tmp_path / "flow.yaml", tmp_path / "step.json"
    flow.write_text("name: shop\ntype: RunnableStep\n", encoding="utf-8")
    step.write_text(
        json.dumps({"id": "charge", "type": "ActorStep", "runs-on": "lambda", "zip-file": "charge"}), encoding="utf-8"
    )
    assert set(StepWorkflow(stack, "Flow", definition=[flow, str(step)]).steps) == {"charge"}


def test_a_loaded_definition_brings_its_integrations(stack, document):
    definition = Definition.load(document)
    assert "charge" in StepWorkflow(stack, "Flow", definition=definition).steps
    with pytest.raises(ConfigurationError, match=r"give them to Definition\.load"):
        StepWorkflow(stack, "Other", definition=definition, integrations=BUILTIN[:1])


def test_a_relative_path_is_refused_with_what_to_write_instead(stack):
    with pytest.raises(ConfigurationError, match=r'pass Path\(__file__\)\.parent / "flows/shop\.yaml"'):
        StepWorkflow(stack, "Flow", definition="flows/shop.yaml")


def test_faults_in_the_document_come_before_any_construct(stack, document):
    document.write_text(DOCUMENT.replace("runs-on: lambda", "runs-on: lamda"), encoding="utf-8")
    with pytest.raises(DocumentError, match=r"workflow\.yaml:12:"):
        StepWorkflow(stack, "Flow", definition=document)
    assert stack.node.children == []


def test_code_that_cannot_be_packaged_names_the_step(stack, document, code):
    (code / "requirements.txt").write_text("-e ../elsewhere\n", encoding="utf-8")
    with pytest.raises(PackagingError, match=r"workflow\.yaml:11:\d+: charge: .*editable"):
        StepWorkflow(stack, "Flow", definition=document)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resources": {"order": None}}, r"resources: unknown name 'order'.*did you mean 'orders'\?"),
        ({"secrets": {"payments": None}}, r"secrets: unknown name 'payments'.*did you mean 'payment'\?"),
        ({"config": {"stages": "x"}}, r"stages.*did you mean 'stage'\?"),
    ],
)
def test_names_that_the_document_does_not_have(stack, document, options, message):
    with pytest.raises(ConfigurationError, match=message):
        StepWorkflow(stack, "Flow", definition=document, **options)


def test_a_class_can_carry_its_documents(stack, document):
    class Carried(StepWorkflow):
        documents = document

    assert Carried(stack, "Flow").steps["charge"].function
    with pytest.raises(ConfigurationError, match="definition: no documents are given"):
        StepWorkflow(stack, "None")


def test_asking_for_what_is_not_there(flow):
    with pytest.raises(KeyError, match=r"steps: no step has the id 'charg'; did you mean `charge`\?"):
        flow.steps["charg"]
    with pytest.raises(ConfigurationError, match="resources: unknown name 'payment'"):
        flow.resources["payment"]
    with pytest.raises(ConfigurationError, match="step 'create-order' has no function"):
        _ = flow.steps["create-order"].function
    assert "charg" not in flow.steps
    assert flow.steps.get("charg") is None


def test_who_may_start_it(stack, flow, template):
    flow.grant_start_execution(iam.Role(stack, "Caller", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com")))
    (policy,) = template(stack).of_type("AWS::IAM::Policy").values()
    (statement,) = policy["PolicyDocument"]["Statement"]
    # On the machine, since Step Functions asks for nothing else, and by its alias only.
    assert statement == {
        "Effect": "Allow",
        "Action": "states:StartExecution",
        "Resource": {"Ref": stack.get_logical_id(flow.state_machine.node.default_child)},
        "Condition": {"ForAnyValue:StringEquals": {"states:StateMachineQualifier": ["live"]}},
    }


@pytest.mark.parametrize(
    ("grant", "of_the_machine", "of_executions"),
    [
        ("grant_stop_execution", [], ["StopExecution"]),
        ("grant_redrive_execution", [], ["RedriveExecution"]),
        (
            "grant_read",
            [
                "DescribeStateMachine",
                "DescribeStateMachineAlias",
                "ListExecutions",
                "ListStateMachineAliases",
                "ListStateMachineVersions",
            ],
            ["DescribeExecution", "DescribeStateMachineForExecution", "GetExecutionHistory"],
        ),
    ],
)
def test_who_may_deal_with_executions_of_this_flow_only(stack, flow, template, grant, of_the_machine, of_executions):
    getattr(flow, grant)(iam.Role(stack, "Operator", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com")))
    found = template(stack)
    (policy,) = found.of_type("AWS::IAM::Policy").values()
    (machine,) = found.of_type("AWS::StepFunctions::StateMachine")
    allowed = {True: [], False: []}
    for statement in policy["PolicyDocument"]["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        on_machine = statement["Resource"] == {"Ref": machine}
        if not on_machine:
            *_, name, rest = statement["Resource"]["Fn::Join"][1]
            assert machine in json.dumps(name)
            assert rest == ":*"
        allowed[on_machine] += [action.removeprefix("states:") for action in actions]
    assert {True: sorted(allowed[True]), False: sorted(allowed[False])} == {True: of_the_machine, False: of_executions}


def test_metrics_for_alarms_of_ones_own(flow):
    options = {"statistic": "Sum"}
    names = {
        flow.metric_started(**options).metric_name,
        flow.metric_succeeded(**options).metric_name,
        flow.metric_failed(**options).metric_name,
        flow.metric_timed_out(**options).metric_name,
        flow.metric_aborted(**options).metric_name,
        flow.metric_throttled(**options).metric_name,
        flow.metric_time(**options).metric_name,
    }
    results = {f"Executions{result}" for result in ("Started", "Succeeded", "Failed", "TimedOut", "Aborted")}
    assert names == {*results, "ExecutionThrottled", "ExecutionTime"}


def test_the_order_flow_is_found_and_is_a_workflow(stack, template):
    assert order_flow().is_file()
    flow = OrderFlow(stack, "Flow")
    text = template(stack).only("AWS::StepFunctions::StateMachine")["DefinitionString"]
    assert text == compile_workflow(Definition.load(order_flow())).main.text
    assert flow.steps["charge"].function is not flow.steps["refund"].function


def test_config_comes_from_the_context_and_the_argument_wins(new_stack, code, template):
    step = {"id": "charge", "runs-on": "lambda", "zip-file": code.name, "env": {"SIZE": "{config.size}"}}
    flow = {"name": "flow", "inputs": {}, "config": {"size": {"type": "integer", "default": 1}}, "steps": [step]}
    path = code.parent / "flow.json"
    path.write_text(json.dumps(flow), encoding="utf-8")

    def size(context, **config):
        stack = new_stack()
        for name, value in context.items():
            stack.node.set_context(name, value)
        StepWorkflow(stack, "Flow", definition=path, config=config)
        return template(stack).only("AWS::Lambda::Function")["Environment"]["Variables"]["SIZE"]

    assert (size({}), size({"stepworkflows:size": "2"}), size({"stepworkflows:size": "2"}, size=3)) == ("1", "2", "3")
    with pytest.raises(ConfigurationError, match="must be of the type integer"):
        size({"stepworkflows:size": "many"})


def test_steps_are_overridden_by_their_ids(stack, document, template):
    StepWorkflow(stack, "Flow", definition=document, overrides={"charge": {"runs-on": {"lambda": {"memory": 2048}}}})
    assert template(stack).only("AWS::Lambda::Function")["MemorySize"] == 2048


def test_an_unknown_step_to_override_is_refused_with_the_nearest(stack):
    with pytest.raises(ConfigurationError, match="no step has the id 'chargge'; did you mean `charge`"):
        OrderFlow(stack, "Flow", overrides={"chargge": {}})
    definition = Definition.load(order_flow())
    with pytest.raises(ConfigurationError, match=r"give them to Definition\.load"):
        StepWorkflow(stack, "Loaded", definition=definition, overrides={"charge": {}})
