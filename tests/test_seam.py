"""The seam between the compiler and what realises its plans: nothing that is planned is left without an owner."""

from __future__ import annotations

from stepworkflows_cdk.compiler.plan import Need
from stepworkflows_cdk.integrations import BUILTIN


def kinds(kind: type[Need]) -> set[type[Need]]:
    return {kind} | {inner for direct in kind.__subclasses__() for inner in kinds(direct)}


def test_every_need_has_exactly_one_owner() -> None:
    ours = {kind for kind in kinds(Need) - {Need} if kind.__module__.startswith("stepworkflows_cdk.")}
    assert len(ours) >= 3
    for kind in ours:
        assert sum(kind in integration.needs for integration in BUILTIN) == 1, kind


def test_work_keys_and_resource_types_are_owned_once() -> None:
    keys = [(integration.key, integration.runtime) for integration in BUILTIN if integration.key]
    types = [type_ for integration in BUILTIN for type_ in integration.resource_types]
    assert len(keys) == len(set(keys))
    assert len(types) == len(set(types))
    assert sum(integration.keeps_secrets for integration in BUILTIN) == 1
    assert sum(integration.records_outputs for integration in BUILTIN) == 1
