"""Reports: nobody's credential stands in an excerpt, whatever else is wrong on its line."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from stepworkflows_cdk import validate
from stepworkflows_cdk.language.diagnostics import Lent, Mark, Problem, Report


def shown(text: str) -> str:
    """A report about the last line."""
    mark = Mark("a.yaml", text.count("\n") + 1, 1)
    return Report((Problem("SW101", "wrong", mark),), {"a.yaml": text}).text()


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("env: {KEY: AKIAABCDEFGHIJKLMNOP}", "AKIAABCDEFGHIJKLMNOP"),
        ("x: abcdefghijABCDEFGHIJ0123456789abcdefghij", "abcdefghijABCDEFGHIJ0123456789abcdefghij"),
        ('{"DB_PASSWORD":"hunter2", "a": 1}', "hunter2"),
        ("PW: hunter2", "hunter2"),
        ('"api_key":"sk_live_1"', "sk_live_1"),
        ('DB_PASSWORD: "hunter two", b: 1', "two"),
        ("apiToken: 'a b'", "a b"),
        ('"Authorization": "Bearer abcdefgh"', "abcdefgh"),
        ("x: 'Basic dXNlcjpwYXNz'", "dXNlcjpwYXNz"),
        ("url: https://me:hunter2@example.com/", "hunter2"),
        ("x: ghp_abcdefghij0123456789", "ghp_abcdefghij0123456789"),
        ("x: sk_live_abcdefghij", "sk_live_abcdefghij"),
        ("x: eyJhbGciOi.eyJzdWIiOiIx.c2ln", "eyJhbGciOi.eyJzdWIiOiIx.c2ln"),
        ("secrets: {KEY: hunter2}", "hunter2"),
        ('secrets: {A: "{secrets.a}", KEY: "hunter2"}', "hunter2"),
        ('"secrets": {"KEY": "{secrets.a}hunter2"}', "hunter2"),
        ("secrets:\n  KEY: hunter2", "hunter2"),
        ("DB_PASSWORD: |\n  hunter2", "hunter2"),
        ("DB_PASSWORD:\n  hunter2", "hunter2"),
        ('"password":\n  "hunter2"', "hunter2"),
        ("token: >-  # ours\n  a\n  hunter2", "hunter2"),
    ],
)
def test_credentials_are_masked(line: str, secret: str) -> None:
    assert secret not in shown(line)
    assert "*" * len(secret) in shown(line)


@pytest.mark.parametrize(
    "text",
    [
        'secrets: {KEY: "{secrets.payment}"}',
        'secrets: {payment: {description: "a key"}}',
        'secrets:\n  KEY: "{secrets.payment}"',
        "key: order_id",
        "pattern: x",
        "zip-file: functions/payments/charge/customers/card",
        "url: https://example.com:8080/a@b",
        "tokens: 5\nretry: 3",
    ],
)
def test_what_is_no_credential_is_shown(text: str) -> None:
    assert text.rpartition("\n")[2] in shown(text)


def test_what_looks_like_a_credential_is_masked_in_the_message_too() -> None:
    problem = Problem(
        "SW603", "`AKIAIOSFODNN7EXAMPLE` is no IAM action", Mark("a.yaml", 1, 1), "not AKIAIOSFODNN7EXAMPLE"
    )
    assert problem.message == f"`{'*' * 20}` is no IAM action"
    assert "AKIA" not in problem.hint


CREDENTIAL = "AKIAIOSFODNN7EXAMPLE"


@pytest.mark.parametrize("flow", ["secrets-and-permissions", "wait-for", "call", "email"])
def test_a_credential_at_any_place_of_a_document_is_not_shown(flow: str, tmp_path: Path) -> None:
    folder = Path(__file__).parent.parent / "flows" / flow
    shutil.copytree(folder, tmp_path / "flow")
    text = (folder / "workflow.yaml").read_text(encoding="utf-8")
    words = sorted({(found.start(), found.end()) for found in re.finditer(r"[\w.-]+", text)})
    reports = []
    for start, end in words:
        document = tmp_path / "flow" / "workflow.yaml"
        document.write_text(f"{text[:start]}{CREDENTIAL}{text[end:]}", encoding="utf-8")
        reports.append(validate(document).text())
    assert sum(map(bool, reports)) > 20
    assert [report for report in reports if CREDENTIAL in report] == []


def test_a_long_line_is_cut_around_the_place() -> None:
    line = "a" * 300 + "HERE" + "b" * 300
    text = Report((Problem("SW101", "wrong", Mark("a.yaml", 1, 301)),), {"a.yaml": line}).text()
    _, excerpt, caret = text.split("\n")
    assert len(excerpt) <= 124
    assert excerpt[caret.index("^") :].startswith("HERE")


def test_a_fault_in_a_step_of_a_library_tells_who_uses_it() -> None:
    problem = Problem("SW101", "wrong", Mark("lib.yaml", 3, 1))
    uses = (Lent("lib.yaml", 2, 4, Mark("a.yaml", 9, 5)), Lent("lib.yaml", 5, 6, Mark("a.yaml", 11, 5)))
    report = Report((problem,), folder="flows/", lent=uses)
    assert "    used at: flows/a.yaml:9:5" in report.text().split("\n")
    assert report.to_json()[0]["used_at"] == ["flows/a.yaml:9:5"]
    assert "used_at" not in Report((problem,)).to_json()[0]
