"""``concurrency``: at most one execution for each key. A row of a table says which has its turn.

The first state writes the row, on condition that nobody else has it. Whoever is refused looks who has it, and whether that
execution still runs: one that was aborted, or whose time was over, could not give it back, and is followed at once. Else
the execution fails, or waits and tries again. Every end of the flow gives the row back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from stepworkflows_cdk.compiler.executions import DESCRIBE_ERRORS
from stepworkflows_cdk.compiler.integration import Call
from stepworkflows_cdk.compiler.plan import Catch, Choice, Data, Fail, Grant, Jsonata, Rule, State, Succeed, Task, Wait
from stepworkflows_cdk.compiler.retries import ALL, default_retry
from stepworkflows_cdk.compiler.texts import executions_arn
from stepworkflows_cdk.language.diagnostics import Mark

__all__ = ["Lock", "LockStates", "lock_grants"]

_SHORTEST, _LONGEST, _TURNS = 5, 300, 500
"""Seconds of the first wait and of the longest, each twice as long as the one before; and how many there are. A turn has some
25 events, of which an execution has 25,000: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html."""
_GONE = "Sfn.ExecutionDoesNotExistException"


@dataclass(frozen=True)
class Lock:
    """The calls around a row: ``take`` it, read its ``holder`` (null: nobody), take it ``over`` from ``$holder``, and ``release``
    it. Where the row is another's, ``take`` and ``over`` fail as ``taken``.
    """

    take: Call
    holder: Call
    over: Call
    release: Call
    taken: str

    def __iter__(self) -> Iterator[Call]:
        return iter((self.take, self.holder, self.over, self.release))


def lock_grants(machine: str, mark: Mark) -> Iterator[Grant]:
    """The machine asks how its own executions are."""
    yield Grant(machine, ("states:DescribeExecution",), executions_arn(machine), mark)


class LockStates:
    """The states around a flow with a lock. ``waits``: whether it waits for its turn."""

    def __init__(self, lock: Lock, mark: Mark, waits: bool, unique: Callable[[str], str]) -> None:
        self._lock = lock
        self._mark = mark
        self._waits = waits
        self._unique = unique
        self.first = unique("Its turn?")

    def ahead(self, next_: str) -> list[State]:
        """The states before the first step, which is ``next_``."""
        holder, held, look, runs, over = (
            self._unique(name)
            for name in ("Whose turn?", "Anybody's turn?", "How is that?", "Still running?", "Follow")
        )
        mark, refused = self._mark, self._unique("Wait for its turn" if self._waits else "Not its turn")
        status = "$states.result.Status in ['RUNNING', 'PENDING_REDRIVE']"
        ask: dict[str, Data] = {"ExecutionArn": Jsonata("$holder"), "IncludedData": "METADATA_ONLY"}
        again = Catch((self._lock.taken,), holder)
        return [
            self._task(self.first, self._lock.take, next_, {}, (again,)),
            self._task(holder, self._lock.holder, held, {"holder": Jsonata(self._lock.holder.result)}),
            Choice(held, mark, (Rule(Jsonata("$holder = null"), self.first),), look),
            Task(
                look,
                mark,
                "aws-sdk:sfn:describeExecution",
                ask,
                runs,
                {"running": Jsonata(status)},
                timeout=60,
                retry=(default_retry(DESCRIBE_ERRORS),),
                catch=(Catch((_GONE,), over),),
                beside=True,
            ),
            Choice(runs, mark, (Rule(Jsonata("$running"), refused),), over),
            self._task(over, self._lock.over, next_, {}, (Catch((self._lock.taken,), self.first),)),
            *self._refused(refused),
        ]

    def released(self, states: Sequence[State]) -> list[State]:
        """The states of the flow, each end behind a state that gives the row back. Where that fails, the next execution finds
        that this one has ended.
        """
        found: list[State] = []
        for state in states:
            if isinstance(state, Succeed | Fail):
                end = self._unique(f"{state.name}: end")
                found += [self._task(state.name, self._lock.release, end, {}, (Catch((ALL,), end),))]
                found.append(replace(state, name=end))
            else:
                found.append(state)
        return found

    def entry(self) -> dict[str, Data]:
        """The variables that have to be set before."""
        return {"turns": 0} if self._waits else {}

    def _refused(self, name: str) -> list[State]:
        cause = "'the execution ' & $holder & ' has the same key'"
        if not self._waits:
            return [Fail(name, self._mark, "ConcurrencyLimit", Jsonata(cause))]
        pause, late = self._unique(f"{name}: pause"), self._unique(f"{name}: too long")
        seconds = Jsonata(f"$min([{_LONGEST}, {_SHORTEST} * $power(2, $min([$turns, 10]))])")
        return [
            Choice(name, self._mark, (Rule(Jsonata(f"$turns < {_TURNS}"), pause),), late),
            Wait(pause, self._mark, self.first, seconds=seconds, assign={"turns": Jsonata("$turns + 1")}),
            Fail(late, self._mark, "ConcurrencyLimit", Jsonata(f"'its turn never came: ' & {cause}")),
        ]

    def _task(self, name: str, call: Call, next_: str, assign: dict[str, Data], catch: tuple[Catch, ...] = ()) -> Task:
        retry = (default_retry(call.transient),)
        return Task(
            name,
            self._mark,
            call.resource,
            call.arguments,
            next_,
            assign,
            timeout=call.timeout,
            retry=retry,
            catch=catch,
            beside=True,
        )
