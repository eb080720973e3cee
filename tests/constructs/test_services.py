"""Buckets, queues, topics and connections, from a document to the template."""

import json

import pytest
from aws_cdk import App, Stack
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from stepworkflows_cdk.constructs.workflow import StepWorkflow
from tests.constructs.conftest import CONTEXT, Template

HEAD = """\
name: shop
inputs: {id: string}
secrets: {carrier: {}}
resources:
  uploads: {type: bucket}
  archive: {type: bucket}
  jobs: {type: queue, keep: 2d, timeout: 5m, tries: 3}
  ledger: {type: queue, fifo: true}
  news: {type: topic}
  prices: {type: topic, fifo: true}
  carrier: {type: connection, revision: 3, auth: {api-key: {name: X-Key, secret: "{secrets.carrier}"}}}
  bank: {type: connection, auth: {basic: {user: shop, secret: "{secrets.carrier}", field: password}}}
  mint:
    type: connection
    auth: {oauth: {url: "https://login.example.com/t", client-id: me, secret: "{secrets.carrier}", parameters: {scope: all}}}
steps:
"""
STEPS = """\
  - {id: put, file: {put: {bucket: uploads, key: "in/{id}.json"}}, inputs: {id: "{id}"}}
  - {id: put-again, file: {put: {bucket: uploads, key: "in/{id}.json"}}, inputs: {id: "{id}"}}
  - {id: get, file: {get: {bucket: uploads, key: settings.json}}}
  - {id: copy, file: {copy: {from: {bucket: uploads, key: "in/{id}.json"}, to: {bucket: archive, key: "{id}"}}}}
  - {id: list, file: {list: {bucket: uploads, prefix: "in/{id}"}}}
  - {id: ask, message: {queue: jobs, text: hello}}
  - {id: book, message: {queue: ledger, group: all, text: hello}}
  - {id: tell, message: {topic: news, text: hello}}
  - {id: price, message: {topic: prices, group: all, text: hello}}
  - {id: ship, http: {method: POST, url: "https://api.example.com/{id}", auth: carrier}}
  - {id: ship-again, http: {method: POST, url: "https://api.example.com/{id}", auth: carrier}}
  - {id: pay, http: {method: GET, url: "https://api.example.com/pay", auth: bank}}
  - {id: mint, http: {method: GET, url: "https://api.example.com/pay", auth: mint}}
"""


@pytest.fixture(scope="module")
def flow(tmp_path_factory):
    """A stack with each service, and its flow."""
    stack = Stack(App(context=CONTEXT, builtin_cloud_formation_validation=False), "Shop")
    file = tmp_path_factory.mktemp("services") / "workflow.yaml"
    file.write_text(HEAD + STEPS, encoding="utf-8")
    return stack, StepWorkflow(stack, "Flow", definition=file)


@pytest.fixture(scope="module")
def made(flow):
    stack, _ = flow
    return Template(stack.node.root.synth().get_stack_by_name("Shop").template)


@pytest.fixture
def workflow(stack, tmp_path):
    """A flow of some steps, in a stack of its own, with the caller's own constructs."""

    def of(steps, **options):
        (tmp_path / "workflow.yaml").write_text(HEAD + steps, encoding="utf-8")
        return StepWorkflow(stack, "Flow", definition=tmp_path / "workflow.yaml", **options)

    return of


def logical(made, start, type_):
    (found,) = [id_ for id_ in made.of_type(type_) if id_.startswith(start)]
    return found


def test_both_packs_find_nothing(flow, made):
    stack, _ = flow
    found = {
        (violation.rule_name, resource.construct_path)
        for pack in (AwsSolutionsChecks, ServerlessChecks)
        for violation in pack(stack).validate_scope(stack).violations
        for resource in violation.violating_resources
    }
    assert found == set()


def test_print(made):
    print(json.dumps(made.body, indent=1))
    print(json.dumps(made.statements("states.amazonaws.com"), indent=1))
