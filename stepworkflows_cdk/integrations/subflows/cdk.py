"""A workflow need becomes the workflow, or the state machine, that the caller gave for it."""

from __future__ import annotations

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_stepfunctions as sfn
from constructs import IConstruct

from stepworkflows_cdk.constructs.bound import Bound
from stepworkflows_cdk.constructs.executions import Executions
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.subflows.needs import WorkflowNeed

__all__ = ["bind"]


def bind(need: WorkflowNeed, given: object | None) -> Bound:
    """Attributes: see the need."""
    if given is None:
        raise ConfigurationError(
            f"{need.mark}: the workflow {need.name!r} is not made here; pass one: resources={{{need.name!r}: my_workflow}}"
        )
    machine = given.state_machine if isinstance(given, Executions) else given
    if not hasattr(machine, "state_machine_arn"):
        raise ConfigurationError(
            f"resources: {need.name!r} is a workflow; pass a StepWorkflow or an sfn.IStateMachine, "
            f"not {type(given).__name__}"
        )
    arn = cast(sfn.IStateMachine, machine).state_machine_arn
    parts = cdk.Arn.split(arn, cdk.ArnFormat.COLON_RESOURCE_NAME)
    attributes = {"machine_arn": arn, "name": str(parts.resource_name)}
    if source := getattr(given, "signal_source", ""):
        attributes["signals"] = source
    return Bound(
        cast(IConstruct, machine), {"arn": given.start_arn if isinstance(given, Executions) else arn, **attributes}
    )
