"""Runs a definition: from state to state, each branch and iteration a fiber of its own.

The semantics are those of https://states-language.net/spec.html and of the developer guide
(https://docs.aws.amazon.com/step-functions/latest/dg/workflow-states.html); what each type of state does stands in
``states``.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from stepworkflows_cdk.local.clock import timestamp
from stepworkflows_cdk.local.definition import Definition
from stepworkflows_cdk.local.errors import DataLimitExceeded, QueryFailed, StateFailed
from stepworkflows_cdk.local.events import Lane
from stepworkflows_cdk.local.journal import Journal
from stepworkflows_cdk.local.jsonata import Evaluator, plain_numbers
from stepworkflows_cdk.local.limits import PAYLOAD, VARIABLES, payload_size
from stepworkflows_cdk.local.scheduler import Join, Pause, Work
from stepworkflows_cdk.local.scope import Scope
from stepworkflows_cdk.local.tasks import Tasks
from stepworkflows_cdk.local.world import ACCOUNT, PARTITION, World

if TYPE_CHECKING:
    from stepworkflows_cdk.local.executions import Executions

__all__ = ["Execution", "Outcome", "Visit"]


@dataclass(frozen=True)
class Outcome:
    """How an execution ended: ``SUCCEEDED`` with ``output``, ``FAILED`` or ``TIMED_OUT`` with ``error`` and
    ``cause``, or ``ABORTED``."""

    status: Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
    output: Any = None
    error: str | None = None
    cause: str | None = None


@dataclass
class Visit:
    """One stay in one state."""

    name: str
    step: str
    state: Mapping[str, Any]
    input: Any
    event: int
    """The id of the event by which the state was entered."""
    entered: str
    scope: Scope
    item: Mapping[str, Any] | None = None
    """``Map.Item`` of the context object, in the form that expressions read, while a Map selects what it passes on; inside
    the Map there is none: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html."""
    retries: int = 0
    index: int | None = None
    """Of the item that the innermost Map around the state is at work for."""
    token: str = ""
    """Of a task that waits for an answer."""
    lane: Lane = ()
    assigned: Mapping[str, Any] = field(default_factory=dict)
    """The variables that it set."""
    extra: dict[str, Any] = field(default_factory=dict)
    """``result`` or ``errorOutput``, where they are defined."""

    def located(self, failure: StateFailed) -> StateFailed:
        """The failure, its cause beginning with where it happened."""
        place = f"An error occurred while executing the state '{self.name}' (entered at the event id #{self.event}). "
        nothing = failure.nothing and replace(failure.nothing, state=self.name)
        return StateFailed(failure.error, place + failure.cause, nothing=nothing)


class Execution:
    """One execution of one machine."""

    def __init__(
        self,
        definition: Definition,
        *,
        machine: str,
        name: str,
        input_: Any,
        tasks: Tasks,
        world: World,
        evaluator: Evaluator,
        rng: random.Random,
        journal: Journal,
        executions: Executions,
        index: int | None = None,
        lane: Lane = (),
    ) -> None:
        self.machine, self.name = machine, name
        self.arn = world.arn("states", f"execution:{machine}:{name}")
        self.machine_arn = world.arn("states", f"stateMachine:{machine}")
        self._index = index
        self._lane = lane
        self.scheduler = executions.scheduler
        self._abort = self.scheduler.expect()
        self.tokens = executions.tokens
        self.executions = executions
        self.journal = journal
        self.evaluator = evaluator
        self.tasks = tasks
        self.world = world
        self.rng = rng
        self._definition = definition
        self._input = plain_numbers(input_)
        self._stored = 0
        self._context = evaluator.data(
            {
                "Execution": {
                    "Id": self.arn,
                    "Input": self._input,
                    "Name": name,
                    "RoleArn": f"arn:{PARTITION}:iam::{ACCOUNT}:role/{machine}",
                    "StartTime": timestamp(world.clock.now()),
                    "RedriveCount": 0,
                },
                "StateMachine": {"Id": self.machine_arn, "Name": machine},
            }
        )

    def child(self, document: Mapping[str, Any], label: str, input_: Any, index: int, around: Lane) -> Execution:
        """An execution of its own for one item, or batch, of a distributed Map, with that label."""
        return Execution(
            Definition(document),
            machine=f"{self.machine}/{label}",
            name=self.world.request_id(),
            input_=input_,
            tasks=self.tasks,
            world=self.world,
            evaluator=self.evaluator,
            rng=self.rng,
            journal=Journal(self.world, self.journal.record, self.journal.prefix),
            executions=self.executions,
            index=index,
            lane=self.journal.lane(around),
        )

    def outcome(self) -> Work:
        """Runs the machine to its end: the :class:`Outcome`."""
        try:
            done, output = yield from self._limited()
        except StateFailed as failure:
            return Outcome("FAILED", None, failure.error, failure.cause or None)
        if self._abort.ended and not done:
            return Outcome("ABORTED")
        return Outcome("SUCCEEDED", output) if done else Outcome("TIMED_OUT", None, "States.Timeout")

    def abort(self) -> None:
        """Stops it, as ``StopExecution`` does."""
        self.scheduler.fulfil(self._abort, None)

    def states(
        self, document: Mapping[str, Any], input_: Any, scope: Scope, index: int | None = None, lane: Lane = ()
    ) -> Work:
        """Runs the states of a machine, a branch or an iteration, in their lane; the output of the last."""
        try:
            output = yield from self._states(document, input_, scope, index, lane)
        except StateFailed as failure:
            self.journal.end(lane, failure)
            raise
        except GeneratorExit:
            self.journal.stop(lane)
            raise
        self.journal.end(lane, None)
        return output

    def _states(self, document: Mapping[str, Any], input_: Any, scope: Scope, index: int | None, lane: Lane) -> Work:
        from stepworkflows_cdk.local.states import BEHAVIOUR

        name: str | None = document["StartAt"]
        while name is not None:
            yield Pause(0)
            state = document["States"][name]
            step = self.tasks.step(name)
            event = self.journal.enter(name, step, state["Type"], lane)
            entered = timestamp(self.world.clock.now())
            visit = Visit(name, step, state, input_, event, entered, scope, index=index, lane=lane)
            input_, name = yield from BEHAVIOUR[state["Type"]](self, visit)
            self.journal.leave(visit.name, step, state["Type"], lane, visit.assigned)
        return input_

    def evaluate(self, visit: Visit, field_: str, value: Any, type_: str | None = None) -> Any:
        """The value of a field of the visited state, its expressions evaluated; of ``type_``, where one is needed."""
        variables = self._variables(visit)
        try:
            if type_ is None:
                return self.evaluator.template(value, field_, variables)
            return self.evaluator.typed(value, field_, variables, type_)
        except QueryFailed as failure:
            raise visit.located(failure) from failure

    def finish(self, visit: Visit, holder: Mapping[str, Any], place: str, default: Any) -> Any:
        """Assign and Output of ``holder`` (the state, a rule or a catcher), both with the variables as they were; the
        output."""
        assigned = self.evaluate(visit, f"{place}Assign", holder.get("Assign", {}))
        output = self.evaluate(visit, f"{place}Output", holder["Output"]) if "Output" in holder else default
        size = payload_size(assigned)
        self._stored += size
        if size > PAYLOAD or self._stored > VARIABLES or payload_size(output) > PAYLOAD:
            raise DataLimitExceeded(visit.name)
        visit.scope.assign(self.evaluator.data(assigned))
        visit.assigned = assigned
        return output

    def _limited(self) -> Work:
        """The whole machine within its TimeoutSeconds: whether it came to its end, and its output."""
        limit = self._definition.timeout
        main = self.scheduler.start(
            self.states(self._definition.document, self._input, Scope(), self._index, self._lane)
        )
        timer = () if limit is None else (self.scheduler.start(_timer(limit)),)
        try:
            yield Join((main, self._abort, *timer), first=True)
        finally:
            ended = main.ended
            self.scheduler.stop(main, *timer)
        if main.failure is not None:
            raise main.failure
        return ended, main.result

    def _variables(self, visit: Visit) -> dict[str, Any]:
        context = {
            **self._context,
            "State": {"Name": visit.name, "EnteredTime": visit.entered, "RetryCount": visit.retries},
        }
        if visit.token:
            context["Task"] = {"Token": visit.token}
        if visit.item is not None:
            context["Map"] = {"Item": visit.item}
        states = {"input": self.evaluator.data(visit.input), "context": context, **visit.extra}
        return {**visit.scope.visible(), "states": states}


def _timer(seconds: float) -> Work:
    yield Pause(seconds)
