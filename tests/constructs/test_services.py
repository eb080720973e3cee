"""Buckets, queues, topics and connections, from a document to the template."""

import json
from graphlib import TopologicalSorter

import pytest
from aws_cdk import Duration, assertions
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from stepworkflows_cdk.constructs.workflow import StepWorkflow
from stepworkflows_cdk.errors import ConfigurationError

HEAD = """\
name: shop
inputs: {id: string}
secrets: {carrier: {}, bank: {}}
resources:
  uploads: {type: bucket}
  archive: {type: bucket}
  jobs: {type: queue, keep: 2d, timeout: 5m, tries: 3}
  ledger: {type: queue, fifo: true}
  news: {type: topic}
  prices: {type: topic, fifo: true}
  carrier: {type: connection, revision: 3, auth: {api-key: {name: X-Key, secret: "{secrets.carrier}"}}}
  bank: {type: connection, auth: {basic: {user: shop, secret: "{secrets.bank}", field: password}}}
  mint:
    type: connection
    auth: {oauth: {url: "https://login.example.com/t", client-id: me, secret: "{secrets.bank}", parameters: {scope: all}}}
steps:
"""
STEPS = """\
  - {id: put, file: {put: {bucket: uploads, key: "in/{id}.json"}}, inputs: {id: "{id}"}}
  - {id: put-again, file: {put: {bucket: uploads, key: "in/{id}.json"}}, inputs: {id: "{id}"}}
  - {id: get, file: {get: {bucket: uploads, key: settings.json}}}
  - {id: copy, file: {copy: {from: {bucket: uploads, key: "in/{id}.json"}, to: {bucket: archive, key: "{id}"}}}}
  - {id: list, file: {list: {bucket: uploads, prefix: "in/{id}"}}}
  - {id: ask, message: {queue: jobs, text: hello}}
  - {id: book, message: {queue: ledger, group: all, text: hello}}
  - {id: tell, message: {topic: news, text: hello}}
  - {id: price, message: {topic: prices, group: all, text: hello}}
  - {id: ship, http: {method: POST, url: "https://api.example.com/{id}", auth: carrier}}
  - {id: ship-again, http: {method: POST, url: "https://api.example.com/{id}", auth: carrier}}
  - {id: pay, http: {method: GET, url: "https://api.example.com/pay", auth: bank}}
  - {id: mint, http: {method: GET, url: "https://api.example.com/pay", auth: mint}}
"""


@pytest.fixture(scope="module")
def flow(tmp_path_factory, new_stack):
    """A stack with each service, and its flow."""
    stack = new_stack()
    folder = tmp_path_factory.mktemp("services")
    return stack, StepWorkflow(stack, "Flow", definition=written(folder, HEAD + STEPS), secrets={"bank": bank(stack)})


BANK = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:bank-a1b2c3"


def bank(stack):
    return secretsmanager.Secret.from_secret_complete_arn(stack, "Bank", BANK)


def written(folder, document):
    (folder / "code").mkdir()
    (folder / "code" / "handler.py").write_text("def handler(event, context): ...\n", encoding="utf-8")
    (folder / "workflow.yaml").write_text(document, encoding="utf-8")
    return folder / "workflow.yaml"


@pytest.fixture(scope="module")
def made(flow, template):
    stack, _ = flow
    return template(stack)


@pytest.fixture
def workflow(stack, tmp_path):
    """A flow of some steps, in a stack of its own, with the caller's own constructs."""

    def of(steps, more="", **options):
        head = HEAD.replace("steps:\n", f"{more}steps:\n")
        secrets = {"bank": bank(stack), **options.pop("secrets", {})}
        return StepWorkflow(stack, "Flow", definition=written(tmp_path, head + steps), secrets=secrets, **options)

    return of


def resource(made, start, type_):
    """The one resource of a type whose id begins so: its logical id and all of it."""
    ((id_, found),) = [
        (id_, found) for id_, found in made.resources.items() if id_.startswith(start) and found["Type"] == type_
    ]
    return id_, found


def findings(stack):
    return {
        (violation.rule_name, resource.construct_path)
        for pack in (AwsSolutionsChecks, ServerlessChecks)
        for violation in pack(stack).validate_scope(stack).violations
        for resource in violation.violating_resources
    }


def denied_without_tls(statements):
    return [
        each
        for each in statements
        if each["Effect"] == "Deny" and each.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    ]


def test_both_packs_find_nothing(flow):
    assert findings(flow[0]) == set()


def test_nothing_refers_to_itself(made):
    references = {
        id_: {name for name in made.resources if f'"{name}"' in json.dumps(found) and name != id_}
        for id_, found in made.resources.items()
    }
    assert list(TopologicalSorter(references).static_order())


def test_a_bucket_is_private_encrypted_versioned_logged_and_kept(made):
    id_, bucket = resource(made, "Flowbucketuploads", "AWS::S3::Bucket")
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")
    found = bucket["Properties"]
    assert set(found["PublicAccessBlockConfiguration"].values()) == {True}
    assert found["VersioningConfiguration"] == {"Status": "Enabled"}
    encryption = found["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]["ServerSideEncryptionByDefault"]
    assert encryption == {"SSEAlgorithm": "AES256"}
    logs, _ = resource(made, "StepWorkflowsSharedAccessLogs", "AWS::S3::Bucket")
    assert found["LoggingConfiguration"] == {
        "DestinationBucketName": {"Ref": logs},
        "LogFilePrefix": "Shop/Flow/bucket-uploads/",
    }
    _, policy = resource(made, "Flowbucketuploads", "AWS::S3::BucketPolicy")
    assert denied_without_tls(policy["Properties"]["PolicyDocument"]["Statement"])
    assert policy["Properties"]["Bucket"] == {"Ref": id_}


@pytest.mark.parametrize(("name", "fifo"), [("jobs", None), ("ledger", True)])
def test_a_queue_is_encrypted_kept_and_has_one_for_dead_letters(made, name, fifo):
    dead, letters = resource(made, f"Flowqueue{name}DeadLetters", "AWS::SQS::Queue")
    id_, queue = resource(made, f"Flowqueue{name}Queue", "AWS::SQS::Queue")
    assert (queue["DeletionPolicy"], letters["DeletionPolicy"]) == ("Retain", "Retain")
    found = queue["Properties"]
    own = {"jobs": (172_800, 300, 3), "ledger": (345_600, 30, 5)}[name]
    assert found["SqsManagedSseEnabled"]
    assert (found.get("FifoQueue"), letters["Properties"].get("FifoQueue")) == (fifo, fifo)
    assert (found["MessageRetentionPeriod"], found["VisibilityTimeout"]) == own[:2]
    assert found["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": [dead, "Arn"]},
        "maxReceiveCount": own[2],
    }
    policies = {each["Queues"][0]["Ref"]: each for each in made.of_type("AWS::SQS::QueuePolicy").values()}
    assert denied_without_tls(policies[id_]["PolicyDocument"]["Statement"])


@pytest.mark.parametrize(("name", "fifo"), [("news", None), ("prices", True)])
def test_a_topic_is_encrypted_and_kept(made, name, fifo):
    id_, topic = resource(made, f"Flowtopic{name}Topic", "AWS::SNS::Topic")
    assert topic["DeletionPolicy"] == "Retain"
    assert topic["Properties"].get("FifoTopic") == fifo
    assert "alias/aws/sns" in json.dumps(topic["Properties"]["KmsMasterKeyId"])
    policies = {each["Topics"][0]["Ref"]: each for each in made.of_type("AWS::SNS::TopicPolicy").values()}
    assert denied_without_tls(policies[id_]["PolicyDocument"]["Statement"])


def value_of(made, name, field=""):
    if name == "bank":
        return f"{{{{resolve:secretsmanager:{BANK}:SecretString:{field}::}}}}"
    secret, _ = resource(made, f"Flowsecret{name}", "AWS::SecretsManager::Secret")
    return {"Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": secret}, f":SecretString:{field}::}}}}"]]}


def test_a_connection_takes_its_credentials_from_the_secret(made):
    found = {
        name: resource(made, f"Flowconnection{name}", "AWS::Events::Connection")[1]["Properties"]
        for name in ("carrier", "bank", "mint")
    }
    assert {name: each["AuthParameters"] for name, each in found.items()} == {
        "carrier": {"ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": value_of(made, "carrier")}},
        "bank": {"BasicAuthParameters": {"Username": "shop", "Password": value_of(made, "bank", "password")}},
        "mint": {
            "OAuthParameters": {
                "AuthorizationEndpoint": "https://login.example.com/t",
                "ClientParameters": {"ClientID": "me", "ClientSecret": value_of(made, "bank")},
                "HttpMethod": "POST",
                "OAuthHttpParameters": {
                    "BodyParameters": [
                        {"Key": "grant_type", "Value": "client_credentials", "IsValueSecret": False},
                        {"Key": "scope", "Value": "all", "IsValueSecret": False},
                    ]
                },
            }
        },
    }
    assert found["carrier"]["Description"] == "carrier, revision 3"


def test_who_may_do_what(made):
    def arn(start, type_, attribute="Arn", behind=""):
        id_ = resource(made, start, type_)[0]
        found = {"Fn::GetAtt": [id_, attribute]} if attribute else {"Ref": id_}
        return {"Fn::Join": ["", [found, behind]]} if behind else found

    def allow(resource, *actions, **conditions):
        where = {"Condition": conditions} if conditions else {}
        action = actions[0] if len(actions) == 1 else list(actions)
        return {"Effect": "Allow", "Action": action, "Resource": resource, **where}

    uploads = arn("Flowbucketuploads", "AWS::S3::Bucket")
    connections = ["bank", "carrier", "mint"]
    assert [each for each in made.statements("states.amazonaws.com") if each["Action"] != "lambda:InvokeFunction"] == [
        allow(
            [arn(f"Flowconnection{name}", "AWS::Events::Connection") for name in connections],
            "events:RetrieveConnectionCredentials",
        ),
        allow(arn("Flowbucketuploads", "AWS::S3::Bucket", behind="/settings.json"), "s3:GetObject"),
        allow(uploads, "s3:ListBucket"),
        allow(uploads, "s3:ListBucket", StringLike={"s3:prefix": "in/*"}),
        allow(
            [arn(f"Flowconnection{name}", "AWS::Events::Connection", "SecretArn") for name in connections],
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetSecretValue",
        ),
        allow(
            [arn(f"Flowtopic{name}Topic", "AWS::SNS::Topic", "") for name in ("news", "prices")],
            "sns:Publish",
        ),
        allow([arn(f"Flowqueue{name}Queue", "AWS::SQS::Queue") for name in ("jobs", "ledger")], "sqs:SendMessage"),
    ]
    shared = {
        id_[len("StepWorkflowsShared") :]: policy["PolicyDocument"]["Statement"]
        for id_, policy in made.of_type("AWS::IAM::ManagedPolicy").items()
        if id_.startswith(("StepWorkflowsSharedObjects", "StepWorkflowsSharedHttp"))
    }
    http, objects = (shared[id_] for id_ in sorted(shared))
    assert http == [
        allow(
            "*",
            "states:InvokeHTTPEndpoint",
            StringEquals={"states:HTTPEndpoint": "https://api.example.com/pay", "states:HTTPMethod": "GET"},
        ),
        allow(
            "*",
            "states:InvokeHTTPEndpoint",
            StringEquals={"states:HTTPMethod": "POST"},
            StringLike={"states:HTTPEndpoint": "https://api.example.com/*"},
        ),
    ]
    files = arn("Flowbucketuploads", "AWS::S3::Bucket", behind="/in/*.json")
    assert objects == [
        allow(files, "s3:GetObject", "s3:GetObjectTagging", "s3:PutObject"),
        allow(arn("Flowbucketarchive", "AWS::S3::Bucket", behind="/*"), "s3:PutObject", "s3:PutObjectTagging"),
    ]


def test_acknowledgements_do_not_grow_with_steps(flow):
    paths = [
        construct.node.path.removeprefix("Shop/StepWorkflowsShared/")
        for construct in flow[0].node.find_all()
        for entry in construct.node.metadata
        if entry.type == "aws:cdk:acknowledged-rules"
        for _ in entry.data
    ]
    # The names of files in two buckets, whatever the number of steps; the addresses of all calls.
    found = {start: sum(path.startswith(start) for path in paths) for start in ("Objects", "HttpEndpoints")}
    assert found == {"Objects": 2, "HttpEndpoints": 1}


def own(stack):
    key = kms.Key(stack, "Key")
    return {
        "uploads": s3.Bucket(stack, "Uploads", encryption_key=key),
        "archive": s3.Bucket.from_bucket_name(stack, "Archive", "archive-of-all"),
        "jobs": sqs.Queue(stack, "Jobs", encryption_master_key=key),
        "ledger": sqs.Queue.from_queue_arn(stack, "Ledger", "arn:aws:sqs:eu-west-1:111122223333:ledger.fifo"),
        "news": sns.Topic(stack, "News", master_key=key),
        "prices": sns.Topic.from_topic_arn(stack, "Prices", "arn:aws:sns:eu-west-1:111122223333:prices.fifo"),
        "carrier": events.Connection.from_connection_attributes(
            stack,
            "Carrier",
            connection_arn="arn:aws:events:eu-west-1:111122223333:connection/carrier/1",
            connection_name="carrier",
            connection_secret_arn="arn:aws:secretsmanager:eu-west-1:111122223333:secret:events!connection/carrier/1-a1b2c3",
        ),
    }


def test_the_callers_own_are_used_and_their_keys_with_them(stack, workflow, template):
    given = own(stack)
    flow = workflow(STEPS, resources=given)
    assert all(flow.resources[name] is construct for name, construct in given.items())
    found = template(stack)
    assert not found.of_type("AWS::S3::Bucket").keys() - {stack.resolve(given["uploads"].bucket_name)["Ref"]}
    assert not [id_ for id_ in found.resources if id_.startswith(("Flowqueue", "Flowtopic", "Flowconnectioncarrier"))]
    key = {"Fn::GetAtt": [stack.resolve(given["uploads"].encryption_key.key_ref.key_id)["Ref"], "Arn"]}
    uses = [each for each in found.statements("states.amazonaws.com") if each["Resource"] == key]
    assert {tuple(each["Action"]) for each in uses} == {("kms:Decrypt", "kms:GenerateDataKey")}
    through = sorted(each["Condition"]["StringEquals"]["kms:ViaService"]["Fn::Join"][1][0] for each in uses)
    assert through == ["s3.", "sns.", "sqs."]
    acted_on = json.dumps([policy["PolicyDocument"] for policy in found.of_type("AWS::IAM::ManagedPolicy").values()])
    for named in (":s3:::archive-of-all/*", ":ledger.fifo", ":prices.fifo", "connection/carrier/1", "1-a1b2c3"):
        assert named in acted_on


def test_who_only_reads_may_not_make_keys(stack, workflow, template):
    given = {"uploads": s3.Bucket(stack, "Uploads", encryption_key=kms.Key(stack, "Key"))}
    workflow("  - {id: get, file: {get: {bucket: uploads, key: a}}}\n", resources=given)
    uses = [each["Action"] for each in template(stack).statements("states.amazonaws.com") if "kms:" in str(each)]
    assert uses == ["kms:Decrypt"]


@pytest.mark.parametrize(
    ("name", "wrong", "fault"),
    [
        ("uploads", lambda stack: sqs.Queue(stack, "Own"), r"'uploads' is a bucket; pass an s3\.IBucket, not Queue"),
        ("jobs", lambda stack: s3.Bucket(stack, "Own"), r"'jobs' is a queue; pass an sqs\.IQueue, not Bucket"),
        ("news", lambda stack: s3.Bucket(stack, "Own"), r"'news' is a topic; pass an sns\.ITopic, not Bucket"),
        ("carrier", lambda stack: s3.Bucket(stack, "Own"), r"'carrier' is a connection; pass an events\.IConnection"),
        (
            "ledger",
            lambda stack: sqs.Queue(stack, "Own"),
            "the queue 'ledger' does not keep messages in order, and the",
        ),
        ("jobs", lambda stack: sqs.Queue(stack, "Own", fifo=True), r"'jobs' keeps messages in order \(fifo\), and the"),
        ("prices", lambda stack: sns.Topic(stack, "Own"), "the topic 'prices' does not keep messages in order"),
    ],
)
def test_what_does_not_fit_is_refused(stack, workflow, name, wrong, fault):
    with pytest.raises(ConfigurationError, match=fault):
        workflow(STEPS, resources={name: wrong(stack)})


def test_a_connection_without_credentials_has_to_be_given(stack, workflow):
    steps = STEPS.replace("auth: bank", "auth: theirs")
    with pytest.raises(
        ConfigurationError, match=r"workflow\.yaml:\d+:\d+: the connection 'theirs' has no `auth`; write"
    ):
        workflow(steps, more="  theirs: {type: connection}\n")


def test_a_secret_that_rotates_proposes_code(stack, workflow):
    secret = secretsmanager.Secret(stack, "Own")
    function = lambda_.Function.from_function_name(stack, "Rotator", "rotator")
    secret.add_rotation_schedule("Rotation", rotation_lambda=function, automatically_after=Duration.days(30))
    with pytest.raises(
        ConfigurationError, match=r"the secret of the connection 'bank' rotates, .*; call the API from code"
    ):
        workflow(STEPS, secrets={"bank": secret})


def test_a_placeholder_is_told_of(flow, stack, workflow):
    made, _ = flow
    warned = assertions.Annotations.from_stack(made).find_warning(
        "*", assertions.Match.string_like_regexp("placeholder")
    )
    assert [entry.id for entry in warned] == ["/Shop/Flow/connection-carrier"]
    arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:carrier-a1b2c3"
    workflow(STEPS, secrets={"carrier": secretsmanager.Secret.from_secret_complete_arn(stack, "Own", arn)})
    assert not assertions.Annotations.from_stack(stack).find_warning("*", assertions.Match.any_value())


@pytest.mark.parametrize(
    ("auth", "what"),
    [
        ('{basic: {user: me, secret: "{secrets.key}", field: password}}', "a field of its secret"),
        (
            '{oauth: {url: "https://login.example.com", client-id: me, secret: "{secrets.key}"}}',
            "a token for its secret",
        ),
    ],
)
def test_a_placeholder_that_cannot_do_is_refused(stack, tmp_path, auth, what):
    document = (
        f"name: shop\nsecrets: {{key: {{}}}}\nresources: {{api: {{type: connection, auth: {auth}}}}}\n"
        'steps: [{id: a, http: {method: GET, url: "https://example.com", auth: api}}]\n'
    )
    with pytest.raises(
        ConfigurationError, match=rf"the connection 'api' asks for {what} when it is deployed, .*; create"
    ):
        StepWorkflow(stack, "Flow", definition=written(tmp_path, document))


def test_step_code_is_allowed_files_and_messages(stack, workflow, template):
    one = "runs-on: lambda, zip-file: code, permissions: {uploads: [read, s3:GetObjectTagging], jobs: write}"
    workflow(f"  - {{id: one, {one}}}\n  - {{id: two, {one}, env: {{STAGE: b}}}}\n")
    found = template(stack)
    (objects,) = [id_ for id_ in found.of_type("AWS::IAM::ManagedPolicy") if "SharedObjects" in id_]
    (statement,) = found.of_type("AWS::IAM::ManagedPolicy")[objects]["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["s3:GetObject", "s3:GetObjectTagging"]
    roles = [role for role in found.of_type("AWS::IAM::Role").values() if "lambda.amazonaws.com" in json.dumps(role)]
    assert [{"Ref": objects} in role["ManagedPolicyArns"] for role in roles] == [True, True]
    assert findings(stack) == set()
