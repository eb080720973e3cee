"""Every way a step runs on Lambda, synthesized from the golden flows: of an image, in a network, by version, abroad."""

import json
from types import SimpleNamespace

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from stepworkflows_cdk.constructs.workflow import StepWorkflow
from stepworkflows_cdk.errors import ConfigurationError

REGION, ACCOUNT = {"Ref": "AWS::Region"}, {"Ref": "AWS::AccountId"}


def network(stack, construct_id="Network", **subnets):
    subnets = subnets or {"private_subnet_ids": ["subnet-1", "subnet-2"]}
    return ec2.Vpc.from_vpc_attributes(
        stack,
        construct_id,
        vpc_id="vpc-1",
        availability_zones=["a", "b"],
        public_subnet_ids=["open-1", "open-2"],
        **subnets,
    )


@pytest.fixture(scope="module")
def kinds(new_stack, template, repository):
    """One stack with all of these flows."""
    stack = new_stack()
    flows = repository / "tests" / "flows"
    made = {
        "image": StepWorkflow(stack, "Image", definition=flows / "function-image" / "workflow.yaml"),
        "abroad": StepWorkflow(stack, "Abroad", definition=flows / "function-of-another-account" / "workflow.yaml"),
        "versions": StepWorkflow(stack, "Versions", definition=flows / "function-versions" / "workflow.yaml"),
        "network": StepWorkflow(
            stack,
            "Inside",
            definition=flows / "function-in-a-network" / "workflow.yaml",
            resources={"main": network(stack)},
        ),
    }
    found = [
        each for pack in (AwsSolutionsChecks, ServerlessChecks) for each in pack(stack).validate_scope(stack).violations
    ]
    return SimpleNamespace(**made, stack=stack, template=template(stack), findings=found)


def properties(kinds, function):
    return kinds.template.resources[kinds.stack.get_logical_id(function.node.default_child)]["Properties"]


def allowed(kinds, flow):
    """What the flow's machine may do by policies of its own: action -> resources."""
    role = kinds.template.resources[kinds.stack.get_logical_id(flow.role.node.default_child)]["Properties"]
    own = [arn["Ref"] for arn in role["ManagedPolicyArns"] if not arn["Ref"].startswith("StepWorkflowsShared")]
    statements = [
        each for id_ in own for each in kinds.template.resources[id_]["Properties"]["PolicyDocument"]["Statement"]
    ]
    return {each["Action"]: each["Resource"] for each in statements}


def test_both_packs_of_nag_find_nothing(kinds):
    assert kinds.findings == []


def test_a_function_of_an_image(kinds):
    found = properties(kinds, kinds.image.steps["resize"].function)
    uri = {"Fn::Join": ["", [ACCOUNT, ".dkr.ecr.", REGION, ".amazonaws.com/shop/resize:1.4.0"]]}
    assert found["Code"] == {"ImageUri": uri}
    assert found["PackageType"] == "Image"
    assert found["ImageConfig"] == {"Command": ["app.resize"]}
    assert found["Environment"] == {"Variables": {"MODE": "fast"}}
    assert not {"Runtime", "Handler"} & set(found)
    assert (found["Architectures"], found["MemorySize"], found["Timeout"]) == (["x86_64"], 2048, 300)
    assert (found["EphemeralStorage"], found["ReservedConcurrentExecutions"]) == ({"Size": 4096}, 20)
    assert found["TracingConfig"] == {"Mode": "Active"}


def test_an_image_by_its_digest_with_its_own_command(kinds):
    found = properties(kinds, kinds.image.steps["sign"].function)
    digest = "1f2e3d4c5b6a79880716253443526170ffeeddccbbaa99887766554433221100"
    uri = {"Fn::Join": ["", ["444455556666.dkr.ecr.", REGION, f".amazonaws.com/sign@sha256:{digest}"]]}
    assert found["Code"] == {"ImageUri": uri}
    assert found["FunctionName"] == "sign"
    assert not {"ImageConfig", "EphemeralStorage", "ReservedConcurrentExecutions"} & set(found)


def test_the_roles_of_images_may_not_pull_them(kinds):
    assert "ecr:" not in json.dumps(kinds.template.body)


def test_another_account_is_reached_by_its_role_alone(kinds):
    role = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":iam::111122223333:role/score-caller-test"]]}
    assert allowed(kinds, kinds.abroad) == {"sts:AssumeRole": role}
    text = kinds.abroad.state_machine.node.default_child.definition_string
    assert json.loads(text)["States"]["score"]["Credentials"] == {
        "RoleArn": "arn:${aws_partition}:iam::111122223333:role/score-caller-test"
    }


def test_config_chooses_the_role(new_stack, template, repository):
    stack = new_stack()
    flow = repository / "tests" / "flows" / "function-of-another-account" / "workflow.yaml"
    StepWorkflow(stack, "Flow", definition=flow, config={"stage": "prod"})
    found = json.dumps(template(stack).body)
    assert ":iam::111122223333:role/score-caller-prod" in found
    assert ":111122223333:function:score-prod:live" in found
    assert "score-caller-test" not in found


def test_a_version_or_alias_is_invoked_by_its_very_arn(kinds):
    arn = ["arn:", {"Ref": "AWS::Partition"}, ":lambda:", REGION, ":", ACCOUNT]
    exact = [{"Fn::Join": ["", [*arn, f":function:price{end}"]]} for end in (":42", "", ":live")]
    assert allowed(kinds, kinds.versions) == {"lambda:InvokeFunction": exact}
    machine = kinds.versions.state_machine.node.default_child
    definition = kinds.template.resources[kinds.stack.get_logical_id(machine)]["Properties"]
    substitutions = definition["DefinitionSubstitutions"]
    called = {
        name: state["Arguments"]["FunctionName"].strip("${}")
        for name, state in json.loads(definition["DefinitionString"])["States"].items()
        if state["Type"] == "Task"
    }
    assert [substitutions[called[step]] for step in ("number", "whole", "alias")] == exact


def test_a_function_in_a_network_stands_in_private_subnets_and_calls_out_by_https_only(kinds):
    function = kinds.network.steps["inside"].function
    found = properties(kinds, function)["VpcConfig"]
    assert found["SubnetIds"] == ["subnet-1", "subnet-2"]
    (group,) = found["SecurityGroupIds"]
    rules = kinds.template.resources[group["Fn::GetAtt"][0]]["Properties"]
    assert "SecurityGroupIngress" not in rules
    https = {"CidrIp": "0.0.0.0/0", "Description": "HTTPS", "FromPort": 443, "IpProtocol": "tcp", "ToPort": 443}
    assert rules["SecurityGroupEgress"] == [https]
    assert properties(kinds, function)["Environment"] == {"Variables": {"NETWORK": "vpc-1"}}


def test_only_what_is_in_a_network_may_make_interfaces_and_not_by_its_own_code(kinds):
    shared = [id_ for id_ in kinds.template.resources if id_.startswith("StepWorkflowsSharedNetworkInterfaces")]
    holders = [
        id_
        for id_, role in kinds.template.of_type("AWS::IAM::Role").items()
        if {"Ref": shared[0]} in role["ManagedPolicyArns"]
    ]
    inside = kinds.stack.get_logical_id(kinds.network.steps["inside"].function.role.node.default_child)
    assert (len(shared), holders) == (1, [inside])
    allow, deny = kinds.template.resources[shared[0]]["Properties"]["PolicyDocument"]["Statement"]
    assert (allow["Effect"], deny["Effect"]) == ("Allow", "Deny")
    assert allow["Action"] == deny["Action"]
    # https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
    assert deny["Condition"] == {"Null": {"lambda:SourceFunctionArn": "false"}}


def test_the_same_code_outside_of_the_network_is_another_function(kinds):
    assert "VpcConfig" not in properties(kinds, kinds.network.steps["outside"].function)


@pytest.mark.parametrize(
    ("flow", "step", "made"),
    [
        ("image", "resize", True),
        ("network", "inside", True),
        ("abroad", "score", False),
        ("versions", "alias", False),
    ],
)
def test_the_function_of_a_step_can_be_had(kinds, flow, step, made):
    function = getattr(kinds, flow).steps[step].function
    assert isinstance(function, lambda_.Function) is made
    assert (function.role is not None) is made
    assert function.metric_errors().dimensions


def test_the_caller_opens_more_of_the_network(new_stack, template, repository):
    stack = new_stack()
    flow = StepWorkflow(
        stack,
        "Flow",
        definition=repository / "tests" / "flows" / "function-in-a-network" / "workflow.yaml",
        resources={"main": network(stack)},
    )
    flow.steps["inside"].function.connections.allow_to(ec2.Peer.ipv4("10.0.0.0/16"), ec2.Port.tcp(5432))
    rules = template(stack).only("AWS::EC2::SecurityGroup")["SecurityGroupEgress"]
    assert [rule["FromPort"] for rule in rules] == [443, 5432]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda stack: {}, r"workflow\.yaml:5:3: the network 'main' is not made here; pass a VPC of yours"),
        (lambda stack: {"main": "vpc-1"}, "'main' is a network; pass an ec2.IVpc, not str"),
        (
            lambda stack: {"main": network(stack, isolated_subnet_ids=["subnet-1", "subnet-2"])},
            "the network of function-code-inside has no private subnets with a way out",
        ),
    ],
)
def test_a_network_that_cannot_be_used(new_stack, repository, given, message):
    stack = new_stack()
    with pytest.raises(ConfigurationError, match=message):
        StepWorkflow(
            stack,
            "Flow",
            definition=repository / "tests" / "flows" / "function-in-a-network" / "workflow.yaml",
            resources=given(stack),
        )


FUNCTION = "arn:aws:lambda:{}:{}:function:theirs"


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (
            f"arn: '{FUNCTION.format('us-east-1', 'ACCOUNT_ID')}'",
            "the function is in us-east-1, and this stack in eu-west-1",
        ),
        (f"arn: '{FUNCTION.format('REGION', '444455556666')}'", ""),  # its own policy may let this account in
        (f"arn: '{FUNCTION.format('eu-west-1', '111122223333')}'", ""),
        (
            f"zip-file: charge, arn: '{FUNCTION.format('REGION', '444455556666')}'",
            "the function is in 444455556666, and this stack in 111122223333",
        ),
        (
            "image: '111122223333.dkr.ecr.us-east-1.amazonaws.com/x:1'",
            "the image is in us-east-1, and this stack in eu-west-1",
        ),
        ("image: '444455556666.dkr.ecr.eu-west-1.amazonaws.com/x:1'", ""),
    ],
)
def test_what_is_elsewhere_is_refused_where_it_cannot_be_reached(tmp_path, code, new_stack, step, message):
    file = tmp_path / "workflow.yaml"
    file.write_text(f"name: x\ninputs: {{}}\nsteps:\n  - {{id: a, runs-on: lambda, {step}}}\n", encoding="utf-8")
    stack = new_stack(env=cdk.Environment(account="111122223333", region="eu-west-1"))
    if message:
        with pytest.raises(ConfigurationError, match=rf"workflow\.yaml:4:5: {message}"):
            StepWorkflow(stack, "Flow", definition=file)
    else:
        assert StepWorkflow(stack, "Flow", definition=file).steps["a"].function


def test_a_machine_that_keeps_files_to_their_owner_makes_the_same_template(
    tmp_path, code, new_stack, template, monkeypatch
):
    monkeypatch.setenv("STEPWORKFLOWS_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "workflow.yaml"
    file.write_text("name: x\ninputs: {}\nsteps:\n  - {id: a, runs-on: lambda, zip-file: charge}\n", encoding="utf-8")
    bodies = []
    for mode in (0o644, 0o600):
        (code / "handler.py").chmod(mode)
        stack = new_stack()
        StepWorkflow(stack, "Flow", definition=file)
        bodies.append(template(stack).body)
    assert (tmp_path / "cache").is_dir()
    assert bodies[0] == bodies[1]
