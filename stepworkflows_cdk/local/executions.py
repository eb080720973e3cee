"""The executions of a run: that of the first machine, and those that states start (``states:startExecution``).

All run on one scheduler and one clock. An execution that a state waits for ends with it: where the state is given up,
the execution is stopped. One that nobody waits for goes on after the first has ended, and the run ends when all have.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stepworkflows_cdk.compiler.bundle import Bundle, Machine
from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.compiler.order import in_order
from stepworkflows_cdk.errors import LocalRunError
from stepworkflows_cdk.language.ids import guarded_id
from stepworkflows_cdk.local.definition import Definition, Refusals, load
from stepworkflows_cdk.local.errors import StateFailed, TaskFailed
from stepworkflows_cdk.local.interpreter import Execution, Outcome
from stepworkflows_cdk.local.journal import Journal, Record
from stepworkflows_cdk.local.jsonata import Evaluator
from stepworkflows_cdk.local.scheduler import Fiber, Join, Pause, Scheduler, Work
from stepworkflows_cdk.local.tasks import Tasks
from stepworkflows_cdk.local.tokens import Tokens
from stepworkflows_cdk.local.world import World

__all__ = ["Executions", "Started", "name_machines"]

_DATA = ("Cause", "Error", "Input", "Output")
_FIELDS = frozenset({"StateMachineArn", "Name", "Input", "TraceHeader"})


@dataclass(frozen=True)
class _Kind:
    """A machine that can be started."""

    id: str
    definition: Definition
    tasks: Tasks


@dataclass
class Started:
    """An execution on its way; ``fiber.result`` is its :class:`Outcome` once it has ended."""

    arn: str
    name: str
    machine: str
    input: Any
    began: datetime
    execution: Execution
    fiber: Fiber

    @property
    def receipt(self) -> dict[str, Any]:
        """What ``StartExecution`` gives back."""
        return {"ExecutionArn": self.arn, "StartDate": _millis(self.began)}


class Executions:
    """Starts executions of the machines that the bundle's first one can start, itself among them."""

    def __init__(self, bundle: Bundle, integrations: Sequence[Integration], world: World) -> None:
        self.scheduler = Scheduler(world.clock)
        self.tokens = Tokens(self.scheduler)
        self.record = Record()
        self._world = world
        self._evaluator = Evaluator(world.clock, random.Random(f"{world.seed}:expressions"))
        self._rng = random.Random(f"{world.seed}:jitter")
        self._kinds = {
            world.attributes[machine.key]["arn"]: self._kind(machine, integrations) for machine in _reached(bundle)
        }
        self._started: dict[str, Started] = {}
        self._first = world.attributes[bundle.main.key]["arn"]
        guarded = [machine for machine in bundle.machines if machine.inner and machine.id == guarded_id(bundle.main.id)]
        self._working = world.attributes[guarded[0].key]["arn"] if guarded else self._first
        world.start = self.scheduler.start

    def run(self, name: str, input_: Any) -> tuple[Outcome, float]:
        """Runs the first machine to its end, and then whatever it left running. How it ended, and when."""

        def all_of_it() -> Work:
            main = self._begin(self._first, name, input_, "").fiber
            yield Join((main,))
            ended = self._world.clock.elapsed()
            while left := tuple(one.fiber for one in self._started.values() if not one.fiber.ended):
                yield Join(left)
            return main.result, ended

        outcome, ended = self.scheduler.run(all_of_it())
        return outcome, ended

    def start(self, arguments: Any, prefix: str) -> Started:
        """One call of ``StartExecution``. What the execution tells has ``prefix`` before the names of its states."""
        if unknown := sorted(set(arguments) - _FIELDS):
            raise StateFailed("States.Runtime", f'The field "{unknown[0]}" is not supported by Step Functions')
        arn = str(arguments.get("StateMachineArn", ""))
        if arn in self._world.elsewhere:
            step = self._world.call.step if self._world.call is not None else arn
            raise LocalRunError(
                f"step {step} starts {arn}, which the caller gives and which is not on this machine; say what it gives: "
                f"{{at: {step}, returns: ...}}"
            )
        if arn not in self._kinds:
            raise self._refused("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        name, input_ = str(arguments.get("Name") or self._world.request_id()), self._input(arguments.get("Input", {}))
        found = self._started.get(_execution_arn(arn, name))
        if found is None:
            return self._begin(arn, name, input_, prefix)
        if found.fiber.ended or found.input != input_:
            raise self._refused("ExecutionAlreadyExists", f"Execution Already Exists: '{found.arn}'")
        return found

    def abort(self) -> bool:
        """Stops the execution that does the work, if it still runs."""
        running = [one for one in self._started.values() if one.machine == self._working and not one.fiber.ended]
        for one in running[:1]:
            one.execution.abort()
        return bool(running)

    def describe(self, arguments: Any) -> dict[str, Any]:
        """One call of ``DescribeExecution``: without its data where only the rest is asked for."""
        asked = str(arguments.get("ExecutionArn"))
        if turn := self._world.holders.get(asked):
            turn.asked = True
            running = self._world.clock.elapsed() < turn.seconds
            return {"ExecutionArn": asked, "Status": "RUNNING" if running else "SUCCEEDED"}
        found = self._started.get(asked)
        if found is None:
            message = f"Execution Does Not Exist: '{arguments.get('ExecutionArn')}' (Service: Sfn, Status Code: 400)"
            raise TaskFailed("Sfn.ExecutionDoesNotExistException", message)
        told = self._described(found)
        if arguments.get("IncludedData") == "METADATA_ONLY":
            return {key: value for key, value in told.items() if key not in _DATA}
        return told

    def finished(self, started: Started, seconds: float | None) -> Work:
        """The description of an execution once it has ended well, after so many seconds at the most. Where it fails, that
        is the cause of an error.
        """
        yield from self._end(started, seconds)
        description = self._described(started)
        if started.fiber.result.status != "SUCCEEDED":
            said = json.dumps(description, separators=(",", ":"), ensure_ascii=False)
            timed_out = started.fiber.result.status == "TIMED_OUT"
            error = str(description.get("Error", "States.Timeout" if timed_out else "States.TaskFailed"))
            raise TaskFailed("States.TaskFailed", said, (error, str(description.get("Cause", ""))))
        return description

    def told(self, started: Started, seconds: float | None) -> Work:
        """The same of an execution of the short kind, however it has ended; input and output are texts."""
        yield from self._end(started, seconds)
        texts = ("Input", "Output")
        return {
            key: json.dumps(value, ensure_ascii=False) if key in texts else value
            for key, value in self._described(started).items()
            if key != "RedriveCount"
        }

    def _end(self, started: Started, seconds: float | None) -> Work:
        timer = () if seconds is None else (self.scheduler.start(_timer(seconds)),)
        try:
            yield Join((started.fiber, *timer), first=True)
            if not started.fiber.ended:
                raise StateFailed("States.Timeout")
        finally:
            self.scheduler.stop(started.fiber, *timer)

    def _kind(self, machine: Machine, integrations: Sequence[Integration]) -> _Kind:
        tasks = Tasks(integrations, machine.states, self._world, self.start, self.describe, machine.beside)
        refusals = Refusals(expression=self._evaluator.problem, task=tasks.refusal)
        return _Kind(machine.id, load(machine, self._world.value, refusals), tasks)

    def _begin(self, arn: str, name: str, input_: Any, prefix: str) -> Started:
        kind = self._kinds[arn]
        journal = Journal(self._world, self.record, prefix)
        execution = Execution(
            kind.definition,
            machine=kind.id,
            name=name,
            input_=input_,
            tasks=kind.tasks,
            world=self._world,
            evaluator=self._evaluator,
            rng=self._rng,
            journal=journal,
            executions=self,
            lane=journal.lane(()) if self._started else (),
        )
        fiber = self.scheduler.start(execution.outcome())
        started = Started(_execution_arn(arn, name), name, arn, input_, self._world.clock.now(), execution, fiber)
        self._started[started.arn] = started
        return started

    def _input(self, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        try:
            return json.loads(given)
        except ValueError:
            raise self._refused("InvalidExecutionInput", "Invalid State Machine Execution Input: no JSON") from None

    def _described(self, started: Started) -> dict[str, Any]:
        """As ``DescribeExecution`` gives it, in the spelling of tasks."""
        known = {
            **started.receipt,
            "Input": started.input,
            "InputDetails": {"Included": True},
            "Name": started.name,
            "RedriveCount": 0,
            "StateMachineArn": started.machine,
            "Status": "RUNNING",
        }
        if started.fiber.ended:
            outcome: Outcome = started.fiber.result
            known |= {"Status": outcome.status, "StopDate": _millis(self._world.clock.now())}
            if outcome.status == "SUCCEEDED":
                known |= {"Output": outcome.output, "OutputDetails": {"Included": True}}
            elif outcome.status == "FAILED":
                failed = {"Cause": outcome.cause, "Error": outcome.error}
                known |= {key: value for key, value in failed.items() if value is not None}
        return dict(sorted(known.items()))

    def _refused(self, code: str, message: str) -> TaskFailed:
        return TaskFailed(
            f"StepFunctions.{code}Exception",
            f"{message} (Service: AWSStepFunctions; Status Code: 400; Error Code: {code}; "
            f"Request ID: {self._world.request_id()}; Proxy: null)",
        )


def name_machines(bundle: Bundle, world: World) -> None:
    """Gives every machine its attributes, which needs may refer to."""
    for machine in bundle.machines:
        arn = world.arn("states", f"stateMachine:{machine.id}")
        world.attributes[machine.key] = {"arn": arn, "machine_arn": arn, "name": machine.id}


def _reached(bundle: Bundle) -> Sequence[Machine]:
    """The first machine, and those that it can start, at any remove."""
    by_key = {machine.key: machine for machine in bundle.machines}
    found = {bundle.main.key}
    for machine in reversed(in_order(bundle.machines)):
        if machine.key in found:
            found |= machine.refers_to & by_key.keys()
    return [machine for machine in bundle.machines if machine.key in found]


def _execution_arn(machine: str, name: str) -> str:
    return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"


def _millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _timer(seconds: float) -> Work:
    yield Pause(seconds)
