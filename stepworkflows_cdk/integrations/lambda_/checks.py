"""What is wrong with a step on Lambda beyond the shape of its keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stepworkflows_cdk.integrations.code import check_code
from stepworkflows_cdk.integrations.lambda_.keys import LambdaKeys
from stepworkflows_cdk.integrations.lambda_.texts import FUNCTION, known_texts, text_problems, written_texts
from stepworkflows_cdk.language.checks.resources import undeclared
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.model import alias
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["LONGEST", "check"]

LONGEST = 900
"""Seconds that a function runs at most: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
_ENVIRONMENT = 4096  # bytes: the same page


def check(step: Step, keys: LambdaKeys, workflow: Workflow) -> Iterator[Problem]:
    problems: list[Problem] = []
    known = known_texts(step, written_texts(keys), problems)
    yield from problems
    yield from text_problems(step, known)
    if keys.made:
        yield from _made(step, keys, known.get("arn", ""))
    else:
        yield from _existing(step, keys)
    yield from _account(step, keys)
    yield from _time(step, keys)
    yield from _variables(step)
    if keys.settings.vpc is not None:
        yield from undeclared(step, ("runs-on", "lambda", "vpc"), keys.settings.vpc, "network", workflow)


def _made(step: Step, keys: LambdaKeys, arn: str) -> Iterable[Problem]:
    """A function that is made here, of code or of an image."""
    if keys.zip_file is not None and keys.image is not None:
        message = "the code is given twice, as `zip-file` and as `image`"
        yield Problem("SW104", message, step.key_mark("image"), "remove one of them")
    elif keys.zip_file is not None:
        yield from check_code(step, keys.zip_file, keys.handler)
    elif "python" in keys.settings.model_fields_set:
        mark = step.key_mark("runs-on", "lambda", "python")
        yield Problem("SW107", "`python` has no effect on an image, which has a Python of its own", mark, "remove it")
    found = FUNCTION.match(arn)
    if found and found["version"]:
        message = f"a function that is made here has no version or alias `{found['version']}`"
        yield Problem("SW501", message, step.mark_of("arn"), "end the ARN with the function's name")


def _existing(step: Step, keys: LambdaKeys) -> Iterable[Problem]:
    """A function that exists already."""
    if keys.arn is None:
        if keys.settings.account is None and keys.settings.role is None:
            hint = "add `zip-file`, or an `image`, or the `arn` of a function"
            yield Problem("SW102", "the step's code is missing", step.key_mark("runs-on"), hint)
        return
    if keys.arn.endswith("function:"):
        mark = step.mark_of("arn")
        yield Problem(
            "SW102", "an `arn` that ends in `function:` needs code", mark, "add `zip-file`, or a complete ARN"
        )
        return
    ours = [alias(name) for name in sorted(keys.settings.model_fields_set - {"account", "role"})]
    paths = [("env",), ("secrets",), ("permissions",), ("handler",), *(("runs-on", "lambda", key) for key in ours)]
    for path in paths:
        if step.get(*path) is not None:
            message = f"`{path[-1]}` has no effect on a function that exists already"
            hint = "write the step's `timeout`" if path[-1] == "timeout" else "remove it"
            yield Problem("SW107", message, step.key_mark(*path), hint)


def _account(step: Step, keys: LambdaKeys) -> Iterable[Problem]:
    """Another account needs all three: its number, a role of it, and the function by its complete ARN."""
    settings = keys.settings
    for key, other in (("account", "role"), ("role", "account")):
        if getattr(settings, key) is not None and getattr(settings, other) is None:
            what = {"role": "a `role` of it, which may call the function", "account": "the `account` that it is of"}
            mark = step.key_mark("runs-on", "lambda", key)
            yield Problem("SW102", f"`{key}` needs {what[other]}", mark, f"add `{other}` beside it")
    if settings.account is not None or settings.role is not None:
        mark = step.key_mark("runs-on", "lambda", "account" if settings.account is not None else "role")
        if keys.made:
            message = "a function of another account exists there; it is not made here"
            yield Problem("SW107", message, mark, "write its complete `arn` alone, or remove this")
        elif keys.arn is None or keys.arn.endswith("function:"):
            yield Problem("SW102", "another account needs the complete `arn` of a function there", mark, "add `arn`")


def _variables(step: Step) -> Iterable[Problem]:
    """The environment of a function, as far as it is written out."""
    written = {name: "" if "{" in value else value for name, value in (step.keys.env or {}).items()}
    size = sum(len(name.encode()) + len(value.encode()) for name, value in written.items())
    if size > _ENVIRONMENT:
        message = f"all variables of a function have {_ENVIRONMENT:,} bytes at most, and here are {size:,}"
        hint = "put them into a file beside the code, or into `inputs`"
        yield Problem("SW401", message, step.key_mark("env"), hint)


def _time(step: Step, keys: LambdaKeys) -> Iterable[Problem]:
    message, hint = "a Lambda function runs 15 minutes at most", "shorten it, or split the work"
    timeout = step.keys.timeout
    if timeout and timeout > LONGEST and not step.whole_input:
        yield Problem("SW401", message, step.mark_of("timeout"), hint)
    if keys.settings.timeout > LONGEST:
        yield Problem("SW401", message, step.mark_of("runs-on", "lambda", "timeout"), hint)
    if timeout and "timeout" in keys.settings.model_fields_set and keys.made:
        mark = step.key_mark("runs-on", "lambda", "timeout")
        yield Problem(
            "SW107", "the time-out is set twice, here and as the step's `timeout`", mark, "remove one of them"
        )
