"""Canaries: values that nobody may see, planted as secrets and in inputs, and sought in all that others can read.

What others can read: the definition, templates and assets; of a run its events, result, logs, errors and pages, and all
that the command prints.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.cli.main import main
from stepworkflows_cdk.compiler.bundle import Bundle
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.local import Event, RunResult, run
from stepworkflows_cdk.reference import order_flow

SECRET = "canary-7c1d-of-the-secret"
INPUT = "canary-9e2f-of-the-input"
SAMPLE = order_flow().parent / "sample"
ORDER = json.loads((SAMPLE / "order.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return compile_workflow(Definition.load(order_flow()))


def before(secret: Any = SECRET, tea: int = 10, balance: int = 10_000) -> dict[str, Any]:
    return {
        "given": {
            "tables": {
                "stock": [{"sku": "tea", "left": tea}, {"sku": "cup", "left": 3}],
                "accounts": [{"email": "ada@example.com", "balance": balance}],
            },
            "secrets": {"payment": secret},
        }
    }


def throws(at: str, error: str = "RuntimeError", **more: Any) -> dict[str, Any]:
    return {"at": at, "throws": {"error": error, "cause": ""}, **more}


DELIVERED = {"after": "2d", "source": "carrier", "detail-type": "Delivered", "detail": {"order_id": "1001"}}
RUNS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "it is sold": ("SUCCEEDED", [before(), DELIVERED]),
    "it is sold out": ("FAILED", [before(tea=0)]),
    "the payment is refused": ("FAILED", [before(balance=0)]),
    "the payment is lost and refunded": ("FAILED", [before(), throws("charge", **{"after-effect": True})]),
    "the secret is an object": ("SUCCEEDED", [before({"key": SECRET, "of": SECRET}), DELIVERED]),
    "the secret is of another shape": ("FAILED", [before({"other": SECRET})]),
    "the secret is a broken object": ("SUCCEEDED", [before('{"key": "' + SECRET), DELIVERED]),
    "it is stuck": ("FAILED", [before(), throws("mark-shipped", "States.DataLimitExceeded")]),
}


@pytest.mark.parametrize("case", RUNS)
def test_the_secret_is_nowhere_in_a_run(bundle: Bundle, case: str) -> None:
    status, outside = RUNS[case]
    result, seen = ran(bundle, ORDER, outside)
    assert result.status == status
    assert SECRET not in seen
    assert not any("secret" in note for note in result.notes)


def ran(bundle: Bundle, order: Any, outside: Sequence[Mapping[str, Any]]) -> tuple[RunResult, str]:
    """The result, and all that can be read of the run."""
    events: list[Event] = []
    result = run(bundle, order, integrations=BUILTIN, outside=outside, listener=events.append)
    logs = [line.text for line in result.logs]
    return result, json.dumps([result.to_json(), logs, [asdict(event) for event in events]], default=str)


@pytest.mark.parametrize("case", ["it is sold", "the secret is of another shape"])
def test_the_secret_is_nowhere_in_what_the_command_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    events, page = tmp_path / "events.json", tmp_path / "run.html"
    events.write_text(json.dumps(RUNS[case][1]), encoding="utf-8")
    given = ["run", str(order_flow()), "--events", str(events)]
    codes = {main([*given, "--json", "--report", str(page)]), main(given)}
    printed = capsys.readouterr()
    assert codes == {0 if RUNS[case][0] == "SUCCEEDED" else 1}
    assert len(printed.out) > 1000
    assert SECRET not in printed.out + printed.err + page.read_text(encoding="utf-8")


WRONG: dict[str, Any] = {
    "an id with other characters": {**ORDER, "order_id": f"{INPUT}; DROP"},
    "an address that is none": {**ORDER, "user": {"email": INPUT}},
    "a number that is a text": {**ORDER, "items": [{"sku": "tea", "qty": INPUT, "price": 1}]},
    "a list that is a text": {**ORDER, "items": INPUT},
    "a name that is too long": {**ORDER, "user": {"email": "ada@example.com", "name": INPUT * 20}},
    "an object that is a text": {**ORDER, "user": INPUT},
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_input_is_refused_by_its_path_without_its_value(bundle: Bundle, case: str) -> None:
    result, seen = ran(bundle, WRONG[case], [before()])
    assert (result.status, result.error) == ("FAILED", "InvalidInput")
    assert INPUT not in seen


def test_logs_have_no_customer_in_them(bundle: Bundle) -> None:
    order = {**ORDER, "user": {"email": "canary@example.com", "name": INPUT}}
    given = before()
    given["given"]["tables"]["accounts"] = [{"email": "canary@example.com", "balance": 10_000}]
    for outside in ([given, DELIVERED], [{"given": {**given["given"], "tables": {}}}]):
        result, _ = ran(bundle, order, outside)
        assert result.logs
        assert not any(INPUT in line.text or "canary@" in line.text for line in result.logs)


@pytest.fixture
def leaking(tmp_path: Path) -> Path:
    """A flow whose code gives the secret away in every way that it can."""
    folder = tmp_path / "leaking"
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "handler.py").write_text(
        "import json, os, boto3\n\n"
        "def handler(event, context):\n"
        "    value = boto3.client('secretsmanager').get_secret_value(SecretId=os.environ['KEY'])['SecretString']\n"
        "    if event['how'] == 'log':\n        print(f'key={value}')\n"
        "    if event['how'] == 'error':\n        raise ValueError(value)\n"
        "    return {'value': value if event['how'] == 'result' else 'x'}\n",
        encoding="utf-8",
    )
    (folder / "workflow.yaml").write_text(
        "name: leaking\n"
        "inputs: {how: string}\n"
        "resources: {rows: {type: table, key: id}}\n"
        "secrets: {pay: {description: a key}}\n"
        "steps:\n"
        '  - {id: work, runs-on: lambda, zip-file: code, secrets: {KEY: "{secrets.pay}"}, inputs: {how: "{how}"},\n'
        '     outputs: {value: "{value}"}}\n'
        '  - {id: keep, record: {table: rows, key: {id: "1"}}, inputs: {value: "{value}"}}\n',
        encoding="utf-8",
    )
    return folder / "workflow.yaml"


@pytest.mark.parametrize(
    ("how", "where"),
    [
        ("none", []),
        ("log", ["a log line of work"]),
        ("error", ["the error of work"]),
        ("result", ["what work gives", "the table rows"]),
    ],
)
@pytest.mark.parametrize("value", [SECRET, 'with "quotes" in it', {"key": SECRET}])
def test_a_run_tells_where_code_gave_a_secret_away(leaking: Path, how: str, where: list[str], value: Any) -> None:
    given = {"given": {"secrets": {"pay": value}}}
    result = run(compile_workflow(Definition.load(leaking)), {"how": how}, integrations=BUILTIN, outside=[given])
    told = [f"the value of the secret pay stands in {place}, for all to see who may look there" for place in where]
    assert list(result.notes) == told


def test_a_secret_without_a_given_value_is_watched_too(leaking: Path) -> None:
    result = run(compile_workflow(Definition.load(leaking)), {"how": "log"}, integrations=BUILTIN)
    assert "the value of the secret pay stands in a log line of work" in result.notes[0]


def test_nothing_of_the_surroundings_gets_into_the_assembly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle: Bundle
) -> None:
    from stepworkflows_cdk import OrderFlow  # isort: skip  # before the CDK: it finds Node
    import aws_cdk as cdk

    for name in ("PAYMENT_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "payment"):
        monkeypatch.setenv(name, SECRET)
    context = {"payment": SECRET, "secrets": {"payment": SECRET}, "stepworkflows:payment": SECRET}
    app = cdk.App(outdir=str(tmp_path), context=context)
    for profile in ("baseline", "hipaa"):
        OrderFlow(cdk.Stack(app, f"Shop-{profile}"), "Flow", profile=profile)
    app.synth()
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) > 10
    assert [file for file in files if SECRET.encode() in content(file)] == []
    assert SECRET not in "".join(machine.text for machine in bundle.machines) + json.dumps(bundle.to_json())


def content(file: Path) -> bytes:
    if file.suffix != ".zip":
        return file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())
