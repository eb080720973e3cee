"""What a step on Lambda names outside of its document (a function, an image, a role), as texts fixed at deployment.

They may name ``config``. So they are checked twice, by the same rules: in the document as far as they are written out,
and again when the config is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from stepworkflows_cdk.integrations.code import image_problems
from stepworkflows_cdk.integrations.lambda_.keys import LambdaKeys
from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.references import WrongValue, is_fixed, parse_value
from stepworkflows_cdk.language.workflow import Step

__all__ = ["FUNCTION", "known_texts", "text_problems", "written_texts"]

FUNCTION = re.compile(
    r"arn:(?P<partition>aws(?:-[a-z]+)*):lambda:(?P<region>REGION|[a-z]+(?:-[a-z]+)+-\d):(?P<account>ACCOUNT_ID|\d{12})"
    r":function:(?:(?P<name>[\w-]{1,64})(?::(?P<version>\$LATEST|[\w-]{1,128}))?)?\Z",
    re.ASCII,
)
"""https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html. Without a name it is one to create."""
_ROLE = re.compile(r"arn:(?P<partition>aws(?:-[a-z]+)*):iam::(?P<account>\d{12}):role/[\w+=,.@/-]{1,576}\Z", re.ASCII)
_ACCOUNT = re.compile(r"[0-9]{12}\Z")
_PATHS = {
    "arn": ("arn",),
    "image": ("image",),
    "account": ("runs-on", "lambda", "account"),
    "role": ("runs-on", "lambda", "role"),
}


def written_texts(keys: LambdaKeys) -> dict[str, str]:
    """The texts as they are written, by their keys."""
    found = {"arn": keys.arn, "image": keys.image, "account": keys.settings.account, "role": keys.settings.role}
    return {key: text for key, text in found.items() if text is not None}


def known_texts(step: Step, texts: Mapping[str, str], problems: list[Problem]) -> dict[str, str]:
    """Those that are known from the document alone. What names something else than ``config`` is a problem."""
    known: dict[str, str] = {}
    for key, text in texts.items():
        if not is_fixed(text):
            message = f"`{key}` is fixed when the flow is compiled, and this is not known then"
            problems.append(Problem("SW215", message, _mark(step, key), "write it out, or name `config`"))
            continue
        try:
            value = parse_value(text)
        except WrongValue:
            continue  # reported as what it is
        if isinstance(value, str):
            known[key] = value
    return known


def text_problems(step: Step, texts: Mapping[str, str]) -> Iterator[Problem]:
    """What is wrong with texts that are known, each alone and together."""
    function, role = FUNCTION.match(texts.get("arn", "")), _ROLE.match(texts.get("role", ""))
    if "arn" in texts and not function:
        hint = "write arn:aws:lambda:REGION:ACCOUNT_ID:function:NAME; REGION and ACCOUNT_ID may stand as they are"
        yield Problem("SW501", "this is no ARN of a Lambda function", _mark(step, "arn"), hint)
    if "image" in texts:
        yield from image_problems(step, texts["image"])
    account = texts.get("account")
    if account is not None and not _ACCOUNT.match(account):
        yield Problem("SW501", "an account is 12 digits", _mark(step, "account"), 'write `account: "111122223333"`')
        return
    if "role" in texts and not role:
        hint = f"write arn:aws:iam::{account or 'ACCOUNT'}:role/NAME, with the account's digits"
        yield Problem("SW501", "this is no ARN of a role", _mark(step, "role"), hint)
    if account is not None:
        for key, found in (("arn", function), ("role", role)):
            if found and found["account"] != account:
                theirs = (
                    "this stack's account" if found["account"] == "ACCOUNT_ID" else f"the account {found['account']}"
                )
                message = f"the `{key}` is of {theirs}, and `account` says {account}"
                yield Problem("SW506", message, _mark(step, key), "write the same account in both")
        # https://docs.aws.amazon.com/step-functions/latest/dg/concepts-access-cross-acct-resources.html
        if function and role and function["partition"] != role["partition"]:
            message = "function and role are of different partitions, and no role reaches beyond its own"
            yield Problem("SW506", message, _mark(step, "role"), "name a role beside the function")


def _mark(step: Step, key: str) -> Mark:
    return step.mark_of(*_PATHS[key])
