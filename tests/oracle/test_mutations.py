"""The judge sees: a compiler with a fault in it does not get through the flows made at random."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oracle.comparing import differences
from oracle.made import Made, Step
from oracle.sagas import ITEMS, SAGAS, Saga, call
from oracle.service import Fault
from oracle.writing import sample
from stepworkflows_cdk.compiler import outputs, planner, retries, saga, tasks
from stepworkflows_cdk.compiler.exports import Exports
from stepworkflows_cdk.compiler.plan import Jsonata, Retry, Rule
from stepworkflows_cdk.compiler.steps import forks, loops, races, sequence
from stepworkflows_cdk.compiler.steps.context import Context
from stepworkflows_cdk.compiler.values import Values
from stepworkflows_cdk.integrations.waits import approvals, claims
from stepworkflows_cdk.language import schedule

ENOUGH = 60
"""Flows made at random that are tried, behind the written ones."""


BAD = (Fault("x", "Red", at="1"), Fault("x", "Red", at="2"))
SMALL: list[tuple[list[Step], tuple[Fault, ...]]] = [
    (
        [
            {
                "id": "r",
                "join": "any",
                "parallel": {"x": [{"id": "w", "wait": 9}], "y": [{"id": "v", "wait": 5}]},
                "outputs": {"won": "{winner}"},
            },
            call("a", if_="{won} = 'y'"),
        ],
        (),
    ),
    ([{**call("x", "i"), "for-each": {"items": ITEMS, "as": "i", "concurrency": 1}}], ()),
    ([{**call("x", "i"), "for-each": {"items": ITEMS, "as": "i", "tolerate": 1, "concurrency": 1}}], BAD),
    ([{**call("x", "i[0]"), "for-each": {"items": ITEMS, "as": "i", "batch": 1}}], ()),
    ([{"id": "a", "wait-for": {"signal": "s", "match": {"r": "r"}}, "timeout": 5, "on-timeout": "continue"}], ()),
    ([call("a", needs=[], if_="1 = 2"), {"id": "b", "needs": [], "wait": 9}, call("c", needs=["a", "b"])], ()),
    ([{"id": "a", "needs": [], "wait": 9}, {"id": "b", "needs": ["a"], "wait": 9}], ()),
    ([{"id": "f", "parallel": {"x": [{"id": "s", "stop": {}}], "y": [call("a")]}}, call("b")], ()),
]
"""What shows single faults: steps, and calls of them that fail."""
CANCELLED = Made(
    {
        "name": "cancelled",
        "inputs": {"n": "integer"},
        "cancel": {"signal": "no-more", "match": {"n": "{n}"}},
        "steps": [call("a", undo=call("u-a")), {"id": "w", "wait": 9}, call("b")],
    },
    {"n": 1},
    (),
    outside=({"after": 5, "signal": "no-more", "match": {"n": 1}, "data": {"cause": "asked"}},),
)


@pytest.fixture(scope="module")
def flows() -> list[Made]:
    """What shows most faults, each failing somewhere; then flows at random."""
    failing = [
        ("one after the other", "c"),
        ("branches in branches", "c"),
        ("groups and arms", "e"),
        ("the point of no return", "d"),
    ]
    written = [replace(SAGAS[name].made, faults=(Fault(id_, "Boom"),)) for name, id_ in failing]
    small = [Saga(steps, {}, faults=faults).made for steps, faults in SMALL]
    return [*written, *small, CANCELLED, *sample(ENOUGH)]


Mutation = Callable[[pytest.MonkeyPatch], None]


def function(patch: pytest.MonkeyPatch, original: Callable[..., Any], mutated: Callable[..., Any]) -> None:
    """Puts ``mutated`` in the place of ``original``, in whatever module it is known."""
    for name, module in list(sys.modules.items()):
        if name.startswith("stepworkflows_cdk") and vars(module).get(original.__name__) is original:
            patch.setattr(module, original.__name__, mutated)


def undo_in_order(patch: pytest.MonkeyPatch) -> None:
    chain = saga.chain
    function(patch, chain, lambda workflow: chain(workflow)[::-1])


def all_errors_first(patch: pytest.MonkeyPatch) -> None:
    catchers = vars(tasks)["_catchers"]
    function(patch, catchers, lambda *given: catchers(*given)[::-1])


def default_lost(patch: pytest.MonkeyPatch) -> None:
    code = vars(Values)["_output"]
    patch.setattr(
        Values, "_output", lambda self, known, output, *rest: code(self, known, replace(output, default=None), *rest)
    )


def condition_negated(patch: pytest.MonkeyPatch) -> None:
    condition = Values.condition
    patch.setattr(Values, "condition", lambda self, text: Jsonata(f"$not({condition(self, text).code})"))


def branch_not_joined(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Exports, "taken_in", lambda *_: {})


def a_retry_less(patch: pytest.MonkeyPatch) -> None:
    finished = vars(retries)["_Plan"].finished

    def less(plan: Any) -> list[Retry]:
        return [replace(retry, attempts=max(0, retry.attempts - 1)) for retry in finished(plan)]

    patch.setattr(vars(retries)["_Plan"], "finished", less)


def handler_off_by_one(patch: pytest.MonkeyPatch) -> None:
    entry, chain = saga.entry, saga.chain

    def later(workflow: Any, failed: Any, **given: Any) -> Any:
        first = entry(workflow, failed, **given)
        steps = [link.step for link in chain(workflow)]
        return next(iter(steps[steps.index(first) + 1 :]), None) if first else None

    function(patch, entry, later)


def flag_not_set(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Exports, "tried", lambda *_: {})


def items_reversed(patch: pytest.MonkeyPatch) -> None:
    items_of = vars(loops)["_items"]

    def reversed_(each: Any, values: Any) -> Any:
        found = items_of(each, values)
        return found[::-1] if isinstance(found, list) else Jsonata(f"$reverse({found.code})")

    function(patch, items_of, reversed_)


def on_failure_skipped(patch: pytest.MonkeyPatch) -> None:
    plan = planner.plan_machine
    function(patch, plan, lambda workflow, *rest: plan(replace(workflow, on_failure=()), *rest))


def pivot_forgotten(patch: pytest.MonkeyPatch) -> None:
    function(patch, vars(saga)["_is_sure"], lambda _: False)
    function(patch, saga.unsure_pivots, lambda _: [])


def type_forgotten(patch: pytest.MonkeyPatch) -> None:
    data = outputs.output_data
    function(patch, data, lambda output, document, values: data(replace(output, type=None), document, values))


def needs_ignored(patch: pytest.MonkeyPatch) -> None:
    order = vars(schedule)["_Order"]
    patch.setattr(order, "of", lambda steps: order((0,) * len(steps), (0,) * len(steps)))


def skipped_alone(patch: pytest.MonkeyPatch) -> None:
    function(patch, vars(sequence)["_skips"], lambda _context, _step, next_: (Rule(Jsonata("false"), next_),))


def another_winner(patch: pytest.MonkeyPatch) -> None:
    branch_states = vars(races)["_branch_states"]

    def called(context: Any, step: Any, branch: Any, lane: Any) -> Any:
        return branch_states(context, step, replace(branch, name=step.branches[0].name), lane)

    function(patch, branch_states, called)


def waits_longer(patch: pytest.MonkeyPatch) -> None:
    for claimed in (claims.claimed, approvals.approval_wait):

        def longer(*given: Any, claimed: Any = claimed) -> Any:
            call = claimed(*given)
            return replace(call, timeout=call.timeout + 60)

        function(patch, claimed, longer)


def one_more_tolerated(patch: pytest.MonkeyPatch) -> None:
    distributed = loops.distributed

    def more(*given: Any) -> Any:
        found = distributed(*given)
        how = found.distribution
        more = how.tolerated + 1 if isinstance(how.tolerated, int) else how.tolerated and "100%"
        return replace(found, distribution=replace(how, tolerated=more))

    function(patch, distributed, more)


def larger_batches(patch: pytest.MonkeyPatch) -> None:
    distributed = loops.distributed

    def larger(*given: Any) -> Any:
        found = distributed(*given)
        how = found.distribution
        return replace(found, distribution=replace(how, batch=how.batch and how.batch + 1))

    function(patch, distributed, larger)


def stop_unheard(patch: pytest.MonkeyPatch) -> None:
    stopped = forks.stopped
    function(patch, stopped, lambda step, result: dict.fromkeys(stopped(step, result)))


def last_error_lost(patch: pytest.MonkeyPatch) -> None:
    function(patch, vars(planner)["_failed_at_last"], lambda *_: {})


def request_unseen(patch: pytest.MonkeyPatch) -> None:
    function(patch, saga.cancellable, lambda _: frozenset())


def whole_not_noted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Context, "attempted", lambda *_: {})


MUTATIONS: dict[str, Mutation] = {
    "what was done first is undone first": undo_in_order,
    "States.ALL stands first": all_errors_first,
    "a default is lost after a catch": default_lost,
    "a condition is negated": condition_negated,
    "what a branch gives is not joined": branch_not_joined,
    "a step is tried once less": a_retry_less,
    "a failure enters the undoing one step late": handler_off_by_one,
    "what was attempted is not noted": flag_not_set,
    "the items of a loop are reversed": items_reversed,
    "on-failure is skipped": on_failure_skipped,
    "behind the pivot there is undoing": pivot_forgotten,
    "the type of an output is not checked": type_forgotten,
    "what a step needs is ignored": needs_ignored,
    "a step runs without what it needs": skipped_alone,
    "another one wins the race": another_winner,
    "a wait lasts longer than its time-out": waits_longer,
    "one more item may fail": one_more_tolerated,
    "batches are larger": larger_batches,
    "a branch stops nothing": stop_unheard,
    "an error at the very end is lost": last_error_lost,
    "a request to cancel is not looked for": request_unseen,
    "that a step has begun is not noted": whole_not_noted,
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_fault_of_the_compiler_is_seen(
    mutation: str, flows: list[Made], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    MUTATIONS[mutation](monkeypatch)
    assert any(differences(made, tmp_path) for made in flows)
