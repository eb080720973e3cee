"""What an integration of your own is written with. ``docs/own-integration.md`` shows one, whole.

``Step`` and ``Workflow`` here are what documents mean, once they are read; ``stepworkflows_cdk.Step`` and
``stepworkflows_cdk.Workflow`` are documents written in Python.

What runs only in a CDK app or only on this machine is imported inside ``bind``, ``realise`` and ``perform``:
``stepworkflows_cdk.constructs.bound`` (``Bound``, ``Bindings``), ``stepworkflows_cdk.local`` (``World``, ``TaskFailed``).
"""

from __future__ import annotations

from stepworkflows_cdk.compiler.integration import Call, Integration, Scope, Start, TriggerScope
from stepworkflows_cdk.compiler.plan import Condition, Data, Grant, Hole, Jsonata, Need, Text, need_id
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.language.checks.resources import undeclared
from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.schema import document_schema
from stepworkflows_cdk.language.workflow import Step, Trigger, Workflow

__all__ = [
    "BUILTIN",
    "Call",
    "Condition",
    "Data",
    "Grant",
    "Hole",
    "Integration",
    "Jsonata",
    "Keys",
    "Mark",
    "Need",
    "Problem",
    "Scope",
    "Start",
    "Step",
    "Text",
    "Trigger",
    "TriggerScope",
    "Workflow",
    "document_schema",
    "need_id",
    "undeclared",
]
