"""What starts a flow, from a document to the template: an API, schedules, events, a queue, a bucket."""

import json
from graphlib import TopologicalSorter
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks, ServerlessChecks
from constructs import Construct

from stepworkflows_cdk.compiler.plan import Text
from stepworkflows_cdk.constructs.bound import Bindings, Bound
from stepworkflows_cdk.constructs.workflow import StepWorkflow
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.triggers.cdk import bind_schedule
from stepworkflows_cdk.integrations.triggers.needs import ScheduleNeed
from stepworkflows_cdk.language.diagnostics import Mark

HERE = ["arn:", {"Ref": "AWS::Partition"}, ":states:", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}]
MACHINE, ALIAS = "FlowmachineshopStateMachine550BD994", "FlowmachineshopAliasEE756273"
STEPS = "steps: [{id: rule, require: {that: \"{order_id} != 'x'\"}}]\n"
HEAD = "name: shop\ninputs: {order_id: string}\n"
IAM = "triggers: {api: {path: /orders, auth: iam}}\n"
ALL = f"""{HEAD}
resources:
  news: {{type: bus}}
  users: {{type: user-pool}}
  gate: {{type: function}}
  todo: {{type: queue}}
triggers:
  api:
    - {{path: /orders, auth: cognito, idempotency-key: "{{input.order_id}}", throttle: {{rate: 5, burst: 10}}}}
    - {{path: /shop/v2/orders, auth: {{function: gate}}, cancel: true, cors: ["https://shop.example.com"]}}
    - {{path: /internal, auth: iam}}
  schedule: {{every: 1h, input: {{order_id: 'a "b"', bus: "{{resources.news}}"}}}}
  queue: {{queue: todo}}
  event: {{source: shop, detail-type: Placed, match: {{order.kind: [gift, null]}}, bus: news}}
{STEPS}"""


@pytest.fixture
def flow(tmp_path, stack):
    """Makes the workflow of a document in the stack."""

    def made(document, construct_id="Flow", *, stack=stack, **options):
        file = tmp_path / f"{construct_id}.yaml"
        file.write_text(document, encoding="utf-8")
        return StepWorkflow(stack, construct_id, definition=file, **options)

    return made


def own(stack):
    """What a caller has: a user pool and a function."""
    function = lambda_.Function.from_function_arn(stack, "Gate", "arn:aws:lambda:eu-west-1:111122223333:function:gate")
    return {"users": cognito.UserPool.from_user_pool_id(stack, "Users", "eu-west-1_abc"), "gate": function}


@pytest.fixture(scope="module")
def every(tmp_path_factory):
    """The stack of a flow with all triggers that need no other resource, and its template."""
    context = json.loads((Path(__file__).parents[2] / "cdk.json").read_text(encoding="utf-8"))["context"]
    app = cdk.App(context=context, builtin_cloud_formation_validation=False)
    stack = cdk.Stack(app, "Shop")
    file = tmp_path_factory.mktemp("triggers") / "workflow.yaml"
    file.write_text(ALL, encoding="utf-8")
    StepWorkflow(stack, "Flow", definition=file, resources=own(stack))
    return stack, app.synth().get_stack_by_name("Shop").template["Resources"]


@pytest.fixture(scope="module")
def resources(every):
    return every[1]


def of_type(resources, type_):
    return {id_: each.get("Properties", {}) for id_, each in resources.items() if each["Type"] == type_}


def methods(resources):
    """(path, verb) -> the method."""
    paths = dict(of_type(resources, "AWS::ApiGateway::Resource").items())

    def path(id_):
        parent = paths[id_]["ParentId"].get("Ref")
        return f"{path(parent) if parent else ''}/{paths[id_]['PathPart']}"

    found = of_type(resources, "AWS::ApiGateway::Method").values()
    return {(path(each["ResourceId"]["Ref"]), each["HttpMethod"]): each for each in found}


def allowed(resources, role):
    """Action -> where, of a role's policies, those that the stack shares for all left aside."""
    ids = [arn["Ref"] for arn in resources[role]["Properties"]["ManagedPolicyArns"] if "Ref" in arn]
    found = {}
    for id_ in ids:
        for statement in resources[id_]["Properties"]["PolicyDocument"]["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            found |= {action: statement["Resource"] for action in actions if not action.startswith("xray:")}
    return found


def rule(resources):
    """The rule of a trigger."""
    (found,) = (each for id_, each in of_type(resources, "AWS::Events::Rule").items() if id_.startswith("Flowtrigger"))
    return found


def test_each_method_of_a_path_asks_who_is_calling(resources):
    found = {place: method["AuthorizationType"] for place, method in methods(resources).items()}
    assert found == {
        ("/orders", "POST"): "COGNITO_USER_POOLS",
        ("/orders/{id}", "GET"): "COGNITO_USER_POOLS",
        ("/shop/v2/orders", "POST"): "CUSTOM",
        ("/shop/v2/orders", "OPTIONS"): "NONE",
        ("/shop/v2/orders/{id}", "GET"): "CUSTOM",
        ("/shop/v2/orders/{id}", "DELETE"): "CUSTOM",
        ("/shop/v2/orders/{id}", "OPTIONS"): "NONE",
        ("/internal", "POST"): "AWS_IAM",
        ("/internal/{id}", "GET"): "AWS_IAM",
    }


def test_callers_are_asked_of_the_users_own(resources):
    pool, function = sorted(of_type(resources, "AWS::ApiGateway::Authorizer").values(), key=lambda each: each["Type"])
    assert (pool["Type"], function["Type"]) == ("COGNITO_USER_POOLS", "TOKEN")
    assert "userpool/eu-west-1_abc" in json.dumps(pool["ProviderARNs"])
    assert "function:gate/invocations" in json.dumps(function["AuthorizerUri"])
    assert function["AuthorizerResultTtlInSeconds"] == 0
    role = function["AuthorizerCredentials"]["Fn::GetAtt"][0]
    assert list(allowed(resources, role)) == ["lambda:InvokeFunction"]
    assert "arn:aws:lambda:eu-west-1:111122223333:function:gate" in json.dumps(allowed(resources, role))


def test_bodies_are_checked_whatever_type_they_say(resources):
    model = next(iter(of_type(resources, "AWS::ApiGateway::Model").values()))
    assert model["Schema"]["required"] == ["order_id"]
    assert model["Schema"]["properties"] == {"order_id": {"type": "string"}}
    (validator,) = of_type(resources, "AWS::ApiGateway::RequestValidator")
    for (_, verb), method in methods(resources).items():
        if verb == "POST":
            assert sorted(method["RequestModels"]) == ["$default", "application/json"]
            assert method["RequestValidatorId"] == {"Ref": validator}


def test_methods_call_the_front_door_by_a_role_of_theirs(resources):
    assert of_type(resources, "AWS::Lambda::Permission") == {}
    post = methods(resources)["/orders", "POST"]["Integration"]
    assert post["Type"] == "AWS_PROXY"
    uri = post["Uri"]["Fn::Join"][1]
    function = next(part["Fn::GetAtt"][0] for part in uri if isinstance(part, dict) and "Fn::GetAtt" in part)
    role = post["Credentials"]["Fn::GetAtt"][0]
    assert allowed(resources, role) == {"lambda:InvokeFunction": {"Fn::GetAtt": [function, "Arn"]}}
    environment = resources[function]["Properties"]["Environment"]["Variables"]
    assert (environment["KEY"], environment["AUTH"]) == ('["order_id"]', "cognito")
    assert environment["MACHINE"] == {"Ref": ALIAS}
    assert environment["EXECUTIONS"]["Fn::Join"][1][-3:] == [":execution:", {"Fn::GetAtt": [MACHINE, "Name"]}, ":"]


@pytest.mark.parametrize(("path", "stops"), [("/orders", False), ("/shop/v2/orders", True)])
def test_the_front_door_may_start_and_look_and_stop_where_that_is_asked_for(resources, path, stops):
    uri = methods(resources)[path, "POST"]["Integration"]["Uri"]["Fn::Join"][1]
    function = next(part["Fn::GetAtt"][0] for part in uri if isinstance(part, dict) and "Fn::GetAtt" in part)
    may = allowed(resources, resources[function]["Properties"]["Role"]["Fn::GetAtt"][0])
    assert may["states:StartExecution"] == {"Ref": MACHINE}
    executions = {"Fn::Join": ["", [*HERE, ":execution:", {"Fn::GetAtt": [MACHINE, "Name"]}, ":*"]]}
    assert may["states:DescribeExecution"] == executions
    assert may.get("states:StopExecution") == (executions if stops else None)
    assert {action for action in may if action.startswith("dynamodb:")} == {"dynamodb:GetItem", "dynamodb:UpdateItem"}


def test_the_stage_logs_no_bodies_traces_and_throttles(resources):
    (stage,) = of_type(resources, "AWS::ApiGateway::Stage").values()
    logged = json.loads(stage["AccessLogSetting"]["Format"])
    assert not any(word in value for value in logged.values() for word in ("body", "identity", "authorizer", "Path}"))
    assert stage["TracingEnabled"] is True
    settings = {(each["ResourcePath"], each["HttpMethod"]): each for each in stage["MethodSettings"]}
    assert not any(each["DataTraceEnabled"] for each in settings.values())
    limits = {place: (each["ThrottlingRateLimit"], each["ThrottlingBurstLimit"]) for place, each in settings.items()}
    assert limits["/~1orders", "POST"] == limits["/~1orders~1{id}", "GET"] == (5, 10)
    assert limits["/~1shop~1v2~1orders~1{id}", "DELETE"] == (50, 100)
    assert limits["/*", "*"] == (100, 200)


def test_only_pages_of_the_named_origins_are_let_in(resources):
    preflight = methods(resources)["/shop/v2/orders/{id}", "OPTIONS"]["Integration"]["IntegrationResponses"][0]
    headers = {name.rpartition(".")[2]: value for name, value in preflight["ResponseParameters"].items()}
    assert headers["Access-Control-Allow-Origin"] == "'https://shop.example.com'"
    assert headers["Access-Control-Allow-Methods"] == "'GET,DELETE'"


def test_the_role_for_logs_stays_when_the_stack_goes(resources):
    (account,) = (each for each in resources.values() if each["Type"] == "AWS::ApiGateway::Account")
    logger = resources[account["Properties"]["CloudWatchRoleArn"]["Fn::GetAtt"][0]]
    assert account["DeletionPolicy"] == logger["DeletionPolicy"] == "Retain"


def test_a_schedule_starts_the_machine_by_a_name_of_its_own(resources):
    (schedule,) = of_type(resources, "AWS::Scheduler::Schedule").values()
    assert (schedule["ScheduleExpression"], schedule["State"]) == ("rate(1 hour)", "ENABLED")
    target = schedule["Target"]
    assert target["Arn"]["Fn::Join"][1][-1] == ":scheduler:::aws-sdk:sfn:startExecution"
    names = {ALIAS: "arn:machine", "FlowbusnewsBus71611397": "news-bus"}
    parts = target["Input"]["Fn::Join"][1]
    call = json.loads("".join(part if isinstance(part, str) else names[part["Ref"]] for part in parts))
    assert (call["StateMachineArn"], call["Name"]) == ("arn:machine", "<aws.scheduler.execution-id>")
    assert json.loads(call["Input"]) == {"order_id": 'a "b"', "bus": "news-bus"}
    role = target["RoleArn"]["Fn::GetAtt"][0]
    letters = target["DeadLetterConfig"]["Arn"]
    assert allowed(resources, role) == {"sqs:SendMessage": letters, "states:StartExecution": {"Ref": MACHINE}}
    (group,) = of_type(resources, "AWS::Scheduler::ScheduleGroup")
    assert schedule["GroupName"] == {"Ref": group}
    trust = resources[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Condition"]["StringEquals"] == {
        "aws:SourceArn": {"Fn::GetAtt": [group, "Arn"]},
        "aws:SourceAccount": {"Ref": "AWS::AccountId"},
    }


def test_a_rule_gives_the_detail_of_each_event_to_the_machine(resources):
    found = rule(resources)
    assert found["EventBusName"] == {"Ref": "FlowbusnewsBus71611397"}
    assert found["EventPattern"] == {
        "source": ["shop"],
        "detail-type": ["Placed"],
        "detail": {"order": {"kind": ["gift", {"exists": False}]}},
    }
    (target,) = found["Targets"]
    assert (target["Arn"], target["InputPath"]) == ({"Ref": ALIAS}, "$.detail")
    assert allowed(resources, target["RoleArn"]["Fn::GetAtt"][0]) == {"states:StartExecution": {"Ref": MACHINE}}
    assert "DeadLetters" in json.dumps(target["DeadLetterConfig"])


def test_nothing_is_made_that_could_not_be_judged(resources):
    types = {each["Type"] for each in resources.values()}
    assert not types & {"AWS::IAM::Policy", "AWS::CloudFormation::CustomResource"}
    assert not any(type_.startswith("Custom::") for type_ in types)


def test_both_packs_find_nothing(every):
    stack, _ = every
    found = {
        (violation.rule_name, resource.construct_path)
        for pack in (AwsSolutionsChecks, ServerlessChecks)
        for violation in pack(stack).validate_scope(stack).violations
        for resource in violation.violating_resources
    }
    assert found == set()


def test_no_cycle_in_the_template(resources):
    def named(value):
        match value:
            case {"Ref": str(id_)} | {"Fn::GetAtt": [str(id_), *_]}:
                yield id_
            case dict() | list():
                for each in value.values() if isinstance(value, dict) else value:
                    yield from named(each)

    graph = {
        id_: {*named(each.get("Properties", {})), *each.get("DependsOn", [])} & set(resources)
        for id_, each in resources.items()
    }
    assert len(list(TopologicalSorter(graph).static_order())) == len(resources)


def test_what_is_started_is_what_the_machines_attribute_says(stack):
    alias = "arn:aws:states:eu-west-1:111122223333:stateMachine:shop:live"
    bindings = Bindings(partition="aws", region="eu-west-1", account="111122223333")
    bindings["machine-shop"] = Bound(stack, {"arn": alias, "name": "shop"})
    need = ScheduleNeed(
        id="s",
        mark=Mark("w.yaml", 1, 1),
        expression="rate(1 day)",
        timezone=None,
        enabled=False,
        input=Text(("{}",)),
        machine="machine-shop",
    )
    bound = bind_schedule(Construct(stack, "S"), need, bindings)
    assert json.loads(bound.construct.target.input)["StateMachineArn"] == alias
    assert bound.construct.state == "DISABLED"


def test_flows_of_a_stack_share_an_api(flow, stack, template):
    first = flow(HEAD + IAM + STEPS)
    second = flow((HEAD + IAM + STEPS).replace("/orders", "/orders/rush").replace("shop", "rush"), "Second")
    assert first.api is second.api
    made = template(stack)
    assert len(made.of_type("AWS::ApiGateway::RestApi")) == len(made.of_type("AWS::ApiGateway::Stage")) == 1
    assert {path for path, _ in methods(made.resources)} == {
        "/orders",
        "/orders/{id}",
        "/orders/rush",
        "/orders/rush/{id}",
    }


def test_a_flow_without_an_api_has_none(flow):
    assert flow(HEAD + STEPS).api is None


def test_a_path_belongs_to_one_flow_of_a_stack(flow):
    flow(HEAD + IAM + STEPS)
    with pytest.raises(ConfigurationError, match=r"Second\.yaml:3:12: another flow of this stack has the path /orders"):
        flow(HEAD + IAM + STEPS, "Second")


def test_a_stage_serves_a_contract_that_changed(flow, new_stack, template):
    def deployment(document):
        stack = new_stack()
        flow(document, stack=stack)
        (id_,) = template(stack).of_type("AWS::ApiGateway::Deployment")
        return id_

    before = deployment(HEAD + IAM + STEPS)
    assert deployment(HEAD + IAM + STEPS) == before
    assert deployment(HEAD.replace("string}", "string, n: integer}") + IAM + STEPS) != before
    assert deployment(HEAD + IAM.replace("iam", "iam, cancel: true") + STEPS) != before


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"resources: 'users' is a user pool of yours, and none is created; pass a cognito\.IUserPool"),
        ({"users": 17}, r"resources: 'users' is a user pool; pass a cognito\.IUserPool, not int"),
    ],
)
def test_a_user_pool_is_the_callers(flow, given, message):
    document = HEAD + "resources: {users: {type: user-pool}}\n" + IAM.replace("iam", "cognito") + STEPS
    with pytest.raises(ConfigurationError, match=message):
        flow(document, resources=given)


def test_an_authorizer_is_the_callers(flow):
    document = HEAD + "resources: {gate: {type: function}}\n" + IAM.replace("iam", "{function: gate}") + STEPS
    with pytest.raises(
        ConfigurationError, match=r"'gate' is a function of yours, and none is created; pass a lambda\.IF"
    ):
        flow(document)


def test_messages_of_a_queue_come_by_a_function_that_may_only_read_it(flow, stack, template):
    document = HEAD + "resources: {todo: {type: queue}}\ntriggers: {queue: {queue: todo, batch: 5}}\n" + STEPS
    flow(document)
    made = template(stack)
    source = made.only("AWS::Lambda::EventSourceMapping")
    (queue,) = (id_ for id_ in made.of_type("AWS::SQS::Queue") if id_.startswith("FlowqueuetodoQueue"))
    arn = {"Fn::GetAtt": [queue, "Arn"]}
    assert (source["EventSourceArn"], source["BatchSize"]) == (arn, 5)
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    inlet = made.resources[source["FunctionName"]["Ref"]]["Properties"]
    assert inlet["Environment"]["Variables"] == {"MACHINE": {"Ref": ALIAS}}
    may = allowed(made.resources, inlet["Role"]["Fn::GetAtt"][0])
    assert may["states:StartExecution"] == {"Ref": MACHINE}
    assert {action for action, where in may.items() if where == arn} == {
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
    }


BUCKET = "name: shop\nresources: {uploads: {type: bucket}}\ntriggers: {s3: {bucket: uploads MORE}}\n"
BUCKET += "steps: [{id: a, outputs: {x: 1}}]\n"


@pytest.mark.parametrize(
    ("more", "type_", "key"),
    [
        ("", "Object Created", None),
        (", events: deleted", "Object Deleted", None),
        (", prefix: in/", "Object Created", {"prefix": "in/"}),
        (", suffix: .csv", "Object Created", {"suffix": ".csv"}),
        (", prefix: 'a*b/', suffix: .csv", "Object Created", {"wildcard": "a\\*b/*.csv"}),
    ],
)
def test_objects_of_a_bucket_come_by_a_rule(flow, stack, template, more, type_, key):
    flow(BUCKET.replace(" MORE", more))
    made = template(stack)
    ((id_, bucket),) = (each for each in made.of_type("AWS::S3::Bucket").items() if each[0].startswith("Flow"))
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    detail = {"bucket": {"name": [{"Ref": id_}]}, **({"object": {"key": [key]}} if key else {})}
    pattern = {"source": ["aws.s3"], "detail-type": [type_], "detail": detail}
    assert rule(made.resources)["EventPattern"] == pattern
    assert not any(each["Type"].startswith("Custom::") for each in made.resources.values())


def test_a_bucket_of_the_callers_has_to_send_its_events(flow, new_stack):
    silent, loud = new_stack(), new_stack()
    own_bucket = s3.Bucket(silent, "Own")
    with pytest.raises(ConfigurationError, match="Shop/Own does not send its events to EventBridge"):
        flow(BUCKET.replace(" MORE", ""), stack=silent, resources={"uploads": own_bucket})
    assert own_bucket.node.default_child.notification_configuration is None
    for bucket in (s3.Bucket(loud, "Own", event_bridge_enabled=True), s3.Bucket.from_bucket_name(loud, "Far", "far")):
        given = {"uploads": bucket}
        flow(BUCKET.replace(" MORE", ""), bucket.node.id + "Flow", stack=loud, resources=given)
