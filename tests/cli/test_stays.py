"""What came of each step of a run: on the screen, as JSON, and on the page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from stepworkflows_cdk.cli.main import main

FLOWS = Path(__file__).parent.parent / "flows"
BOOM = (
    "class CardDeclined(Exception):\n    pass\n\n\ndef handler(event, context):\n    raise CardDeclined('no money')\n"
)
Ran = Callable[..., dict[str, Any]]


@pytest.fixture
def ran(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ran:
    """A run of steps, in which ``boom`` is code that fails: the lines of the screen, the JSON object, and the page."""

    def run(
        steps: str | Path, events: Sequence[Any] = (), given: Any = None, head: str = "inputs: {}"
    ) -> dict[str, Any]:
        for name, code in (("boom", BOOM), ("fine", "def handler(event, context):\n    return {}\n")):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "handler.py").write_text(code, encoding="utf-8")
        document = steps
        if isinstance(steps, str):
            document = tmp_path / "flow.yaml"
            document.write_text(f"name: flow\n{head}\nsteps:\n{steps}", encoding="utf-8")
        (tmp_path / "events.json").write_text(json.dumps(list(events)), encoding="utf-8")
        (tmp_path / "input.json").write_text(json.dumps(given or {}), encoding="utf-8")
        arguments = ["run", str(document)]
        for option, file in (("--events", "events.json"), ("--input", "input.json")):
            arguments += [option, str(tmp_path / file)]
        main([*arguments, "--report", str(tmp_path / "run.html")])
        screen = capsys.readouterr().out
        main([*arguments, "--json"])
        return {
            "screen": screen,
            "lines": screen.split("\n\n")[1].splitlines(),
            "json": json.loads(capsys.readouterr().out),
            "page": (tmp_path / "run.html").read_text(encoding="utf-8"),
        }

    return run


def how(ran: dict[str, Any]) -> dict[str, str]:
    """Step -> what came of it: the screen, the JSON object and the page say the same."""
    shown = [re.split(r"  +", line)[2:4] for line in ran["lines"] if line[10:12].isspace() and line[12:13].strip()]
    told = [[step["name"], step["how"]] for step in ran["json"]["steps"]]
    page = re.findall(r'<td class="time">[^<]*</td><td>([^<]*)</td><td>(\w+)</td>', ran["page"])
    assert [list(row) for row in page][: len(told)] == told
    assert dict(shown) == dict(told)
    return dict(told)


AROUND = {
    "a parallel": "parallel: {left: [WORK], right: [{id: other, wait: 1s}]}",
    "a fork that fails fast": "fail-fast: true, parallel: {left: [WORK], right: [{id: other, wait: 1s}]}",
    "a group": "steps: [WORK]",
    "a loop": "for-each: {items: [1], as: n}, steps: [WORK]",
    "rounds": "repeat: {until: '{step.id} = 1', max: 2}, steps: [WORK]",
    "a group that is tried again": "retry: {errors: [Other]}, steps: [WORK]",
}
WORK = "{id: work, runs-on: lambda, zip-file: boom}"


@pytest.mark.parametrize("inner", AROUND.values(), ids=AROUND)
def test_what_is_around_a_failure_failed_as_well(ran: Ran, inner: str) -> None:
    found = ran(f"  - {{id: outer, steps: [{{id: around, {inner.replace('WORK', WORK)}}}]}}\n")
    assert {"work": "failed", "around": "failed", "outer": "failed"}.items() <= how(found).items()
    (around,) = [step for step in found["json"]["steps"] if step["step"] == "around"]
    assert around["error"] == "CardDeclined"
    line = next(line for line in found["lines"] if " around " in line)
    assert "CardDeclined: no money" in line


@pytest.mark.parametrize("inner", AROUND.values(), ids=AROUND)
def test_where_an_error_is_taken_it_says_so(ran: Ran, inner: str) -> None:
    inner = inner.replace("WORK", WORK)
    care = "catch: [{steps: [{id: cared, wait: 1s}]}]"
    found = how(ran(f"  - {{id: outer, {care}, steps: [{{id: around, {inner}}}]}}\n"))
    assert {"work": "failed", "around": "failed", "outer": "caught", "cared": "ok"}.items() <= found.items()
    found = how(ran(f"  - {{id: outer, on-error: continue, steps: [{{id: around, {inner}}}]}}\n"))
    assert {"work": "failed", "around": "failed", "outer": "continued"}.items() <= found.items()


def test_a_switch_around_a_failure(ran: Ran) -> None:
    arms = f"switch: [{{when: '{{execution.id}} != null', steps: [{WORK}]}}, {{else: [{{id: none, wait: 1s}}]}}]"
    assert how(ran(f"  - {{id: around, {arms}}}\n")) == {"work": "failed", "around": "failed"}


def test_own_ways_to_take_an_error(ran: Ran) -> None:
    steps = (
        f"  - {WORK.replace('}', ', on-error: continue}')}\n"
        "  - {id: caught, runs-on: lambda, zip-file: boom, catch: [{steps: [{id: cared, wait: 1s}]}]}\n"
        "  - {id: rounds, repeat: {until: '{step.id} = 1', max: 2}, runs-on: lambda, zip-file: fine, on-error: continue}\n"
        "  - {id: items, for-each: {items: [1, 2], collect: true}, runs-on: lambda, zip-file: boom}\n"
        "  - {id: skipped, if: '{execution.id} = null', wait: 1s}\n"
        "  - {id: never, require: {that: '{execution.id} = null', error: Never, message: no}}\n"
    )
    found = ran(steps)
    assert found["json"]["error"] == "Never"
    expected = {"work": "continued", "caught": "caught", "cared": "ok", "rounds": "continued", "items": "continued"}
    assert how(found) == {**expected, "items: item": "failed", "skipped": "skipped", "never": "failed"}
    assert "2 items failed" in found["screen"]
    assert "after 2 rounds the end of rounds is not reached" in found["screen"]


def test_what_failed_in_a_try_before_is_told_there(ran: Ran) -> None:
    count = "{id: count, record: {table: rows, key: {id: a}, mode: update, add: {n: 1}}}"
    look = "{id: look, fetch: {table: rows, key: {id: a}}, outputs: {n: '{n}'}}"
    enough = "{id: enough, require: {that: '{n} > 1', error: Few}}"
    loop = f"for-each: {{items: [1]}}, retry: {{errors: [Few], attempts: 1}}, steps: [{count}, {look}, {enough}]"
    found = ran(f"  - {{id: loop, {loop}}}\nresources: {{rows: {{type: table, key: id}}}}\n")
    assert how(found)["loop"] == "ok"
    assert "failed" not in found["screen"].split(" loop ")[1]


def test_what_a_race_stops(ran: Ran) -> None:
    race = "join: any, parallel: {a: [{id: fast, wait: 1s}], b: [{id: slow, wait: 2s}]}"
    found = ran(f"  - {{id: race, {race}}}\n")
    assert how(found) == {"fast": "ok", "slow": "stopped", "race": "ok"}
    assert "won by a" in found["screen"]


def test_items_are_told_apart(ran: Ran) -> None:
    throws = {"at": "work", "item": 1, "throws": {"error": "Broken"}}
    steps = "  - {id: loop, for-each: {items: [1, 2, 3]}, steps: [{id: work, runs-on: lambda, zip-file: fine}]}\n"
    found = ran(steps, [throws])
    how(found)
    assert [step["how"] for step in found["json"]["steps"]] == ["ok", "failed", "ok", "failed"]


def test_an_early_answer_is_no_failure(ran: Ran) -> None:
    wait = "wait-for: {signal: paid, match: {id: '1'}}, timeout: 1d"
    found = ran(
        f"  - {{id: before, wait: 1h}}\n  - {{id: paid, {wait}}}\n",
        [{"after": "1s", "signal": "paid", "match": {"id": "1"}}],
    )
    assert how(found)["paid"] == "ok"
    assert "the answer was there already" in found["screen"]
    for text in (found["screen"], found["page"], json.dumps(found["json"]["steps"])):
        assert "ConditionalCheckFailed" not in text


def test_reminders_are_no_failures_and_are_folded(ran: Ran) -> None:
    mail = "{id: mail, email: {from: a@example.com, to: b@example.com, subject: Hello, text: Please.}}"
    wait = f"wait-for: {{signal: paid, match: {{id: '1'}}}}, timeout: 50h, remind: {{every: 10h, steps: [{mail}]}}, on-timeout: continue"
    found = ran(f"  - {{id: paid, {wait}}}\n", [{"after": "45h", "signal": "paid", "match": {"id": "1"}}])
    assert how(found) == {"mail": "ok", "paid": "ok"}
    assert "reminded 4 times" in found["screen"]
    assert "attempt" not in found["screen"]
    assert "attempt" not in found["page"]
    assert found["screen"].count("\nmail to b@example.com from a@example.com: Hello\n") == 1
    assert "  Please.\n  (the same 3 times more)\n" in found["screen"]
    assert len(found["json"]["outbox"]) == 4
    late = ran(f"  - {{id: paid, {wait}}}\n")
    assert how(late)["paid"] == "continued"


def test_a_turn_is_waited_for(ran: Ran) -> None:
    found = ran(FLOWS / "concurrency" / "workflow.yaml")
    (turn,) = [step for step in found["json"]["steps"] if not step["step"]]
    assert (turn["name"], turn["how"], turn["ended"]) == ("two/its turn", "ok", 35)
    assert "waited for its turn: 3 looks" in found["screen"]
    assert "attempt" not in found["screen"]


def test_whose_turn_it_is_not(ran: Ran) -> None:
    found = ran(FLOWS / "concurrency-reject" / "workflow.yaml")
    assert "ConditionalCheckFailed" not in found["screen"]


def test_a_retry_that_does_not_take_the_error_is_pointed_out(ran: Ran) -> None:
    told = "retry of work takes transient errors only; CardDeclined is none of these: add errors: [CardDeclined]"
    found = ran(f"  - {WORK.replace('}', ', retry: {attempts: 2}}')}\n")
    assert told in found["screen"]
    assert [step["hint"] for step in found["json"]["steps"]] == [told]
    found = ran(f"  - {WORK.replace('}', ', retry: {errors: [A, B]}}')}\n")
    assert "retry of work takes A, B only; CardDeclined is none of these" in found["screen"]
    for taken in (
        "{errors: [CardDeclined], attempts: 1}",
        "{errors: [States.ALL], attempts: 1}",
        "{errors: [A], attempts: 1}",
    ):
        caught = ", on-error: continue" if "[A]" in taken else ""
        found = ran(f"  - {WORK.replace('}', f', retry: {taken}{caught}}}')}\n")
        assert "none of these" not in found["screen"]


def test_files_have_the_time_of_the_run(ran: Ran) -> None:
    head = "inputs: {}\nresources: {in: {type: bucket}}\noutputs: {files: '{files}'}"
    steps = (
        "  - {id: pause, wait: 2h}\n"
        "  - {id: write, file: {put: {bucket: in, key: b.txt}}, inputs: {a: 1}}\n"
        "  - {id: see, file: {list: {bucket: in}}, outputs: {files: '{files}'}}\n"
    )
    given = {"given": {"files": {"in/a.csv": "x"}}}
    found = ran(steps, [given], head=head)
    modified = {file["key"]: file["modified"] for file in found["json"]["output"]["files"]}
    assert modified == {"a.csv": "2026-01-01T00:00:00.000Z", "b.txt": "2026-01-01T02:00:00.000Z"}
    assert ran(steps, [given], head=head)["json"] == found["json"]


@pytest.mark.parametrize("runs_on", ["lambda", "fargate"])
def test_an_error_of_code_is_shown_with_its_line(ran: Ran, runs_on: str) -> None:
    found = ran(f"  - {WORK.replace('lambda', runs_on)}\n")
    assert "at boom/handler.py:6, handler: raise CardDeclined('no money')" in found["screen"]
    assert "at boom/handler.py:6, handler" in found["page"]
    (step,) = found["json"]["steps"]
    text = "raise CardDeclined('no money')"
    assert step["code"] == {"file": "boom/handler.py", "line": 6, "function": "handler", "text": text}


def test_the_innermost_line_of_the_users_own_counts(ran: Ran, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    code = "import helper\n\n\ndef handler(event, context):\n    return helper.parse('{')\n"
    (tmp_path / "deep" / "handler.py").write_text(code, encoding="utf-8")
    code = "import json\n\n\ndef parse(text):\n    return json.loads(text)\n"
    (tmp_path / "deep" / "helper.py").write_text(code, encoding="utf-8")
    found = ran("  - {id: work, runs-on: lambda, zip-file: deep}\n")
    assert "at deep/helper.py:5, parse: return json.loads(text)" in found["screen"]


def test_a_line_with_a_secret_in_it_is_not_shown(ran: Ran, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    code = "def handler(event, context):\n    raise ValueError('not-for-everybody')\n"
    (tmp_path / "open" / "handler.py").write_text(code, encoding="utf-8")
    head = "inputs: {}\nsecrets: {payment: {description: a key}}"
    steps = "  - {id: work, runs-on: lambda, zip-file: open, secrets: {KEY: '{secrets.payment}'}}\n"
    found = ran(steps, [{"given": {"secrets": {"payment": "not-for-everybody"}}}], head=head)
    assert "at open/handler.py:2, handler\n" in found["screen"]
    assert "text" not in found["json"]["steps"][0]["code"] or not found["json"]["steps"][0]["code"]["text"]


def test_of_an_input_that_is_refused_only_the_faults_are_shown(ran: Ran) -> None:
    head = (
        "inputs:\n  user: {type: object, required: [email], properties: {email: {type: string, format: email}}}\n"
        "  qty: {type: integer, minimum: 1}\n  kind: {enum: [a, b]}\nresources: {orders: {type: table, key: id}}"
    )
    steps = "  - {id: put, record: {table: orders, key: {id: '{user.email}'}}}\n"
    found = ran(steps, [{"after": "1d", "source": "a", "detail-type": "b"}], {"user": {}, "kind": "c"}, head)
    assert found["screen"].split("\n\n")[1].splitlines() == [
        "FAILED",
        "  InvalidInput: the input is not as the flow declares it",
        "    user.email is missing; expected: string, email",
        "    qty is missing; expected: integer, at least 1",
        '    kind must be one of "a", "b"',
    ]
    assert found["json"]["error"] == "InvalidInput"


APPROVAL = (
    "wait-for: {approval: {from: desk@example.com, to: head@example.com, subject: S, text: T, choices: [yes, no]}}"
)
WAITS = (
    "  - {id: paid, wait-for: {event: {source: bank, detail-type: Paid}, match: {order: '{id}'}}, timeout: 2d, on-timeout: continue}\n"
    f"  - {{id: ask, {APPROVAL}, timeout: 2d, on-timeout: continue}}\n"
)
PAID = {"source": "bank", "detail-type": "Paid", "detail": {"order": "7"}}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"after": "3d", **PAID}, "the wait of paid was over"),
        ({"after": "9d", **PAID}, "the wait of paid was over"),
        (
            {"after": "1d", **PAID, "detail": {"order": "8"}},
            "paid waited for 7, and it has 8 in the fields that are matched",
        ),
        ({"after": "1d", **PAID, "detail": {"order": 1.5}}, "paid waits for other values in order"),
        ({"after": "1d", **PAID, "detail": {}}, "on this bus the flow waits for Paid from bank with order"),
        ({"after": "1d", **PAID, "source": "shop"}, "on this bus the flow waits for Paid from bank with order"),
        ({"after": "1d", "signal": "paid"}, "of signals the flow waits for none"),
        ({"after": "1d", "api": "/paid", "body": {}}, "no step waits for this"),
        ({"after": "1d", "approve": "ask", "choice": "yes"}, "ask had not asked anybody"),
        ({"after": "3d", "approve": "ask", "choice": "maybe"}, "400, the choices are yes, no"),
        (
            {"after": "3d", "approve": "ask", "choice": "yes", "by": "ada@example.com"},
            "ask asked head@example.com, and not ada@example.com",
        ),
        (
            {"after": "5d", "approve": "ask", "choice": "yes"},
            "the wait of ask was over",
        ),
        ({"after": "5d", "answer": "ask", "data": {}}, "ask waited no more"),
    ],
)
def test_an_entry_that_is_not_taken_says_why(ran: Ran, entry: dict[str, Any], said: str) -> None:
    found = ran(WAITS, [{"given": {"files": {}}}, entry], {"id": "7"}, "inputs: {id: string}")
    (note,) = [line for line in found["screen"].splitlines() if line.startswith("  note: ")]
    assert re.search(r"/events\.json:\d+ ", note)
    assert note.endswith(f" was not taken: {said}")
    assert found["json"]["notes"] == [note.removeprefix("  note: ")]


def test_the_line_of_an_entry(ran: Ran, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran(WAITS, given={"id": "7"}, head="inputs: {id: string}")
    (tmp_path / "lines.json").write_text(
        '[\n  {"given": {}},\n\n  {"after": "1d", "signal": "x"}\n]\n', encoding="utf-8"
    )
    main(
        [
            "run",
            str(tmp_path / "flow.yaml"),
            "--events",
            str(tmp_path / "lines.json"),
            "--input",
            str(tmp_path / "input.json"),
        ]
    )
    assert "lines.json:4 (the signal x) was not taken" in capsys.readouterr().out


def test_what_comes_twice_is_not_mentioned(ran: Ran) -> None:
    answer = {"after": "3h", "approve": "ask", "choice": "yes"}
    found = ran(WAITS, [{"after": "1h", **PAID}, {"after": "2h", **PAID}, answer], {"id": "7"}, "inputs: {id: string}")
    assert how(found) == {"paid": "ok", "ask": "ok"}
    assert found["json"]["notes"] == []


def test_what_repeats_is_shown_once(ran: Ran) -> None:
    mails = ", ".join(
        f"{{id: {to}, email: {{from: a@example.com, to: {to}@example.com, subject: S, text: T}}}}"
        for to in ("ada", "bob")
    )
    found = ran(f"  - {{id: loop, for-each: {{items: [1, 2, 3]}}, steps: [{mails}]}}\n")
    assert (
        found["screen"].count("\nmail to ada@example.com from a@example.com: S\n  T\n  (the same 2 times more)\n") == 1
    )
    assert (
        found["screen"].count("\nmail to bob@example.com from a@example.com: S\n  T\n  (the same 2 times more)\n") == 1
    )
    assert len(found["json"]["outbox"]) == 6
    found = ran("  - {id: loop, for-each: {items: [1, 2, 3], as: n}, steps: [{id: work, wait: 1s}]}\n")
    assert [" ".join(line.split()) for line in found["lines"]] == [
        "1s work ok",
        "(the same 2 times more)",
        "1s loop ok",
    ]
    assert len(found["json"]["steps"]) == 4


def test_a_write_whose_answer_was_lost_is_no_failure(ran: Ran) -> None:
    head = "inputs: {}\nresources: {rows: {type: table, key: id}}"
    lost = {"at": "count", "throws": {"error": "DynamoDB.InternalServerErrorException"}, "after-effect": True}
    found = ran("  - {id: count, record: {table: rows, key: {id: a}, mode: update, add: {n: 1}}}\n", [lost], head=head)
    assert how(found) == {"count": "ok"}
    assert "attempt 1 failed: DynamoDB.InternalServerErrorException" in found["screen"]
    assert "it had been written by an earlier try" in found["screen"]
    assert "ConditionalCheckFailed" not in found["screen"]


def test_reminders_of_a_decision_differ_in_their_links_only(ran: Ran) -> None:
    other = "{id: nudge, wait: 1s}"
    found = ran(
        f"  - {{id: ask, {APPROVAL}, timeout: 35h, remind: {{every: 10h, steps: [{other}]}}, on-timeout: continue}}\n"
    )
    assert found["screen"].count("Decide here, once: https://") == 1
    assert "(the same 3 times more, with other links)" in found["screen"]
    assert "mail to head@example.com: S (4 times)\n" in found["screen"]
    assert len(found["json"]["outbox"]) == 4


@pytest.mark.parametrize("name", ["u", "take-the-goods-back-that-were-reserved-for-an-order-of-a-customer-long-ago"])
def test_an_undo_that_the_point_of_no_return_spared_is_not_told(ran: Ran, name: str) -> None:
    left = f"{{id: work, runs-on: lambda, zip-file: boom, undo: {name}}}"
    branches = f"left: [{left}], right: [{{id: paid, runs-on: lambda, zip-file: fine, pivot: true}}]"
    undo = f"undo-steps: {{{name}: {{runs-on: lambda, zip-file: fine}}}}"
    found = ran(f"  - {{id: both, parallel: {{{branches}}}}}\n", head=f"inputs: {{}}\n{undo}")
    assert how(found) == {"work": "failed", "paid": "ok", "both": "failed"}
    plain = ran(
        f"  - {{id: both, parallel: {{{branches.replace(', pivot: true', '')}}}}}\n", head=f"inputs: {{}}\n{undo}"
    )
    assert how(plain) == {"work": "failed", "paid": "ok", "both": "failed", name: "ok"}


LACKING = {
    "another key": ("{'total': 1, 'rest': 2}", "'{x}'", "`y` of `work`: the result has no `x`; it has `total`, `rest`"),
    "a key like it": ("{'xs': 1}", "'{x}'", "`y` of `work`: the result has no `x`; it has `xs`; did you mean `xs`?"),
    "deeper": ("{'a': {'c': 1}}", "{deep: ['{a.b}']}", "`y` of `work`: `a` has no `b`; it has `c`"),
    "empty": ("{}", "'{x}'", "`y` of `work`: the result has no `x`; it is empty"),
    "no result": ("None", "'{x}'", "`y` of `work`: the result is null, and has no `x`"),
    "a text": ("'secret'", "'{x}'", "`y` of `work`: the result is a text, and has no `x`"),
    "part of an expression": ("{'x': 5}", "'{% {x} + {z} %}'", "`y` of `work`: the result has no `z`; it has `x`"),
    "no path": ("{'x': []}", "'{% $map({x}, function($i) { $i }) %}'", "`y` of `work`: its expression gives nothing"),
}


@pytest.mark.parametrize("runs_on", ["lambda", "fargate"])
@pytest.mark.parametrize(("result", "output", "told"), LACKING.values(), ids=LACKING)
def test_an_output_that_is_not_there(
    ran: Ran, tmp_path: Path, result: str, output: str, told: str, runs_on: str
) -> None:
    (tmp_path / "gives").mkdir()
    (tmp_path / "gives" / "handler.py").write_text(f"def handler(event, context):\n    return {result}\n", "utf-8")
    found = ran(f"  - id: work\n    runs-on: {runs_on}\n    zip-file: gives\n    outputs:\n      y: {output}\n")
    assert f"States.QueryEvaluationError: {told} (flow.yaml:8:10)" in found["screen"]
    assert found["screen"].splitlines()[-1].startswith(f"  States.QueryEvaluationError: {told}")
    assert "Assign" not in found["screen"]
    assert "secret" not in found["screen"]


def test_an_output_of_the_flow_that_is_not_there(ran: Ran, tmp_path: Path) -> None:
    (tmp_path / "gives").mkdir()
    (tmp_path / "gives" / "handler.py").write_text(
        "def handler(event, context):\n    return {'a': {'b': 1}}\n", "utf-8"
    )
    step = "  - {id: work, runs-on: lambda, zip-file: gives, outputs: {a: '{a}'}}\n"
    found = ran(step, head="inputs: {}\noutputs:\n  total: '{a.sum}'")
    told = "`total` of the flow: `a` has no `sum`; it has `b` (flow.yaml:4:10)"
    assert found["screen"].splitlines()[-1] == f"  States.QueryEvaluationError: {told}"


def test_the_errors_of_a_race_that_nobody_won_are_told_in_words(ran: Ran, tmp_path: Path) -> None:
    long = "class Declined(Exception):\n    pass\n\n\ndef handler(event, context):\n    raise Declined('no ' * 200)\n"
    for name, code in (("long", long), ("gives", "def handler(event, context):\n    return {'a': 1}\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "handler.py").write_text(code, encoding="utf-8")
    lacks = WORK.replace("work", "other").replace("boom", "gives").replace("}", ", outputs: {b: '{b}'}}")
    far = WORK.replace("work", "far").replace("boom", "long")
    found = ran(f"  - {{id: race, join: any, parallel: {{a: [{WORK}], b: [{lacks}], c: [{far}]}}}}\n")
    lack = "States.QueryEvaluationError: `b` of `other`: the result has no `b`; it has `a`"
    told = f"AllBranchesFailed: a: CardDeclined: no money; b: {lack}; c: Declined: no no no"
    last = found["screen"].splitlines()[-1]
    assert last.startswith(f"  {told}")
    assert last.endswith("no ...")
    assert told in next(line for line in found["lines"] if " race " in line)
