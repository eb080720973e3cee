import json
from dataclasses import replace

import pytest
from aws_cdk import aws_iam as iam
from constructs import Construct

from stepworkflows_cdk.compiler.plan import Condition, Grant, Hole, Text
from stepworkflows_cdk.constructs.bound import Bindings, Bound
from stepworkflows_cdk.constructs.permissions import POLICY_SIZE, attach, policies_of, statements_of
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.language.diagnostics import Mark

MARK = Mark("flow.yaml", 1, 1)
NOTHING_BOUND = Bindings(partition="aws", region="eu-west-1", account="111122223333")


def on(resource, *actions):
    return Grant("machine-main", actions, Text((resource,)), MARK)


def allowed(statements):
    return {(action, resource) for each in statements for action in each.actions for resource in each.resources}


def test_resources_with_the_same_actions_share_a_statement():
    grants = [on("arn:b", "s:Put", "s:Get"), on("arn:a", "s:Get"), on("arn:a", "s:Put"), on("arn:c", "s:Get")]
    shared, alone = sorted(statements_of(grants, NOTHING_BOUND), key=lambda each: -len(each.actions))
    assert (shared.actions, shared.resources) == (("s:Get", "s:Put"), (Text(("arn:a",)), Text(("arn:b",))))
    assert (alone.actions, alone.resources) == (("s:Get",), (Text(("arn:c",)),))


def test_statements_allow_what_the_grants_allow_and_nothing_else():
    grants = [on(f"arn:{n % 7}", f"s:Action{n % 5}", f"t:Action{n % 3}") for n in range(60)]
    wanted = {(action, grant.resource) for grant in grants for action in grant.actions}
    assert allowed(statements_of(grants, NOTHING_BOUND)) == wanted


def test_the_order_of_grants_does_not_show():
    grants = [on(Hole(f"table-{n}", "arn"), f"s:Action{n % 3}") for n in range(20)]
    assert statements_of(grants, NOTHING_BOUND) == statements_of(reversed(grants), NOTHING_BOUND)


def test_a_grant_on_what_a_key_encrypts_brings_the_use_of_the_key():
    bindings = Bindings(partition="aws", region="eu-west-1", account="111122223333")
    bindings["table-orders"] = Bound(
        construct=None,
        attributes={"arn": "arn:table", "key_arn": "arn:key"},
        key_actions={"dynamodb:": ("kms:Decrypt",)},
    )
    statements = statements_of([on(Hole("table-orders", "arn"), "dynamodb:GetItem")], bindings)
    assert {(action, bindings.fill(arn)) for action, arn in allowed(statements)} == {
        ("dynamodb:GetItem", "arn:table"),
        ("kms:Decrypt", "arn:key"),
    }


def test_a_key_is_used_through_the_service_that_keeps_what_it_encrypts_and_for_that_alone():
    bindings = Bindings(partition="aws", region="eu-west-1", account="111122223333")
    bindings["secret-pay"] = Bound(
        construct=None,
        attributes={"arn": "arn:secret", "key_arn": "arn:key"},
        key_actions={"secretsmanager:": ("kms:Decrypt",)},
        key_context={"SecretARN": "arn"},
    )
    grant = under("a/*", Hole("secret-pay", "arn"), "secretsmanager:GetSecretValue")
    (on_key,) = (each for each in statements_of([grant], bindings) if each.actions == ("kms:Decrypt",))
    assert {each.key: bindings.fill(each.values[0]) for each in on_key.conditions} == {
        "kms:EncryptionContext:SecretARN": "arn:secret",
        "kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com",
    }


@pytest.mark.parametrize(
    ("action", "on_key"),
    [("s3:GetObject", ("kms:Decrypt",)), ("s3:PutObject", ("kms:Decrypt", "kms:GenerateDataKey")), ("s3:List", ())],
)
def test_what_a_key_must_allow_depends_on_what_is_done(action, on_key):
    bindings = Bindings(partition="aws", region="eu-west-1", account="111122223333")
    actions = {"s3:Get": ("kms:Decrypt",), "s3:Put": ("kms:GenerateDataKey", "kms:Decrypt")}
    bindings["bucket-in"] = Bound(construct=None, attributes={"arn": "b", "key_arn": "k"}, key_actions=actions)
    statements = statements_of([on(Hole("bucket-in", "arn"), action)], bindings)
    assert {each.actions for each in statements if bindings.fill(each.resources[0]) == "k"} == ({on_key} - {()})


def under(prefix, resource="arn:a", *actions):
    condition = Condition("StringLike", "s3:prefix", (Text((prefix,)),))
    return replace(on(resource, *(actions or ("s3:ListBucket",))), conditions=(condition,))


def test_conditions_stay_with_their_grants():
    grants = [
        under("a/*"),
        under("b/*"),
        under("b/*", "arn:b"),
        on("arn:a", "s3:ListBucket"),
        under("a/*", "arn:a", "s:X"),
    ]
    found = {
        (each.actions, each.resources, each.conditions[0].values[0].parts[0] if each.conditions else None)
        for each in statements_of(grants, NOTHING_BOUND)
    }
    a, b = Text(("arn:a",)), Text(("arn:b",))
    assert found == {
        (("s3:ListBucket", "s:X"), (a,), "a/*"),
        (("s3:ListBucket",), (a, b), "b/*"),
        (("s3:ListBucket",), (a,), None),
    }
    assert statements_of(grants, NOTHING_BOUND) == statements_of(reversed(grants), NOTHING_BOUND)


def test_a_condition_stands_in_the_policy(stack, template):
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
    two = Condition("StringEquals", "s3:prefix", (Text(("a",)), Text((Hole("aws", "region"),))))
    attach(
        Construct(stack, "Flow"),
        role,
        [replace(under("a/*"), conditions=(two, *under("a/*").conditions))],
        NOTHING_BOUND,
    )
    (statement,) = template(stack).statements("states.amazonaws.com")
    assert statement["Condition"] == {
        "StringEquals": {"s3:prefix": ["a", "eu-west-1"]},
        "StringLike": {"s3:prefix": "a/*"},
    }


@pytest.mark.parametrize("number", [1, 20, 30, 100, 150])
def test_every_policy_stays_below_the_size_that_iam_takes(number):
    longest = "arn:aws-us-gov:dynamodb:us-gov-west-1:111122223333:table/" + "x" * 180
    grants = [on(f"{longest}{n:03}", "dynamodb:PutItem") for n in range(number)]
    policies = policies_of(statements_of(grants, NOTHING_BOUND))
    for policy in policies:
        document = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": list(each.actions),
                    "Resource": [NOTHING_BOUND.fill(arn) for arn in each.resources],
                }
                for each in policy
            ],
        }
        assert len(json.dumps(document, separators=(",", ":"))) <= POLICY_SIZE
    assert len(allowed(each for policy in policies for each in policy)) == number


def test_small_statements_share_a_policy():
    grants = [on(f"arn:{n}", f"s:Action{n}") for n in range(30)]
    assert len(policies_of(statements_of(grants, NOTHING_BOUND))) == 1


def test_more_policies_than_a_role_takes_is_an_error_that_names_the_holder(stack):
    grants = [on(f"arn:{n:0250}", f"s:Action{n}") for n in range(400)]
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
    with pytest.raises(ConfigurationError, match=r"main: its permissions fill \d+ policies, and a role takes 8"):
        attach(Construct(stack, "Flow"), role, grants, NOTHING_BOUND)


@pytest.fixture
def attached(stack, template):
    """Gives grants to a role, twice over; gives what each policy of the stack allows, by the start of its id."""

    def allowed_by(*grants):
        for name in ("One", "Two"):
            scope = Construct(stack, name)
            role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
            attach(scope, role, grants, NOTHING_BOUND)
        found = template(stack)
        return {
            id_[:-8]: [(each["Action"], each["Resource"]) for each in policy["PolicyDocument"]["Statement"]]
            for id_, policy in found.of_type("AWS::IAM::ManagedPolicy").items()
        }

    return allowed_by


LOGIN = "ecr:GetAuthorizationToken"


def test_what_takes_no_resource_is_given_by_one_policy_of_the_stack(attached):
    assert attached(on("*", LOGIN), on("arn:a", "s:Get"), on("*", LOGIN)) == {
        "StepWorkflowsSharedRegistryLogin": [(LOGIN, "*")],
        "OnePermissions": [("s:Get", "arn:a")],
        "TwoPermissions": [("s:Get", "arn:a")],
    }


def test_a_role_may_have_nothing_but_what_is_shared(attached):
    assert attached(on("*", LOGIN)) == {"StepWorkflowsSharedRegistryLogin": [(LOGIN, "*")]}


@pytest.mark.parametrize("actions", [("s3:GetObject",), (LOGIN, "s3:GetObject"), ("xray:PutTraceSegments",)])
def test_every_resource_is_refused_for_actions_that_are_no_row_of_the_table(attached, actions):
    with pytest.raises(ConfigurationError, match=rf"flow\.yaml:1:1: {', '.join(actions)} on every resource; name the"):
        attached(on("*", *actions))


def test_shared_policies_count_among_those_that_a_role_takes(attached):
    with pytest.raises(ConfigurationError, match=r"main: its permissions fill \d+ policies, and a role takes 7"):
        attached(on("*", LOGIN), *(on(f"arn:{n:0250}", f"s:Action{n}") for n in range(400)))
