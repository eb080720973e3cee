"""A step in a container is, to its flow, a step like any other: the same folder, moved by one key, gives the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.errors import ConfigurationError, DocumentError, LocalRunError
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.local import run
from stepworkflows_cdk.local.events import AttemptFailed
from stepworkflows_cdk.local.run import RunResult

CODE = """
import logging, os, signal, sys, time
from decimal import Decimal

class CardDeclined(Exception):
    pass

def handler(event, context):
    print("at", time.time(), "by", bool(context.aws_request_id), event.get("attempt"))
    match event["do"]:
        case "echo":
            return event
        case "decline":
            raise CardDeclined(event["why"])
        case "decimal":
            return {"n": Decimal("1.50"), "i": Decimal(3)}
        case "no-json":
            return {"s": {1, 2}}
        case "nan":
            return float("nan")
        case "nothing":
            return None
        case "exit":
            sys.exit(3)
        case "log":
            logging.getLogger().warning("careful")
            return os.environ.get("HOME_OF")
        case "sleep":
            time.sleep(event["seconds"])
            return time.time()
        case "left":
            time.sleep(10)
            return context.get_remaining_time_in_millis()
        case "large":
            return "x" * event["size"]
        case "stopped":
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(1)
            finally:
                print("tidied up")
        case "call":
            import urllib.request
            urllib.request.urlopen("http://192.0.2.1/", timeout=5)
        case "send":
            import boto3
            text = {"Simple": {"Subject": {"Data": "Packed"}, "Body": {"Text": {"Data": "It is on its way"}}}}
            boto3.client("sesv2").send_email(
                FromEmailAddress="Shop <shop@example.com>", Destination={"ToAddresses": ["a@example.com"]}, Content=text
            )
            raw = b"From: shop@example.com\\nTo: b@example.com\\nSubject: Raw\\n\\nraw"
            boto3.client("ses").send_raw_email(RawMessage={"Data": raw})
            entry = {"Source": "shop", "DetailType": "Packed", "Detail": '{"id": 1}'}
            boto3.client("events").put_events(Entries=[entry])
            boto3.client("sqs").send_message(QueueUrl=os.environ["JOBS"], MessageBody='{"id": 2}')
            boto3.client("dynamodb").put_item(TableName=os.environ["ROWS"], Item={"id": {"S": "1"}})
        case "killed":
            sys.stdout.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        case "thread":
            import threading
            threading.Thread(target=lambda: threading.Event().wait(60)).start()
            return "gone"
"""
WAYS = {"lambda": "lambda", "fargate": "fargate", "ec2": {"ec2": {"cluster": "pool"}}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("containers")
    (folder / "code").mkdir()
    (folder / "code" / "handler.py").write_text(CODE, encoding="utf-8")
    return folder


def flow(way: str, **keys: Any) -> dict[str, Any]:
    step = {"id": "work", "runs-on": WAYS[way], "zip-file": "code", "inputs": {"do": "echo"}, "timeout": "1m"}
    return {
        "name": "flow",
        "inputs": {"n": {"type": "integer", "default": 0}, "maybe": {"type": "object", "required": False}},
        "resources": {"pool": {"type": "cluster"}},
        "outputs": {"result": "{got}", "status": "{steps.work.status}"},
        "steps": [{**step, "outputs": {"got": {"value": "{result}", "default": "none"}}, **keys}],
    }


def ran(
    folder: Path, document: dict[str, Any], outside: Any = (), given: Any = None, listener: Any = None
) -> RunResult:
    path = folder / "flow.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    bundle = compile_workflow(Definition.load(path))
    return run(bundle, given or {}, integrations=BUILTIN, outside=outside, listener=listener)


def seen(result: RunResult) -> tuple[Any, ...]:
    """What the caller of a flow gets. The numbers of requests and lines of the code that runs the step are its own."""
    cause = result.cause or ""
    if cause.startswith("{"):
        cause = {key: value for key, value in json.loads(cause).items() if key != "requestId"}
    if isinstance(cause, dict) and "errorMessage" in cause:
        cause["errorMessage"] = cause["errorMessage"].partition("Error: ")[2] or cause["errorMessage"]
    return result.status, result.output, result.error, cause


@pytest.mark.parametrize(
    "inputs",
    [
        {"do": "echo", "attempt": "{step.attempt}", "text": 'a "quoted" é \\ {n}', "list": [["{n}"], [], [1, "{n}"]]},
        {"do": "echo", "none": None, "yes": True, "deep": {"a b": {"c'd": ["{% [1,2][0] %}"]}}, "number": 1.5},
        {"do": "echo", "all": "{input}", "lists": ["{% [1, 2] %}", "{% [] %}"]},
        {"do": "echo", "escaped": "{{n}}"},
        {"do": "decimal"},
        {"do": "nothing"},
        {"do": "decline", "why": "the card of {execution.name}"},
        {"do": "no-json"},
        {"do": "nan"},
        {"do": "exit"},
        {"do": "sleep", "seconds": 30},
        {"do": "left"},
    ],
    ids=lambda inputs: "-".join(map(str, inputs))[:30],
)
def test_one_key_moves_a_step(folder: Path, inputs: dict[str, Any]) -> None:
    function, container = (ran(folder, flow(way, inputs=inputs)) for way in ("lambda", "fargate"))
    assert seen(container) == seen(function)
    assert container.simulated_seconds == function.simulated_seconds


def test_what_is_sent_and_written_is_seen_wherever_it_comes_from(folder: Path) -> None:
    env = {"JOBS": "{resources.jobs}", "ROWS": "{resources.rows}"}
    results: list[RunResult] = []
    heard: list[list[str]] = []
    for way in ("lambda", "fargate"):
        document = flow(way, inputs={"do": "send"}, env=env)
        document["resources"] |= {"jobs": {"type": "queue"}, "rows": {"type": "table", "key": "id"}}
        (folder / "flow.json").write_text(json.dumps(document), encoding="utf-8")
        bundle = compile_workflow(Definition.load(folder / "flow.json"))
        told: list[Any] = []
        results.append(run(bundle, {}, integrations=BUILTIN, listener=told.append))
        heard.append([type(event).__name__ for event in told if not hasattr(event, "lane")])
    function, container = results
    assert [len(function.outbox), len(function.emitted), len(function.messages)] == [2, 1, 1]
    assert container.outbox == function.outbox
    assert container.emitted == function.emitted
    assert container.messages == function.messages
    assert [name for name in heard[1] if name != "LogWritten"] == [name for name in heard[0] if name != "LogWritten"]
    assert "RowWritten" in heard[1]


def test_an_input_without_a_value_fails_in_both(folder: Path) -> None:
    for way in ("lambda", "fargate"):
        result = ran(folder, flow(way, inputs={"do": "echo", "x": "{maybe.x}"}))
        assert (result.status, result.error) == ("FAILED", "States.QueryEvaluationError")


THROWN = ["Busy", "Busy", "Soft", "Hard", "States.Timeout"]
RULES: list[dict[str, Any]] = [
    {},
    {"retry": {"errors": ["Busy"], "attempts": 1, "interval": "3s", "jitter": False}},
    {"retry": [{"errors": ["Busy"], "attempts": 0}, {"errors": ["States.ALL"], "attempts": 2, "jitter": False}]},
    {
        "retry": [
            {"errors": ["Busy"], "attempts": 1, "jitter": False},
            {"errors": ["States.TaskFailed"], "jitter": False},
        ]
    },
    {"retry": {"errors": ["Busy", "Soft"], "when": "{error.cause} = 'soon'", "jitter": False}},
    {"retry": {"errors": ["transient"], "attempts": 0}},
    {"on-error": "continue"},
    {"catch": [{"errors": ["Soft"], "steps": [{"id": "c", "outputs": {"x": "{error.type}"}}]}]},
    {"catch": [{"when": "{error.cause} = 'never'", "steps": [{"id": "c", "fail": {"error": "Caught"}}]}]},
    {
        "retry": {"errors": ["Busy", "States.Timeout"], "interval": "1m", "backoff": 1, "jitter": False},
        "catch": [{"steps": [{"id": "c", "outputs": {"x": 1}}]}],
        "undo": {"runs-on": "lambda", "zip-file": "code", "inputs": {"do": "echo"}},
    },
]


@pytest.mark.parametrize("rules", RULES, ids=range(len(RULES)))
@pytest.mark.parametrize("first", range(len(THROWN)))
def test_tries_and_catches_are_those_of_a_function(folder: Path, rules: dict[str, Any], first: int) -> None:
    causes = ["soon", "never", "soon", "never", ""]
    thrown = [
        {"at": "work", "throws": {"error": error, "cause": cause}}
        for error, cause in list(zip(THROWN, causes, strict=True))[first:]
    ]
    results = []
    for way in ("lambda", "ec2"):
        result = ran(folder, flow(way, **rules), [*thrown, {"at": "work", "returns": {"a": 1}}])
        results.append((*seen(result), result.simulated_seconds, result.notes))
    assert results[1] == results[0]


def test_each_try_counts(folder: Path) -> None:
    retry = {"errors": ["CardDeclined"], "attempts": 2, "interval": "1s", "backoff": 1, "jitter": False}
    inputs = {"do": "decline", "why": "{step.attempt}"}
    result = ran(folder, flow("fargate", inputs=inputs, retry=retry))
    assert json.loads(result.cause or "")["errorMessage"] == "3"
    assert result.states.count("work: container") == 3


@pytest.mark.parametrize(
    ("inputs", "error", "cause"),
    [
        ({"do": "stopped"}, "Container.Stopped", "the container was stopped while the code was at work"),
        ({"do": "killed"}, "Container.Exited", '"ExitCode": 137'),
        ({"do": "sleep", "seconds": 61}, "States.Timeout", "the code took more than 60 seconds"),
        ({"do": "large", "size": 249_999}, "States.DataLimitExceeded", "write it to a bucket or a table"),
    ],
)
def test_how_a_container_ends(folder: Path, inputs: dict[str, Any], error: str, cause: str) -> None:
    result = ran(folder, flow("fargate", inputs=inputs))
    assert (result.status, result.error) == ("FAILED", error)
    assert cause in (result.cause or "")
    assert result.notes == ()


def test_results_have_the_size_of_a_state(folder: Path) -> None:
    assert ran(folder, flow("fargate", inputs={"do": "large", "size": 240_000})).status == "SUCCEEDED"


def test_what_a_container_prints_is_in_the_log(folder: Path) -> None:
    result = ran(folder, flow("fargate", inputs={"do": "log"}, env={"HOME_OF": "me"}))
    assert result.output == {"result": "me", "status": "done"}
    lines = [line.text for line in result.logs]
    assert lines[0] == "at 1767225600.0 by True None"
    assert lines[1].startswith("[WARNING]\t2026-01-01T00:00:00.000Z\t")
    assert {line.state for line in result.logs} == {"work: container"}


def test_what_was_begun_is_tidied_up(folder: Path) -> None:
    assert "tidied up" in [line.text for line in ran(folder, flow("fargate", inputs={"do": "stopped"})).logs]


def test_a_container_has_no_network(folder: Path) -> None:
    result = ran(folder, flow("fargate", inputs={"do": "call"}))
    assert "no network in a run on this machine: 192.0.2.1:80 was not called" in (result.cause or "")


def test_threads_left_behind_do_not_keep_the_container(folder: Path) -> None:
    result = ran(folder, flow("fargate", inputs={"do": "thread"}))
    assert result.output["result"] == "gone"
    assert result.real_seconds < 30


def test_the_same_run_gives_the_same(folder: Path) -> None:
    document = flow("fargate", inputs={"do": "decline", "why": "x"})
    assert ran(folder, document).to_json() == ran(folder, document).to_json()


def test_an_image_is_not_run_here(folder: Path) -> None:
    document = flow("fargate", image="ACCOUNT_ID.dkr.ecr.REGION.amazonaws.com/a:1")
    del document["steps"][0]["zip-file"]
    with pytest.raises(LocalRunError, match=r"step work runs an image, .* \{at: work, returns: \.\.\.\}"):
        ran(folder, document)


def test_a_flow_of_code_of_its_own_runs_in_a_container(folder: Path) -> None:
    document = {"name": "own", "inputs": {}, "runs-on": "fargate", "zip-file": "code", "outputs": {"a": "{a}"}}
    result = ran(folder, document, given={"do": "echo", "a": ["x"]})
    assert result.output == {"a": ["x"]}


@pytest.mark.parametrize("throws", ["Gone", "Other"])
def test_an_undo_in_a_container_ignores_what_it_may_ignore(folder: Path, throws: str) -> None:
    undo = {"id": "back", "runs-on": "fargate", "zip-file": "code", "inputs": {"do": "echo"}, "ignore": ["Gone"]}
    document = flow("lambda", undo=undo)
    del document["outputs"]
    document["steps"].append({"id": "over", "fail": {"error": "Over"}})
    outside = [{"at": "back", "throws": {"error": throws}}] * (1 if throws == "Gone" else 6)
    result = ran(folder, document, outside)
    assert result.error == ("Over" if throws == "Gone" else "UndoFailed")
    assert result.states.count("back: container") == len(outside)


def test_the_worker_is_not_here_without_code(folder: Path) -> None:
    step = {"id": "work", "runs-on": "activity", "timeout": "1h"}
    document = {"name": "flow", "inputs": {}, "steps": [step]}
    with pytest.raises(LocalRunError, match=r"step work is done by workers, .* \{at: work, returns: \.\.\.\}"):
        ran(folder, document)


def test_each_item_of_a_loop_has_a_row_of_its_own(folder: Path) -> None:
    inner = {"id": "inner", "for-each": {"items": [1, 2], "as": "small"}, "steps": [flow("fargate")["steps"][0]]}
    inner["steps"][0]["outputs"] = {"pair": "{pair}"}
    inner["steps"][0]["inputs"] = {"do": "echo", "pair": ["{big}", "{small}"]}
    outer = {"id": "outer", "for-each": {"items": [10, 20], "as": "big"}, "steps": [inner]}
    result = ran(folder, {"name": "flow", "inputs": {}, "outputs": {"pairs": "{pair}"}, "steps": [outer]})
    assert result.status == "SUCCEEDED", result.cause
    assert result.output == {"pairs": [[[10, 1], [10, 2]], [[20, 1], [20, 2]]]}
    # At the same moment, and none had to wait since a row of that name was there.
    assert (result.attempts["work"], result.simulated_seconds) == (4, 0)


def test_variables_are_told_as_a_container_is_told_them(folder: Path) -> None:
    env = {"HOME_OF": "{resources.pool} of {config.who}"}
    document = {**flow("fargate", inputs={"do": "log"}, env=env), "config": {"who": {"default": "me"}}}
    assert ran(folder, document).output["result"] == "cluster-pool of me"


@pytest.mark.parametrize(("size", "fits"), [(6_470, True), (6_471, False)])
def test_variables_have_a_size(folder: Path, size: int, fits: bool) -> None:
    path = folder / "flow.json"
    path.write_text(json.dumps(flow("fargate", env={"TEXT": "x" * size})), encoding="utf-8")
    if fits:
        machine = json.loads(compile_workflow(Definition.load(path)).main.text)
        overrides = machine["States"]["work: container"]["Arguments"]["Overrides"]
        # ARNs and names of this length take less than what is left of the 8,192 characters.
        assert len(json.dumps(overrides)) < 8_192 - 900
        return
    with pytest.raises(DocumentError, match=r"the variables of a container may have 6,500 characters, not 6,501"):
        compile_workflow(Definition.load(path))


def test_variables_from_config_have_a_size(folder: Path) -> None:
    path = folder / "flow.json"
    document = {**flow("fargate", env={"TEXT": "{config.who}"}), "config": {"who": {"default": "x" * 7_000}}}
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"with this config the variables of work .* take 6,500"):
        compile_workflow(Definition.load(path))


@pytest.mark.parametrize(("do", "error"), [("decline", "CardDeclined"), ("killed", "Container.Exited")])
def test_a_run_tells_the_error_of_the_code(folder: Path, do: str, error: str) -> None:
    """Not that of the task around it."""
    told: list[Any] = []
    result = ran(folder, flow("fargate", inputs={"do": do, "why": "no"}), listener=told.append)
    (failed,) = [event for event in told if isinstance(event, AttemptFailed)]
    assert (failed.error, failed.cause) == (result.error, result.cause)
    assert failed.error == error
