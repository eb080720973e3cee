"""The flow of all services, and flows of some steps."""

import pytest
from service_flow import HEAD, STEPS, bank, written

from stepworkflows_cdk.constructs.workflow import StepWorkflow


@pytest.fixture(scope="module")
def flow(tmp_path_factory, new_stack):
    """A stack with each service, and its flow."""
    stack = new_stack()
    folder = tmp_path_factory.mktemp("services")
    return stack, StepWorkflow(stack, "Flow", definition=written(folder, HEAD + STEPS), secrets={"bank": bank(stack)})


@pytest.fixture(scope="module")
def made(flow, template):
    stack, _ = flow
    return template(stack)


@pytest.fixture
def workflow(stack, tmp_path):
    """A flow of some steps, in a stack of its own, with the caller's own constructs."""

    def of(steps, more="", **options):
        head = HEAD.replace("steps:\n", f"{more}steps:\n")
        secrets = {"bank": bank(stack), **options.pop("secrets", {})}
        return StepWorkflow(stack, "Flow", definition=written(tmp_path, head + steps), secrets=secrets, **options)

    return of
