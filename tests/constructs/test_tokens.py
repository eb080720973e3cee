"""Callers who show tokens: from a document to the template, in every profile."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_ec2 as ec2

from stepworkflows_cdk import ConfigurationError, Definition, StepWorkflow, WorkflowSpace, compile_workflow
from stepworkflows_cdk.constructs.packaging import package
from stepworkflows_cdk.constructs.profile import PROFILES
from stepworkflows_cdk.constructs.wheels import Target, WheelStore

FLOW = Path(__file__).parent.parent / "flows" / "tokens" / "workflow.yaml"
STRICT = [name for name in PROFILES if name != "baseline"]
TOKENS = """
name: shop
triggers: {api: {path: /orders, auth: {jwt: {issuer: "{config.issuer}", audience: "{resources.users}"}}}}
config: {issuer: {default: "https://login.example.com/"}}
resources: {users: {type: user-pool}}
steps: [{id: pause, wait: 1h}]
"""


@pytest.fixture(scope="module")
def made(new_stack: Callable[..., cdk.Stack]) -> cdk.Stack:
    stack = new_stack()
    StepWorkflow(stack, "Flow", definition=FLOW)
    return stack


@pytest.fixture(scope="module")
def found(made: cdk.Stack, template: Callable[[cdk.Stack], Any]) -> Any:
    return template(made)


def authorizers(found: Any) -> dict[str, Any]:
    """The path -> its authorizer, and the function behind it."""
    functions = found.of_type("AWS::Lambda::Function")
    behind = {}
    for authorizer in found.of_type("AWS::ApiGateway::Authorizer").values():
        named = re.findall(r'"Fn::GetAtt": \["(\w+)", "Arn"\]', json.dumps(authorizer["AuthorizerUri"]))
        (id_,) = {each for each in named if each in functions}
        behind[functions[id_]["Environment"]["Variables"]["RESOURCE"]] = (authorizer, functions[id_])
    return behind


def test_each_method_asks_the_function_that_reads_tokens(found: Any) -> None:
    methods = found.of_type("AWS::ApiGateway::Method").values()
    assert len(methods) == 4
    assert {method["AuthorizationType"] for method in methods} == {"CUSTOM"}
    assert len({json.dumps(method["AuthorizerId"]) for method in methods}) == 2


def test_the_gateway_keeps_what_it_was_told_for_a_token(found: Any) -> None:
    for authorizer, _ in authorizers(found).values():
        assert (authorizer["Type"], authorizer["IdentitySource"]) == ("TOKEN", "method.request.header.Authorization")
        assert authorizer["AuthorizerResultTtlInSeconds"] == 300
        form = re.compile(authorizer["IdentityValidationExpression"])
        assert form.fullmatch("Bearer ey-J_0.ey9.x")
        for wrong in (
            "Bearer ",
            "Bearer a.b",
            "Basic a.b.c",
            "a.b.c",
            "Bearer a.b.c d",
            "Bearer a.b.c.d",
            "Bearer ..c",
        ):
            assert not form.fullmatch(wrong)


def test_the_function_is_told_whose_tokens_it_takes(found: Any) -> None:
    variables = {path: function["Environment"]["Variables"] for path, (_, function) in authorizers(found).items()}
    assert variables == {
        "/orders": {
            "AUDIENCE": '["orders", "desk"]',
            "ISSUER": "https://login.example.com/shop",
            "JWKS": "",
            "RESOURCE": "/orders",
            "SCOPES": '["orders/write", "admin"]',
        },
        "/desk/orders": {
            "AUDIENCE": '["desk"]',
            "ISSUER": "https://desk.example.com",
            "JWKS": "https://desk.example.com/keys?p=1",
            "RESOURCE": "/desk/orders",
            "SCOPES": "[]",
        },
    }


def test_the_function_may_write_its_log_and_no_more(found: Any) -> None:
    for _, function in authorizers(found).values():
        role = found.resources[function["Role"]["Fn::GetAtt"][0]]["Properties"]
        own = [arn["Ref"] for arn in role["ManagedPolicyArns"] if not arn["Ref"].startswith("StepWorkflowsShared")]
        actions: set[str] = set()
        for id_ in own:
            for statement in found.resources[id_]["Properties"]["PolicyDocument"]["Statement"]:
                action = statement["Action"]
                actions.update([action] if isinstance(action, str) else action)
        # As every function may; the last is for events, of which none come here.
        assert actions == {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"}


def test_the_api_calls_its_two_functions_and_no_others(found: Any) -> None:
    for authorizer, function in authorizers(found).values():
        role = found.resources[authorizer["AuthorizerCredentials"]["Fn::GetAtt"][0]]["Properties"]
        (policy,) = (found.resources[arn["Ref"]]["Properties"] for arn in role["ManagedPolicyArns"])
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert statement["Action"] == "lambda:InvokeFunction"
        called = [found.resources[each["Fn::GetAtt"][0]]["Properties"] for each in statement["Resource"]]
        assert function in called
        assert sorted("RESOURCE" in each["Environment"]["Variables"] for each in called) == [False, True]
    assert found.of_type("AWS::Lambda::Permission") == {}


def test_the_function_is_packaged_with_what_it_takes(made: cdk.Stack, found: Any) -> None:
    assembly = made.node.root.synth()  # type: ignore[attr-defined]
    folders = {path.name: path for path in Path(assembly.directory).glob("asset.*") if (path / "stand_in.py").is_file()}
    assert len(folders) == 1
    (folder,) = folders.values()
    assert {path.name for path in folder.iterdir()} == {"handler.py", "requirements.txt", "stand_in.py"}
    digest = folder.name.removeprefix("asset.")
    assert all(digest in function["Code"]["S3Key"] for _, function in authorizers(found).values())


def test_every_package_is_of_one_version_with_its_hash() -> None:
    needs = compile_workflow(Definition.load(FLOW)).needs
    file = next(need.code for need in needs if need.id.endswith("-authorizer")) / "requirements.txt"
    lines = re.sub(r"\\\n", " ", file.read_text(encoding="utf-8")).splitlines()
    for line in (line for line in lines if line and not line.startswith("#")):
        assert re.fullmatch(r"[a-z]+(\[\w+\])?==[\d.]+ +--hash=sha256:[0-9a-f]{64}", line), line


@pytest.mark.index
def test_the_packages_are_those_for_the_functions_platform(tmp_path: Path) -> None:
    needs = compile_workflow(Definition.load(FLOW)).needs
    need = next(need for need in needs if need.id.endswith("-authorizer"))
    packed = package(need.code, Target(need.python, need.architecture), WheelStore(tmp_path)).path
    assert {path.name for path in packed.iterdir()} >= {"cryptography", "handler.py", "jwt"}
    libraries = list(packed.rglob("*.so"))
    assert libraries
    for library in libraries:
        assert library.read_bytes()[18:20] == b"\xb7\x00", "no library for 64-bit Arm"  # e_machine of ELF


def test_the_baseline_finds_nothing(made: cdk.Stack, findings: Callable[..., Any]) -> None:
    assert findings(made) == set()


def test_what_is_acknowledged_is_what_every_api_has(made: cdk.Stack, acknowledged: Callable[..., Any]) -> None:
    found = {(path.rpartition("/")[2], rule.partition("[")[0]) for path, rule in acknowledged(made)}
    assert {rule for name, rule in found if name in ("POST", "GET")} == {"AwsSolutions-COG4"}
    assert not any("uthorizer" in path for path, _ in acknowledged(made))


@pytest.mark.parametrize("profile", STRICT)
def test_a_network_without_a_way_out_is_refused(new_stack: Callable[..., cdk.Stack], profile: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"workflow\.yaml:\d+:\d+: with this profile .* WorkflowSpace\(network="
    ):
        StepWorkflow(new_stack(), "Flow", definition=FLOW, profile=profile)


@pytest.mark.parametrize("profile", STRICT)
def test_every_profile_finds_nothing_where_the_network_has_a_way_out(
    new_stack: Callable[..., cdk.Stack], findings: Callable[..., Any], template: Callable[..., Any], profile: str
) -> None:
    stack = new_stack()
    values = {"vpc_id": "vpc-1", "availability_zones": ["a"], "private_subnet_ids": ["subnet-1"]}
    network = ec2.Vpc.from_vpc_attributes(stack, "Network", **values)
    StepWorkflow(stack, "Flow", definition=FLOW, space=WorkflowSpace(stack, "Space", network=network, profile=profile))
    assert findings(stack, PROFILES[profile].packs) == set()
    for _, function in authorizers(template(stack)).values():
        assert function["VpcConfig"]["SubnetIds"] == ["subnet-1"]


def test_config_and_resources_are_filled_at_deployment(
    new_stack: Callable[..., cdk.Stack], template: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "workflow.yaml").write_text(TOKENS, encoding="utf-8")
    stack = new_stack()
    users = cognito.UserPool.from_user_pool_id(stack, "Users", "eu-west-1_abc")
    StepWorkflow(stack, "Flow", definition=tmp_path / "workflow.yaml", resources={"users": users})
    ((_, function),) = authorizers(template(stack)).values()
    variables = function["Environment"]["Variables"]
    assert (variables["ISSUER"], variables["AUDIENCE"]) == ("https://login.example.com/", '["eu-west-1_abc"]')
