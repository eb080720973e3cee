"""What comes from outside: answers, faults, and what is wrong with an entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.lambda_.plan import Lambda
from stepworkflows_cdk.language.outside import parse
from stepworkflows_cdk.local import AttemptFailed, RunResult

Execute = Callable[..., RunResult]
CALL: dict[str, Any] = {"Type": "Task", "Resource": "arn:aws:states:::fake:call", "Arguments": "real", "End": True}
EVENT: dict[str, Any] = {"source": "s", "detail-type": "t"}
RETRIED = {**CALL, "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "BackoffRate": 1}]}


def test_an_answer_is_given_without_a_call(execute: Execute, service: Any) -> None:
    fake = service()
    result = execute({"A": CALL}, service=fake, outside=[{"at": "a", "returns": {"x": 1.0}}])
    assert (result.output, fake.calls, result.notes) == ({"x": 1}, [], ())


def test_code_is_answered_with_what_it_returns(execute: Execute) -> None:
    state = {**CALL, "Resource": "arn:aws:states:::lambda:invoke", "Output": "{% $states.result.Payload %}"}
    assert execute({"A": state}, service=Lambda(), outside=[{"at": "a", "returns": {"x": 1}}]).output == {"x": 1}


def test_a_fault_is_played_once_and_in_order(execute: Execute, service: Any) -> None:
    fake = service()
    faults = [{"at": "a", "throws": {"error": "First", "cause": "c"}}, {"at": "a", "throws": {"error": "Second"}}]
    told: list[Any] = []
    result = execute({"A": RETRIED}, service=fake, outside=faults, listener=told.append)
    assert (result.output, fake.calls, result.attempts) == ("real", ["real"], {"A": 3})
    assert [(event.error, event.cause) for event in told if isinstance(event, AttemptFailed)] == [
        ("First", "c"),
        ("Second", ""),
    ]


def test_a_crash_after_the_effect(execute: Execute, service: Any) -> None:
    fake = service()
    fault = {"at": "a", "throws": {"error": "States.Timeout"}, "after-effect": True}
    result = execute({"A": CALL}, service=fake, outside=[fault])
    assert (result.status, result.error, fake.calls) == ("FAILED", "States.Timeout", ["real"])


def test_an_abort_ends_the_execution_where_it_stands(execute: Execute, service: Any) -> None:
    states = {"A": {"Type": "Wait", "Seconds": 60, "Next": "B"}, "B": CALL}
    fake = service()
    result = execute(states, service=fake, outside=[{"after": "30s", "abort": True}])
    assert (result.status, result.error, result.cause, result.output) == ("ABORTED", None, None, None)
    assert (result.simulated_seconds, result.states, fake.calls, result.notes) == (30, ("A",), [], ())
    late = execute(states, outside=[{"after": "2m", "abort": True}])
    assert late.status == "SUCCEEDED"
    assert late.notes == ("entry 1 of the events (an abort) was not taken: the flow had ended",)


@pytest.mark.parametrize(
    ("entry", "says"), [({"abort": "now"}, "abort can only be true"), ({"abort": True, "at": "a"}, "unknown key at")]
)
def test_an_abort_that_is_none(entry: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        parse([{"after": "1s", **entry}], steps=[("a", "a")])


def test_an_unused_entry_is_noted(execute: Execute) -> None:
    entries = [{"at": "a", "returns": 1}, {"at": "a", "throws": {"error": "E"}}]
    assert execute({"A": CALL}, outside=entries).notes == ("entry 2 of the events was never used: no such call of a",)


def test_entries_are_for_steps_of_one_flow_each() -> None:
    came = parse(
        [{"at": "b/work", "returns": 1}, {"at": "rest", "returns": 2}],
        steps=[("a", "work"), ("b", "work"), ("a", "rest")],
    )
    assert [came.answers(step) for step in (("a", "work"), ("b", "work"), ("a", "rest"))] == [False, True, True]
    with pytest.raises(ConfigurationError, match="key at: 'work' is several steps; write `a/work` or `b/work`"):
        parse([{"at": "work", "returns": 1}], steps=[("a", "work"), ("b", "work")])


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("x", "entry 1 .* must be a mapping with the key given, at or after, not 'x'"),
        ({}, "it must have given, at or after"),
        ({"after": "2d", "event": {}}, "entry 1 .*: the event's source must be a text"),
        ({"after": "2d", **EVENT, "detail": []}, "the event's detail must be a mapping, not \\[\\]"),
        ({"after": "soon", **EVENT}, "entry 1 .*, key after: a duration is a number of seconds or a text such as"),
        ({"after": -1, **EVENT}, "key after: a duration is at least 1 second"),
        ({"after": "2d", **EVENT, "typo": 1}, "unknown key typo; allowed: bus, detail, detail-type, source"),
        ({"after": "2d", "event": EVENT, "detail": {}}, "unknown key detail; allowed: event"),
        ({"after": "2d", **EVENT, "bus": "news"}, "key bus: 'news' is unknown; known: none"),
        ({"after": "2d", "signal": ""}, "key signal must be a text, not ''"),
        ({"after": "2d", "signal": "paid", "detail": {}}, "unknown key detail; allowed: data, match, signal, to"),
        ({"after": "2d", "signal": "paid", "match": "a"}, "the signal's match must be a mapping, not 'a'"),
        ({"after": "2d", "signal": "paid", "answer": "a"}, "answer, signal are different things that come"),
        ({"after": "2d", "queue": "jobs", "message": {}}, "key queue: 'jobs' is unknown; known: none"),
        ({"after": "2d", "queue": "jobs"}, "a message in a queue needs the key message"),
        ({"after": "2d", "answer": "b"}, "key answer: no step has the id 'b'; there are a, other"),
        ({"after": "2d", "answer": "a", "item": -1}, "key item is the index of an item, from 0, not -1"),
        ({"after": "2d", "fail": "a"}, "key error must be a text, not None"),
        ({"after": "2d", "fail": "a", "error": "E", "data": 1}, "unknown key data; allowed: cause, error, fail, item"),
        ({"at": "b", "returns": 1}, "entry 1 .*, key at: no step has the id 'b'; there are a, other"),
        ({"at": "othr", "returns": 1}, "did you mean `other`"),
        ({"at": "a"}, "exactly one of the keys returns and throws"),
        ({"at": "a", "returns": 1, "throws": {"error": "E"}}, "exactly one of the keys returns and throws"),
        ({"at": "a", "returns": 1, "items": 2}, "unknown key items; allowed: after-effect, at, item, returns, throws"),
        ({"at": "a", "returns": 1, "item": "2"}, "key item is the index of an item, from 0, not '2'"),
        ({"at": "a", "throws": {"error": "E", "code": 1}}, "key throws: unknown key code; allowed: cause, error"),
        ({"at": "a", "throws": "E"}, "key throws must be a mapping with the keys cause, error, not 'E'"),
        ({"at": "a", "throws": {"cause": "c"}}, "error must be an error's name"),
        (
            {"at": "a", "throws": {"error": "E"}, "after-effect": "yes"},
            "after-effect goes with throws, and is true or false",
        ),
        ({"at": "a", "returns": 1, "after-effect": True}, "after-effect goes with throws"),
        ({"given": {"mails": {}}}, "key given: unknown key mails; allowed: files, secrets, tables"),
        ({"given": {"files": {"in": "a"}}}, "file in must be given once, as BUCKET/KEY"),
        ({"given": {"files": {"in/a": "a"}}}, "entry 1 .*, key files: 'in' is unknown; known: none"),
        ({"given": {"files": ["in/a"]}}, "files must be a mapping from names"),
        ({"given": {}, "at": "a"}, "unknown key at; allowed: given"),
        ({"given": {"tables": {"orders": []}}}, "entry 1 .*, key tables: 'orders' is unknown; known: none"),
        ({"given": {"tables": {"orders": {}}}}, "table orders must be a list of rows"),
        ({"given": {"tables": []}}, "tables must be a mapping from names"),
        ({"given": {"secrets": {"key": 1}}}, "secret key must be given once, as a string or a mapping"),
        ({"given": {"secrets": {"key": "x"}}}, "key secrets: 'key' is unknown; known: none"),
    ],
)
def test_a_wrong_entry_is_refused(execute: Execute, entry: Any, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        execute({"A": {**CALL, "End": False, "Next": "Other"}, "Other": CALL}, outside=[entry])


def test_the_number_of_the_wrong_entry_is_told(execute: Execute) -> None:
    with pytest.raises(ConfigurationError, match="entry 2 "):
        execute({"A": CALL}, outside=[{"at": "a", "returns": 1}, {"at": "z", "returns": 1}])


def test_an_entry_for_one_item_of_a_loop(execute: Execute, service: Any) -> None:
    call = {**CALL, "Arguments": "{% $states.input %}"}
    inside = {"StartAt": "A", "States": {"A": call}}
    loop = {"Type": "Map", "Items": ["x", "y", "z"], "ItemProcessor": inside, "End": True}
    outside = [{"at": "a", "item": 2, "returns": "given"}, {"at": "a", "item": 3, "returns": "never"}]
    result = execute({"Each": loop}, service=service(), outside=outside)
    assert result.output == ["x", "y", "given"]
    assert result.notes == ("entry 2 of the events was never used: no such call of a",)
