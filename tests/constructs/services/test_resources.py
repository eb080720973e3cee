"""Buckets, queues and topics: how they are made, and the caller's own."""

import json

import pytest
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from service_flow import STEPS, resource

from stepworkflows_cdk.errors import ConfigurationError


def denied_without_tls(statements):
    return [
        each
        for each in statements
        if each["Effect"] == "Deny" and each.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    ]


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
