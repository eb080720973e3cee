"""A flow with a step for each service, and what tests of its stack share."""

from aws_cdk import aws_secretsmanager as secretsmanager
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

__all__ = ["BANK", "HEAD", "STEPS", "bank", "findings", "resource", "written"]

HEAD = """\
name: shop
inputs: {id: string}
secrets: {carrier: {}, bank: {}}
resources:
  uploads: {type: bucket}
  archive: {type: bucket}
  jobs: {type: queue, keep: 2d, timeout: 5m, tries: 3}
  ledger: {type: queue, fifo: true}
  news: {type: topic}
  prices: {type: topic, fifo: true}
  carrier: {type: connection, revision: 3, auth: {api-key: {name: X-Key, secret: "{secrets.carrier}"}}}
  bank: {type: connection, auth: {basic: {user: shop, secret: "{secrets.bank}", field: password}}}
  mint:
    type: connection
    auth: {oauth: {url: "https://login.example.com/t", client-id: me, secret: "{secrets.bank}", parameters: {scope: all}}}
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
BANK = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:bank-a1b2c3"


def bank(stack):
    return secretsmanager.Secret.from_secret_complete_arn(stack, "Bank", BANK)


def written(folder, document):
    (folder / "code").mkdir()
    (folder / "code" / "handler.py").write_text("def handler(event, context): ...\n", encoding="utf-8")
    (folder / "workflow.yaml").write_text(document, encoding="utf-8")
    return folder / "workflow.yaml"


def resource(made, start, type_):
    """The one resource of a type whose id begins so: its logical id and all of it."""
    ((id_, found),) = [
        (id_, found) for id_, found in made.resources.items() if id_.startswith(start) and found["Type"] == type_
    ]
    return id_, found


def findings(stack):
    return {
        (violation.rule_name, resource.construct_path)
        for pack in (AwsSolutionsChecks, ServerlessChecks)
        for violation in pack(stack).validate_scope(stack).violations
        for resource in violation.violating_resources
    }
