"""The command: what it prints, where, and how it exits."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from stepworkflows_cdk.cli.display import duration
from stepworkflows_cdk.cli.main import main
from stepworkflows_cdk.reference import order_flow

FLOW = str(order_flow())
SAMPLE = order_flow().parent / "sample"


def test_a_run_shows_steps_mails_rows_path_times_and_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", FLOW]) == 0
    shown = capsys.readouterr().out
    for part in (
        "order-flow with",
        "reserve",
        "update stock/tea",
        "mail to ada@example.com: Your order 1001",
        "table orders",
        'status: "DELIVERED"',
        "Delivered from carrier comes from outside",
        "place-order > summary > confirm >",
        "13d simulated",
        "19 state transitions",
        "SUCCEEDED",
        '"total": 2100',
    ):
        assert part in shown
    assert "\x1b[" not in shown


def test_explain_tells_the_lines_of_a_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", FLOW, "--step", "delivered"]) == 0
    shown = capsys.readouterr().out
    for part in ("states of order-flow", "rule-delivered (rule)", "wait-resolver may", "states:SendTaskSuccess on *"):
        assert part in shown
    assert "charge" not in shown
    assert main(["explain", FLOW, "--step", "deliverd"]) == 2
    assert "did you mean `delivered`?" in capsys.readouterr().err
    assert main(["explain", FLOW, "--json"]) == 0
    first = json.loads(capsys.readouterr().out)[0]
    assert (first["what"], first["holder"], first["causes"][0]["line"]) == ("state", "order-flow", 1)


def test_explain_tells_steps_of_two_flows_apart(capsys: pytest.CaptureFixture[str]) -> None:
    flow = str(Path(__file__).parents[1] / "flows" / "ids-of-two-flows" / "workflow.yaml")
    assert main(["explain", flow, "--step", "work"]) == 2
    assert "--step: 'work' is several steps; write `outer/work` or `inner/work`" in capsys.readouterr().err
    assert main(["explain", flow, "--step", "inner/work"]) == 0
    shown = capsys.readouterr().out
    assert "inner/inner.yaml:4:5 (work)" in shown
    assert "workflow.yaml:" not in shown


def test_json_is_one_object_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", FLOW, "--json"]) == 0
    shown = capsys.readouterr()
    assert set(json.loads(shown.out)) == {
        "status",
        "output",
        "error",
        "cause",
        "states",
        "outbox",
        "emitted",
        "messages",
        "files",
        "tables",
        "transitions",
        "simulated_seconds",
        "steps",
        "notes",
    }
    assert shown.err == ""


def test_a_flow_that_fails_exits_with_1_and_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order = json.loads((SAMPLE / "order.json").read_text(encoding="utf-8"))
    order["items"][1]["qty"] = 4
    (tmp_path / "order.json").write_text(json.dumps(order), encoding="utf-8")
    assert main(["run", FLOW, "--input", str(tmp_path / "order.json")]) == 1
    shown = capsys.readouterr().out
    assert "attempt 1 failed: DynamoDb.TransactionCanceledException" in shown
    assert "FAILED" in shown


def test_retries_are_shown_with_the_time_until_the_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events = json.loads((SAMPLE / "events.json").read_text(encoding="utf-8"))
    events.append({"at": "charge", "throws": {"error": "Lambda.ServiceException", "cause": "internal"}})
    (tmp_path / "events.json").write_text(json.dumps(events), encoding="utf-8")
    assert main(["run", FLOW, "--events", str(tmp_path / "events.json")]) == 0
    assert "attempt 1 failed: Lambda.ServiceException: internal; again in" in capsys.readouterr().out


def test_the_input_comes_from_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"order_id": "a b"}'))
    assert main(["run", FLOW, "--input", "-", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"] == "InvalidInput"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["validate", "nowhere.yaml"], 1, "SW001"),
        (["compile", "nowhere.yaml"], 1, "SW001"),
        (["run", FLOW, "--input", "nowhere.json"], 2, "cannot read nowhere.json"),
        (["run", FLOW, "--config", "domain"], 2, "write NAME=VALUE"),
        (["run", FLOW, "--config", "domian=x"], 2, "did you mean 'domain'?"),
        (["compile", FLOW, "--config", "x=1"], 2, "declare no config 'x'"),
    ],
)
def test_what_is_wrong_decides_the_exit_code(
    arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    shown = capsys.readouterr()
    assert says in shown.out + shown.err


@pytest.mark.parametrize("arguments", [[], ["deploy"], ["run"], ["run", FLOW, "--seed", "x"]])
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


@pytest.mark.parametrize(("text", "says"), [("{", "is no JSON"), ('{"a": 1}', "a JSON list")])
def test_events_that_are_no_list_are_refused(
    tmp_path: Path, text: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "events.json").write_text(text, encoding="utf-8")
    assert main(["run", FLOW, "--events", str(tmp_path / "events.json")]) == 2
    assert says in capsys.readouterr().err


def test_compile_prints_the_machine_and_the_bundle(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", FLOW]) == 0
    machine = json.loads(capsys.readouterr().out)
    assert main(["compile", FLOW, "--bundle"]) == 0
    bundle = json.loads(capsys.readouterr().out)
    assert bundle["machines"][0]["definition"] == machine
    assert set(bundle["machines"][0]["states"]) >= set(machine["States"])
    assert {grant["mark"]["file"] for grant in bundle["grants"]} == {"workflow.yaml"}


def test_config_changes_what_is_compiled(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", FLOW, "--bundle", "--config", "domain=shop.test"]) == 0
    shown = capsys.readouterr().out
    assert "shop@shop.test" in shown
    assert "example.com" not in shown


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (0.25, "0.2s"), (61, "1m1s"), (14 * 86_400, "14d"), (90_061.5, "1d1h1m1s")]
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text
