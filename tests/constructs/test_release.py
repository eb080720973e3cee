import json
from dataclasses import replace

import pytest

from stepworkflows_cdk.compiler.plan import Deploy, Grant, Hole, Text
from stepworkflows_cdk.constructs.workflow import StepWorkflow
from stepworkflows_cdk.errors import ConfigurationError

CANARY = Deploy("prod", "canary", percentage=20, interval=60, watched=True, alarms=("shop-errors",))


def released(shop, deploy):
    return replace(shop, machines=(replace(shop.main, deploy=deploy),))


def of_type(found, type_):
    """The one resource of a type, with what stands beside its properties."""
    (resource,) = [each for each in found.resources.values() if each["Type"] == type_]
    return resource


def test_each_revision_is_published_and_the_alias_leads_to_it(stack, shop, bind, template):
    bind(stack, shop)
    found = template(stack)
    (machine,) = found.of_type("AWS::StepFunctions::StateMachine")
    (version,) = found.of_type("AWS::StepFunctions::StateMachineVersion")
    assert found.resources[version] == {
        **found.resources[version],
        "Properties": {
            "StateMachineArn": {"Ref": machine},
            "StateMachineRevisionId": {"Fn::GetAtt": [machine, "StateMachineRevisionId"]},
        },
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
    }
    assert found.only("AWS::StepFunctions::StateMachineAlias") == {
        "Name": "live",
        "DeploymentPreference": {"StateMachineVersionArn": {"Ref": version}, "Type": "ALL_AT_ONCE"},
    }
    assert found.of_type("AWS::CloudWatch::Alarm") == {}


def test_a_canary_is_taken_back_by_executions_of_the_alias_that_fail(stack, shop, bind, template):
    bind(stack, released(shop, CANARY))
    found = template(stack)
    (alarm_id,) = found.of_type("AWS::CloudWatch::Alarm")
    alias = found.only("AWS::StepFunctions::StateMachineAlias")
    assert alias["Name"] == "prod"
    preference = alias["DeploymentPreference"]
    assert {**preference, "StateMachineVersionArn": None} == {
        "StateMachineVersionArn": None,
        "Type": "CANARY",
        "Percentage": 20,
        "Interval": 60,
        "Alarms": [{"Ref": alarm_id}, "shop-errors"],
    }
    alarm = found.only("AWS::CloudWatch::Alarm")
    (machine,) = found.of_type("AWS::StepFunctions::StateMachine")
    metrics = [each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each]
    assert {each["Metric"]["MetricName"] for each in metrics} == {"ExecutionsFailed", "ExecutionsTimedOut"}
    for metric in metrics:
        assert {each["Name"]: each["Value"] for each in metric["Metric"]["Dimensions"]} == {
            "StateMachineArn": {"Ref": machine},
            "Alias": "prod",
        }
    assert (alarm["Threshold"], alarm["TreatMissingData"]) == (1, "notBreaching")


def test_linear_without_alarms(stack, shop, bind, template):
    bind(stack, released(shop, Deploy(strategy="linear", percentage=10, interval=5)))
    preference = template(stack).only("AWS::StepFunctions::StateMachineAlias")["DeploymentPreference"]
    assert {key: preference[key] for key in preference if key != "StateMachineVersionArn"} == {
        "Type": "LINEAR",
        "Percentage": 10,
        "Interval": 5,
    }


def test_a_version_of_a_function_can_be_called_as_long_as_it_is_there(stack, shop, bind, template):
    """Whatever a later deployment says: nothing but this permission would allow it then."""
    bind(stack, shop)
    found = template(stack)
    (version,) = found.of_type("AWS::Lambda::Version")
    (role,) = [
        id_ for id_, each in found.of_type("AWS::IAM::Role").items() if "states.amazonaws.com" in json.dumps(each)
    ]
    permission = of_type(found, "AWS::Lambda::Permission")
    assert permission["Properties"] == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Ref": version},
        "Principal": {"Fn::GetAtt": [role, "Arn"]},
    }
    kept = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
    for resource in (permission, of_type(found, "AWS::Lambda::Version")):
        assert {key: resource[key] for key in kept} == kept


def test_what_executions_began_with_in_a_watched_deployment_stays_also_where_it_is_taken_back(
    stack, shop, bind, template
):
    bind(stack, released(shop, CANARY))
    found = template(stack)
    for type_ in ("AWS::Lambda::Version", "AWS::Lambda::Permission"):
        assert of_type(found, type_)["DeletionPolicy"] == "Retain"


def test_other_code_is_another_version_with_a_permission_of_its_own(new_stack, shop, code, bind, template):
    def deployed():
        stack = new_stack()
        bind(stack, shop)
        return template(stack)

    first = deployed()
    (code / "handler.py").write_text("def handler(event, context):\n    return None\n", encoding="utf-8")
    second = deployed()
    for type_ in ("AWS::Lambda::Version", "AWS::Lambda::Permission"):
        # Other resources, so that the old ones are kept by their own policy, whatever becomes of the deployment.
        assert not set(first.of_type(type_)) & set(second.of_type(type_))
    machines = [found.only("AWS::StepFunctions::StateMachine") for found in (first, second)]
    assert machines[0]["DefinitionString"] == machines[1]["DefinitionString"]
    assert machines[0] != machines[1], "a new revision, since it calls the new version"


def test_a_function_that_is_handed_events_is_not_published(stack, shop, bind, template, make, code):
    resolver = make.function("resolver", code, steps=())
    bound = bind(stack, replace(shop, needs=(*shop.needs, resolver)))
    (version,) = template(stack).of_type("AWS::Lambda::Version")
    assert "charge" in version
    assert bound.bindings["function-resolver"].version is None


def test_others_start_the_alias_and_are_permitted_on_the_machine(stack, shop, bind, template, make):
    outer = make.machine({"a": {"Type": "Succeed"}}, (Hole("machine-main", "arn"), Hole("machine-main", "name")))
    outer = replace(outer, id="outer")
    start = Grant("machine-outer", ("states:StartExecution",), Text((Hole("machine-main", "machine_arn"),)), make.mark)
    bind(stack, replace(shop, machines=(*shop.machines, outer), grants=(*shop.grants, start)))
    found = template(stack)
    machines = found.of_type("AWS::StepFunctions::StateMachine")
    (inner,) = [id_ for id_ in machines if "main" in id_]
    (alias,) = [id_ for id_ in found.of_type("AWS::StepFunctions::StateMachineAlias") if "main" in id_]
    (substitutions,) = [each["DefinitionSubstitutions"] for id_, each in machines.items() if id_ != inner]
    assert substitutions["machine_main_arn"] == {"Ref": alias}
    assert substitutions["machine_main_name"] == {"Fn::GetAtt": [inner, "Name"]}
    policies = json.dumps(list(found.of_type("AWS::IAM::ManagedPolicy").values()))
    assert json.dumps({"Action": "states:StartExecution", "Effect": "Allow", "Resource": {"Ref": inner}}) in policies


def test_a_grant_on_an_alias_is_refused_since_it_would_allow_nothing(stack, shop, bind, make):
    start = Grant("machine-main", ("states:StartExecution",), Text((Hole("machine-main", "arn"),)), make.mark)
    with pytest.raises(ConfigurationError, match=r"flow.yaml:1:1: a grant on the alias.*give it on `machine_arn`"):
        bind(stack, replace(shop, grants=(*shop.grants, start)))


def test_the_document_says_how_it_is_deployed(stack, tmp_path, template):
    document = tmp_path / "flow.yaml"
    document.write_text(
        "name: shop\ntype: RunnableStep\ndeploy: {strategy: linear}\nsteps: [{id: a, outputs: {x: 1}}]\n", "utf-8"
    )
    flow = StepWorkflow(stack, "Flow", definition=document, failures=3)
    found = template(stack)
    preference = found.only("AWS::StepFunctions::StateMachineAlias")["DeploymentPreference"]
    assert (preference["Type"], preference["Percentage"], preference["Interval"]) == ("LINEAR", 10, 5)
    (alarm,) = preference["Alarms"]
    assert found.of_type("AWS::CloudWatch::Alarm")[alarm["Ref"]]["Threshold"] == 3
    assert stack.get_logical_id(flow.alias) in found.resources
    assert stack.get_logical_id(flow.version) in found.resources
