"""What a flow depends on, by name, and what of it the planner lends to an integration while it plans one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.compiler.jsonata import path
from stepworkflows_cdk.compiler.plan import Condition, Data, Grant, Hole, Jsonata, Need, Text, machine_key, need_id
from stepworkflows_cdk.compiler.values import Values, output_variable
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.language.checks.security import DYNAMIC_REFERENCE
from stepworkflows_cdk.language.permissions import EVERYTHING
from stepworkflows_cdk.language.references import Reference, Template, parse_value, references_in, strings_in
from stepworkflows_cdk.language.scope import resolve
from stepworkflows_cdk.language.targets import ResourceTarget, SecretTarget
from stepworkflows_cdk.language.workflow import Step, Trigger, Workflow

__all__ = ["Lent", "LentToTrigger", "Library"]


@dataclass(frozen=True)
class Library:
    """The needs behind the names under ``resources`` and ``secrets``, with the integrations that own them."""

    resources: Mapping[str, tuple[Need, Integration]]
    secrets: Mapping[str, tuple[Need, Integration]]

    @classmethod
    def of(cls, workflow: Workflow, integrations: Sequence[Integration]) -> Library:
        resources: dict[str, tuple[Need, Integration]] = {}
        for name, resource in workflow.resources.items():
            owner = resource.integration
            assert isinstance(owner, Integration)
            resources[name] = (owner.plan_resource(name, resource.type, resource.keys, resource.mark), owner)
        secrets: dict[str, tuple[Need, Integration]] = {}
        for name, secret in workflow.secrets.items():
            keeper = next(known for known in integrations if known.keeps_secrets)
            secrets[name] = (keeper.plan_resource(name, "secret", secret.keys, secret.mark), keeper)
        return cls(resources, secrets)

    def needs(self) -> list[Need]:
        found = [need for need, _ in (*self.resources.values(), *self.secrets.values())]
        return sorted(found, key=lambda need: need.id)

    def identity(self, name: str) -> Text:
        need, owner = self.resources[name]
        return owner.identity(need)

    def secret_arn(self, name: str) -> Text:
        need, owner = self.secrets[name]
        return owner.arn(need)

    def arn(self, need: Need) -> Text:
        return next(owner.arn(known) for known, owner in self.resources.values() if known.id == need.id)


@dataclass(frozen=True)
class LentToTrigger:
    """The :class:`~stepworkflows_cdk.compiler.integration.TriggerScope` of one trigger."""

    trigger: Trigger
    values: Values
    library: Library

    @property
    def id(self) -> str:
        return need_id(f"trigger-{self.trigger.kind}", f"{self.workflow.id} {self.trigger.id}")

    @property
    def workflow(self) -> Workflow:
        return self.values.view.workflow

    @property
    def machine(self) -> str:
        return machine_key(self.workflow.id)

    def data(self, value: Any) -> Data:
        match value:
            case str():
                alone = self.values.data(value) if _is_config(value) else value
                return self.text(value) if isinstance(alone, str) else alone
            case list():
                return [self.data(item) for item in value]
            case dict():
                return {key: self.data(item) for key, item in value.items()}
            case _:
                return self.values.data(value)

    def text(self, value: str) -> Text:
        text = self.values.text(value)
        if any(isinstance(part, str) and DYNAMIC_REFERENCE in part for part in text.parts):
            raise ConfigurationError(f"{self.trigger.mark}: with this config the trigger has a dynamic reference in it")
        return text

    def resource(self, name: str) -> Need:
        return self.library.resources[name][0]

    def arn(self, need: Need) -> Text:
        return self.library.arn(need)


@dataclass(frozen=True)
class Lent:
    """The :class:`~stepworkflows_cdk.compiler.integration.Scope` of one step."""

    step: Step
    values: Values
    library: Library
    distinct: str = ""

    @property
    def workflow(self) -> Workflow:
        return self.values.view.workflow

    @property
    def turn(self) -> str:
        return self.values.turn()

    @property
    def machine(self) -> str:
        return machine_key(self.workflow.id)

    def inputs(self) -> Data:
        if self.step.whole_input:
            return Jsonata("$input")
        return self.values.data(self.step.keys.inputs or {})

    def data(self, value: Any) -> Data:
        return self.values.data(value)

    def expression(self, value: Any) -> Jsonata:
        return self.values.expression(value)

    def text(self, value: str) -> Text:
        return self.values.text(value)

    def env(self) -> tuple[tuple[str, Text], ...]:
        written = {**(self.step.keys.env or {}), **(self.step.keys.secrets or {})}
        found = sorted((name, self.values.text(value)) for name, value in written.items())
        for name, text in found:
            if any(isinstance(part, str) and DYNAMIC_REFERENCE in part for part in text.parts):
                raise ConfigurationError(f"{self.step.mark}: with this config {name} is a dynamic reference")
        return tuple(found)

    def resource(self, name: str) -> Need:
        return self.library.resources[name][0]

    def resources_in(self, value: Any) -> Sequence[Need]:
        found: dict[str, Need] = {}
        for _, text in strings_in(value):
            for reference in references_in(parse_value(text)):
                target = resolve(reference, self.values.view)
                if isinstance(target, ResourceTarget):
                    found.setdefault(target.name, self.library.resources[target.name][0])
        return tuple(found.values())

    def arn(self, need: Need) -> Text:
        return self.library.arn(need)

    def arn_for(self, need: Need, action: str) -> Text:
        return self._owner(need).arn_for(need, action)

    def permissions(self, holder: str) -> tuple[Grant, ...]:
        grants: list[Grant] = []
        for target, keys in (self.step.keys.permissions or {}).items():
            mark, actions = self.step.key_mark("permissions", target), keys.actions
            tags = sorted((keys.tagged or {}).items())
            only = tuple(
                Condition("StringEquals", f"aws:ResourceTag/{key}", (self.values.text(value),)) for key, value in tags
            )
            if target.startswith("arn:") or target == EVERYTHING:
                arn = self.complete_arn(target)
                written = "".join(part for part in arn.parts if isinstance(part, str))
                if "?" in written or written.count("*") > target.count("*"):
                    raise ConfigurationError(f"{mark}: with this config the permission on {target} has a wildcard")
                grants.append(Grant(holder, tuple(sorted(set(actions))), arn, mark, only, keys.reason or ""))
                continue
            need, owner = self.library.resources[target]
            by_arn: dict[Text, set[str]] = {}
            for exact in (exact for action in actions for exact in owner.access.get(action, (action,))):
                by_arn.setdefault(owner.arn_for(need, exact), set()).add(exact)
            grants += [Grant(holder, tuple(sorted(exact)), resource, mark, only) for resource, exact in by_arn.items()]
        for name, value in (self.step.keys.secrets or {}).items():
            parsed = parse_value(value)
            assert isinstance(parsed, Template)
            assert isinstance(parsed.parts[0], Reference)
            target_ = resolve(parsed.parts[0], self.values.view)
            assert isinstance(target_, SecretTarget)
            need, keeper = self.library.secrets[target_.name]
            mark = self.step.key_mark("secrets", name)
            grants.append(Grant(holder, keeper.access["read"], keeper.arn(need), mark))
        return tuple(grants)

    def complete_arn(self, arn: str) -> Text:
        """An ARN of the document: ``REGION`` and ``ACCOUNT_ID`` are this stack's, references are filled."""
        parts: list[str | Hole] = []
        for part in self.values.text(arn).parts:
            parts.extend(_surroundings(part) if isinstance(part, str) else [part])
        return Text(tuple(parts))

    def _owner(self, need: Need) -> Integration:
        return next(owner for known, owner in self.library.resources.values() if known.id == need.id)

    def own_output(self, name: str) -> Jsonata:
        """An output of the step itself, once it is assigned."""
        return Jsonata(path(f"${output_variable(self.step.id)}", (name,)))


def _is_config(value: str) -> bool:
    """Whether the string is one value of the config, and keeps its type."""
    parsed = parse_value(value)
    parts = parsed.parts if isinstance(parsed, Template) else ()
    return len(parts) == 1 and isinstance(parts[0], Reference) and parts[0].root == "config"


def _surroundings(text: str) -> list[str | Hole]:
    fields = text.split(":")
    found: list[str | Hole] = []
    for index, field in enumerate(fields):
        if index:
            found.append(":")
        if field == "REGION":
            found.append(Hole("aws", "region"))
        elif field == "ACCOUNT_ID":
            found.append(Hole("aws", "account"))
        elif index == 1 and field == "aws" and fields[0] == "arn":
            found.append(Hole("aws", "partition"))
        elif field:
            found.append(field)
    merged: list[str | Hole] = []
    for part in found:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return merged
