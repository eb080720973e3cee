"""Short step documents become AWS Step Functions state machines, with everything around them.

The constructs load the CDK when they are first named, so that importing this package, and all that needs no CDK, is
quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.definition import Definition, compile_workflow, validate
from stepworkflows_cdk.errors import (
    ConfigurationError,
    DocumentError,
    LocalRunError,
    PackagingError,
    StepWorkflowsError,
)
from stepworkflows_cdk.objects import Step, Workflow

if TYPE_CHECKING:
    from stepworkflows_cdk.constructs.order_flow import OrderFlow
    from stepworkflows_cdk.constructs.profile import Profile
    from stepworkflows_cdk.constructs.rotation import Rotation
    from stepworkflows_cdk.constructs.space import WorkflowSpace
    from stepworkflows_cdk.constructs.workflow import StepWorkflow

__all__ = [
    "ConfigurationError",
    "Definition",
    "DocumentError",
    "Integration",
    "LocalRunError",
    "OrderFlow",
    "PackagingError",
    "Profile",
    "Rotation",
    "Step",
    "StepWorkflow",
    "StepWorkflowsError",
    "Workflow",
    "WorkflowSpace",
    "compile_workflow",
    "validate",
]

_CONSTRUCTS = {
    "OrderFlow": "order_flow",
    "Profile": "profile",
    "Rotation": "rotation",
    "StepWorkflow": "workflow",
    "WorkflowSpace": "space",
}


def __getattr__(name: str) -> Any:
    if name in _CONSTRUCTS:
        from importlib import import_module

        module = import_module(f"stepworkflows_cdk.constructs.{_CONSTRUCTS[name]}")
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
