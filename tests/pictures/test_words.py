"""What is said in pictures: short, harmless, in lines that fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepworkflows_cdk.pictures.model import Node
from stepworkflows_cdk.pictures.words import columns, node_tip, plain, short, wrapped


@given(st.text())
def test_plain_text_has_one_line_and_nothing_that_is_not_seen(text: str) -> None:
    assert all(char.isprintable() or char == " " or "\u3000" >= char > "\x9f" for char in plain(text))
    assert "\n" not in plain(text)
    assert len(plain(text)) == len(text)


@given(st.text(), st.integers(1, 40))
def test_short_text_fits_and_begins_like_the_long(text: str, most: int) -> None:
    found = short(text, most)
    assert columns(found) <= most
    assert found == text or (found.endswith("…") and text.startswith(found[:-1]))


@given(st.text(), st.integers(4, 40), st.integers(1, 5))
def test_lines_fit_and_are_no_more_than_asked_for(text: str, width: int, lines: int) -> None:
    found = wrapped(text, width, lines)
    assert 1 <= len(found) <= lines
    assert all(columns(line) <= width for line in found)
    if not found[-1].endswith("…"):
        assert "".join("".join(found).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("charge", ["charge"]),
        ("send the customer a confirmation", ["send the", "customer a", "confirmation"]),
        ("abcdefghijklmnop", ["abcdefghijkl", "mnop"]),
        ("订单确认邮件发送", ["订单确认邮件", "发送"]),
    ],
)
def test_lines_break_at_spaces_where_they_can(text: str, lines: list[str]) -> None:
    assert wrapped(text, 12, 3) == lines


def test_a_tip_tells_all_that_is_known() -> None:
    node = Node("Pay", "Task", "lambda:invoke", "charge", "flow.yaml", 12, "takes the money", ("Busy",))
    assert node_tip(node).splitlines() == [
        "Pay",
        "Task · lambda:invoke",
        "takes the money",
        "step charge",
        "flow.yaml:12",
        "tried again on Busy",
    ]
