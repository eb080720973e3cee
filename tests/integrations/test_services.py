"""Files, messages and calls of APIs on this machine: what a run shows of them, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepworkflows_cdk import ConfigurationError, Definition, LocalRunError, compile_workflow
from stepworkflows_cdk.cli.main import main
from stepworkflows_cdk.compiler.bundle import Bundle
from stepworkflows_cdk.compiler.causes import causes
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.local import Event, FileWritten, MessageSent, RunResult, run

HEAD = """\
name: shop
inputs: {id: {required: false}}
config: {stage: {default: dev}}
secrets: {key: {}}
resources:
  uploads: {type: bucket}
  jobs: {type: queue}
  ledger: {type: queue, fifo: true}
  news: {type: topic}
  api: {type: connection, auth: {api-key: {secret: "{secrets.key}"}}}
steps:
"""
CODE = """\
import os
import boto3


def handler(event, context):
    files, queues, topics = boto3.client("s3"), boto3.client("sqs"), boto3.client("sns")
    bucket = os.environ["BUCKET"]
    files.put_object(Bucket=bucket, Key="a/text", Body=b"text")
    files.put_object(Bucket=bucket, Key="a/picture", Body=bytes([0xFF, 0xD8]))
    files.put_object(Bucket=bucket, Key="a/large", Body=b"x" * 70_000)
    files.put_object(Bucket=bucket, Key="a/gone", Body=b"text")
    files.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a/gone"}]})
    entries = [{"Id": "1", "MessageBody": "one"}, {"Id": "2", "MessageBody": '{"two": 2}'}]
    queues.send_message_batch(QueueUrl=os.environ["QUEUE"], Entries=entries)
    topics.publish(TopicArn=os.environ["TOPIC"], Message="three", Subject="s")
    return [each["Key"] for each in files.list_objects_v2(Bucket=bucket)["Contents"]]
"""
STEP = """\
  - id: code
    runs-on: lambda
    zip-file: code
    env: {BUCKET: "{resources.uploads}", QUEUE: "{resources.jobs}", TOPIC: "{resources.news}"}
    permissions: {uploads: [read, write], jobs: write, news: write}
    outputs: {keys: "{result}"}
"""
Flow = Callable[..., Bundle]


@pytest.fixture
def flow(tmp_path: Path) -> Flow:
    def compiled(steps: str, **config: Any) -> Bundle:
        (tmp_path / "code").mkdir(exist_ok=True)
        (tmp_path / "code" / "handler.py").write_text(CODE, encoding="utf-8")
        (tmp_path / "workflow.yaml").write_text(HEAD + steps, encoding="utf-8")
        return compile_workflow(Definition.load(tmp_path / "workflow.yaml"), config=config)

    return compiled


def ran(bundle: Bundle, given: Any = None, **options: Any) -> RunResult:
    return run(bundle, given or {}, integrations=BUILTIN, **options)


def test_what_step_code_writes_and_sends_is_seen(flow: Flow) -> None:
    told: list[Event] = []
    files = {"given": {"files": {"uploads/a/before": {"n": 1}}}}
    result = ran(flow(f'{STEP}outputs: {{keys: "{{keys}}"}}\n'), listener=told.append, outside=[files])
    assert result.output == {"keys": ["a/before", "a/large", "a/picture", "a/text"]}
    assert result.files == {
        "uploads": {"a/before": '{"n": 1}', "a/large": {"size": 70_000}, "a/picture": {"size": 2}, "a/text": "text"}
    }
    assert [{key: value for key, value in each.items() if key != "time"} for each in result.messages] == [
        {"queue": "jobs", "body": "one"},
        {"queue": "jobs", "body": {"two": 2}},
        {"topic": "news", "body": "three", "subject": "s"},
    ]
    written = [(each.bucket, each.key, each.operation) for each in told if isinstance(each, FileWritten)]
    assert written == [
        *(("uploads", f"a/{name}", "put") for name in ("text", "picture", "large", "gone")),
        ("uploads", "a/gone", "delete"),
    ]
    sent = [(each.kind, each.to, each.state) for each in told if isinstance(each, MessageSent)]
    assert sent == [("queue", "jobs", "code"), ("queue", "jobs", "code"), ("topic", "news", "code")]


def test_an_api_is_not_called_from_here(flow: Flow) -> None:
    step = '  - {id: ship, http: {method: PUT, url: "https://{config.stage}.example.com/{id}", auth: api}}\n'
    with pytest.raises(LocalRunError) as refused:
        ran(flow(step), {"id": "a b"})
    assert str(refused.value) == (
        "step ship calls PUT https://dev.example.com/a%20b, and there is no network on this machine; say what it gives, "
        "in the events: {at: ship, returns: BODY}"
    )
    assert ran(flow(step), {"id": "a"}, outside=[{"at": "ship", "returns": None}]).status == "SUCCEEDED"


@pytest.mark.parametrize("given", [{}, {"id": ""}, {"id": None}, {"id": ["a"]}])
def test_a_file_is_not_written_under_half_a_name(flow: Flow, given: Any) -> None:
    step = '  - {id: put, file: {put: {bucket: uploads, key: "all/{id}", text: a}}}\n'
    result = ran(flow(step), given)
    assert (result.error, result.files) == ("States.QueryEvaluationError", {"uploads": {}})
    assert "a part of the key is missing, or no name" in str(result.cause)


@pytest.mark.parametrize(("given", "name"), [({"id": 7}, "all/7"), ({"id": "a/../b"}, "all/a/../b")])
def test_a_file_has_the_name_that_references_make(flow: Flow, given: Any, name: str) -> None:
    step = '  - {id: put, file: {put: {bucket: uploads, key: "all/{id}", text: "{id}"}}}\n'
    assert ran(flow(step), given).files == {"uploads": {name: str(given["id"])}}


@pytest.mark.parametrize(
    ("step", "stage", "fault"),
    [
        ('file: {get: {bucket: uploads, key: "{config.stage}/a"}}', "*", r"`\*` stands in the key"),
        ('file: {get: {bucket: uploads, key: "{config.stage}/{id}"}}', "a?", r"`\?` stands in the key"),
        ('file: {list: {bucket: uploads, prefix: "{config.stage}"}}', "*", r"`\*` stands in the prefix"),
        ('file: {get: {bucket: uploads, key: "{config.stage}"}}', "", "the key is empty"),
        ('http: {method: GET, url: "https://{config.stage}/a", auth: api}', "x.com/{id}?", "the address is 'https://x"),
        ('http: {method: GET, url: "{config.stage}", auth: api}', "http://x.com", "the address is 'http://x.com'"),
        ('http: {method: GET, url: "https://{config.stage}{id}", auth: api}', "x.", r"the address is 'https://x\.\*'"),
    ],
)
def test_what_a_config_makes_of_a_name_is_looked_at(flow: Flow, step: str, stage: str, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"workflow\.yaml:\d+:\d+: with this config {fault}"):
        flow(f"  - {{id: a, {step}}}\n", stage=stage)


@pytest.mark.parametrize(
    ("key", "resource"),
    [
        ("a/b.json", "/a/b.json"),
        ("{config.stage}/b", "/dev/b"),
        ("{config.stage}/{id}.json", "/dev/*.json"),
        ("{id}/{id}", "/*/*"),
        ("{id}{id}", "/*"),
        ("{% {id} & 'a' %}", "/*"),
    ],
)
def test_permissions_name_what_is_known_of_a_key(flow: Flow, key: str, resource: str) -> None:
    bundle = flow(f'  - {{id: put, file: {{put: {{bucket: uploads, key: "{key}", text: a}}}}}}\n')
    (grant,) = bundle.grants
    assert grant.resource.fill(lambda hole: "") == resource


def test_it_is_explained_under_which_conditions_a_permission_holds(flow: Flow) -> None:
    bundle = flow(
        '  - {id: ls, file: {list: {bucket: uploads, prefix: "a/{id}"}}}\n'
        '  - {id: ask, http: {method: GET, url: "https://example.com/a", auth: api}}\n'
    )
    permissions = [cause.name for cause in causes(bundle, BUILTIN) if cause.what == "permission"]
    assert "s3:ListBucket on bucket-uploads, if s3:prefix StringLike a/*" in permissions
    assert (
        "states:InvokeHTTPEndpoint on *, if states:HTTPEndpoint StringEquals https://example.com/a, if states:HTTPMethod "
        "StringEquals GET"
    ) in permissions


def test_permissions_on_a_bucket_are_on_it_or_on_its_files(flow: Flow) -> None:
    found = {
        (grant.actions, grant.resource.fill(lambda hole: hole.need))
        for grant in flow(STEP).grants
        if any(action.startswith("s3:") for action in grant.actions)
    }
    assert found == {
        (("s3:ListBucket",), "bucket-uploads"),
        (("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"), "bucket-uploads/*"),
    }


@pytest.mark.parametrize(
    ("work", "files", "messages"),
    [
        ("file: {put: {bucket: uploads, key: a}}", {"uploads": {"a": '{"id":"7"}'}}, []),
        ("message: {queue: jobs}", {"uploads": {}}, [{"id": "7"}]),
    ],
)
def test_the_work_of_a_flow_itself_is_given_the_whole_input(flow: Flow, work: str, files: Any, messages: Any) -> None:
    result = ran(flow(f"  - {{id: last, outputs: {{a: 1}}}}\n{work}\n"), {"id": "7"})
    assert (result.status, result.files) == ("SUCCEEDED", files)
    assert [each["body"] for each in result.messages] == messages


def test_messages_and_files_are_on_the_screen(flow: Flow, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = "\\n".join(map(str, range(30)))
    flow(
        f'  - {{id: put, file: {{put: {{bucket: uploads, key: a.csv, text: "{lines}"}}}}}}\n'
        "  - {id: ask, message: {queue: ledger, group: g, attributes: {n: 1}}, inputs: {a: [1]}}\n"
        "  - {id: tell, message: {topic: news, subject: New, text: hello}}\n"
    )
    (tmp_path / "input.json").write_text(json.dumps({}), encoding="utf-8")
    arguments = ["run", str(tmp_path / "workflow.yaml"), "--input", str(tmp_path / "input.json")]
    assert main([*arguments, "--report", str(tmp_path / "run.html")]) == 0
    shown = capsys.readouterr().out
    for wanted in (
        "put uploads/a.csv",
        "message to queue ledger",
        '\nmessage to queue ledger\n  {"a": [1]}\n  group: "g", attributes: {"n": 1}\n',
        "\nmessage to topic news: New\n  hello\n",
        "\nfile uploads/a.csv\n  0\n  1\n",
        "\n  19\n  ... 10 more lines\n",
    ):
        assert wanted in shown
    page = (tmp_path / "run.html").read_text(encoding="utf-8")
    for wanted in ("<h2>Messages</h2>", "to queue ledger", "<h2>Files</h2>", "uploads/a.csv", "put uploads/a.csv"):
        assert wanted in page
