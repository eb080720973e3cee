"""The judge sees: a compiler with a fault in it does not get through the flows made at random."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oracle.comparing import differences
from oracle.service import Fault
from oracle.writing import Made, sample
from stepworkflows_cdk.compiler import outputs, planner, retries, saga, tasks
from stepworkflows_cdk.compiler.exports import Exports
from stepworkflows_cdk.compiler.plan import Jsonata, Retry
from stepworkflows_cdk.compiler.steps import loops
from stepworkflows_cdk.compiler.values import Values

ENOUGH = 120
"""Flows that are tried; most faults show in the first ten."""


def behind_a_pivot() -> Made:
    """Few flows made at random fail behind a pivot with something before it that could be undone."""
    work = {"runs-on": "lambda", "zip-file": "code"}
    steps = [
        {"id": "a", **work, "inputs": {"id": "a"}, "undo": {"id": "u-a", **work, "inputs": {"id": "u-a"}}},
        {"id": "b", **work, "inputs": {"id": "b"}, "pivot": True},
        {"id": "c", **work, "inputs": {"id": "c"}},
    ]
    return Made({"name": "pivot", "inputs": {}, "steps": steps}, {}, (Fault("c", "Red"),))


@pytest.fixture(scope="module")
def flows() -> list[Made]:
    return [behind_a_pivot(), *sample(ENOUGH)]


Mutation = Callable[[pytest.MonkeyPatch], None]


def function(patch: pytest.MonkeyPatch, original: Callable[..., Any], mutated: Callable[..., Any]) -> None:
    """Puts ``mutated`` in the place of ``original``, in whatever module of the compiler it is known."""
    for name, module in list(sys.modules.items()):
        if name.startswith("stepworkflows_cdk.compiler") and vars(module).get(original.__name__) is original:
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
    plan = planner.plan_machine

    def without(workflow: Any, *rest: Any) -> Any:
        for step in workflow.forward:
            vars(step.keys)["pivot"] = False
        return plan(workflow, *rest)

    function(patch, plan, without)


def type_forgotten(patch: pytest.MonkeyPatch) -> None:
    data = outputs.output_data
    function(patch, data, lambda output, document, values: data(replace(output, type=None), document, values))


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
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_fault_of_the_compiler_is_seen(
    mutation: str, flows: list[Made], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    MUTATIONS[mutation](monkeypatch)
    assert any(differences(made, tmp_path) for made in flows)
