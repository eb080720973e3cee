"""Workflows become a bundle: every step is planned by its integration, every machine planned and rendered, in this
order.

The one place where the stages are put together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from stepworkflows_cdk.compiler import saga
from stepworkflows_cdk.compiler.ahead import Ahead
from stepworkflows_cdk.compiler.asl import render
from stepworkflows_cdk.compiler.bundle import Bundle, Machine, check_machine
from stepworkflows_cdk.compiler.config import settle
from stepworkflows_cdk.compiler.distributed import grants_of
from stepworkflows_cdk.compiler.guard import GUARDED_EXECUTION, guard_grants, parts, plan_guard
from stepworkflows_cdk.compiler.integration import Call, Integration, Start
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.library import Lent, LentToTrigger, Library
from stepworkflows_cdk.compiler.lock import Lock, lock_grants
from stepworkflows_cdk.compiler.order import in_order
from stepworkflows_cdk.compiler.plan import Grant, Jsonata, MachinePlan, Need, Plan, Task, machine_key
from stepworkflows_cdk.compiler.planner import plan_machine
from stepworkflows_cdk.compiler.states import all_states
from stepworkflows_cdk.compiler.steps.context import Planned
from stepworkflows_cdk.compiler.tags import tags_of
from stepworkflows_cdk.compiler.values import Names, Values, variable
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.model import JoinKeys
from stepworkflows_cdk.language.schedule import scheduled
from stepworkflows_cdk.language.scope import View
from stepworkflows_cdk.language.views import views
from stepworkflows_cdk.language.workflow import Step, Workflow, recorded_outputs, walk

__all__ = ["compile_workflows"]

_NOWHERE = Mark("", 0, 0)


def compile_workflows(
    workflows: Sequence[Workflow], integrations: Sequence[Integration], config: Mapping[str, Any]
) -> Bundle:
    """The bundle of all flows. Raises ``ConfigurationError`` where the config does not fit."""
    settled = settle(workflows, config)
    flows = [
        _Flow(flow, Library.of(flow, integrations), Names(), settled, guarded)
        for workflow in workflows
        for flow, guarded in parts(scheduled(workflow))
    ]
    plan = _plan(flows, integrations)
    machines = []
    for flow, machine in zip(flows, plan.machines, strict=True):
        text, holes = render(machine)
        states = {state.name: state.mark for state in all_states(machine.states)}
        beside = {state.name for state in all_states(machine.states) if isinstance(state, Task) and state.beside}
        tags = tags_of(flow.workflow, flow.values(View(flow.workflow)))
        laid = {step.title: step.laid for step in flow.workflow.all_steps if step.laid}
        kind = (frozenset(beside), machine.express, laid, tags, machine.inner)
        machines.append(Machine(machine.id, text, holes, states, machine.mark, machine.deploy, *kind))
    for made in machines:
        check_machine(made)
    return Bundle(tuple(machines), plan.needs, plan.grants, plan.origins)


@dataclass(frozen=True)
class _Flow:
    """One flow with the values of its places."""

    workflow: Workflow
    library: Library
    names: Names
    config: Mapping[str, Any]
    guarded: Workflow | None = None
    """What this one guards: of the flow itself there is only the end here."""

    def values(self, view: View) -> Values:
        values = Values(view, self.names, self.config, self.library.identity, self.library.secret_arn)
        return replace(values, execution=GUARDED_EXECUTION) if self.guarded else values

    def places(self) -> Iterator[tuple[Step, View]]:
        """The steps that are done here, each with what it can name."""
        ending = {id(step) for step in walk(self.workflow.ending)}
        return ((step, view) for step, view in views(self.workflow) if not self.guarded or id(step) in ending)

    @cached_property
    def asking(self) -> frozenset[int]:
        """The steps (by ``id()``) before which the flow looks whether it is to end."""
        return frozenset() if self.guarded else saga.cancellable(self.workflow)

    def lock(self, integrations: Sequence[Integration]) -> Lock | None:
        """By what executions of the flow have their turns."""
        keys = self.workflow.keys.concurrency
        if keys is None or self.guarded:
            return None
        keeper = next(known for known in integrations if known.keeps_locks)
        key = (
            f"{literal(f'{self.workflow.id}/')} & $string({self.values(View(self.workflow)).expression(keys.key).code})"
        )
        return keeper.plan_lock(self.workflow, Jsonata(key, "string"))

    def machine(self, planned: Mapping[int, Planned], lock: Lock | None) -> MachinePlan:
        plan = (self.workflow, planned, self.values, self.names)
        if self.guarded:
            return plan_guard(self.guarded, *plan)
        return replace(plan_machine(*plan, lock), inner=self.workflow.keys.guard)

    def lend(self, step: Step, view: View, distinct: str = "") -> Lent:
        return Lent(step, self.values(view), self.library, distinct)

    def starts(self) -> Iterator[Start]:
        """What the flow's triggers become."""
        for trigger in self.workflow.triggers:
            assert isinstance(trigger.integration, Integration)
            lent = LentToTrigger(trigger, self.values(View(self.workflow)), self.library)
            yield trigger.integration.plan_trigger(trigger, lent)


def _plan(flows: Sequence[_Flow], integrations: Sequence[Integration]) -> Plan:
    planned = _calls(flows, integrations)
    locks = [flow.lock(integrations) for flow in flows]
    machines = tuple(flow.machine(planned, lock) for flow, lock in zip(flows, locks, strict=True))
    # An undo step that no failure can lead to needs nothing and may do nothing.
    reached = {(machine.id, state.mark.step) for machine in machines for state in all_states(machine.states)}
    places = [place for place in _places(flows).values() if (place.flow.workflow.id, place.step.id) in reached]
    calls = [call for place in places for call in planned[id(place.step)]]
    calls += [call for lock in locks if lock for call in lock]
    needs = [need for flow in flows for need in flow.library.needs()]
    asking: list[Call | Start] = [*calls, *(start for flow in flows for start in flow.starts())]
    needs += sorted((need for each in asking for need in each.needs), key=lambda need: need.id)
    grants = dict.fromkeys([*(grant for each in asking for grant in each.grants), *_of_maps(flows, reached)])
    grants |= dict.fromkeys(
        grant for flow in flows if flow.guarded for grant in guard_grants(flow.workflow, flow.guarded)
    )
    grants |= dict.fromkeys(
        grant
        for flow, lock in zip(flows, locks, strict=True)
        if lock
        for grant in lock_grants(machine_key(flow.workflow.id), flow.workflow.document.key_mark(("concurrency",)))
    )
    origins: dict[str, tuple[Mark, ...]] = {}
    for need in needs:
        origins[need.id] = tuple(dict.fromkeys((*origins.get(need.id, ()), need.mark)))
    for place in places:
        for need in (need for call in planned[id(place.step)] for need in call.needs if need.steps):
            origins[need.id] = tuple(dict.fromkeys((*origins[need.id], *place.step.laid)))
    return Plan(machines, in_order(_merged(needs)), tuple(sorted(grants, key=_grant_order)), origins)


def _of_maps(flows: Sequence[_Flow], reached: set[tuple[str, str]]) -> Iterator[Grant]:
    """What the machines may do for their distributed loops."""
    for flow in flows:
        for step, view in flow.places():
            each = step.keys.for_each
            if each and each.distributed and (flow.workflow.id, step.mark.step) in reached:
                yield from grants_of(step, each, flow.lend(step, view))


@dataclass(frozen=True)
class _Place:
    """A step that becomes calls, where it stands."""

    flow: _Flow
    step: Step
    view: View


def _places(flows: Sequence[_Flow]) -> dict[int, _Place]:
    return {
        id(step): _Place(flow, step, view)
        for flow in flows
        for step, view in flow.places()
        if step.integration or recorded_outputs(step) or isinstance(step.keys.join, JoinKeys) or id(step) in flow.asking
    }


def _calls(flows: Sequence[_Flow], integrations: Sequence[Integration]) -> dict[int, Planned]:
    """Each step's calls, by the ``id()`` of the step.

    Steps share a need only where everything about it is equal. Where it is not, they are planned again under ids that
    end with the first, by name, of the steps that share it.
    """
    places = _places(flows)
    planned = {key: _call(place, integrations) for key, place in places.items()}
    variants: dict[str, dict[object, list[_Place]]] = {}
    for key, place in places.items():
        for need in _needs(planned[key]):
            variants.setdefault(need.id, {}).setdefault(_content(need, planned[key]), []).append(place)
    taken = set(variants)
    for alternatives in variants.values():
        for sharing in alternatives.values() if len(alternatives) > 1 else ():
            distinct = _distinct(sharing, planned, taken, integrations)
            for place in sharing:
                planned[id(place.step)] = _call(place, integrations, distinct)
            taken.update(need.id for need in _needs(planned[id(sharing[0].step)]))
    return planned


def _distinct(
    sharing: Sequence[_Place], planned: Mapping[int, Planned], taken: set[str], integrations: Sequence[Integration]
) -> str:
    """An ending that makes the ids of what the steps share unlike all others."""
    first = min(sharing, key=lambda place: (place.step.id, place.flow.workflow.id))
    candidates = [first.step.id, f"{first.flow.workflow.id}-{first.step.id}"]
    candidates += [f"{candidates[1]}-{number}" for number in range(2, len(planned) + 3)]
    # What an ending does not change is shared by design: the table of all waits.
    same = {need.id for need in _needs(planned[id(first.step)])}
    for candidate in candidates:
        again = {need.id for need in _needs(_call(first, integrations, candidate))}
        if not (again - same) & taken:
            return candidate
    raise AssertionError("more endings than steps")


def _call(place: _Place, integrations: Sequence[Integration], distinct: str = "") -> Planned:
    step = place.step
    lent = place.flow.lend(step, place.view, distinct)
    record: Call | None = None
    if outputs := recorded_outputs(step):
        recorder = next(known for known in integrations if known.records_outputs)
        record = recorder.plan_outputs(step, {name: lent.own_output(output) for name, output in outputs.items()}, lent)
    ahead = _ahead(place, lent, integrations)
    if step.integration is None:
        return Planned(None, record, _counts(step, lent, integrations), ahead)
    assert isinstance(step.integration, Integration)
    return Planned(step.integration.plan(step, lent), record, ahead=ahead)


def _ahead(place: _Place, lent: Lent, integrations: Sequence[Integration]) -> Ahead | None:
    """The call that finds out whether the execution is to end before the step."""
    keys = place.flow.workflow.keys.cancel
    if keys is None or id(place.step) not in place.flow.asking:
        return None
    at_start = place.flow.values(View(place.flow.workflow))
    match = [at_start.expression(value) for value in keys.match.values()]
    return next(known for known in integrations if known.cancels).plan_ahead(place.step, match, lent)


def _counts(step: Step, lent: Lent, integrations: Sequence[Integration]) -> dict[str, Call]:
    """The calls that count the branches of a race."""
    if not isinstance(step.keys.join, JoinKeys):
        return {}
    counter = next(known for known in integrations if known.counts_branches)
    # A race that is run again is another one: the time at which it began tells them apart.
    race = f"$states.context.Execution.Id & '/{step.id}'{lent.turn} & '/' & ${variable('given', step.id)}"
    result = Jsonata(f"${variable('result', step.id)}")
    return {branch.name: counter.plan_count(step, branch.name, Jsonata(race), result, lent) for branch in step.branches}


def _needs(planned: Planned) -> tuple[Need, ...]:
    return planned.call.needs if planned.call else ()


def _content(need: Need, planned: Planned) -> object:
    """What makes two needs of the same id the same: all of it but its places, and what it may do."""
    assert planned.call
    held = frozenset((g.actions, g.resource, g.conditions) for g in planned.call.grants if g.holder == need.id)
    return replace(need, mark=_NOWHERE, steps=()), held


def _merged(needs: Sequence[Need]) -> tuple[Need, ...]:
    """Each need once, with the steps of all."""
    found: dict[str, Need] = {}
    for need in needs:
        known = found.setdefault(need.id, need)
        same = replace(known, mark=need.mark, steps=need.steps) == need
        assert same, f"two different needs have the id {need.id}"
        found[need.id] = replace(known, steps=tuple(sorted({*known.steps, *need.steps})))
    return tuple(found.values())


def _grant_order(grant: Grant) -> tuple[str, str, tuple[str, ...], Any, str]:
    resource = re.sub(r"\W", "", repr(grant.resource))
    return grant.holder, resource, grant.actions, grant.mark, repr(grant.conditions)
