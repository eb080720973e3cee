"""A secret need becomes a secret in Secrets Manager, or the caller's own secret is taken for it."""

from __future__ import annotations

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from stepworkflows_cdk.constructs import sharing
from stepworkflows_cdk.constructs.acknowledgements import acknowledge
from stepworkflows_cdk.constructs.bound import Bindings, Bound
from stepworkflows_cdk.constructs.rotation import rotate
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.secretsmanager.needs import SecretNeed

__all__ = ["bind"]


def bind(scope: Construct, need: SecretNeed, given: object | None, bindings: Bindings) -> Bound:
    """Attributes: ``arn``, complete as IAM needs it, and ``key_arn`` for a secret with a KMS key of its own.

    A secret made here holds a random placeholder until somebody, or the caller's rotation, puts the real value in, and
    outlives its stack. Without a rotation the value stays: see the row ``secret-rotation`` of the acknowledgements.
    """
    secret = _created(scope, need, bindings) if given is None else _adopted(need, given)
    arn = secret.secret_full_arn
    if arn is None:
        raise ConfigurationError(
            f"secrets: {need.name!r} was imported without its complete ARN, which a policy needs; "
            "import it by Secret.from_secret_complete_arn"
        )
    key = secret.encryption_key
    if key is None:
        return Bound(construct=secret, attributes={"arn": arn})
    return Bound(secret, {"arn": arn, "key_arn": key.key_arn}, key_actions=_KEY_ACTIONS, key_context=_KEY_CONTEXT)


# https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
_KEY_ACTIONS = {"secretsmanager:": ("kms:Decrypt",)}
_KEY_CONTEXT = {"SecretARN": "arn"}


def _created(scope: Construct, need: SecretNeed, bindings: Bindings) -> secretsmanager.ISecret:
    key = bindings.secrets_key or sharing.key(scope)
    secret = secretsmanager.Secret(
        scope,
        "Secret",
        description=need.description or None,
        encryption_key=key,
        removal_policy=cdk.RemovalPolicy.RETAIN,
    )
    if need.id in bindings.rotations:
        rotate(scope, secret, key, bindings.rotations[need.id])
    else:
        acknowledge(secret, "secret-rotation")
    return secret


def _adopted(need: SecretNeed, given: object) -> secretsmanager.ISecret:
    if not hasattr(given, "secret_full_arn"):
        raise ConfigurationError(
            f"secrets: pass a secretsmanager.ISecret for {need.name!r}, not {type(given).__name__}"
        )
    return cast(secretsmanager.ISecret, given)
