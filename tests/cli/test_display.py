"""The lines of a run: one for each stay in a step, with what happened in it, whichever states that took."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from stepworkflows_cdk.cli.main import main
from stepworkflows_cdk.reference import order_flow

GIVEN = json.loads((order_flow().parent / "sample" / "events.json").read_text(encoding="utf-8"))[0]
DELIVERED = {"source": "carrier", "detail-type": "Delivered", "detail": {"order_id": "1001"}}
Shown = Callable[..., list[str]]


@pytest.fixture
def shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shown:
    """The timeline of a run: the lines between the title and the mails."""

    def run(events: Sequence[Any], document: Path | None = None, given: Any = None) -> list[str]:
        (tmp_path / "events.json").write_text(json.dumps(events), encoding="utf-8")
        arguments = ["run", str(document or order_flow()), "--events", str(tmp_path / "events.json")]
        if given is not None:
            (tmp_path / "input.json").write_text(json.dumps(given), encoding="utf-8")
            arguments += ["--input", str(tmp_path / "input.json")]
        main(arguments)
        return capsys.readouterr().out.split("\n\n")[1].splitlines()

    return run


def lines_of(step: str, lines: Sequence[str]) -> list[str]:
    return [" ".join(line.split()[1:3]) for line in lines if line.split()[1:2] == [step]]


def test_an_answer_that_is_there_already_is_no_failure(shown: Shown) -> None:
    lines = shown([GIVEN, {"after": "0s", **DELIVERED}])
    assert lines_of("delivered", lines) == ["delivered ok"]
    assert "Delivered from carrier comes from outside" in lines[0]


def test_tries_of_a_step_are_one_line_with_notes(shown: Shown) -> None:
    race = {"error": "DynamoDb.TransactionCanceledException", "cause": "[TransactionConflict]"}
    lost = {"at": "close-order", "throws": {"error": "DynamoDB.InternalServerErrorException"}, "after-effect": True}
    lines = shown([GIVEN, {"at": "reserve", "throws": race}, lost, {"after": "1d", **DELIVERED}])
    assert (lines_of("reserve", lines), lines_of("close-order", lines)) == (["reserve ok"], ["close-order ok"])
    assert [line for line in lines if "again?" in line or "written before?" in line] == []
    assert "attempt 1 failed: DynamoDb.TransactionCanceledException: [TransactionConflict]" in "\n".join(lines)


def test_what_is_caught_and_what_fails(shown: Shown) -> None:
    events = [{"given": {"tables": {"stock": [{"sku": "tea", "left": 1}]}}}]
    lines = shown(events)
    assert lines_of("reserve", lines) == ["reserve caught"]
    assert lines_of("sold-out", lines) == ["sold-out failed"]
    assert lines_of("mark-failed", lines) == ["mark-failed ok"]


def test_a_step_that_nothing_catches_failed(shown: Shown, repository: Path) -> None:
    flow = repository / "tests" / "flows" / "one-step" / "workflow.yaml"
    lines = shown([{"at": "echo", "throws": {"error": "X"}}], flow, {})
    assert lines_of("echo", lines) == ["echo failed"]


def test_what_branches_do_stands_at_their_own_steps(shown: Shown, tmp_path: Path) -> None:
    (tmp_path / "both.yaml").write_text(
        "name: both\ninputs: {}\nresources: {rows: {type: table, key: [zone, id]}}\nsteps:\n"
        "  - id: both\n    parallel:\n"
        "      left:\n        - {id: slow, wait: 1h}\n"
        "      right:\n        - {id: write, record: {table: rows, key: {zone: z, id: a}}}\n",
        encoding="utf-8",
    )
    throttled = {"at": "write", "throws": {"error": "DynamoDB.ThrottlingException"}}
    lines = shown([throttled], tmp_path / "both.yaml", {})
    assert lines_of("write", lines) == ["write ok"]
    assert lines_of("slow", lines) == ["slow ok"]
    at_write = next(number for number, line in enumerate(lines) if " write " in line)
    assert lines[at_write + 1].split() == ["put", "rows/z/a"]  # the key in the order of the table


FLOWS = Path(__file__).parent.parent / "flows"


@pytest.mark.parametrize(("fault", "how"), [("", "pack ok"), ("busy", "pack ok"), ("heavy", "pack caught")])
def test_a_container_is_one_line_however_it_ends(shown: Shown, fault: str, how: str) -> None:
    given = {"order_id": "1", "sizes": [1], "fault": fault}
    lines = shown([], FLOWS / "container" / "workflow.yaml", given)
    assert lines_of("pack", lines) == [how]


RESOURCES = """import os
import boto3


def rows(event, context):
    table = boto3.resource("dynamodb").Table(os.environ["ROWS"])
    table.put_item(Item={"k": "1", "n": 1})
    table.update_item(Key={"k": "1"}, UpdateExpression="SET n = :n", ExpressionAttributeValues={":n": 2})
    with table.batch_writer() as batch:
        batch.put_item(Item={"k": "2", "tags": {"a"}})
        batch.delete_item(Key={"k": "1"})
    table.delete_item(Key={"k": "3"})
    return {"found": table.get_item(Key={"k": "2"})["Item"]["k"]}


def others(event, context):
    bucket = boto3.resource("s3").Bucket(os.environ["FILES"])
    bucket.put_object(Key="a.txt", Body=b"hello")
    bucket.Object("b.txt").copy_from(CopySource={"Bucket": bucket.name, "Key": "a.txt"})
    boto3.resource("sqs").Queue(os.environ["JOBS"]).send_message(MessageBody="work")
    return {}
"""
RESOURCES_FLOW = """name: written
inputs: {}
resources: {rows: {type: table, key: k}, files: {type: bucket}, jobs: {type: queue}}
steps:
  - {id: rows, runs-on: RUNS, zip-file: code, handler: handler.rows, env: {ROWS: "{resources.rows}"}, outputs: {found: "{found}"}}
  - {id: others, runs-on: RUNS, zip-file: code, handler: handler.others, env: {FILES: "{resources.files}", JOBS: "{resources.jobs}"}}
outputs: {found: "{found}"}
"""


@pytest.mark.parametrize("runs_on", ["lambda", "fargate"])
def test_code_that_writes_with_resources_of_boto3(shown: Shown, tmp_path: Path, runs_on: str) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "handler.py").write_text(RESOURCES, encoding="utf-8")
    (tmp_path / "flow.yaml").write_text(RESOURCES_FLOW.replace("RUNS", runs_on), encoding="utf-8")
    lines = [line.strip() for line in shown([], tmp_path / "flow.yaml", {})]
    assert [line.split("  ")[-1].strip() for line in lines] == [
        "put rows/1",
        "update rows/1",
        "put rows/2",
        "delete rows/1",
        "delete rows/3",
        "put files/a.txt",
        "copy files/b.txt",
        "message to queue jobs",
    ]
    assert (lines_of("rows", lines), lines_of("others", lines)) == (["rows ok"], ["others ok"])
