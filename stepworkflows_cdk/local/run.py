"""Runs a bundle on this machine: its ASL text, its real step code, and AWS's services as moto has them.

The composition of this layer, and its public function. Needs moto and JSONata from the extra ``local``, which are
imported when a run begins and not before.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from stepworkflows_cdk.compiler.bundle import Bundle
from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.errors import ConfigurationError, LocalRunError
from stepworkflows_cdk.language.outside import parse
from stepworkflows_cdk.local.arrivals import Arrivals
from stepworkflows_cdk.local.clock import Clock, RealClock, VirtualClock
from stepworkflows_cdk.local.events import Event
from stepworkflows_cdk.local.executions import Executions, name_machines
from stepworkflows_cdk.local.files import files_in
from stepworkflows_cdk.local.interpreter import Outcome
from stepworkflows_cdk.local.journal import Record
from stepworkflows_cdk.local.limits import PAYLOAD, payload_size
from stepworkflows_cdk.local.observers import observe
from stepworkflows_cdk.local.outgoing import observe_outgoing
from stepworkflows_cdk.local.rows import table_rows
from stepworkflows_cdk.local.surroundings import optional, surroundings
from stepworkflows_cdk.local.tokens import answer_calls
from stepworkflows_cdk.local.world import LogLine, World

__all__ = ["RunResult", "run"]


@dataclass(frozen=True)
class RunResult:
    """How a run ended and what it left behind."""

    status: Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
    output: Any
    """The execution's output; None unless it succeeded."""
    error: str | None
    cause: str | None
    states: tuple[str, ...]
    """The names of the states in the order in which they were entered; those of a flow that a state started stand behind
    the name of that state: ``reserve/check``."""
    attempts: Mapping[str, int]
    """State -> how often it was tried; tasks, parallels and maps only."""
    calls: tuple[Mapping[str, Any], ...]
    """Calls of tasks in their order, one for each try: ``state`` and ``step``, ``call`` (what is called, such as
    ``lambda:invoke`` or ``aws-sdk:sqs:sendMessage``) and its ``arguments``; then ``result``, unless it is an execution
    that is waited for, or ``error`` and ``cause``."""
    outbox: tuple[Mapping[str, Any], ...]
    """Mails in the order of sending, each ``from``, ``to`` (a list), ``subject``, ``text``, ``html``, ``time``."""
    emitted: tuple[Mapping[str, Any], ...]
    """Events in the order of sending, each ``bus``, ``source``, ``detail-type``, ``detail``, ``time``."""
    messages: tuple[Mapping[str, Any], ...]
    """Messages in the order of sending, each ``queue`` or ``topic``, ``body``, ``time`` and what else was given of
    ``subject``, ``group``, ``delay`` and ``attributes``."""
    files: Mapping[str, Mapping[str, Any]]
    """Bucket's resource name -> key -> the text; of a file that is large, or no text, ``{"size": BYTES}``."""
    tables: Mapping[str, Sequence[Mapping[str, Any]]]
    """Table's resource name -> its plain rows, sorted by key."""
    logs: tuple[LogLine, ...]
    transitions: int
    """State transitions that AWS bills, retries included: https://aws.amazon.com/step-functions/pricing/."""
    simulated_seconds: float
    """How long the execution took by its own clock."""
    real_seconds: float
    notes: tuple[str, ...]
    """What the caller should know, such as entries from outside that nothing used."""

    def to_json(self) -> dict[str, Any]:
        """What does not differ between two runs with the same input and seed, as JSON."""
        return {
            "status": self.status,
            "output": self.output,
            "error": self.error,
            "cause": self.cause,
            "states": list(self.states),
            "outbox": [dict(mail) for mail in self.outbox],
            "emitted": [dict(event) for event in self.emitted],
            "messages": [dict(message) for message in self.messages],
            "files": {bucket: dict(files) for bucket, files in self.files.items()},
            "tables": {name: [dict(row) for row in rows] for name, rows in self.tables.items()},
            "transitions": self.transitions,
            "simulated_seconds": self.simulated_seconds,
            "notes": list(self.notes),
        }


def run(
    bundle: Bundle,
    input: Any,
    *,
    integrations: tuple[Integration, ...],
    outside: Sequence[Mapping[str, Any]] = (),
    origins: Sequence[str] = (),
    seed: int = 0,
    real_time: bool = False,
    listener: Callable[[Event], None] | None = None,
    execution_name: str | None = None,
) -> RunResult:
    """Runs ``bundle.main`` with ``input`` and gives what came of it; a failed execution is a result.

    ``integrations`` realise the bundle's needs and perform its tasks, ``outside`` is as in ``outside.parse``, ``origins`` says
    where each of its entries is written (``events.json:3``), ``seed``
    decides everything random, ``real_time`` makes waits last. The same bundle, input, outside and seed give the same
    result, as far as the step code does. The process is afterwards as it was before.

    Raises ``LocalRunError`` where something cannot be run here, before the first state wherever that can be seen, and
    ``ConfigurationError`` where ``input`` or ``outside`` do not fit. AWS's rules for names of executions and their
    input: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html.
    """
    began = time.perf_counter()
    given = _input(input)
    marks = [mark for machine in bundle.machines for mark in machine.states.values()]
    came = parse(outside, origins=origins, steps=dict.fromkeys((mark.flow, mark.step) for mark in marks if mark.step))
    for module in ("jsonata", "moto", "boto3", "time_machine"):
        optional(module)
    clock: Clock
    with surroundings(seed) as session:
        clock = RealClock() if real_time else VirtualClock()
        world = World(clock, seed, came, session, listener)
        try:
            observe(world)
            observe_outgoing(world)
            name_machines(bundle, world)
            _realise(bundle, integrations, world)
            executions = Executions(bundle, integrations, world)
            answer_calls(world, executions.tokens)
            arrivals = Arrivals(came.arrivals, executions.tokens, world, executions.abort)
            arrivals.start(executions.scheduler)
            outcome, lasted = executions.run(execution_name or _name(bundle, seed), given)
            if not real_time:
                arrivals.rest()
            told = (note for integration in integrations for note in integration.notes(world))
            world.notes.extend([*came.unused(), *arrivals.unused(), *executions.tokens.unused(), *told])
            return _result(outcome, executions.record, world, lasted, time.perf_counter() - began)
        finally:
            world.close()


def _input(value: Any) -> Any:
    try:
        given = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"the input of a run must be JSON: {error}") from error
    if payload_size(given) > PAYLOAD:
        raise ConfigurationError(f"the input of a run may have {PAYLOAD} bytes as JSON, not {payload_size(given)}")
    return given


def _name(bundle: Bundle, seed: int) -> str:
    return str(uuid.UUID(hashlib.sha256(f"{bundle.main.id}:{seed}".encode()).hexdigest()[:32], version=4))


def _realise(bundle: Bundle, integrations: Sequence[Integration], world: World) -> None:
    """Makes every need, in the order of the bundle: those behind may refer to those in front."""
    for need in bundle.needs:
        owner = next((found for found in integrations if isinstance(need, found.needs)), None)
        if owner is None:
            raise LocalRunError(f"nothing on this machine makes {need.id} ({type(need).__name__}, {need.mark})")
        with world.clock.shown():
            world.attributes[need.id] = dict(owner.realise(need, world))
    world.outside.check(
        tables=world.tables,
        secrets=world.secrets,
        buses=world.buses.names,
        buckets=world.buckets,
        queues=world.queues,
        turns=bool(world.holders),
    )


def _result(outcome: Outcome, record: Record, world: World, lasted: float, seconds: float) -> RunResult:
    return RunResult(
        status=outcome.status,
        output=outcome.output,
        error=outcome.error,
        cause=outcome.cause,
        states=tuple(record.entered),
        attempts=dict(record.attempts),
        calls=tuple(world.calls),
        outbox=tuple(world.outbox),
        emitted=tuple(world.emitted),
        messages=tuple(world.messages),
        files={name: files_in(world, bucket) for name, bucket in sorted(world.buckets.items())},
        tables={name: table_rows(world, table) for name, table in sorted(world.tables.items())},
        logs=tuple(world.logs),
        transitions=record.transitions,
        simulated_seconds=lasted,
        real_seconds=seconds,
        notes=tuple(world.notes),
    )
