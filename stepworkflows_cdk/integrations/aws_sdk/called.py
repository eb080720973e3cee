"""What stands behind ``call``: the action of an API, and whether its job is waited for; or why there is no such thing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from stepworkflows_cdk.integrations.aws_sdk.callable import not_called
from stepworkflows_cdk.integrations.aws_sdk.jobs import JOBS, Job
from stepworkflows_cdk.integrations.aws_sdk.models import Operation, Service, java_name, service_model, service_names
from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.shape import nearest

__all__ = ["ACTION", "Called", "called", "check_called"]

ACTION = r"^[a-z0-9-]+:[A-Za-z][A-Za-z0-9]*(\.sync(:2)?|\.waitForTaskToken)?$"
_PARTS = re.compile(r"(?P<action>(?P<service>[a-z0-9-]+):(?P<name>\w+))(?P<pattern>\..+)?")
_TOKEN = ".waitForTaskToken"
_INSTEAD = {
    "ecs:runTask": "`runs-on: fargate` and `runs-on: ec2` run containers",
    "elasticmapreduce:addStep": "write the state under `asl`: its parameters are not the API's",
    "elasticmapreduce:createCluster": "write the state under `asl`: its parameters are not the API's",
    "elasticmapreduce:terminateCluster": "write the state under `asl`: its parameters are not the API's",
    "sfn:startExecution": "`uses` runs another flow and waits for its end",
    "states:startExecution": "`uses` runs another flow and waits for its end",
}
"""Jobs that Step Functions waits for and ``call`` does not -> how it is said."""

_ENDS = {
    "athena:startQueryExecution.sync": "GetQueryExecutionOutput",
    "codebuild:startBuild.sync": "StartBuildOutput",
    "glue:startJobRun.sync": "JobRun",
}
"""What a step gives whose job ended: the shape of the service's model, where it is one."""
_OPTIMISED = ("SdkHttpMetadata", "SdkResponseMetadata")
"""What answers have beside that where Step Functions calls a service in a way of its own."""


@dataclass(frozen=True)
class Called:
    """An action, and the job that it begins where its end is waited for. ``resource`` is what follows ``states:::`` in the
    ARN of the task.
    """

    service: Service
    operation: Operation
    job: Job | None
    resource: str

    @property
    def gives(self) -> frozenset[str] | None:
        """The fields of the answer, with AWS's capital letters, as its model or its SDK for Java spells them: `SSEKMSKeyId`,
        `SsekmsKeyId`. Of a job they are those that are there at its end; None where no model has them.
        """
        output = _ENDS.get(self.resource) if self.job else self.operation.output
        if output is None:
            return None
        names = [name[:1].upper() + name[1:] for name in self.service.shape(output).get("members", {})]
        return frozenset({*names, *map(java_name, names), *(_OPTIMISED if self.job else ())})


def called(action: str) -> Called | None:
    """What ``service:action`` or ``service:action.sync`` means; None where it means nothing."""
    found = _PARTS.fullmatch(action)
    if found is None:
        return None
    job = JOBS.get(found["action"]) if found["pattern"] == ".sync" else None
    if found["pattern"] and job is None:
        return None
    service = service_model(job.service if job else found["service"])
    operation = service.operation(found["name"]) if service else None
    if service is None or operation is None:
        return None
    return Called(service, operation, job, action if job else f"aws-sdk:{action}")


def check_called(action: str, mark: Mark) -> Iterator[Problem]:
    """Why a call means nothing, or cannot be made."""
    found = _PARTS.fullmatch(action)
    assert found
    if found["pattern"] == _TOKEN:
        message = "a step that waits for an answer from outside is a step of its own"
        hint = (
            "make the call without `.waitForTaskToken`, with what singles out the answer in it, and wait behind it: "
            '`wait-for: {queue: answers, match: {order_id: "{order_id}"}}, timeout: 1d`, or for an event, a signal, a request'
        )
        yield Problem("SW257", message, mark, hint)
        return
    if found["pattern"]:
        yield from _no_job(found["action"], found["pattern"], mark)
        return
    service = service_model(found["service"])
    if service is None:
        names = service_names()
        plain = found["service"].replace("-", "")
        hint = f"did you mean `{plain}`?" if plain in names else nearest(plain, names)
        hint = hint or "the name is the service's in the AWS SDK for Java, in small letters"
        yield Problem("SW223", f"AWS has no service `{found['service']}`", mark, hint)
        return
    operation = service.operation(found["name"])
    if left_out := not_called(service, operation):
        yield Problem("SW257", left_out[0], mark, left_out[1])
    elif operation is None:
        hint = nearest(found["name"], service.actions) or "see the service's API reference"
        yield Problem("SW223", f"`{service.name}` has no action `{found['name']}`", mark, hint)


def _no_job(action: str, pattern: str, mark: Mark) -> Iterator[Problem]:
    if action in JOBS:
        if pattern != ".sync":
            message = f"Step Functions waits for the job of `{action}` by `.sync`, and knows no `{pattern}` of it"
            yield Problem("SW257", message, mark, f"write `{action}.sync`")
        return
    if action in _INSTEAD:
        yield Problem("SW257", f"the job of `{action}` is not waited for by a `call`", mark, _INSTEAD[action])
        return
    same = next((known for known in JOBS if known.replace("-", "") == action.replace("-", "")), "")
    near = f"did you mean `{same}.sync`?" if same else nearest(f"{action}.sync", [f"{known}.sync" for known in JOBS])
    hint = near or "call it without `.sync`, and ask for its end in a loop: `repeat: {until: ..., every: 1m, max: 60}`"
    yield Problem("SW257", f"Step Functions does not wait for a job of `{action}`", mark, hint)
