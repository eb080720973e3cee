"""Secrets on this machine: a ``SecretNeed`` becomes a secret of moto's, with the given value or a placeholder.

Nobody but step code may see a value. A run watches for it where data goes: results and errors of tasks, log lines, and at
its end mails, events and rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from stepworkflows_cdk.integrations.secretsmanager.needs import SecretNeed
from stepworkflows_cdk.local.rows import table_rows
from stepworkflows_cdk.local.world import World

__all__ = ["notes", "realise"]


def realise(need: SecretNeed, world: World) -> Mapping[str, str]:
    """Creates the secret. A mapping is stored as JSON; without a given value the secret holds one made from the run's
    seed."""
    value = world.outside.secrets.get(need.name)
    if value is None:
        value = world.placeholder(f"secret {need.name}")
    created = world.client("secretsmanager").create_secret(
        Name=need.id,
        Description=need.description,
        SecretString=value if isinstance(value, str) else json.dumps(value),
    )
    world.secrets[need.name] = created["ARN"]
    world.hidden.update({text: need.name for text in _texts(value) if len(text) >= _TELLING})
    return {"arn": created["ARN"]}


_TELLING = 8
"""Characters. A shorter text may stand anywhere by chance."""


def notes(world: World) -> Iterator[str]:
    """What of the secrets can be seen at the end of a run."""
    for mail in world.outbox:
        yield from world.leaks(f"a mail to {', '.join(mail['to'])}", json.dumps(mail))
    for event in world.emitted:
        yield from world.leaks(f"an event {event['detail-type']}", json.dumps(event))
    for name, table in world.tables.items():
        yield from world.leaks(f"the table {name}", json.dumps(table_rows(world, table)))


def _texts(value: object) -> Iterator[str]:
    """The value itself, and of an object what stands in it."""
    match value:
        case str():
            yield value
        case Mapping():
            for inner in value.values():
                yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)
