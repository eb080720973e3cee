"""``resources: {carrier: {type: connection, auth: ...}}``: who calls an API, and with which credentials.

The secret's value goes into the connection when that is deployed: a secret that changes by itself does not fit.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-target-connection-auth.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.compiler.plan import Hole, Need, Text, need_id
from stepworkflows_cdk.integrations.http.needs import ConnectionNeed, Credentials
from stepworkflows_cdk.language.checks.security import DYNAMIC_REFERENCE
from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.references import strings_in
from stepworkflows_cdk.language.shape import nearest
from stepworkflows_cdk.language.workflow import Resource, Workflow

if TYPE_CHECKING:
    from constructs import Construct

    from stepworkflows_cdk.constructs.bound import Bindings, Bound
    from stepworkflows_cdk.local.world import World

__all__ = ["ApiKeyKeys", "AuthKeys", "BasicKeys", "ConnectionKeys", "Connections", "OAuthKeys"]

_SECRET = re.compile(r"\{secrets\.([^\W\d][\w-]*)\}\Z")


class _SecretKeys(Keys):
    secret: str = Field(
        description='The secret with the key or password: `"{secrets.NAME}"`. It is read when the connection is deployed, so '
        "it should hold its value by then, and must where `field` or `oauth` reads it; no secret that rotates fits."
    )
    field: str | None = Field(
        None, min_length=1, description="Where the secret holds JSON: the name of the field in it."
    )


class ApiKeyKeys(_SecretKeys):
    """A key in a header."""

    name: str = Field("x-api-key", pattern=r"^[A-Za-z0-9-]{1,128}$", description="The header's name.")


class BasicKeys(_SecretKeys):
    """User and password."""

    user: str = Field(min_length=1, description="The user's name.")


class OAuthKeys(_SecretKeys):
    """OAuth 2 with the credentials of a client: a token is fetched and renewed by EventBridge."""

    url: str = Field(pattern=r"^https://[^\s{}]+$", description="Where the token is fetched.")
    client_id: str = Field(min_length=1, description="The client's id.")
    method: Literal["GET", "POST", "PUT"] = Field("POST", description="How the token is fetched.")
    parameters: dict[str, str] | None = Field(
        None,
        description="Fields of the body, such as `scope`; `grant_type` is `client_credentials`, unless it stands here.",
    )


class AuthKeys(Keys):
    """One of these."""

    api_key: ApiKeyKeys | None = Field(None, description="A key in a header.")
    basic: BasicKeys | None = Field(None, description="User and password.")
    oauth: OAuthKeys | None = Field(None, description="A client of OAuth 2.")

    @model_validator(mode="after")
    def _one(self) -> AuthKeys:
        if sum(value is not None for value in (self.api_key, self.basic, self.oauth)) != 1:
            raise ValueError("one of `api-key`, `basic` and `oauth`")
        return self

    @property
    def chosen(self) -> tuple[str, ApiKeyKeys | BasicKeys | OAuthKeys]:
        """The one that is there, and its key."""
        found = {"api-key": self.api_key, "basic": self.basic, "oauth": self.oauth}
        return next((key, value) for key, value in found.items() if value is not None)


class ConnectionKeys(Keys):
    """The credentials for an API. Without `auth`, the caller's own connection has to be given in `resources`."""

    auth: AuthKeys | None = Field(None, description="How it is said who calls.")
    revision: int = Field(
        1, ge=1, description="Raise it when the secret's value has changed: a connection takes it when it is deployed."
    )


class Connections(Integration):
    """EventBridge connections: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-target-connection.html."""

    resource_types = {"connection": ConnectionKeys}
    needs = (ConnectionNeed,)

    def check_resource(self, resource: Resource, workflow: Workflow) -> Iterable[Problem]:
        assert isinstance(resource.keys, ConnectionKeys)
        if resource.keys.auth is None:
            if resource.keys.revision != 1:
                mark = workflow.document.key_mark(("resources", resource.name, "revision"))
                yield Problem("SW107", "`revision` is for a connection with `auth`", mark, "remove it, or add `auth`")
            return
        key, written = resource.keys.auth.chosen
        path = ("resources", resource.name, "auth", key)
        mark = workflow.document.mark((*path, "secret"))
        found = _SECRET.match(written.secret)
        if not found:
            hint = 'declare it under `secrets` of the flow, and write `"{secrets.NAME}"`'
            yield Problem("SW604", "credentials stand in no document: this is one secret of the flow", mark, hint)
        elif found.group(1) not in workflow.secrets:
            hint = nearest(found.group(1), workflow.secrets) or f"declare it: `secrets: {{{found.group(1)}: {{}}}}`"
            yield Problem("SW203", f"`secrets` has no `{found.group(1)}`", mark, hint)
        for place, text in strings_in(workflow.document.get(path), path):
            if place[-1] != "secret" and ("{" in text or DYNAMIC_REFERENCE in text):
                message = "a connection is made before anything that a reference could name"
                yield Problem("SW215", message, workflow.document.mark(place), "write it out")

    def plan_resource(self, name: str, type_: str, keys: Any, mark: Mark) -> Need:
        credentials = _credentials(*keys.auth.chosen) if keys.auth else None
        return ConnectionNeed(
            id=need_id("connection", name), mark=mark, name=name, credentials=credentials, revision=keys.revision
        )

    def identity(self, need: Need) -> Text:
        return Text((Hole(need.id, "arn"),))

    def arn(self, need: Need) -> Text:
        return Text((Hole(need.id, "arn"),))

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from stepworkflows_cdk.integrations.http.cdk import bind

        assert isinstance(need, ConnectionNeed)
        return bind(scope, need, given, bindings)

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        """There is no network here, so nothing needs to be behind it."""
        arn = world.arn("events", f"connection/{need.id}/{world.placeholder(need.id)}")
        return {"arn": arn, "secret_arn": world.arn("secretsmanager", f"secret:events!connection/{need.id}")}


def _credentials(key: str, keys: ApiKeyKeys | BasicKeys | OAuthKeys) -> Credentials:
    found = _SECRET.match(keys.secret)
    assert found
    secret = need_id("secret", found.group(1))
    match keys:
        case ApiKeyKeys():
            return Credentials("api-key", keys.name, secret, keys.field)
        case BasicKeys():
            return Credentials("basic", keys.user, secret, keys.field)
        case OAuthKeys():
            parameters = {"grant_type": "client_credentials", **(keys.parameters or {})}
            rest = (keys.url, keys.method, tuple(sorted(parameters.items())))
            return Credentials("oauth", keys.client_id, secret, keys.field, *rest)
