"""The page of a run: the path, what happened, what came of it; alone, and with nothing in it that runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

from stepworkflows_cdk.pictures.model import Graph
from stepworkflows_cdk.pictures.page import run_page

Draw = Callable[..., Graph]
EVIL = "<script>alert(1)</script><img src='https://evil.example/x' onerror=alert(1)>"


class Reader(HTMLParser):
    """Collects tags with their attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page(graph: Graph, **changes: Any) -> str:
    result = {
        "status": "SUCCEEDED",
        "output": {"total": 3},
        "error": None,
        "cause": None,
        "outbox": [],
        "tables": {},
        "transitions": 2,
        "simulated_seconds": 90_000.0,
    }
    events = changes.pop("events", [{"event": "StateEntered", "name": "a", "step": "", "at": 1.25}])
    given, notes = changes.pop("given", {}), changes.pop("notes", ())
    return run_page(graph, events, {**result, **changes}, title="greet", source="x.json", given=given, notes=notes)


def graph(drawn: Draw, name: str = "a") -> Graph:
    return drawn({"StartAt": name, "States": {name: {"Type": "Task", "Next": "b"}, "b": {"Type": "Succeed"}}})


def test_whatever_comes_from_a_run_is_text(drawn: Draw) -> None:
    events = [
        {"event": "StateEntered", "name": EVIL, "step": EVIL, "at": 0.0},
        {
            "event": "AttemptFailed",
            "name": EVIL,
            "step": "",
            "at": 0.0,
            "attempt": 1,
            "error": EVIL,
            "cause": EVIL,
            "retry_in": 2.0,
        },
        {"event": "MailSent", "at": 0.0, "sender": EVIL, "to": (EVIL,), "subject": EVIL},
        {"event": "RowWritten", "at": 0.0, "table": EVIL, "key": {EVIL: EVIL}, "operation": "put"},
        {"event": "EventEmitted", "at": 0.0, "state": EVIL, "bus": EVIL, "source": EVIL, "detail_type": EVIL},
        {"event": "EventArrived", "at": 0.0, "source": EVIL, "detail_type": EVIL},
        {"event": "LogWritten", "at": 0.0, "state": EVIL, "text": EVIL},
        {"event": "Unheard", "at": 0.0, EVIL: EVIL},
    ]
    mail = {"from": EVIL, "to": [EVIL], "subject": EVIL, "text": EVIL, "html": EVIL, "time": "t"}
    for outcome in ({"output": EVIL}, {"status": "FAILED", "error": EVIL, "cause": EVIL}):
        text = page(
            graph(drawn, EVIL),
            events=events,
            outbox=[mail],
            emitted=[{"bus": EVIL, "source": EVIL, "detail-type": EVIL, "detail": {EVIL: EVIL}}],
            tables={EVIL: [{EVIL: EVIL, "n": {EVIL: [EVIL]}}]},
            given={EVIL: EVIL},
            notes=[EVIL],
            **outcome,
        )
        found = Reader(text)
        assert {tag for tag, _ in found.tags} & {"script", "img", "iframe", "link", "object", "a", "base"} == set()
        assert not any(name.startswith("on") for _, attributes in found.tags for name in attributes)
        assert found.text.count("<script>alert(1)</script>") > 30


def test_the_page_loads_nothing_and_forbids_scripts(drawn: Draw) -> None:
    found = Reader(page(graph(drawn)))
    policies = [a["content"] for tag, a in found.tags if tag == "meta" and "http-equiv" in a]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]
    assert not any({"src", "href", "xlink:href"} & attributes.keys() for _, attributes in found.tags)
    assert not re.search(r"@import|url\(", page(graph(drawn)))


def test_a_failure_shows_its_error_and_cause(drawn: Draw) -> None:
    text = Reader(page(graph(drawn), status="FAILED", error="Boom", cause="line 1\nline 2")).text
    assert "FAILED" in text
    assert "Boom" in text
    assert "line 1\nline 2" in text


def test_times_read_well(drawn: Draw) -> None:
    text = Reader(page(graph(drawn))).text
    assert "1 d 1:00:00 simulated" in text
    assert "1.25 s" in text


def test_rows_with_different_attributes_share_their_columns(drawn: Draw) -> None:
    found = Reader(page(graph(drawn), tables={"users": [{"id": "1", "n": 2}, {"id": "2", "on": True}], "none": []}))
    heads = "".join(found.text.split("Table users")[1].split("Table none")[0].split())
    assert heads.startswith("idnon12" + "2true")
    assert "no rows" in found.text


def test_half_a_character_does_not_keep_the_page_from_being_written(drawn: Draw) -> None:
    assert page(graph(drawn), output="\ud800").encode("utf-8")
