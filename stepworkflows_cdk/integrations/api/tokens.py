"""``auth: {jwt: {issuer: https://login.example.com, audience: orders}}``: callers show a token that an issuer signed.

REST APIs have no authorizer for such tokens, so a function of ours reads them, by the rules of that of HTTP APIs:
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from stepworkflows_cdk.compiler.integration import TriggerScope
from stepworkflows_cdk.compiler.plan import Text
from stepworkflows_cdk.compiler.texts import json_text
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.lambda_.needs import FunctionNeed
from stepworkflows_cdk.language.checks.triggers import deployed_strings
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.workflow import Trigger, Workflow

__all__ = ["JwtKeys", "authorizer", "check_tokens"]

_CODE = Path(__file__).parent / "authorizer"
# https://openid.net/specs/openid-connect-core-1_0.html#IssuerIdentifier
_ISSUER = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?(/[^\s?#\\]*)?")
_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?(/[^\s#\\]*)?")
_SCOPE = re.compile(r"[!#-\[\]-~]+")
"""https://www.rfc-editor.org/rfc/rfc6749#section-3.3"""
_REFERENCE = re.compile(r"\{[^{}]+\}")


def _list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Word = Annotated[str, Field(min_length=1)]
Words = Annotated[list[Word], BeforeValidator(_list, json_schema_input_type=Word | list[Word]), Field(min_length=1)]


class JwtKeys(Keys):
    """JSON Web Tokens of an issuer that speaks OpenID Connect or OAuth 2.0, signed with RSA or ECDSA. `Authorization: Bearer
    TOKEN` has to have one that is for this API, has not expired, and says who its subject is. All is fixed at deployment.
    """

    issuer: str = Field(description="Who signs the tokens, exactly as they say: an `https` address without a query.")
    audience: Words = Field(
        description="Whom the tokens are for, one or a list: their `aud`, or, where they have none, their `client_id`."
    )
    scopes: Words | None = Field(
        None, description="Scopes, one or a list, of which a token must have at least one; without, it is answered 403."
    )
    jwks: str | None = Field(
        None,
        description="The `https` address of the issuer's keys; default: what the issuer says at "
        "`/.well-known/openid-configuration`.",
    )


def check_tokens(trigger: Trigger, keys: JwtKeys, workflow: Workflow) -> Iterator[Problem]:
    for key in ("issuer", "audience", "scopes", "jwks"):
        yield from deployed_strings(trigger, workflow, "auth", "jwt", key)
    for key, form, hint in (
        ("issuer", _ISSUER, "write it as the tokens do, such as `https://login.example.com/tenant`"),
        ("jwks", _ADDRESS, "write the whole address, such as `https://login.example.com/keys`"),
    ):
        text = getattr(keys, key)
        # What begins with a reference is known at deployment; then it is looked at again.
        if text and not text.startswith("{") and not form.fullmatch(_REFERENCE.sub("x", text)):
            yield Problem("SW233", f"`{key}` is no `https` address", trigger.mark_of("auth", "jwt", key), hint)
    for index, scope in enumerate(keys.scopes or ()):
        if not _SCOPE.fullmatch(scope):
            mark = trigger.mark_of("auth", "jwt", "scopes", index)
            yield Problem("SW233", "a scope has no blanks or quotes in it", mark, "write several as a list")


def authorizer(trigger: Trigger, keys: JwtKeys, path: str, scope: TriggerScope) -> FunctionNeed:
    """The function that reads the tokens of one trigger. It may do nothing but write its log."""
    issuer, jwks = scope.text(keys.issuer), scope.text(keys.jwks or "")
    for key, text, form in (("issuer", issuer, _ISSUER), ("jwks", jwks, _ADDRESS)):
        filled = text.fill(lambda _hole: "x")
        if not form.fullmatch(filled) and (filled or key == "issuer"):
            raise ConfigurationError(f"{trigger.mark}: with this config `{key}` is no `https` address")
    env = {
        "AUDIENCE": json_text([scope.text(each) for each in keys.audience]),
        "ISSUER": issuer,
        "JWKS": jwks,
        "RESOURCE": Text((path,)),
        "SCOPES": json_text([scope.text(each) for each in keys.scopes or ()]),
    }
    return FunctionNeed(
        id=f"{scope.id}-authorizer",
        mark=trigger.mark_of("auth"),
        code=_CODE,
        handler="handler.handler",
        env=tuple(env.items()),
        timeout=15,
        memory=256,
        python="3.14",
        architecture="arm64",
    )
