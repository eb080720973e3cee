"""What was attempted is undone in reverse, whichever call fails, before its effect or after: read, and written out."""

from __future__ import annotations

import pytest

from oracle.comparing import Compiled, told
from oracle.failing import calls_of, undone
from oracle.sagas import SAGAS
from oracle.service import Fault

EVERY = [
    pytest.param(name, call, effect, id=f"{name}: {call} {'after' if effect else 'before'} its effect")
    for name, saga in SAGAS.items()
    for call in saga.fails
    for effect in (False, True)
]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Compiled]:
    return {name: Compiled(saga.made, tmp_path_factory.mktemp("saga")) for name, saga in SAGAS.items()}


@pytest.mark.parametrize("name", SAGAS)
def test_what_is_written_out_is_every_call(compiled: dict[str, Compiled], name: str) -> None:
    assert compiled[name].faults == []
    came = compiled[name].outcome()
    assert came.result.error is None
    assert came.differences == []
    calls = {f"{id_}{f'@{at}' if at else ''}{f'#{number}' if number else ''}" for id_, at, number in calls_of(came)}
    assert calls == set(SAGAS[name].fails)


@pytest.mark.parametrize(("name", "call", "effect"), EVERY)
def test_what_was_attempted_is_undone_in_reverse(
    compiled: dict[str, Compiled], name: str, call: str, effect: bool
) -> None:
    id_, _, number = call.partition("#")
    id_, _, item = id_.partition("@")
    came = compiled[name].outcome(Fault(id_, "Boom", "x", effect, int(number or 0), 99, item or None))
    assert not came.differences, told(came.differences, compiled[name].made)
    assert " ".join(undone(came)) in SAGAS[name].fails[call].split("|")
