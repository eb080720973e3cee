"""Reports: nobody's credential stands in an excerpt, whatever else is wrong on its line."""

from __future__ import annotations

import pytest

from stepworkflows_cdk.language.diagnostics import Mark, Problem, Report


def shown(line: str) -> str:
    return Report((Problem("SW101", "wrong", Mark("a.yaml", 1, 1)),), {"a.yaml": line}).text()


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
    ],
)
def test_credentials_are_masked(line: str, secret: str) -> None:
    assert secret not in shown(line)
    assert "*" * len(secret) in shown(line)


@pytest.mark.parametrize("line", ['secrets: {KEY: "{secrets.payment}"}', "key: order_id", "pattern: x"])
def test_what_is_no_credential_is_shown(line: str) -> None:
    assert line in shown(line)


def test_a_long_line_is_cut_around_the_place() -> None:
    line = "a" * 300 + "HERE" + "b" * 300
    text = Report((Problem("SW101", "wrong", Mark("a.yaml", 1, 301)),), {"a.yaml": line}).text()
    _, excerpt, caret = text.split("\n")
    assert len(excerpt) <= 124
    assert excerpt[caret.index("^") :].startswith("HERE")
