"""Security: permissions without wildcards, on what exists; secrets where they belong; no reserved variables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

from stepworkflows_cdk.language.checks.data import check_deployed
from stepworkflows_cdk.language.credentials import credential_in, is_credential
from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.document import Path_
from stepworkflows_cdk.language.permissions import EVERYTHING, action_path, open_end
from stepworkflows_cdk.language.references import Template, WrongValue, is_plain, parse_value, strings_in
from stepworkflows_cdk.language.scope import View
from stepworkflows_cdk.language.shape import nearest
from stepworkflows_cdk.language.wildcards import wildcard_in
from stepworkflows_cdk.language.workflow import Resource, Step, Workflow

__all__ = ["DYNAMIC_REFERENCE", "check", "inlined_credential"]

_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9]+\Z")
_ARN = re.compile(r"arn:[^:\s]+:[a-z0-9-]+:[^:\s]*:[^:\s]*:\S+\Z")
# At least two characters: https://docs.aws.amazon.com/lambda/latest/api/API_Environment.html
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]+\Z")
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
_RESERVED = re.compile(r"AWS_|LAMBDA_|TZ\Z")


_FIX = "revoke it, put a new one into a secret, and name that under `secrets`: the code reads its value"

DYNAMIC_REFERENCE = "{{resolve:"
"""With this CloudFormation would write a value from elsewhere, such as a secret's, into a template's text."""

_EACH = "write the complete ARN of each resource; where the input decides, of each that its contract admits (`enum`)"


def check(workflow: Workflow) -> Iterator[Problem]:
    yield from _descriptions(workflow)
    yield from _credentials(workflow)
    for step in workflow.all_steps:
        yield from _permissions(workflow, step)
        yield from _secrets(step)
        yield from _env(step)


def _permissions(workflow: Workflow, step: Step) -> Iterator[Problem]:
    for target, keys in (step.keys.permissions or {}).items():
        mark = step.key_mark("permissions", target)
        is_arn, actions = target.startswith("arn:") or target == EVERYTHING, keys.actions
        if is_arn:
            path = (*step.path, "permissions", target)
            for problem in check_deployed(step.document, path, step.id, target, View(workflow, step=step)):
                yield replace(problem, mark=mark, hint=_EACH if problem.code == "SW215" else problem.hint)
        yield from _tagged(workflow, step, target)
        if "*" in target or "?" in target:
            yield from _open(step, target, keys.reason)
        elif keys.reason is not None:
            at = step.key_mark("permissions", target, "reason")
            yield Problem("SW107", "`reason` is for an ARN that ends in `*`", at, "remove it")
        elif is_arn and not _ARN.match(target):
            yield Problem(
                "SW603",
                f"`{target}` is no complete ARN",
                mark,
                "write arn:PARTITION:SERVICE:REGION:ACCOUNT_ID:RESOURCE",
            )
        elif not is_arn and target not in workflow.resources:
            hint = nearest(target, workflow.resources) or "declare it under `resources`, or write a complete ARN"
            yield Problem("SW603", f"no resource is called `{target}`", mark, hint)
        if not actions:
            yield Problem(
                "SW603", f"no action is given on `{target}`", mark, "write `[read]`, `[write]` or exact actions"
            )
        for index, action in enumerate(actions):
            at = step.mark_of(*action_path(step.get("permissions", target), target, index))
            if "*" in action or "?" in action:
                yield Problem("SW602", f"`{action}` is a wildcard", at, "write each action")
            elif action in ("read", "write") and is_arn:
                yield Problem(
                    "SW603",
                    f"`{action}` is for names under `resources`",
                    at,
                    "write exact actions, such as `s3:GetObject`",
                )
            elif action in ("read", "write") and target in workflow.resources:
                yield from _access(workflow.resources[target], action, at)
            elif action not in ("read", "write") and not _ACTION.match(action):
                yield Problem("SW603", f"`{action}` is no IAM action", at, "write `read`, `write` or `service:Action`")


def _open(step: Step, target: str, reason: str | None) -> Iterator[Problem]:
    """A permission on more than one resource: it says why, and all but the end of the ARN is exact."""
    mark = step.key_mark("permissions", target)
    if reason is None:
        hint = (
            f"{_EACH}; where only a run knows it, say so: "
            f"`{json.dumps(_opened(target))}: {{actions: [...], tagged: {{KEY: VALUE}}, reason: ...}}`"
        )
        yield Problem("SW602", "a permission names one resource, without a wildcard", mark, hint)
    elif not open_end(target):
        hint = "write it as `arn:aws:ec2:REGION:ACCOUNT_ID:instance/*`, or `*` where AWS knows no resources"
        yield Problem("SW602", "only the end of an ARN, behind the resource's type, can be left open", mark, hint)


def _opened(target: str) -> str:
    """The ARN, open at its end, or where that cannot be told an example."""
    shorter = f"{re.split(r'[*?]', target)[0].rstrip('/')}/*"
    return next((each for each in (target, shorter) if open_end(each)), "arn:aws:SERVICE:REGION:ACCOUNT_ID:TYPE/*")


def _tagged(workflow: Workflow, step: Step, target: str) -> Iterator[Problem]:
    tags = (step.keys.permissions or {})[target].tagged or {}
    for key, value in tags.items():
        path = (*step.path, "permissions", target, "tagged", key)
        yield from check_deployed(step.document, path, step.id, value, View(workflow, step=step))
        for text in (key, value):
            if found := wildcard_in(text):
                message = f"`{found}` has a meaning of its own in permissions"
                yield Problem("SW219", message, step.key_mark(*path[len(step.path) :]), "give the tag another value")


def _access(resource: Resource, action: str, mark: Mark) -> Iterator[Problem]:
    known = sorted(resource.integration.access)
    if action not in known:
        hint = (
            f"write {' or '.join(f'`{each}`' for each in known)}, or exact actions" if known else "write exact actions"
        )
        yield Problem("SW603", f"`{action}` has no meaning for a {resource.type}", mark, hint)


def _secrets(step: Step) -> Iterator[Problem]:
    for name, value in (step.keys.secrets or {}).items():
        try:
            parsed = parse_value(value)
        except WrongValue:
            continue
        alone = isinstance(parsed, Template) and len(parsed.parts) == 1
        if not alone or not isinstance(parsed, Template) or getattr(parsed.parts[0], "root", None) != "secrets":
            yield Problem(
                "SW604",
                "a value under `secrets` is one secret of the flow",
                step.mark_of("secrets", name),
                'write `"{secrets.NAME}"`',
            )


def _env(step: Step) -> Iterator[Problem]:
    for key in ("env", "secrets"):
        for name in getattr(step.keys, key) or {}:
            if not _NAME.match(name):
                yield Problem(
                    "SW605",
                    f"`{name}` is no name of a variable",
                    step.key_mark(key, name),
                    "begin with a letter; use letters, digits and `_`, two at least",
                )
            elif _RESERVED.match(name):
                yield Problem(
                    "SW605",
                    f"the variable `{name}` is reserved by Lambda",
                    step.key_mark(key, name),
                    "choose another name",
                )
    for name, value in (step.keys.env or {}).items():
        if _resolves(value):
            message = "a dynamic reference would put a value into the variable for all to see"
            hint = "name the secret under `secrets`: the code reads its value"
            yield Problem("SW607", message, step.mark_of("env", name), hint)
        elif (problem := inlined_credential(step, ("env", name))) is not None:
            yield problem
    for name in set(step.keys.env or {}) & set(step.keys.secrets or {}):
        yield Problem(
            "SW605",
            f"the variable `{name}` is set under `env` and under `secrets`",
            step.key_mark("secrets", name),
            "remove one of them",
        )


def _resolves(value: str) -> bool:
    try:
        parsed = parse_value(value)
    except WrongValue:
        return False
    parts = (parsed,) if isinstance(parsed, str) else parsed.parts
    return any(isinstance(part, str) and DYNAMIC_REFERENCE in part for part in parts)


def _credentials(workflow: Workflow) -> Iterator[Problem]:
    """What is a credential wherever it stands."""
    documents = {id(step.document): step.document for step in workflow.all_steps}
    for document in {id(workflow.document): workflow.document, **documents}.values():
        for path, text in strings_in(document.value):
            if credential_in(text):
                yield Problem("SW608", "a credential stands in the document, for all to see", document.mark(path), _FIX)


def inlined_credential(step: Step, path: Path_, fix: str = "") -> Problem | None:
    """The problem of a value at ``path`` in the step that is written out and is a credential, or goes by the name of one."""
    value = step.get(*path)
    if not isinstance(value, str) or not is_plain(value):
        return None
    if credential_in(value) or not is_credential(str(path[-1]), value):
        return None  # what is one wherever it stands is reported as that
    return Problem(
        "SW608",
        f"the value of `{path[-1]}` is a credential, or looks like one",
        step.mark_of(*path),
        f"{fix or _FIX}; what is none goes by another name",
    )


def _descriptions(workflow: Workflow) -> Iterator[Problem]:
    """Texts that stand in a template as they are."""
    for name, secret in workflow.secrets.items():
        if DYNAMIC_REFERENCE in secret.keys.description:
            mark = workflow.document.mark(("secrets", name, "description"))
            yield Problem("SW607", "CloudFormation would resolve this reference", mark, "describe it in words")
