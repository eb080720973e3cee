"""Secrets get new values by a function of the caller's, under every profile."""

from __future__ import annotations

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager

from stepworkflows_cdk import ConfigurationError, Rotation
from stepworkflows_cdk.constructs.profile import PROFILES


@pytest.fixture
def rotating(stack) -> lambda_.Function:
    code = lambda_.Code.from_inline("def handler(event, context): ...")
    return lambda_.Function(stack, "Rotating", code=code, handler="index.handler", runtime=lambda_.Runtime.PYTHON_3_13)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_secret_rotates_by_the_callers_function(
    stack, shop, bind, template, acknowledged, findings, rotating, profile
) -> None:
    every = Rotation(rotating, cdk.Duration.days(30))
    bind(stack, shop, rotations={"payment": every}, profile=PROFILES[profile])
    assert not any("otation" in rule for _, rule in acknowledged(stack))
    assert not any("secret" in path.lower() for _, path in findings(stack, PROFILES[profile].packs))
    found = template(stack)
    ((secret, _),) = found.of_type("AWS::SecretsManager::Secret").items()
    schedule = found.only("AWS::SecretsManager::RotationSchedule")
    assert schedule["RotationRules"] == {"AutomaticallyAfterDays": 30}
    assert schedule["SecretId"] == {"Ref": secret}
    permissions = found.of_type("AWS::Lambda::Permission").values()
    (called,) = (each for each in permissions if each["Principal"] == "secretsmanager.amazonaws.com")
    assert called["SourceArn"] == {"Ref": secret}
    assert called["SourceAccount"] == {"Ref": "AWS::AccountId"}
    (policy,) = (each for id_, each in found.of_type("AWS::IAM::ManagedPolicy").items() if "Rotation" in id_)
    allowed = policy["PolicyDocument"]["Statement"]
    assert allowed[0]["Resource"] == {"Ref": secret}
    assert not found.of_type("AWS::IAM::Policy")
    if profile != "baseline":
        conditions = allowed[1]["Condition"]["StringEquals"]
        assert set(conditions) == {"kms:EncryptionContext:SecretARN", "kms:ViaService"}


def test_a_function_from_elsewhere_gets_no_permissions_here(stack, shop, bind, template) -> None:
    arn = "arn:aws:lambda:eu-west-1:111122223333:function:rotate"
    function = lambda_.Function.from_function_arn(stack, "Elsewhere", arn)
    bind(stack, shop, rotations={"payment": Rotation(function, cdk.Duration.days(1))})
    found = template(stack)
    assert found.only("AWS::SecretsManager::RotationSchedule")["RotationLambdaARN"] == arn
    assert not any("Rotation" in id_ for id_ in found.of_type("AWS::IAM::ManagedPolicy"))


@pytest.mark.parametrize("every", [cdk.Duration.hours(12), cdk.Duration.hours(36), cdk.Duration.days(1001)])
def test_a_rotation_that_secrets_manager_does_not_take_is_refused(stack, shop, bind, rotating, every) -> None:
    with pytest.raises(ConfigurationError, match="rotations: every is 1 to 1,000 days, not "):
        bind(stack, shop, rotations={"payment": Rotation(rotating, every)})


def test_rotations_are_of_secrets_that_are_made_here(stack, shop, bind, rotating) -> None:
    rotation = Rotation(rotating, cdk.Duration.days(30))
    with pytest.raises(ConfigurationError, match=r"rotations: unknown name 'paymnt'; .* did you mean 'payment'"):
        bind(stack, shop, "One", rotations={"paymnt": rotation})
    own = {"payment": secretsmanager.Secret(stack, "Own")}
    with pytest.raises(
        ConfigurationError, match="rotations: 'payment' is a secret of yours; rotate it where it is made"
    ):
        bind(stack, shop, "Two", secrets=own, rotations={"payment": rotation})


def test_secrets_have_the_key_of_the_caller(stack, shop, bind, template) -> None:
    key = kms.Key(stack, "Own", enable_key_rotation=True)
    bind(stack, shop, secrets_key=key)
    found = template(stack)
    ((own, _),) = found.of_type("AWS::KMS::Key").items()
    assert found.only("AWS::SecretsManager::Secret")["KmsKeyId"] == {"Fn::GetAtt": [own, "Arn"]}
    (decrypts,) = (each for each in found.statements("lambda.amazonaws.com") if each["Action"] == "kms:Decrypt")
    assert decrypts["Resource"] == {"Fn::GetAtt": [own, "Arn"]}
    assert set(decrypts["Condition"]["StringEquals"]) == {"kms:EncryptionContext:SecretARN", "kms:ViaService"}
