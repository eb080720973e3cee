"""Triggers in the plan: their ids come from what was written, and what they say is fixed at deployment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.compiler.bundle import Bundle
from stepworkflows_cdk.compiler.plan import Hole, Jsonata, Text
from stepworkflows_cdk.compiler.texts import json_text
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.api.needs import ApiNeed
from stepworkflows_cdk.integrations.triggers.needs import ScheduleNeed

SCHEDULES = ({"every": "1h"}, {"every": "1h", "input": {"id": "a"}}, {"cron": "0 6 * * ? *", "timezone": "Asia/Tokyo"})
EVENTS = ({"source": "s", "detail-type": "T"}, {"source": "s", "detail-type": "T", "match": {"a": 1}})


TOKENS = {"api": {"path": "/a", "auth": {"jwt": {"issuer": "{config.x}", "audience": "a"}}}}


def compiled(folder: Path, *flows: dict[str, Any], config: dict[str, Any] | None = None) -> Bundle:
    paths = [folder / f"{number}.json" for number in range(len(flows))]
    for path, flow in zip(paths, flows, strict=True):
        base = {"type": "RunnableStep", "name": "shop", "steps": [{"id": "a", "outputs": {"x": 1}}]}
        path.write_text(json.dumps({**base, **flow}), encoding="utf-8")
    return compile_workflow(Definition.load(*paths), config=config)


def ids(bundle: Bundle) -> list[str]:
    return [need.id for need in bundle.needs]


def triggers(schedules: Sequence[Any], events: Sequence[Any]) -> dict[str, Any]:
    return {"triggers": {"schedule": list(schedules), "event": list(events)}}


def test_the_order_of_triggers_changes_nothing(tmp_path: Path) -> None:
    forward = compiled(tmp_path, triggers(SCHEDULES, EVENTS))
    backward = compiled(tmp_path, triggers(SCHEDULES[::-1], EVENTS[::-1]))
    assert ids(forward) == ids(backward)
    assert len(set(ids(forward))) == len(SCHEDULES) + len(EVENTS)


def test_a_trigger_keeps_its_id_beside_others(tmp_path: Path) -> None:
    alone = compiled(tmp_path, {"triggers": {"schedule": SCHEDULES[0]}})
    assert set(ids(alone)) < set(ids(compiled(tmp_path, triggers(SCHEDULES, EVENTS))))


def test_whether_a_trigger_is_on_does_not_change_its_id(tmp_path: Path) -> None:
    on, off = ({"triggers": {"schedule": {"every": "1h", "enabled": enabled}}} for enabled in (True, False))
    assert ids(compiled(tmp_path, on)) == ids(compiled(tmp_path, off))


def test_each_flow_of_a_definition_is_started_by_its_own_triggers(tmp_path: Path) -> None:
    paths = ({"name": name, "triggers": {"api": {"path": f"/{name}", "auth": "iam"}}} for name in ("one", "two"))
    bundle = compiled(tmp_path, *paths)
    apis = {need.path: need for need in bundle.needs if isinstance(need, ApiNeed)}
    for name in ("one", "two"):
        started = [
            grant.resource
            for grant in bundle.grants
            if grant.holder == apis[f"/{name}"].function and "states" in str(grant)
        ]
        assert Text((Hole(f"machine-{name}", "machine_arn"),)) in started
        assert not any(hole.need not in (f"machine-{name}", "aws") for text in started for hole in text.holes)
    assert ids(bundle).count("table-starts") == 1


@pytest.mark.parametrize(("given", "enabled"), [(True, True), (False, False)])
def test_a_config_switches_a_schedule(tmp_path: Path, given: bool, enabled: bool) -> None:
    flow = {
        "config": {"nightly": {"type": "boolean"}},
        "triggers": {"schedule": {"every": "1d", "enabled": "{config.nightly}", "input": {"n": "{config.nightly}"}}},
    }
    (need,) = compiled(tmp_path, flow, config={"nightly": given}).needs
    assert isinstance(need, ScheduleNeed)
    assert (need.enabled, need.input) == (enabled, Text((json.dumps({"n": given}),)))


@pytest.mark.parametrize(
    ("trigger", "value", "message"),
    [
        ({"schedule": {"every": "1d", "enabled": "{config.x}"}}, "yes", "with this config `enabled` is no truth value"),
        (
            {"schedule": {"every": "1d", "input": {"a": "{config.x}"}}},
            "{{resolve:ssm:x}}",
            "with this config the trigger has a dynamic reference in it",
        ),
        (
            {"event": {"source": "{config.x}", "detail-type": "T"}},
            "",
            "with this config `source` or `detail-type` is empty",
        ),
        (TOKENS, "http://login.example.com", "with this config `issuer` is no `https` address"),
        (TOKENS, "", "with this config `issuer` is no `https` address"),
        (TOKENS, "https://login.example.com?x", "with this config `issuer` is no `https` address"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(tmp_path: Path, trigger: Any, value: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        compiled(tmp_path, {"config": {"x": {}}, "triggers": trigger}, config={"x": value})


def test_json_keeps_holes_and_escapes_the_text_around_them() -> None:
    hole = Hole("table-rows", "name")
    value: Any = {"a": [1, None, True, 'x "y"\n'], "ü": Text(('"', hole)), "none": {}, "empty": []}
    filled = json_text(value).fill(lambda _: "ROWS")
    assert json.loads(filled) == {**value, "ü": '"ROWS'}
    nested = json_text({"inner": json_text(value)}).fill(lambda _: "ROWS")
    assert json.loads(json.loads(nested)["inner"]) == {**value, "ü": '"ROWS'}
    assert json_text(value).holes == (hole,)


def test_an_expression_is_no_json() -> None:
    with pytest.raises(TypeError, match="an expression is no JSON"):
        json_text([Jsonata("1 + 1")])
