"""moto's interpreter of the States Language, which we did not write, runs the golden flows too: a second opinion on
what a definition does.

Both run the same text, with the same step code, on tables that moto holds. The interpreters differ: the order of
states, retries and catchers, variables and their scopes, inputs and outputs of states, the calls of services. Two
things are lent to moto's: JSONata, for which it has a place but no implementation, and Lambda, whose calls are answered
by the engine that runs step code here, at botocore's public hook for answering calls. And its handling of JSONata is
mended where it gets in the way: it writes texts without escapes, has its own, unfinished versions of the functions that
Step Functions adds, and refuses ``$``, the item at hand, also within a path.

Left out are runs with faults planted in them (``at``), since only our engine has them; flows that start others, whose
parameters moto loses; those that wait, since moto waits in real time; those with a container or a worker, which moto has
not; and those that enter the same states as one
before, since they differ in values alone, which the lent JSONata works on. ``pytest -s`` shows the table.

No other engine can be asked. MiniStack 1.5.33 evaluates neither the output of a Succeed nor what a Parallel or a Map
assigns; aws-local-stepfunctions 3.0.0 of npm knows no JSONata.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import moto
import pytest

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.compiler.bundle import Bundle
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.language.coming import EventSent
from stepworkflows_cdk.language.outside import parse
from stepworkflows_cdk.local import run
from stepworkflows_cdk.local.buses import DEFAULT
from stepworkflows_cdk.local.clock import VirtualClock
from stepworkflows_cdk.local.delivery import deliver
from stepworkflows_cdk.local.errors import QueryFailed, TaskFailed
from stepworkflows_cdk.local.jsonata import Evaluator
from stepworkflows_cdk.local.observers import observe
from stepworkflows_cdk.local.rows import table_rows
from stepworkflows_cdk.local.surroundings import surroundings
from stepworkflows_cdk.local.world import World
from stepworkflows_cdk.reference import order_flow

FLOWS = Path(__file__).parent.parent / "flows"
NOT_IN_MOTO = {"for-each", "for-each-source", "http", "race-in-places", "sample-batch-import"}
"""Flows that moto does not take: its parser knows no ItemBatcher, no whole number as a percentage, and no arguments of a
reader or writer of a map; it has no HTTP tasks, and refuses the names of their errors. Items of a loop run in its threads,
so which of them wrote a row last is another each time; so are the winners of a race, whose losers wait in real time.
"""
PATIENCE = 60.0
"""Seconds that moto may take for one run."""
NAME = "second-opinion"

BRANCH = (
    "error, states",
    (
        "An error that AWS names, States.QueryEvaluationError or States.Runtime, ends a branch: moto refuses to raise it "
        "again from the Parallel, whose catcher then never sees it. By AWS, a Parallel fails with the error of its branch, "
        "and its catchers take it: https://docs.aws.amazon.com/step-functions/latest/dg/state-parallel.html"
    ),
)
DISAGREEMENTS: dict[tuple[str, int], tuple[str, str]] = {
    ("escapes", 0): (
        "output, states",
        (
            "moto takes escapes in the JSON text, such as \\u0024, as they are written; they stand for characters: "
            "https://www.rfc-editor.org/rfc/rfc8259#section-7"
        ),
    ),
    ("call-services", 0): (
        "status, output, error, states, tables",
        (
            "moto seeks boto3's client by the name that the service has in the resource, and boto3 calls EventBridge "
            "events; by AWS it is eventbridge: https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html"
        ),
    ),
    ("completed-undo", 0): (
        "error",
        (
            "An outputs expression that gives nothing is States.Runtime in moto, and States.QueryEvaluationError "
            "by AWS: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html"
        ),
    ),
    ("completed-undo-of-what-cannot-be-read", 0): (
        "error, states",
        (
            "An argument that gives nothing is States.Runtime in moto, which nothing catches, and States.QueryEvaluationError "
            "by AWS: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html"
        ),
    ),
    ("files", 0): (
        "status, output, error, states",
        (
            "moto hands an object that is the content of a file to boto3 as it is, which refuses it. Step Functions writes "
            "it as JSON: https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html"
        ),
    ),
    ("for-each-in-forks", 3): BRANCH,
    ("guarded-result", 0): BRANCH,
    ("if-that-fails", 0): ("status, output, error, states", BRANCH[1]),
    ("if-that-fails", 1): BRANCH,
    ("if-with-undo", 0): BRANCH,
    ("require-after-work", 1): BRANCH,
    ("sample-reserve-stock", 0): ("tables", "$uuid gives another id each time."),
    ("sample-reserve-stock", 3): (
        "error",
        (
            "An argument that gives nothing: moto leaves it out and makes the call, which the service refuses. By AWS the state "
            "fails before: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html"
        ),
    ),
    ("typed-values-are-fenced", 0): BRANCH,
    ("wait-for-no-time", 0): ("error, states, tables", BRANCH[1]),
    ("values", 2): (
        "error",
        (
            "An expression calls $error: moto has States.Runtime for that. By AWS, an expression that fails is a "
            "States.QueryEvaluationError: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html"
        ),
    ),
}
"""Flow and run -> what differs, and what AWS has to say about it."""


TASKS_NOT_IN_MOTO = ("states:::ecs:runTask.sync", '"Resource": "${activity_')
"""moto runs no containers, and has no activities."""


@dataclass(frozen=True)
class Opinion:
    """What came of a run. States in alphabetical order: branches run at the same time."""

    status: str
    output: Any
    error: str | None
    states: tuple[str, ...]
    tables: Mapping[str, Any]


def opinion(status: str, output: Any, error: str | None, states: Iterable[str], tables: Mapping[str, Any]) -> Opinion:
    """Without what has to differ in the order flow's rows: the id that the mail service draws, the time of the day."""
    kept = {
        name: [{key: value for key, value in row.items() if key != "confirmation"} for row in rows]
        for name, rows in tables.items()
    }
    for row in kept.get("orders", ()):
        row["history"] = [entry["status"] for entry in row.get("history", ())]
    return Opinion(status, output, error, tuple(sorted(states)), kept)


@dataclass(frozen=True)
class Case:
    flow: str
    number: int
    input: Any
    outside: list[Mapping[str, Any]]


def cases() -> Iterator[Case]:
    folder = order_flow().parent / "sample"
    given = {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in ("order", "events")}
    # A delivery that comes before the order: nothing has to wait then.
    early = [{**entry, "after": 0} if "after" in entry else entry for entry in given["events"]]
    yield Case("order_flow", 0, given["order"], early)
    for file in sorted(FLOWS.glob("*/run.json")):
        for number, run_ in enumerate(json.loads(file.read_text(encoding="utf-8"))):
            outside = run_.get("outside", [])
            starts = ":states:startExecution" in (file.parent / "asl.json").read_text(encoding="utf-8")
            left_out = starts or file.parent.name in NOT_IN_MOTO
            if not left_out and not any("at" in entry for entry in outside):
                yield Case(file.parent.name, number, run_["input"], outside)


def test_motos_interpreter_agrees(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, logger="moto")
    table: dict[tuple[str, int], str] = {}
    ways = set()
    for case in cases():
        key, bundle = (case.flow, case.number), compiled(case.flow)
        ours = our_opinion(bundle, case)
        if any(task in bundle.main.text for task in TASKS_NOT_IN_MOTO):
            print(f"{case.flow} {case.number}: a container or a worker, not run")
        elif ours is None:
            print(f"{case.flow} {case.number}: waits, not run")
        elif (case.flow, ours.states) in ways:
            print(f"{case.flow} {case.number}: the same way as one before, not run")
        else:
            ways.add((case.flow, ours.states))
            theirs = motos_opinion(bundle, case)
            differences = {name: value for name, value in vars(ours).items() if value != vars(theirs)[name]}
            table[key] = ", ".join(differences)
            if differences:
                reason = DISAGREEMENTS.get(key, ("", "Why is not known."))[1]
                print(f"{case.flow} {case.number}: differ in {table[key]}. {reason}")
            else:
                print(f"{case.flow} {case.number}: agree, {ours.status} {ours.error or ''}")
            for name, value in differences.items():
                print(f"    ours   {value}\n    moto's {vars(theirs)[name]}")
    agreed = [key for key, differences in table.items() if not differences]
    print(f"{len(agreed)} agree, {len(table) - len(agreed)} differ")
    assert {key: what for key, what in table.items() if what} == {key: what for key, (what, _) in DISAGREEMENTS.items()}
    assert ("order_flow", 0) in agreed
    assert len(agreed) >= 30


def compiled(flow: str) -> Bundle:
    folder = order_flow().parent if flow == "order_flow" else FLOWS / flow
    return compile_workflow(Definition.load(*sorted(folder.glob("workflow.*")), *sorted(folder.glob("step-*.*"))))


def our_opinion(bundle: Bundle, case: Case) -> Opinion | None:
    result = run(bundle, case.input, integrations=BUILTIN, outside=case.outside, execution_name=NAME)
    if result.simulated_seconds > 1:
        return None
    return opinion(result.status, result.output, result.error, result.states, result.tables)


def motos_opinion(bundle: Bundle, case: Case) -> Opinion:
    marks = bundle.main.states.values()
    came = parse(case.outside, steps=dict.fromkeys((mark.flow, mark.step) for mark in marks if mark.step))
    with surroundings(0) as session, moto.mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        world = World(VirtualClock(), 0, came, session)
        with lent(world):
            observe(world)
            for need in bundle.needs:
                owner = next(found for found in BUILTIN if isinstance(need, found.needs))
                world.attributes[need.id] = dict(owner.realise(need, world))
            for arrival in came.arrivals:
                event = arrival.what
                if isinstance(event, EventSent):
                    bus = world.buses.names.get(event.bus, DEFAULT)
                    deliver(world, bus, event.source, event.detail_type, event.detail)
            try:
                return executed(bundle, case.input, world)
            finally:
                world.close()


def executed(bundle: Bundle, given: Any, world: World) -> Opinion:
    text = bundle.main.text
    for hole in bundle.main.holes:
        text = text.replace(f"${{{hole.name}}}", json.dumps(world.value(hole))[1:-1])
    client = world.client("stepfunctions")
    machine = client.create_state_machine(
        name=bundle.main.id, definition=text, roleArn=f"arn:aws:iam::123456789012:role/{bundle.main.id}"
    )["stateMachineArn"]
    execution = client.start_execution(stateMachineArn=machine, name=NAME, input=json.dumps(given))["executionArn"]
    ends = time.monotonic() + PATIENCE
    while (described := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
        if time.monotonic() > ends:
            break
        time.sleep(0.02)
    events = client.get_execution_history(executionArn=execution)["events"]
    return opinion(
        status=described["status"],
        output=json.loads(described["output"]) if "output" in described else None,
        error=described.get("error"),
        states=[event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event],
        tables={name: table_rows(world, table) for name, table in sorted(world.tables.items())},
    )


@contextmanager
def lent(world: World) -> Iterator[None]:
    """What moto's interpreter has not of its own."""
    from moto.stepfunctions.parser.asl.component.common.string import string_expression
    from moto.stepfunctions.parser.asl.eval import states, variable_store
    from moto.stepfunctions.parser.asl.jsonata import jsonata as place

    evaluator = Evaluator(world.clock, random.Random(0))
    alone = threading.RLock()  # branches run in threads; evaluations and step code here are made for one

    def evaluate(code: str) -> Any:
        with alone:
            try:
                return evaluator.evaluate(code, "", {})
            except QueryFailed as failure:
                if "returned nothing" in failure.cause:
                    return None
                raise place.JSONataException("failed", failure.cause) from failure

    def declare(bindings: Mapping[str, Any]) -> str:
        # As data, not as literals in the expression: JSONata treats lists from outside and written lists differently.
        texts = {name: json.dumps(value, default=datetime.isoformat) for name, value in bindings.items()}
        return "".join(f"{name} := $parse({json.dumps(text)});" for name, text in texts.items())

    def invoke(params: Mapping[str, Any], **_: Any) -> Any:
        function = unquote(params["url_path"].split("/")[3])
        answer: dict[str, Any] = {"StatusCode": 200, "ExecutedVersion": "$LATEST", "ResponseMetadata": {}}
        with alone:
            owner = next(found for found in BUILTIN if "lambda:invoke" in found.tasks)
            arguments = {"FunctionName": function, "Payload": json.loads(params["body"])}
            try:
                payload = json.dumps(owner.perform("lambda:invoke", arguments, world)["Payload"])
            except TaskFailed as failure:
                answer["FunctionError"], payload = "Unhandled", failure.cause
        answer["Payload"] = SimpleNamespace(read=payload.encode)
        return SimpleNamespace(status_code=200), answer

    world.session.events.register("before-call.lambda.Invoke", invoke)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, "_eval_jsonata", evaluate)
        patch.setattr(place, "_ILLEGAL_VARIABLE_REFERENCES", {"$$"})
        patch.setattr(string_expression, "get_intrinsic_functions_declarations", lambda variable_references: "")
        for module in (states, variable_store):
            patch.setattr(module, "encode_jsonata_variable_declarations", declare)
        yield
