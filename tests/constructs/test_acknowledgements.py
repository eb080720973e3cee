from dataclasses import replace

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs

from stepworkflows_cdk.compiler.bundle import Bundle
from stepworkflows_cdk.compiler.plan import Condition, Grant, Hole, Text
from stepworkflows_cdk.compiler.texts import executions_arn
from stepworkflows_cdk.constructs import acknowledgements
from stepworkflows_cdk.constructs.acknowledgements import TABLE
from stepworkflows_cdk.constructs.profile import PACKS, PROFILES
from stepworkflows_cdk.constructs.workflow import StepWorkflow
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.api.needs import AnswerPathNeed, ApiNeed
from stepworkflows_cdk.integrations.containers.needs import ClusterNeed
from stepworkflows_cdk.integrations.messages.needs import QueueNeed
from stepworkflows_cdk.integrations.network.needs import NetworkNeed
from stepworkflows_cdk.integrations.s3.needs import BucketNeed
from stepworkflows_cdk.integrations.triggers.needs import QueueSourceNeed


@pytest.fixture
def every(shop, make, code):
    """A bundle that uses each row of the table."""
    answers = Grant("function-charge", ("states:SendTaskFailure", "states:SendTaskSuccess"), Text(("*",)), make.mark)
    calls = Grant("machine-main", ("states:InvokeHTTPEndpoint",), Text(("*",)), make.mark, CALLS)
    network = NetworkNeed(id="network-main", mark=make.mark, name="main")
    inside = make.function("inside", code, network="network-main")
    bucket = BucketNeed(id="bucket-in", mark=make.mark, name="in")
    looks = Grant("function-charge", ("states:DescribeExecution",), executions_arn("machine-main"), make.mark)
    reads = Grant("machine-main", ("rekognition:DetectLabels",), Text(("*",)), make.mark)
    grants = (*shop.grants, answers, calls, files(make, "machine-main"), stops(make), looks, reads, *wide(make))
    queue = QueueNeed(id="queue-todo", mark=make.mark, name="todo", fifo=False, keep=60, timeout=30, tries=1)
    source = QueueSourceNeed(id="source", mark=make.mark, queue=queue.id, function="function-charge", batch=1)
    cluster = ClusterNeed(id="cluster-containers", mark=make.mark, name="containers")
    needs = (network, inside, bucket, api(make), page(make), queue, source, cluster, make.container("pack"))
    return replace(shop, needs=(*shop.needs, *needs), grants=grants)


def api(make):
    """A path that the function answers."""
    return ApiNeed(
        id="api-orders",
        mark=make.mark,
        path="/orders",
        auth="iam",
        authorizer=None,
        function="function-charge",
        schema='{"type": "object"}',
        rate=1,
        burst=1,
        cancel=False,
        cors=(),
    )


def page(make):
    """A path that everybody may call."""
    return AnswerPathNeed(
        id="page",
        mark=make.mark,
        path="/pages/{id}",
        methods=("GET",),
        auth="open",
        authorizer=None,
        function="function-charge",
        rate=1,
        burst=1,
    )


CALLS = (
    Condition("StringEquals", "states:HTTPMethod", (Text(("POST",)),)),
    Condition("StringLike", "states:HTTPEndpoint", (Text(("https://api.example.com/orders/*",)),)),
)


def stops(make):
    """The grant on the tasks of the stack's cluster."""
    place = ("arn:", Hole("aws", "partition"), ":ecs:", Hole("aws", "region"), ":", Hole("aws", "account"), ":task/")
    return Grant("machine-main", ("ecs:StopTask",), Text((*place, Hole("cluster-containers", "name"), "/*")), make.mark)


def wide(make):
    """Grants on jobs whose names only a run knows, and on what a document gives a reason for."""
    place = (":", Hole("aws", "region"), ":", Hole("aws", "account"), ":")
    jobs = Text(("arn:", Hole("aws", "partition"), ":glue", *place, "job/nightly-*"))
    machines = Text(("arn:", Hole("aws", "partition"), ":ec2", *place, "instance/*"))
    tagged = Condition("StringEquals", "aws:ResourceTag/team", (Text(("shop",)),))
    return (
        Grant("machine-main", ("glue:StartJobRun",), jobs, make.mark),
        Grant("machine-main", ("ec2:StartInstances",), machines, make.mark, (tagged,), "Only a run knows which."),
    )


def files(make, holder, key="invoices/*.json", *actions):
    """A grant as one on files of a bucket."""
    return Grant(holder, actions or ("s3:PutObject",), Text((Hole("table-orders", "arn"), f"/{key}")), make.mark)


@pytest.fixture
def given(stack):
    """The network and the queue of that bundle."""
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Network", vpc_id="vpc-1", availability_zones=["a"], private_subnet_ids=["subnet-1"]
    )
    queue = sqs.Queue.from_queue_arn(stack, "Queue", "arn:aws:sqs:eu-west-1:111122223333:todo")
    return {"main": vpc, "todo": queue}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_passes_its_packs(stack, every, given, bind, findings, profile):
    bind(stack, every, resources=given, profile=PROFILES[profile])
    assert findings(stack, PROFILES[profile].packs) == set()


OF_RULES = "dead-letters-of-rules"
MACHINE = "<FlowmachinemainStateMachine80C9C03A.Name>"
TARGETS = {
    "objects": "<FlowtableordersTable17947ED4.Arn>/invoices/*.json",
    "executions": f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{MACHINE}:*",
    "jobs": "arn:<AWS::Partition>:glue:<AWS::Region>:<AWS::AccountId>:job/nightly-*",
    "reasoned": "arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>:instance/*",
    "task-ids": ("arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:task/<StepWorkflowsSharedCluster54AAA4CA>/*"),
}
BUCKETS = ("Shop/Flow/bucket-in/Bucket/Resource", "Shop/StepWorkflowsShared/AccessLogs/Resource")
WHERE = {
    "tracing": "Shop/StepWorkflowsShared/Tracing/Resource",
    "log-delivery": "Shop/StepWorkflowsShared/LogDelivery/Resource",
    "network-interfaces": "Shop/StepWorkflowsShared/NetworkInterfaces/Resource",
    "task-answers": "Shop/StepWorkflowsShared/TaskAnswers/Resource",
    "account-reads": "Shop/StepWorkflowsShared/AccountReadsf8506e7e/Resource",
    "http-endpoints": "Shop/StepWorkflowsShared/HttpEndpoints11947767/Resource",
    "objects": "Shop/StepWorkflowsShared/Objectsc24448f7/Resource",
    "default-security-group": "Shop/StepWorkflowsShared/Vpc",
    "bucket-copies": BUCKETS,
    "bucket-lock": BUCKETS,
    "access-logs-key": "Shop/StepWorkflowsShared/AccessLogs/Resource",
    "executions": "Shop/StepWorkflowsShared/Executions10155ce5/Resource",
    **dict.fromkeys(
        ("api-firewall", "api-cache", "api-certificate"),
        "Shop/StepWorkflowsShared/Api/DeploymentStage.live/Resource",
    ),
    "api-logs": "Shop/StepWorkflowsShared/ApiLogger/Resource",
    "queue-source": "Shop/Flow/source/Source/Resource",
    "task-ids": "Shop/StepWorkflowsShared/TaskIdsfb68f0d0/Resource",
    "jobs": "Shop/StepWorkflowsShared/Jobs3e49c0a1/Resource",
    "reasoned": "Shop/StepWorkflowsShared/Reasoned85d9252c/Resource",
    "registry-login": "Shop/StepWorkflowsShared/RegistryLogin/Resource",
    "dead-letters": "Shop/StepWorkflowsShared/DeadLetters/Resource",
    "secret-rotation": "Shop/Flow/secret-payment/Secret/Resource",
    **dict.fromkeys(("api-open", "api-open-users"), "Shop/StepWorkflowsShared/Api/Default/pages/{id}/GET/Resource"),
    # Of each method of a path by itself, since each says who may call it.
    "api-callers": (
        "Shop/StepWorkflowsShared/Api/Default/orders/POST/Resource",
        "Shop/StepWorkflowsShared/Api/Default/orders/{id}/GET/Resource",
    ),
}


def strictest(rule):
    """A profile that passes the rule's pack, and makes all that rows are about."""
    return next(profile for profile in ("nist", "hipaa", "pci") if rule.startswith(PROFILES[profile].packs))


@pytest.mark.parametrize(
    ("row", "rule"), [(name, rule) for name, row in TABLE.items() for rule in row.rules if name != OF_RULES]
)
def test_each_acknowledgement_hides_one_finding_of_its_resource(
    stack, every, given, bind, findings, monkeypatch, row, rule
):
    others = tuple(each for each in TABLE[row].rules if each != rule)
    monkeypatch.setattr(acknowledgements, "TABLE", {**TABLE, row: replace(TABLE[row], rules=others)})
    bind(stack, every, resources=given, profile=PROFILES[strictest(rule)])
    where = (WHERE[row],) if isinstance(WHERE[row], str) else WHERE[row]
    hidden = rule.replace("{target}", TARGETS.get(row, ""))
    assert findings(stack, PROFILES[strictest(rule)].packs) == {(hidden, place) for place in where}


@pytest.mark.parametrize(("rules", "left"), [(TABLE[OF_RULES].rules, set()), ((), set(TABLE[OF_RULES].rules))])
def test_a_flow_without_functions_has_dead_letters_of_rules(stack, tmp_path, monkeypatch, findings, rules, left):
    changed = {**TABLE, OF_RULES: replace(TABLE[OF_RULES], rules=rules)}
    monkeypatch.setattr(acknowledgements, "TABLE", changed)
    (tmp_path / "workflow.yaml").write_text("name: pause\nsteps: [{id: pause, wait: 1h}]\n", encoding="utf-8")
    StepWorkflow(stack, "Flow", definition=tmp_path / "workflow.yaml")
    assert {name for name, _ in findings(stack)} == left


@pytest.mark.parametrize("row", TABLE.values(), ids=list(TABLE))
def test_a_row_has_one_rule_of_a_pack(row):
    packs = [[pack for pack in PACKS if rule.startswith(f"{pack}-")] for rule in row.rules]
    assert all(len(found) == 1 for found in packs)
    assert len({pack for found in packs for pack in found}) == len(row.rules)


@pytest.mark.parametrize("profile", PROFILES)
def test_rules_of_other_packs_are_not_acknowledged(stack, every, given, bind, acknowledged, profile):
    bind(stack, every, resources=given, profile=PROFILES[profile])
    assert {rule for _, rule in acknowledged(stack) if not rule.startswith(PROFILES[profile].packs)} == set()


@pytest.mark.parametrize(("profile", "number"), [("baseline", 3), ("hipaa", 5), ("pci", 5), ("nist", 6)])
def test_acknowledgements_do_not_grow_with_steps_or_flows(
    new_stack, shop, make, bind, code, findings, acknowledged, profile, number
):
    settings = {"profile": PROFILES[profile]}
    few, many = new_stack(), new_stack()
    own = {"secrets": {"payment": secretsmanager.Secret.from_secret_complete_arn(few, "Own", ARN)}}
    bind(few, shop, **own, **settings)
    functions = tuple(make.function(f"step-{number}", code) for number in range(5))
    own = {"secrets": {"payment": secretsmanager.Secret.from_secret_complete_arn(many, "Own", ARN)}}
    bind(many, replace(shop, needs=(*shop.needs, *functions)), **own, **settings)
    own = {"secrets": {"payment": secretsmanager.Secret.from_secret_complete_arn(many, "Other", ARN)}}
    bind(many, shop, construct_id="Second", **own, **settings)
    assert len(acknowledged(few)) == number
    assert acknowledged(many) == acknowledged(few)
    assert findings(many, PROFILES[profile].packs) == set()


@pytest.mark.parametrize("profile", PROFILES)
def test_acknowledgements_do_not_grow_with_containers(new_stack, shop, make, bind, findings, acknowledged, profile):
    cluster = ClusterNeed(id="cluster-containers", mark=make.mark, name="containers")
    few, many = new_stack(), new_stack()
    for stack, number in ((few, 1), (many, 5)):
        containers = (make.container(f"step-{each}") for each in range(number))
        bundle = replace(shop, needs=(*shop.needs, cluster, *containers), grants=(*shop.grants, stops(make)))
        bind(stack, bundle, profile=PROFILES[profile])
    assert acknowledged(many) == acknowledged(few)
    assert findings(many, PROFILES[profile].packs) == set()


ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:payment-a1b2c3"


def test_all_who_may_do_the_same_on_the_same_names_share_one_acknowledgement(
    stack, shop, make, bind, code, template, findings, acknowledged
):
    functions = tuple(make.function(f"step-{number}", code) for number in range(4))
    grants = (
        *(files(make, function.id) for function in functions),
        files(make, "machine-main"),
        files(make, "machine-main"),
    )
    apart = files(make, "machine-main", "letters/*", "s3:GetObject")
    bind(stack, replace(shop, needs=(*shop.needs, *functions), grants=(*shop.grants, *grants, apart)))
    found = template(stack).of_type("AWS::IAM::ManagedPolicy")
    statements = [policy["PolicyDocument"]["Statement"] for id_, policy in found.items() if "SharedObjects" in id_]
    assert sorted(map(len, statements)) == [1, 2]  # what the functions may do, and what the machine may
    rules = [rule for _, rule in acknowledged(stack) if "Arn>/" in rule]
    assert len(rules) == 3
    assert findings(stack) == set()


@pytest.mark.parametrize(
    ("key", "actions", "conditions"),
    [
        ("invoices/*", ("s3:GetObject", "dynamodb:GetItem"), ()),
        ("invoices/?", ("dynamodb:GetItem",), ()),
        (None, ("states:InvokeHTTPEndpoint",), CALLS[:1]),
        (None, ("states:InvokeHTTPEndpoint",), ()),
    ],
)
def test_a_wildcard_that_no_row_is_about_is_refused(stack, shop, make, bind, key, actions, conditions):
    resource = files(make, "machine-main", key).resource if key else Text(("*",))
    grant = Grant("machine-main", actions, resource, make.mark, conditions)
    with pytest.raises(ConfigurationError, match=rf"flow\.yaml:1:1: {', '.join(actions)} on .*; name the ARNs"):
        bind(stack, replace(shop, grants=(*shop.grants, grant)))


@pytest.mark.parametrize("profile", PROFILES)
def test_what_is_not_used_is_not_acknowledged(stack, make, bind, findings, acknowledged, profile):
    bundle = Bundle((make.machine({"a": {"Type": "Succeed"}}, ()),), (), ())
    bind(stack, bundle, profile=PROFILES[profile])
    assert {path for path, _ in acknowledged(stack)} == {
        "Shop/StepWorkflowsShared/LogDelivery",
        "Shop/StepWorkflowsShared/Tracing",
    }
    assert findings(stack, PROFILES[profile].packs) == set()


@pytest.mark.parametrize("row", TABLE.values(), ids=list(TABLE))
def test_every_row_gives_its_reason_and_its_source(row):
    assert row.subject
    assert row.source.startswith("https://docs.aws.amazon.com/")
    assert all(subject in row.text for subject in row.subject)


def test_the_shared_policies_hold_the_actions_of_their_rows(stack, every, given, bind, template):
    bind(stack, every, resources=given)
    policies = template(stack).of_type("AWS::IAM::ManagedPolicy").values()
    wild = [
        sorted(statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]])
        for policy in policies
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Resource"] == "*" and statement["Effect"] == "Allow" and "Condition" not in statement
    ]
    rows = ("tracing", "log-delivery", "network-interfaces", "registry-login", "task-answers")
    whole = [sorted(TABLE[row].subject) for row in rows]
    assert sorted(wild) == sorted([*whole, ["rekognition:DetectLabels"]])
