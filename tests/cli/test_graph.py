"""``stepworkflows graph``, and the report of ``stepworkflows run``."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from stepworkflows_cdk.cli.main import main
from stepworkflows_cdk.reference import order_flow

FLOW = str(order_flow())
SAMPLE = order_flow().parent / "sample"


def test_mermaid_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", FLOW]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("flowchart TD\n")
    assert '["charge<br/>lambda:invoke"]' in shown
    assert "reserve: wait" not in shown


def test_all_states_are_drawn_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", FLOW, "--states"]) == 0
    assert "reserve: wait" in capsys.readouterr().out


def test_svg_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", FLOW, "--format", "svg"]) == 0
    assert ET.fromstring(capsys.readouterr().out).tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize(
    ("file", "options", "begins"),
    [("flow.svg", [], "<svg"), ("flow.mmd", [], "flowchart"), ("flow.svg", ["--format", "mermaid"], "flowchart")],
)
def test_a_file_gets_the_format_of_its_name(
    file: str, options: list[str], begins: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["graph", FLOW, "-o", str(tmp_path / file), *options]) == 0
    assert (tmp_path / file).read_text(encoding="utf-8").startswith(begins)
    assert capsys.readouterr().out == ""


def test_a_picture_of_the_same_flow_is_the_same(tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        assert main(["graph", FLOW, "-o", str(tmp_path / name)]) == 0
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["graph", "nowhere.yaml"], 1, "SW001"),
        (["graph", FLOW, "--config", "x=1"], 2, "declare no config 'x'"),
        (["graph", FLOW, "-o", "no/such/folder/x.svg"], 2, "cannot write no/such/folder/x.svg: no such file"),
        (["run", FLOW, "--json", "--report", "no/such/folder/x.html"], 2, "cannot write no/such/folder/x.html"),
    ],
)
def test_what_is_wrong_decides_the_exit_code(
    arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    assert says in capsys.readouterr().err


def drawn(page: str, kind: str) -> dict[str, str]:
    """The titles of what is drawn as ``kind``, with the whole class of each."""
    groups = re.findall(rf'<g class="({kind}[^"]*)"><title>([^<\n]*)', page)
    return {title: name for name, title in groups}


def test_a_report_shows_the_path_mails_rows_and_the_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.html"
    assert main(["run", FLOW, "--json", "--report", str(file)]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "SUCCEEDED"
    page = file.read_text(encoding="utf-8")
    nodes, edges = drawn(page, "node"), drawn(page, "edge")
    assert nodes["charge"] == "node task entered"
    assert nodes["refund"] == "node task"
    assert edges["charge → create-order"] == "edge taken"
    assert edges["charge → refund: any error"] == "edge error"
    for part in (
        "Your order 1001",
        "Table stock",
        "reservations",
        "CREATED",
        "&quot;total&quot;: 2100",
        "entered once",
    ):
        assert part in page


def test_a_report_of_a_failure_shows_what_failed_and_what_was_undone(tmp_path: Path) -> None:
    events = json.loads((SAMPLE / "events.json").read_text(encoding="utf-8"))
    events += [
        {"at": "charge", "throws": {"error": "Lambda.ServiceException", "cause": "busy"}},
        {"at": "create-order", "throws": {"error": "Boom", "cause": "<script>alert(1)</script>"}},
    ]
    (tmp_path / "events.json").write_text(json.dumps(events), encoding="utf-8")
    file = tmp_path / "run.html"
    assert main(["run", FLOW, "--events", str(tmp_path / "events.json"), "--report", str(file)]) == 1
    page = file.read_text(encoding="utf-8")
    nodes, edges = drawn(page, "node"), drawn(page, "edge")
    assert nodes["charge"] == "node task retried"
    assert nodes["create-order"] == "node task failed"
    assert nodes["release"] == "node task entered"
    assert edges["create-order → refund: any error"] == "edge error taken"
    assert "entered once, 1 failed, 1 retried" in page
    assert "<script" not in page


def test_a_report_of_a_guarded_flow_shows_its_steps(tmp_path: Path) -> None:
    flow = Path(__file__).parent.parent / "flows" / "guard" / "workflow.yaml"
    for given, code in ((json.dumps({"id": "1"}), 0), (json.dumps({"id": "2", "fails": True}), 1)):
        (tmp_path / "in.json").write_text(given, encoding="utf-8")
        options = ["--input", str(tmp_path / "in.json"), "--report", str(tmp_path / f"{code}.html")]
        assert main(["run", str(flow), *options]) == code
    well, badly = ((tmp_path / f"{code}.html").read_text(encoding="utf-8") for code in (0, 1))
    assert drawn(well, "node")["Guarded"] == "node machine around entered"
    assert drawn(well, "node")["place"] == "node task entered"
    assert drawn(well, "edge")["start → Guarded"] == "edge taken"
    assert drawn(well, "edge")["Guarded/work → Guarded/check"] == "edge taken"
    assert drawn(badly, "node")["Guarded"] == "node machine around failed"
    assert drawn(badly, "node")["check"] == "node choice failed"
    assert drawn(badly, "edge")["Guarded/check → Guarded/undo-place: any error"] == "edge error taken"
