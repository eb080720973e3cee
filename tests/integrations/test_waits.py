"""The protocol of waits, by property: whatever comes when, and wherever the resolver crashes, the first answer counts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.compiler.bundle import Bundle
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.local import run

BEGINS, LASTS, AGAIN = 1_000, 500, 60
DOCUMENT = f"""
name: waits
inputs: {{id: {{}}}}
steps:
  - {{id: before, wait: {BEGINS}}}
  - id: answer
    wait-for: {{event: {{source: s, detail-type: t}}, match: {{"inner.id": "{{id}}"}}}}
    timeout: {LASTS}
    on-timeout: continue
    retry: {{errors: [transient, DynamoDb.InternalServerErrorException]}}
    outputs: {{by: {{value: "{{result.detail.by}}", default: nobody}}}}
outputs: {{by: "{{by}}"}}
"""


@dataclass(frozen=True)
class Answer:
    """An event ``at`` a time; its resolver crashes before it has written, or before it has sent, and is called again."""

    at: int
    crash: str = ""


class Crashes:
    """Has the resolver of each answer crash once, where the answer says so. As the listener of a run."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._ahead = {str(number): answer.crash for number, answer in enumerate(answers)}
        self._at_work = ""
        self._begun = False

    def __call__(self, event: object) -> None:
        if not self._begun:  # from here on, clients that are made are the resolver's
            self._begun = True
            events = boto3.DEFAULT_SESSION.events
            events.register("provide-client-params.dynamodb.UpdateItem", self._write)
            events.register_first("before-call.sfn.SendTaskSuccess", self._send)

    def _write(self, params: Mapping[str, Any], **_: Any) -> None:
        values = params.get("ExpressionAttributeValues", {})
        if answer := values.get(":answer"):
            self._at_work = json.loads(answer["S"])["detail"]["by"]
        elif ":token" in values:
            self._at_work = ""  # the step fetches what came early
        self._crash("write")

    def _send(self, **_: Any) -> None:
        self._crash("send")

    def _crash(self, place: str) -> None:
        if self._ahead.get(self._at_work) == place:
            self._ahead[self._at_work] = ""
            raise ConnectionError(f"crash before {place}")


def expected(answers: Sequence[Answer]) -> tuple[str, int]:
    """Whose answer counts and when the flow goes on, read from the answers alone."""
    written = sorted(
        (answer.at + (AGAIN if answer.crash == "write" else 0), number) for number, answer in enumerate(answers)
    )
    if written and written[0][0] < BEGINS:
        return str(written[0][1]), BEGINS
    sent = [answer.at + (AGAIN if answer.crash else 0) for answer in answers]
    first = min((at for at in sent if at >= written[0][0]), default=BEGINS + LASTS) if written else BEGINS + LASTS
    return (str(written[0][1]), first) if first < BEGINS + LASTS else ("nobody", BEGINS + LASTS)


# Times far enough from each other and from what the flow does, so that it is known what comes first.
TIMES = st.lists(st.integers(1, 40), unique=True, max_size=4).map(lambda times: [time * 41 + 7 for time in times])
ANSWERS = TIMES.flatmap(
    lambda times: st.tuples(*(st.builds(Answer, st.just(at), st.sampled_from(["", "write", "send"])) for at in times))
)
FAULTS = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.just("answer"),
            "throws": st.just({"error": "DynamoDb.InternalServerErrorException"}),
            "after-effect": st.booleans(),
        }
    ),
    max_size=2,
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    path = tmp_path_factory.mktemp("waits") / "workflow.yaml"
    path.write_text(DOCUMENT, encoding="utf-8")
    return compile_workflow(Definition.load(path))


def ended(bundle: Bundle, answers: Sequence[Answer], faults: Sequence[Any] = (), id_: Any = "7") -> tuple[Any, float]:
    outside = [*faults]
    for number, answer in enumerate(answers):
        detail = {"inner": {"id": id_}, "by": str(number)}
        outside.append({"after": answer.at, "source": "s", "detail-type": "t", "detail": detail})
    result = run(bundle, {"id": id_}, integrations=BUILTIN, outside=outside, listener=Crashes(answers))
    assert result.error is None
    late = "the wait of answer was over"
    assert all(late in note for note in result.notes)
    assert not result.notes or result.output["by"] == "nobody"
    return result.output["by"], result.simulated_seconds


@settings(max_examples=40, deadline=None)
@given(answers=ANSWERS)
def test_the_first_answer_counts_wherever_the_resolver_crashes(bundle: Bundle, answers: tuple[Answer, ...]) -> None:
    assert ended(bundle, answers) == expected(answers)


@settings(max_examples=20, deadline=None)
@given(answers=ANSWERS, faults=FAULTS)
def test_a_wait_that_is_tried_again_misses_no_answer(
    bundle: Bundle, answers: tuple[Answer, ...], faults: list[Any]
) -> None:
    by, at = ended(bundle, answers, faults)
    answer, first = expected(answers)
    assert by == answer
    assert first <= at <= first + 4 * 60  # the tries that failed waited


@pytest.mark.deep
@given(answers=ANSWERS, faults=FAULTS)
def test_the_protocol_with_many_orders_of_events(
    bundle: Bundle, answers: tuple[Answer, ...], faults: list[Any]
) -> None:
    assert ended(bundle, answers) == expected(answers)
    assert ended(bundle, answers, faults)[0] == expected(answers)[0]


TEXTS = st.text(min_size=1, max_size=30).filter(lambda text: text.encode("utf-8", "ignore").decode() == text)


@settings(max_examples=40, deadline=None)
@given(id_=TEXTS | st.integers(-(10**15) + 1, 10**15 - 1) | st.booleans())
def test_the_resolver_finds_the_wait_by_any_value(bundle: Bundle, id_: Any) -> None:
    assert ended(bundle, [Answer(BEGINS + 50)], id_=id_) == ("0", BEGINS + 50)
