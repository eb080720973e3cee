"""Who may do what with buckets, queues, topics and connections."""

import json
from graphlib import TopologicalSorter

from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from service_flow import findings, resource


def test_both_packs_find_nothing(flow):
    assert findings(flow[0]) == set()


def test_nothing_refers_to_itself(made):
    references = {
        id_: {name for name in made.resources if f'"{name}"' in json.dumps(found) and name != id_}
        for id_, found in made.resources.items()
    }
    assert list(TopologicalSorter(references).static_order())


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


def test_who_only_reads_may_not_make_keys(stack, workflow, template):
    given = {"uploads": s3.Bucket(stack, "Uploads", encryption_key=kms.Key(stack, "Key"))}
    workflow("  - {id: get, file: {get: {bucket: uploads, key: a}}}\n", resources=given)
    uses = [each["Action"] for each in template(stack).statements("states.amazonaws.com") if "kms:" in str(each)]
    assert uses == ["kms:Decrypt"]


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
