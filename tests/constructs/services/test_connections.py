"""Connections: where their credentials come from, and which cannot do."""

import pytest
from aws_cdk import Duration, assertions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from service_flow import BANK, STEPS, resource, written

from stepworkflows_cdk.constructs.workflow import StepWorkflow
from stepworkflows_cdk.errors import ConfigurationError


def value_of(made, name, field=""):
    if name == "bank":
        return f"{{{{resolve:secretsmanager:{BANK}:SecretString:{field}::}}}}"
    secret, _ = resource(made, f"Flowsecret{name}", "AWS::SecretsManager::Secret")
    return {"Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": secret}, f":SecretString:{field}::}}}}"]]}


def test_a_connection_takes_its_credentials_from_the_secret(made):
    found = {
        name: resource(made, f"Flowconnection{name}", "AWS::Events::Connection")[1]["Properties"]
        for name in ("carrier", "bank", "mint")
    }
    assert {name: each["AuthParameters"] for name, each in found.items()} == {
        "carrier": {"ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": value_of(made, "carrier")}},
        "bank": {"BasicAuthParameters": {"Username": "shop", "Password": value_of(made, "bank", "password")}},
        "mint": {
            "OAuthParameters": {
                "AuthorizationEndpoint": "https://login.example.com/t",
                "ClientParameters": {"ClientID": "me", "ClientSecret": value_of(made, "bank")},
                "HttpMethod": "POST",
                "OAuthHttpParameters": {
                    "BodyParameters": [
                        {"Key": "grant_type", "Value": "client_credentials", "IsValueSecret": False},
                        {"Key": "scope", "Value": "all", "IsValueSecret": False},
                    ]
                },
            }
        },
    }
    assert found["carrier"]["Description"] == "carrier, revision 3"


def test_a_connection_without_credentials_has_to_be_given(stack, workflow):
    steps = STEPS.replace("auth: bank", "auth: theirs")
    with pytest.raises(
        ConfigurationError, match=r"workflow\.yaml:\d+:\d+: the connection 'theirs' has no `auth`; write"
    ):
        workflow(steps, more="  theirs: {type: connection}\n")


def test_a_secret_that_rotates_proposes_code(stack, workflow):
    secret = secretsmanager.Secret(stack, "Own")
    function = lambda_.Function.from_function_name(stack, "Rotator", "rotator")
    secret.add_rotation_schedule("Rotation", rotation_lambda=function, automatically_after=Duration.days(30))
    with pytest.raises(
        ConfigurationError, match=r"the secret of the connection 'bank' rotates, .*; call the API from code"
    ):
        workflow(STEPS, secrets={"bank": secret})


def test_a_placeholder_is_told_of(flow, stack, workflow):
    made, _ = flow
    warned = assertions.Annotations.from_stack(made).find_warning(
        "*", assertions.Match.string_like_regexp("placeholder")
    )
    assert [entry.id for entry in warned] == ["/Shop/Flow/connection-carrier"]
    arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:carrier-a1b2c3"
    workflow(STEPS, secrets={"carrier": secretsmanager.Secret.from_secret_complete_arn(stack, "Own", arn)})
    assert not assertions.Annotations.from_stack(stack).find_warning("*", assertions.Match.any_value())


@pytest.mark.parametrize(
    ("auth", "what"),
    [
        ('{basic: {user: me, secret: "{secrets.key}", field: password}}', "a field of its secret"),
        (
            '{oauth: {url: "https://login.example.com", client-id: me, secret: "{secrets.key}"}}',
            "a token for its secret",
        ),
    ],
)
def test_a_placeholder_that_cannot_do_is_refused(stack, tmp_path, auth, what):
    document = (
        f"name: shop\nsecrets: {{key: {{}}}}\nresources: {{api: {{type: connection, auth: {auth}}}}}\n"
        'steps: [{id: a, http: {method: GET, url: "https://example.com", auth: api}}]\n'
    )
    with pytest.raises(
        ConfigurationError, match=rf"the connection 'api' asks for {what} when it is deployed, .*; create"
    ):
        StepWorkflow(stack, "Flow", definition=written(tmp_path, document))
