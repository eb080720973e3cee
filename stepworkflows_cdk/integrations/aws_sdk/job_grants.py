"""What a machine may do for a job follows from the table of jobs and from the parameters of the call.

A name that is known only while the flow runs is a ``*`` in the ARN, as in the keys of files; all else in it is exact.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from stepworkflows_cdk.compiler.integration import Scope
from stepworkflows_cdk.compiler.patterns import pattern_of
from stepworkflows_cdk.compiler.plan import Condition, Data, Grant, Hole, Text
from stepworkflows_cdk.integrations.aws_sdk.jobs import Job, On
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.references import is_fixed
from stepworkflows_cdk.language.wildcards import fixed_parts, wildcard_in
from stepworkflows_cdk.language.workflow import Step

__all__ = ["check_job_grants", "job_grants", "with_arns"]

_PARAMETER = re.compile(r"\{(?P<path>[\w.]+)(?:=(?P<default>\w+))?\}")
_ROLE = re.compile(r"arn:[\w-]+:iam::(ACCOUNT_ID|\d{12}|\{[\w.-]+\}):role/\S+\Z")


def check_job_grants(step: Step, job: Job) -> Iterator[Problem]:
    """What of the parameters keeps permissions from being exact, or says nothing of them."""
    for on in job.on:
        for name in _parameters(on):
            value = _value(step, name)
            for part in fixed_parts(value) if isinstance(value, str) else ():
                if found := wildcard_in(part):
                    message = f"`{found}` has a meaning of its own in permissions, which are given on this name"
                    yield Problem("SW219", message, _mark(step, name), "give it another name")
    role = _value(step, job.role) if job.role else None
    if role is None or step.keys.permissions:
        return
    if not (isinstance(role, str) and is_fixed(role)):
        message = "which role the job is given is not known before a run, and permissions name it"
        hint = "write its ARN, `arn:aws:iam::ACCOUNT_ID:role/NAME`, or name `config`"
        yield Problem("SW606", message, _mark(step, job.role), hint)
    elif "{" not in role and not _ROLE.match(role):
        hint = "write arn:aws:iam::ACCOUNT_ID:role/NAME; ACCOUNT_ID may stand as it is"
        yield Problem("SW501", "this is no ARN of a role", _mark(step, job.role), hint)


def job_grants(step: Step, job: Job, scope: Scope) -> Iterator[Grant]:
    """What it takes to begin the job, to hear of its end, to end it, and to give it its role."""
    mark, holder = step.mark_of("inputs"), scope.machine
    role = _value(step, job.role) if job.role else None
    known = scope.complete_arn(role) if isinstance(role, str) and is_fixed(role) else None
    for number, on in enumerate(job.on):
        only = (Condition("ArnEquals", job.role_key, (known,)),) if job.role_key and known and not number else ()
        for resource in _resources(step, on, scope):
            prefix = on.arn.split(":")[2] if on.arn != "*" else job.service
            yield Grant(holder, tuple(sorted(f"{prefix}:{name}" for name in on.actions.split())), resource, mark, only)
    if job.rule:
        place = (":events:", Hole("aws", "region"), ":", Hole("aws", "account"))
        rule = Text(("arn:", Hole("aws", "partition"), *place, f":rule/{job.rule}"))
        yield Grant(holder, ("events:DescribeRule", "events:PutRule", "events:PutTargets"), rule, mark)
    if job.passed_to and known:
        to = (Condition("StringEquals", "iam:PassedToService", (Text((job.passed_to,)),)),)
        yield Grant(holder, ("iam:PassRole",), known, mark, to)


def with_arns(given: dict[str, Data], step: Step, job: Job, scope: Scope) -> dict[str, Data]:
    """The parameters, in AWS's spelling, with those of the table that are ARNs filled: ``ACCOUNT_ID`` is this stack's."""
    for path in [name for on in job.on for name in _parameters(on)] + ([job.role] if job.role else []):
        value = _value(step, path)
        if isinstance(value, str) and value.startswith("arn:") and is_fixed(value):
            given = _put(given, path.split("."), scope.complete_arn(value))
    return given


def _put(given: dict[str, Data], path: list[str], value: Text) -> dict[str, Data]:
    inner = given.get(path[0])
    if len(path) == 1:
        return {**given, path[0]: value}
    return {**given, path[0]: _put(inner, path[1:], value)} if isinstance(inner, dict) else given


def _resources(step: Step, on: On, scope: Scope) -> Iterator[Text]:
    found = _PARAMETER.search(on.arn)
    if found is None:
        yield Text(("*",)) if on.arn == "*" else scope.complete_arn(on.arn)
        return
    value = _value(step, found["path"])
    written = value if isinstance(value, str) else found["default"]
    if written is None:
        return
    name, rest = pattern_of(written, scope, "the name").text, on.arn[found.end() :]
    if written.startswith("arn:"):
        arn = scope.complete_arn(written) if is_fixed(written) else name
    else:
        arn = Text((*scope.complete_arn(on.arn[: found.start()]).parts, *name.parts))
    yield _joined(arn, rest)
    if on.revisions and not re.search(r":\d+\Z", written) and not _ends_open(arn):
        yield _joined(arn, ":*")


def _joined(arn: Text, rest: str) -> Text:
    """The ARN with what follows, its texts run together: equal ARNs are equal whatever they were made of."""
    parts: list[str | Hole] = []
    for part in (*arn.parts, rest) if rest else arn.parts:
        if isinstance(part, str) and parts and isinstance(parts[-1], str):
            parts[-1] += part
        else:
            parts.append(part)
    return Text(tuple(parts))


def _ends_open(arn: Text) -> bool:
    last = arn.parts[-1]
    return isinstance(last, str) and last.endswith("*")


def _parameters(on: On) -> Iterator[str]:
    return (found["path"] for found in _PARAMETER.finditer(on.arn))


def _value(step: Step, path: str) -> Any:
    """A parameter of the call, as written; None where it is left out."""
    value: Any = step.named_inputs
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name, value.get(name[0].lower() + name[1:]))
    return value


def _mark(step: Step, path: str) -> Any:
    places: list[str] = ["inputs"]
    for name in path.split("."):
        written = step.get(*places)
        small = name[0].lower() + name[1:]
        places.append(small if isinstance(written, Mapping) and small in written else name)
    return step.mark_of(*places)
