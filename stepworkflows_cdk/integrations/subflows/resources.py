"""``resources: {refunds: {type: workflow}}``: a flow that is deployed already, or written by hand with the CDK.

A step runs it by ``uses: "{resources.refunds}"``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.compiler.plan import Hole, Need, Text, need_id
from stepworkflows_cdk.integrations.subflows.needs import WorkflowNeed
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.model import Keys

if TYPE_CHECKING:
    from constructs import Construct

    from stepworkflows_cdk.constructs.bound import Bindings, Bound
    from stepworkflows_cdk.local.world import World

__all__ = ["WorkflowKeys", "Workflows"]


class WorkflowKeys(Keys):
    """A flow that the caller gives: `StepWorkflow(..., resources={"refunds": my_state_machine})`."""

    mode: Literal["standard", "express"] = Field("standard", description="Of which kind it is.")


class Workflows(Integration):
    """State machines: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html."""

    resource_types = {"workflow": WorkflowKeys}
    access = {
        "read": ("states:DescribeStateMachine", "states:ListExecutions"),
        "write": ("states:StartExecution",),
    }
    needs = (WorkflowNeed,)

    def plan_resource(self, name: str, type_: str, keys: Any, mark: Mark) -> Need:
        return WorkflowNeed(id=need_id("workflow", name), mark=mark, name=name)

    def identity(self, need: Need) -> Text:
        return Text((Hole(need.id, "arn"),))

    def arn(self, need: Need) -> Text:
        return Text((Hole(need.id, "machine_arn"),))

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from stepworkflows_cdk.integrations.subflows.cdk import bind

        assert isinstance(need, WorkflowNeed)
        return bind(need, given)

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        assert isinstance(need, WorkflowNeed)
        arn = world.arn("states", f"stateMachine:{need.name}")
        world.elsewhere.add(arn)
        return {"arn": arn, "machine_arn": arn, "name": need.name}
