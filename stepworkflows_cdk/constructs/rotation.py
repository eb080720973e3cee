"""The rotation of a secret by a function of the caller's: when, and what the function may do."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from stepworkflows_cdk.errors import ConfigurationError

__all__ = ["Rotation", "rotate"]


@dataclass(frozen=True)
class Rotation:
    """``function`` puts a new value into the secret, now and then ``every`` so many days (1 to 1,000).

    The function knows the steps of a rotation (createSecret, setSecret, testSecret, finishSecret) and whoever issues the
    value: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html. It may read
    and write this secret then; what else it needs, such as ``secretsmanager:GetRandomPassword``, is its owner's to allow.
    """

    function: lambda_.IFunction
    every: cdk.Duration


def rotate(
    scope: Construct, secret: secretsmanager.ISecret, key: kms.IKey | None, rotation: Rotation
) -> secretsmanager.CfnRotationSchedule:
    """Sets the schedule, and lets Secrets Manager call the function, and the function use the secret.

    With the resource, since the L2 construct would write an inline policy, with a statement on ``*``, into the function's
    role.
    """
    days = rotation.every.to_days(integral=False)
    if not (1 <= days <= 1000 and days == int(days)):
        raise ConfigurationError(f"rotations: every is 1 to 1,000 days, not {rotation.every.to_human_string()}")
    rotation.function.add_permission(
        f"Rotation{secret.node.addr}",
        principal=iam.ServicePrincipal("secretsmanager.amazonaws.com"),
        source_account=cdk.Stack.of(scope).account,
        source_arn=secret.secret_arn,
    )
    schedule = secretsmanager.CfnRotationSchedule(
        scope,
        "Rotation",
        secret_id=secret.secret_arn,
        rotation_lambda_arn=rotation.function.function_arn,
        rotation_rules=secretsmanager.CfnRotationSchedule.RotationRulesProperty(automatically_after_days=int(days)),
    )
    # It rotates as soon as it is made.
    schedule.node.add_dependency(rotation.function)
    if rotation.function.role is not None:
        schedule.node.add_dependency(_permissions(scope, secret, key, rotation.function.role))
    return schedule


def _permissions(
    scope: Construct, secret: secretsmanager.ISecret, key: kms.IKey | None, role: iam.IRole
) -> iam.ManagedPolicy:
    """https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html"""
    on_secret = iam.PolicyStatement(
        actions=[
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetSecretValue",
            "secretsmanager:PutSecretValue",
            "secretsmanager:UpdateSecretVersionStage",
        ],
        resources=[secret.secret_arn],
    )
    on_key = [
        iam.PolicyStatement(
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[key.key_arn],
            conditions={
                "StringEquals": {
                    "kms:EncryptionContext:SecretARN": secret.secret_arn,
                    "kms:ViaService": f"secretsmanager.{cdk.Stack.of(scope).region}.amazonaws.com",
                }
            },
        )
        for key in ([key] if key is not None else [])
    ]
    return iam.ManagedPolicy(scope, "RotationPermissions", statements=[on_secret, *on_key], roles=[role])
