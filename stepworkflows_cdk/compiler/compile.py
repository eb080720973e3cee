"""Workflows become a bundle: every step is planned by its integration, every machine planned and rendered, in this
order.

The one place where the stages are put together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stepworkflows_cdk.compiler.asl import render
from stepworkflows_cdk.compiler.bundle import Bundle, Machine
from stepworkflows_cdk.compiler.config import settle
from stepworkflows_cdk.compiler.integration import Call, Integration
from stepworkflows_cdk.compiler.needs import Lent, Library
from stepworkflows_cdk.compiler.plan import Grant, Need, Plan
from stepworkflows_cdk.compiler.planner import Planned, plan_machine
from stepworkflows_cdk.compiler.states import all_states
from stepworkflows_cdk.compiler.values import Names, Values
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.scope import View, views
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["compile_workflows"]

_NOWHERE = Mark("", 0, 0)


def compile_workflows(
    workflows: Sequence[Workflow], integrations: Sequence[Integration], config: Mapping[str, Any]
) -> Bundle:
    """The bundle of all flows. Raises ``ConfigurationError`` where the config does not fit."""
    plan = _plan(workflows, integrations, settle(workflows, config))
    machines = []
    for machine in plan.machines:
        text, holes = render(machine)
        states = {state.name: state.mark for state in all_states(machine.states)}
        machines.append(Machine(machine.id, text, holes, states, machine.mark))
    return Bundle(tuple(machines), plan.needs, plan.grants)


@dataclass(frozen=True)
class _Flow:
    """One flow with the values of its places."""

    workflow: Workflow
    library: Library
    names: Names
    config: Mapping[str, Any]

    def values(self, view: View) -> Values:
        return Values(view, self.names, self.config, self.library.identity, self.library.secret_arn)

    def lend(self, step: Step, view: View, distinct: str = "") -> Lent:
        return Lent(step, self.values(view), self.library, self.workflow.id, distinct)


def _plan(workflows: Sequence[Workflow], integrations: Sequence[Integration], config: Mapping[str, Any]) -> Plan:
    flows = [_Flow(flow, Library.of(flow, integrations), Names(), config) for flow in workflows]
    planned = _calls(flows, integrations)
    machines = tuple(plan_machine(flow.workflow, planned, flow.values, flow.names) for flow in flows)
    calls = [call for item in planned.values() for call in (item.call, item.record) if call]
    needs = [need for flow in flows for need in flow.library.needs()]
    needs += sorted((need for call in calls for need in call.needs), key=lambda need: need.id)
    grants = dict.fromkeys(grant for call in calls for grant in call.grants)
    return Plan(machines, _merged(needs), tuple(sorted(grants, key=_grant_order)))


def _calls(flows: Sequence[_Flow], integrations: Sequence[Integration]) -> dict[int, Planned]:
    """Each step's calls, by the ``id()`` of the step.

    Steps share a need only where everything about it is equal. Where it is not, they are planned again under ids that
    end with the first, by name, of the steps that share it.
    """
    places = {id(step): (flow, step, view) for flow in flows for step, view in views(flow.workflow) if step.integration}
    planned = {key: _call(*place, integrations) for key, place in places.items()}
    makes: dict[str, dict[object, list[str]]] = {}
    for key, (_, step, _) in places.items():
        for need in _needs(planned[key]):
            makes.setdefault(need.id, {}).setdefault(_content(need, planned[key]), []).append(step.id)
    for key, (flow, step, view) in places.items():
        for need in _needs(planned[key]):
            variants = makes[need.id]
            if len(variants) > 1:
                distinct = min(variants[_content(need, planned[key])])
                planned[key] = _call(flow, step, view, integrations, distinct)
                break
    return planned


def _call(flow: _Flow, step: Step, view: View, integrations: Sequence[Integration], distinct: str = "") -> Planned:
    integration = step.integration
    assert isinstance(integration, Integration)
    lent = flow.lend(step, view, distinct)
    recorded = {
        output.name.removeprefix("DATABASE_"): lent.own_output(output.name)
        for output in step.outputs
        if output.name.startswith("DATABASE_") and output.name != "DATABASE_"
    }
    record: Call | None = None
    if recorded:
        recorder = next(known for known in integrations if known.records_outputs)
        record = recorder.plan_outputs(step, recorded, lent)
    return Planned(integration.plan(step, lent), record)


def _needs(planned: Planned) -> tuple[Need, ...]:
    return planned.call.needs if planned.call else ()


def _content(need: Need, planned: Planned) -> object:
    """What makes two needs of the same id the same: all of it but its places, and what it may do."""
    assert planned.call
    held = frozenset((g.actions, g.resource) for g in planned.call.grants if g.holder == need.id)
    return replace(need, mark=_NOWHERE, steps=()), held


def _merged(needs: Sequence[Need]) -> tuple[Need, ...]:
    """Each need once, with the steps of all."""
    found: dict[str, Need] = {}
    for need in needs:
        known = found.get(need.id)
        found[need.id] = replace(known, steps=tuple(sorted({*known.steps, *need.steps}))) if known else need
    return tuple(found.values())


def _grant_order(grant: Grant) -> tuple[str, str, tuple[str, ...], Any]:
    return grant.holder, re.sub(r"\W", "", repr(grant.resource)), grant.actions, grant.mark
