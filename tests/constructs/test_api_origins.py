"""What pages of other origins may read of the errors that the gateway itself answers."""

import pytest

from stepworkflows_cdk import StepWorkflow

SHOP, DESK = "https://shop.example.com", "https://desk.example.com"
FLOW = """
name: {name}
triggers: {{api: [{paths}]}}
steps: [{{id: pause, wait: 1h}}]
"""


@pytest.fixture
def told(stack, tmp_path, template):
    """Flows, each with the origins of its paths -> gateway response -> its headers."""

    def found(*flows):
        for number, paths in enumerate(flows):
            file = tmp_path / f"flow-{number}.yaml"
            triggers = [
                f"{{path: /p{number}/{place}, auth: iam" + (f", cors: [{', '.join(origins)}]}}" if origins else "}")
                for place, origins in zip("abc", paths, strict=False)
            ]
            file.write_text(FLOW.format(name=f"flow-{number}", paths=", ".join(triggers)), encoding="utf-8")
            StepWorkflow(stack, f"Flow{number}", definition=file)
        responses = template(stack).of_type("AWS::ApiGateway::GatewayResponse").values()
        return {each["ResponseType"]: each.get("ResponseParameters") or {} for each in responses}

    return found


def test_the_single_origin_of_an_api_is_named_on_errors_of_the_gateway(told):
    header = {"gatewayresponse.header.Access-Control-Allow-Origin": f"'{SHOP}'"}
    assert told([[SHOP], []], [[SHOP]]) == {"DEFAULT_4XX": header, "DEFAULT_5XX": header}


@pytest.mark.parametrize("flows", [[[[SHOP, DESK]]], [[[SHOP]], [[DESK], [SHOP]]], [[[SHOP, DESK], [SHOP]]]])
def test_origins_that_differ_are_not_named(told, flows):
    assert told(*flows) == {"DEFAULT_4XX": {}, "DEFAULT_5XX": {}}


def test_an_api_without_origins_answers_as_ever(told):
    assert told([[]]) == {}
