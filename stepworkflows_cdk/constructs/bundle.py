"""A bundle becomes constructs: each need bound by its integration, each holder given its grants, then the machines.

Each need and each machine has a scope of its own, whose construct id is its id in the bundle. Ids come from what the
user wrote, so changing the order of steps or needs replaces no resource.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stepworkflows_cdk.compiler.bundle import Bundle, Machine, check_machine
from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.compiler.order import in_order
from stepworkflows_cdk.compiler.plan import Grant, Need
from stepworkflows_cdk.constructs import permissions
from stepworkflows_cdk.constructs.backups import back_up
from stepworkflows_cdk.constructs.bound import BACKUPS, Bindings, Bound
from stepworkflows_cdk.constructs.machine import MachineConstructs, make_machine
from stepworkflows_cdk.constructs.names import check_names
from stepworkflows_cdk.constructs.network import endpoints
from stepworkflows_cdk.constructs.profile import settle
from stepworkflows_cdk.constructs.release import keep_callable
from stepworkflows_cdk.constructs.rotation import Rotation
from stepworkflows_cdk.constructs.settings import Settings
from stepworkflows_cdk.errors import ConfigurationError

__all__ = ["BoundBundle", "bind_bundle"]


@dataclass(frozen=True)
class BoundBundle:
    """What a bundle became: ``bindings`` by the keys of needs and machines, ``machines`` by their ids, the one that is
    started first.

    ``resources`` and ``secrets`` lead from a name in the document to a need id.
    """

    bindings: Bindings
    machines: Mapping[str, MachineConstructs]
    resources: Mapping[str, str]
    secrets: Mapping[str, str]

    @property
    def main(self) -> MachineConstructs:
        return next(iter(self.machines.values()))


def bind_bundle(
    scope: Construct,
    bundle: Bundle,
    *,
    integrations: Iterable[Integration],
    resources: Mapping[str, object] | None = None,
    secrets: Mapping[str, object] | None = None,
    settings: Settings | None = None,
) -> BoundBundle:
    """Makes everything in ``scope``.

    ``resources`` and ``secrets`` are the caller's own constructs by their names in the document, the rotations among the
    ``settings`` those of secrets that are made here; an unknown name, and a need that none of the ``integrations`` binds,
    is a :class:`ConfigurationError`, raised before a construct is made.
    """
    owners = {kind: integration for integration in integrations for kind in integration.needs}
    _check_owners(bundle, owners)
    names = {"resources": _names(bundle, owners, secrets=False), "secrets": _names(bundle, owners, secrets=True)}
    given: dict[str, object] = {}
    for argument, values in (("resources", resources or {}), ("secrets", secrets or {})):
        check_names(argument, values, names[argument])
        given.update({names[argument][name]: value for name, value in values.items()})
    settings = settings or Settings()
    rotated = _rotated(settings.rotations or {}, names["secrets"], given)
    for machine in bundle.machines:
        check_machine(machine)

    stack = cdk.Stack.of(scope)
    settle(scope, settings.profile, settings.space)
    bindings = Bindings(
        partition=stack.partition,
        region=stack.region,
        account=stack.account,
        log_retention=settings.retention,
        profile=settings.profile,
        rotations=rotated,
        secrets_key=settings.secrets_key,
    )
    scopes: dict[str, Construct] = {}
    made: dict[str, MachineConstructs] = {}
    things: tuple[Need | Machine, ...] = (*bundle.needs, *bundle.machines)
    for thing in in_order(things):
        own = scopes[thing.key] = Construct(scope, thing.key)
        if isinstance(thing, Machine):
            new = made[thing.id] = make_machine(own, thing, bindings, settings)
            bindings[thing.key] = Bound(new.state_machine, _attributes(new), new.role)
        else:
            bindings[thing.key] = owners[type(thing)].bind(own, thing, given.get(thing.key), bindings)
    for machine in bundle.machines:
        _tag(scope if machine is bundle.main else scopes[machine.key], machine)
    arns = [bound.attributes["arn"] for bound in bindings.values() if any(g.holder == BACKUPS for g in bound.grants)]
    if arns:
        own = scopes[BACKUPS] = Construct(scope, BACKUPS)
        bindings[BACKUPS] = back_up(own, arns, bundle.machines[0].mark)
    for holder, grants in _by_holder(bundle, bindings).items():
        _permit(scopes[holder], holder, bindings, grants)
    for machine in bundle.machines:
        _keep_callable(scopes[machine.key], machine, bundle, bindings)
    endpoints(scope, (grant for grant in bundle.grants if bindings[grant.holder].in_network))
    return BoundBundle(bindings, {machine.id: made[machine.id] for machine in bundle.machines}, **names)


def _attributes(machine: MachineConstructs) -> dict[str, str]:
    return {
        "arn": machine.alias.ref,
        "machine_arn": machine.state_machine.state_machine_arn,
        "name": machine.state_machine.state_machine_name,
    }


def _tag(scope: Construct, machine: Machine) -> None:
    """The tags of the flow that is started go to everything, those of another flow to its machine."""
    for key, value in machine.tags.items():
        cdk.Tags.of(scope).add(key, value)


def _check_owners(bundle: Bundle, owners: Mapping[type[Need], Integration]) -> None:
    for need in bundle.needs:
        if type(need) not in owners:
            raise ConfigurationError(
                f"{need.mark}: no integration binds {type(need).__name__} ({need.id}); pass the one that planned it in "
                "integrations=(*BUILTIN, ...)"
            )


def _names(bundle: Bundle, owners: Mapping[type[Need], Integration], *, secrets: bool) -> dict[str, str]:
    """Name under ``resources``, or under ``secrets``, in the document -> need id."""
    return {
        str(need.name): need.id
        for need in bundle.needs
        if hasattr(need, "name")
        and (owners[type(need)].keeps_secrets if secrets else owners[type(need)].resource_types)
    }


def _rotated(
    rotations: Mapping[str, Rotation], names: Mapping[str, str], given: Mapping[str, object]
) -> dict[str, Rotation]:
    """Secret's need id -> its rotation."""
    check_names("rotations", rotations, names)
    for name in rotations:
        if names[name] in given:
            raise ConfigurationError(f"rotations: {name!r} is a secret of yours; rotate it where it is made")
    return {names[name]: rotation for name, rotation in rotations.items()}


def _by_holder(bundle: Bundle, bindings: Mapping[str, Bound]) -> dict[str, tuple[Grant, ...]]:
    grants: dict[str, tuple[Grant, ...]] = {}
    for grant in (*(own for bound in bindings.values() for own in bound.grants), *bundle.grants):
        grants[grant.holder] = (*grants.get(grant.holder, ()), grant)
    machines = {machine.key for machine in bundle.machines}
    for holder, held in grants.items():
        if holder not in bindings:
            raise ConfigurationError(f"{held[0].mark}: a grant for {holder!r}, which the bundle does not have")
        for grant in held:
            # https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html
            if any(hole.need in machines and hole.attribute == "arn" for hole in grant.resource.holes):
                raise ConfigurationError(
                    f"{grant.mark}: a grant on the alias of a machine, which allows nothing: Step Functions asks for "
                    "permissions on the machine; give it on `machine_arn`"
                )
    return grants


def _permit(scope: Construct, id_: str, bindings: Bindings, grants: tuple[Grant, ...]) -> None:
    role = bindings[id_].role
    if role is None:
        raise ConfigurationError(
            f"{grants[0].mark}: {id_} exists already, so its permissions are not this stack's to give; allow "
            f"{', '.join(grants[0].actions)} where its role is made, and leave `permissions` and `secrets` away here"
        )
    own = tuple(
        grant for grant in grants if isinstance(bindings[id_].construct, sfn.StateMachine) and _is_on(grant, id_)
    )
    permissions.attach(scope, role, tuple(grant for grant in grants if grant not in own), bindings, own)


def _is_on(grant: Grant, key: str) -> bool:
    return any(hole.need == key for hole in grant.resource.holes)


def _keep_callable(scope: Construct, machine: Machine, bundle: Bundle, bindings: Bindings) -> None:
    """Permissions on the versions of the functions that the machine calls."""
    called = {
        hole.need
        for grant in bundle.grants
        if grant.holder == machine.key and "lambda:InvokeFunction" in grant.actions
        for hole in grant.resource.holes
        if hole.attribute == "arn"
    }
    role = bindings[machine.key].role
    for need in sorted(called):
        version = bindings[need].version
        if version is not None and role is not None:
            keep_callable(scope, need, version, role, machine.deploy)
