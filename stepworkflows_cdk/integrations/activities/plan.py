"""``runs-on: activity``: workers anywhere ask for the step's work, do it, and send what it gives.

A worker needs a way to the API of Step Functions, ``states:GetActivityTask`` on the activity
(``flow.steps["pack"].activity.grant(role, "states:GetActivityTask")``), and ``states:SendTaskSuccess``, ``SendTaskFailure``
and ``SendTaskHeartbeat``, which have no resource. The file ``worker/stepworkflows_worker.py`` is one, for code with the
contract of a function.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from stepworkflows_cdk.compiler.integration import Call, Integration, Scope
from stepworkflows_cdk.compiler.plan import Hole, Need, Text
from stepworkflows_cdk.integrations.activities.needs import ActivityNeed
from stepworkflows_cdk.integrations.code import DEFAULT_HANDLER, check_code
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.workflow import Step, Workflow

if TYPE_CHECKING:
    from constructs import Construct

    from stepworkflows_cdk.constructs.bound import Bindings, Bound
    from stepworkflows_cdk.local.world import World

__all__ = ["Activity", "ActivityKeys", "ActivityRuntime", "ActivitySettings"]

_LONGEST = 365 * 86_400  # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html


class ActivitySettings(Keys):
    """An activity has no settings."""


class ActivityRuntime(Keys):
    """The long form of `runs-on`."""

    activity: ActivitySettings = Field(description="Nothing; `{}`.")


def _long_form(value: Any) -> Any:
    return {"activity": {}} if value == "activity" else value


class ActivityKeys(Keys):
    """The keys of a step that workers do. It needs a `timeout`, in which the wait for a worker is counted too."""

    runs_on: Annotated[
        ActivityRuntime, BeforeValidator(_long_form, json_schema_input_type=Literal["activity"] | ActivityRuntime)
    ] = Field(description="`activity`.")
    zip_file: str | None = Field(
        None,
        min_length=1,
        description="The worker's code, relative to the document. It is run on this machine, and not deployed.",
    )
    handler: str = Field(DEFAULT_HANDLER, description="Module and function, such as `handler.handler`.")


class Activity(Integration):
    """Activities: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-activities.html."""

    key = "runs-on"
    runtime = "activity"
    keys = ActivityKeys
    needs = (ActivityNeed,)
    tasks = ("activity:",)
    beats = True

    def takes_whole(self, step: Step) -> bool:
        return True

    def check(self, step: Step, workflow: Workflow) -> Iterable[Problem]:
        keys, timeout, heartbeat = _keys(step), step.keys.timeout, step.keys.heartbeat
        if step.whole_input:
            yield Problem("SW112", "a flow's own code is not done by workers", step.key_mark("runs-on"), _MOVE)
            return
        if timeout is None:
            hint = "write how long workers may take, such as `timeout: 1d`"
            yield Problem("SW102", "an activity needs a `timeout`", step.key_mark("runs-on"), hint)
        elif timeout > _LONGEST:
            yield Problem("SW401", "an execution lasts a year at most", step.mark_of("timeout"), "shorten it")
        elif heartbeat and heartbeat >= timeout:
            message = "a `heartbeat` is shorter than the `timeout`"
            yield Problem("SW401", message, step.mark_of("heartbeat"), "shorten it, or remove it")
        if keys.zip_file is not None:
            yield from check_code(step, keys.zip_file, keys.handler)
        elif step.get("handler") is not None:
            yield Problem("SW107", "`handler` has no effect without code", step.key_mark("handler"), "add `zip-file`")

    def beyond_express(self, step: Step, workflow: Workflow) -> str:
        return "SW412"

    def plan(self, step: Step, scope: Scope) -> Call:
        keys = _keys(step)
        assert step.keys.timeout
        need = ActivityNeed(
            id="-".join(part for part in ("activity", step.id, scope.distinct) if part),
            mark=step.mark,
            steps=(step.id,),
            code=(step.document.folder / keys.zip_file) if keys.zip_file else None,
            handler=keys.handler,
            timeout=step.keys.timeout,
        )
        return Call(
            resource=Text((Hole(need.id, "arn"),)),
            arguments=scope.inputs(),
            timeout=step.keys.timeout,
            heartbeat=step.keys.heartbeat,
            needs=(need,),
        )

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from stepworkflows_cdk.integrations.activities.cdk import bind

        assert isinstance(need, ActivityNeed)
        return bind(scope, need, given)

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        from stepworkflows_cdk.integrations.activities.local import realise

        assert isinstance(need, ActivityNeed)
        return realise(need, world)

    def perform(self, resource: str, arguments: Any, world: World) -> Any:
        from stepworkflows_cdk.integrations.activities.local import perform

        return perform(resource, arguments, world)


_MOVE = "move it under `steps`"


def _keys(step: Step) -> ActivityKeys:
    assert isinstance(step.work, ActivityKeys)
    return step.work
