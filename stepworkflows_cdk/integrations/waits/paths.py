"""Waits that a request to the stack's API ends. A function answers the path, for all steps of the flow that wait at it."""

from __future__ import annotations

import json

from stepworkflows_cdk.compiler.integration import Call, Scope
from stepworkflows_cdk.compiler.plan import Grant, Hole, Text, need_id
from stepworkflows_cdk.integrations.api.needs import AnswerPathNeed
from stepworkflows_cdk.integrations.callers import caller_of
from stepworkflows_cdk.integrations.waits.claims import answering, beside, claimed, resolver
from stepworkflows_cdk.integrations.waits.keys import ApiSpec, spec_of
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["BURST", "RATE", "api_wait", "at_path"]

RATE, BURST = 50, 100
"""Requests that a method takes, a second and at once."""


def api_wait(step: Step, api: ApiSpec, scope: Scope) -> Call:
    """A wait for a request."""
    waits = at_path(scope.workflow, api)
    told = json.dumps([json.loads(beside(each, scope.workflow)) for each in waits])
    mark = waits[0].mark
    name = f"{api.method.lower()} {api.path}"
    function = resolver(mark, need_id("wait-requests", name), "paths", {"WAITS": Text((told,))})
    kind, caller = caller_of(api.auth, scope.workflow)
    asked = scope.resource(caller) if caller else None
    path = AnswerPathNeed(
        id=need_id("wait-path", name),
        mark=mark,
        path=api.path,
        methods=(api.method,),
        auth=kind,
        authorizer=asked.id if asked else None,
        function=function.id,
        rate=RATE,
        burst=BURST,
    )
    called = [Text((Hole(function.id, "arn"),)), *([scope.arn(asked)] if asked and kind == "function" else [])]
    grants = (Grant(path.id, ("lambda:InvokeFunction",), arn, mark) for arn in called)
    return claimed(step, scope, (function, path), (*grants, *answering(function.id, mark)))


def at_path(workflow: Workflow, api: ApiSpec) -> list[Step]:
    """The steps of the flow that wait for the same requests."""
    found: list[Step] = []
    for step in workflow.forward:
        if step.integration is not None and step.integration.key == "wait-for":
            other = spec_of(step).api
            if other is not None and (other.method, other.path) == (api.method, api.path):
                found.append(step)
    return found
