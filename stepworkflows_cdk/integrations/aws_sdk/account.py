"""A call in another account: with a role of it, which the machine assumes and which trusts the machine's.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-access-cross-acct-resources.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stepworkflows_cdk.compiler.integration import Scope
from stepworkflows_cdk.compiler.plan import Grant, Text
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.references import is_fixed
from stepworkflows_cdk.language.workflow import Step

__all__ = ["check_account", "role_grant", "role_of"]

_ROLE = re.compile(r"arn:aws(?:-[a-z]+)*:iam::(?P<account>\d{12}):role/[\w+=,.@/-]{1,576}\Z", re.ASCII)
_ACCOUNT = re.compile(r"[0-9]{12}\Z")


def check_account(step: Step, account: str | None, role: str | None) -> Iterator[Problem]:
    """What is wrong with the account and the role as they are written."""
    for key, value, other, missing in (("account", account, "role", role), ("role", role, "account", account)):
        if value is not None and missing is None:
            what = {"role": "a `role` of it, which may make the call", "account": "the `account` that it is of"}
            yield Problem("SW102", f"`{key}` needs {what[other]}", step.key_mark("call", key), f"add `{other}`")
        if value is not None and not is_fixed(value):
            message = f"`{key}` is fixed when the flow is compiled, and this is not known then"
            yield Problem("SW215", message, step.mark_of("call", key), "write it out, or name `config`")
    if account is not None and role is not None and "{" not in f"{account}{role}":
        yield from _together(step, account, role)
    if role is not None and step.keys.permissions:
        message = "`permissions` have no effect on a call in another account: the role there has its own"
        yield Problem("SW107", message, step.key_mark("permissions"), "remove them")


def role_of(step: Step, account: str, role: str, scope: Scope) -> Text:
    """The role, once config is known."""
    known = tuple(scope.text(value).parts for value in (account, role))
    if all(all(isinstance(part, str) for part in parts) for parts in known):
        texts = ["".join(str(part) for part in parts) for parts in known]
        for problem in _together(step, *texts):
            raise ConfigurationError(f"{problem.mark}: with this config {problem.message}")
    return scope.complete_arn(role)


def role_grant(step: Step, role: Text, scope: Scope) -> Grant:
    """The machine may take the role, and nothing else: what the role may do is said in its account."""
    return Grant(scope.machine, ("sts:AssumeRole",), role, step.key_mark("call", "role"))


def _together(step: Step, account: str, role: str) -> Iterator[Problem]:
    found = _ROLE.match(role)
    if not _ACCOUNT.match(account):
        hint = 'write `account: "111122223333"`'
        yield Problem("SW501", "an account is 12 digits", step.mark_of("call", "account"), hint)
    elif found is None:
        hint = f"write arn:aws:iam::{account}:role/NAME, with the account's digits"
        yield Problem("SW501", "this is no ARN of a role", step.mark_of("call", "role"), hint)
    elif found["account"] != account:
        message = f"the `role` is of the account {found['account']}, and `account` says {account}"
        yield Problem("SW506", message, step.mark_of("call", "role"), "write the same account in both")
