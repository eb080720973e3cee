"""A connection need becomes an EventBridge connection, or the caller's own is taken for it."""

from __future__ import annotations

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from stepworkflows_cdk.constructs.bound import Bindings, Bound
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.http.needs import ConnectionNeed, Credentials

__all__ = ["bind"]


def bind(scope: Construct, need: ConnectionNeed, given: object | None, bindings: Bindings) -> Bound:
    """Attributes: ``arn`` and ``secret_arn``, of the secret in which EventBridge keeps the credentials.

    CloudFormation reads the flow's secret when it makes or changes the connection, by a dynamic reference, so that the
    value is in no template: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html.
    The revision stands in the description, so that raising it has the value read again.
    """
    connection = _created(scope, need, bindings) if given is None else _adopted(need, given)
    attributes = {"arn": connection.connection_arn, "secret_arn": connection.connection_secret_arn}
    return Bound(construct=connection, attributes=attributes)


def _created(scope: Construct, need: ConnectionNeed, bindings: Bindings) -> events.IConnection:
    credentials = need.credentials
    if credentials is None:
        raise ConfigurationError(
            f"{need.mark}: the connection {need.name!r} has no `auth`; write it, or pass an events.IConnection in "
            f"resources={{{need.name!r}: ...}}"
        )
    secret = cast(secretsmanager.ISecret, bindings[credentials.secret].construct)
    _check_rotation(need, secret)
    if secret.node.scope is not None and secret.node.scope.node.id == credentials.secret:
        _placeholder(scope, need, credentials)
    return events.Connection(
        scope,
        "Connection",
        authorization=_authorization(credentials, secret),
        description=f"{need.name}, revision {need.revision}",
    )


def _placeholder(scope: Construct, need: ConnectionNeed, credentials: Credentials) -> None:
    """The secret is made here, so that it holds no more than a placeholder at first: a text in which there is no field, and
    for which nobody gives a token.
    """
    first = "create the secret first, and pass it in `secrets`"
    if credentials.field is not None or credentials.kind == "oauth":
        what = "a field of" if credentials.field is not None else "a token for"
        raise ConfigurationError(
            f"{need.mark}: the connection {need.name!r} asks for {what} its secret when it is deployed, and a secret made here "
            f"holds a placeholder then; {first}"
        )
    cdk.Annotations.of(scope).add_warning_v2(
        "stepworkflows:connection-secret",
        f"{need.mark}: the connection {need.name!r} is first deployed with a placeholder; put the real value into the secret, "
        f"raise `revision`, and deploy again; or {first}",
    )


def _authorization(credentials: Credentials, secret: secretsmanager.ISecret) -> events.Authorization:
    field = credentials.field
    value = secret.secret_value if field is None else secret.secret_value_from_json(field)
    match credentials.kind:
        case "api-key":
            return events.Authorization.api_key(credentials.who, value)
        case "basic":
            return events.Authorization.basic(credentials.who, value)
        case "oauth":
            return events.Authorization.oauth(
                authorization_endpoint=credentials.url,
                client_id=credentials.who,
                client_secret=value,
                http_method=events.HttpMethod[credentials.method],
                body_parameters={name: events.HttpParameter.from_string(text) for name, text in credentials.parameters},
            )


def _check_rotation(need: ConnectionNeed, secret: secretsmanager.ISecret) -> None:
    """A secret of this app that rotates: the connection would go on with a value that no longer holds."""
    found = [
        child
        for child in cdk.Stack.of(secret).node.find_all()
        if isinstance(child, secretsmanager.CfnRotationSchedule)
        and cdk.Stack.of(secret).resolve(child.secret_id) == cdk.Stack.of(secret).resolve(secret.secret_arn)
    ]
    if found:
        raise ConfigurationError(
            f"{need.mark}: the secret of the connection {need.name!r} rotates, and a connection keeps the value that it "
            "is deployed with; call the API from code (`runs-on: lambda`, `secrets`), which reads the value at each use"
        )


def _adopted(need: ConnectionNeed, given: object) -> events.IConnection:
    if not (hasattr(given, "connection_arn") and hasattr(given, "connection_secret_arn")):
        raise ConfigurationError(
            f"resources: {need.name!r} is a connection; pass an events.IConnection, not {type(given).__name__}"
        )
    return cast(events.IConnection, given)
