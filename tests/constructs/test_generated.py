"""What holds of the template of any workflow, by property: of workflows made at random from every kind of step.

Each workflow is a stack; each seed is one workflow. Its twin is the same document with the steps of each list in another
order, made in another app.
"""

import json
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import settings

from stepworkflows_cdk import StepWorkflow
from stepworkflows_cdk.constructs import permissions
from stepworkflows_cdk.constructs.acknowledgements import TABLE

import aws_cdk as cdk  # isort: skip  # behind the package: it finds Node where the PATH has none

MANY, SAMPLE = 200, 20
"""Seeds of the deep tier: all with the profile of Hypothesis that is called so, else the first."""
CODE = {"charge": "", "refund": "", "pack": "import json\n"}
HANDLER = "def handler(event, context):\n    return {'id': 1}\n"
KEY = {"id": "{id}"}
Step = dict[str, Any]


def function(rng: random.Random) -> Step:
    step: Step = {"runs-on": "lambda", "zip-file": rng.choice(sorted(CODE)), "inputs": {"id": "{id}"}}
    if rng.random() < 0.3:
        step["runs-on"] = {"lambda": {"memory": rng.choice([256, 512])}}
    if rng.random() < 0.3:
        step["env"] = {"STAGE": "{config.stage}", "ROWS": "{resources.rows}"}
    if rng.random() < 0.3:
        step["secrets"] = {"KEY": "{secrets.key}"}
    if rng.random() < 0.4:
        allowed = {"rows": ["read"], "stock": ["write"], "arn:aws:s3:::bucket/key": ["s3:GetObject"]}
        step["permissions"] = dict(rng.sample(sorted(allowed.items()), rng.randint(1, 3)))
    return step


def record(rng: random.Random) -> Step:
    spec: Step = {"table": rng.choice(["rows", "stock"]), "key": KEY, "mode": rng.choice(["put", "update", "once"])}
    return {"record": spec, "inputs": {"value": "{n}"}}


def fetch(rng: random.Random) -> Step:
    return {"fetch": {"table": rng.choice(["rows", "stock"]), "key": KEY}}


def call(rng: random.Random) -> Step:
    write = {"TableName": "{resources.stock}", "Key": {"id": {"S": "{id}"}}}
    return {"call": rng.choice(["dynamodb:getItem", "dynamodb:deleteItem"]), "inputs": write}


def mail(rng: random.Random) -> Step:
    who = rng.choice(["shop@example.com", "desk@example.com"])
    return {"email": {"from": who, "to": "a@example.com", "subject": "s", "text": "t"}}


def emit(rng: random.Random) -> Step:
    spec = {"source": "shop", "detail-type": rng.choice(["A", "B"])}
    return {"emit": {**spec, **({"bus": "news"} if rng.random() < 0.5 else {})}, "inputs": {"id": "{id}"}}


def wait_for(rng: random.Random) -> Step:
    event = {"source": "carrier", "detail-type": rng.choice(["Delivered", "Lost"])}
    return {"wait-for": {"event": event, "match": {"id": "{id}"}}, "timeout": "1d"}


def file(rng: random.Random) -> Step:
    key = rng.choice(["prices.json", "orders/{id}.json", "orders/{id}/lines"])
    place = {"bucket": rng.choice(["files", "archive"]), "key": key}
    return rng.choice([{"file": {"get": place}}, {"file": {"put": place}, "inputs": {"id": "{id}"}}])


def message(rng: random.Random) -> Step:
    return {"message": dict([rng.choice([("queue", "jobs"), ("topic", "told")])]), "inputs": {"id": "{id}"}}


def http(rng: random.Random) -> Step:
    host = rng.choice(["a", "b"])
    return {"http": {"method": "GET", "url": f"https://{host}.example.com/{{id}}", "auth": "carrier"}}


def container(rng: random.Random) -> Step:
    """Without variables: those of a container stand in the definition, which then names what nobody calls."""
    step = {**function(rng), "runs-on": "fargate", "timeout": "1h"}
    step.pop("env", None)
    return {**step, "runs-on": {"fargate": {"cpu": 512, "memory": 1024}}} if rng.random() < 0.3 else step


def activity(rng: random.Random) -> Step:
    return {"runs-on": "activity", "timeout": "1d", "inputs": {"id": "{id}"}}


def uses(rng: random.Random) -> Step:
    return {"uses": "other.yaml", "inputs": {"id": "{id}"}, **({"detached": True} if rng.random() < 0.3 else {})}


WORK = (
    *(function, function, function, record, record, fetch, call, mail, emit, wait_for, file, message, http),
    *(container, activity, uses),
)
MAPS: tuple[Step, ...] = (
    {"items": [1, 2], "batch": 2, "tolerate": "5%"},
    {"source": {"bucket": "files", "key": "in/{id}.csv"}, "results": {"bucket": "archive", "prefix": "done"}},
    {"source": {"bucket": "files", "prefix": "in/"}},
)
OTHER = {
    "name": "other",
    "inputs": {"id": "string"},
    "steps": [{"id": "o", "runs-on": "lambda", "zip-file": "pack", "inputs": {"id": "{id}"}}],
}


@dataclass
class Writer:
    """Writes one document. Ids tell nothing of a step's place."""

    rng: random.Random
    names: Iterator[str]

    def step(self, depth: int, *, item: bool = False) -> Step:
        """``item``: it is done for each item of a loop, where a wait would have to single the item out."""
        id_ = {"id": next(self.names)}
        if depth < 2 and self.rng.random() < 0.2:
            if self.rng.random() < 0.5:
                return {**id_, "parallel": {side: self.steps(depth + 1, item=item) for side in ("left", "right")}}
            if self.rng.random() < 0.3:
                return {**id_, "for-each": {"items": "{% [{n}, 2] %}"}, "steps": self.steps(depth + 1, item=True)}
            arms = [{"when": "{n} > 1", "steps": self.steps(depth + 1, item=item)}]
            return {**id_, "switch": [*arms, {"else": self.steps(depth + 1, item=item)}]}
        spread = not item and self.rng.random() < 0.15
        work = self.rng.choice([each for each in WORK if each is not wait_for or not (item or spread)])
        step = {**id_, **work(self.rng)}
        if spread:
            return {**step, "for-each": self.rng.choice(MAPS)}
        if self.rng.random() < 0.3 and "wait-for" not in step:
            step["undo"] = {**function(self.rng), "id": next(self.names)}
        elif self.rng.random() < 0.2:
            step["on-error"] = "continue"
        if self.rng.random() < 0.2:
            step["if"] = "{n} > 0"
        return step

    def steps(self, depth: int, *, item: bool = False) -> list[Step]:
        return [self.step(depth, item=item) for _ in range(self.rng.randint(1, 6 if depth == 0 else 2))]


def document(seed: int) -> Step:
    rng = random.Random(seed)
    names = iter(rng.sample([f"s{number:03}" for number in range(500)], 500))
    return {
        "name": "generated",
        "inputs": {"id": "string", "n": "integer"},
        "config": {"stage": {"default": "test"}},
        "resources": {
            "rows": {"type": "table", "key": "id"},
            "stock": {"type": "table", "key": "id"},
            "news": {"type": "bus"},
            "files": {"type": "bucket"},
            "archive": {"type": "bucket"},
            "jobs": {"type": "queue"},
            "told": {"type": "topic"},
            "carrier": {
                "type": "connection",
                "auth": {"api-key": {"name": "X-Key", "secret": "{secrets.key}"}},
                "revision": 1,
            },
        },
        "secrets": {"key": {"description": "a key"}},
        "triggers": {
            kind: value
            for kind, value in {
                "api": {"path": "/orders", "auth": "iam", "idempotency-key": "{input.id}"},
                "schedule": {"every": "1d", "input": {"id": "x", "n": 1}},
                "queue": {"queue": "jobs"},
            }.items()
            if rng.random() < 0.2
        },
        "steps": Writer(rng, names).steps(0),
    }


def reordered(value: Any, rng: random.Random) -> Any:
    """The document with the steps of each list in another order; arms of a ``switch`` keep theirs."""
    match value:
        case dict():
            return {key: reordered(item, rng) for key, item in value.items()}
        case list() if all(isinstance(item, dict) and "id" in item for item in value):
            return rng.sample([reordered(item, rng) for item in value], len(value))
        case list():
            return [reordered(item, rng) for item in value]
        case _:
            return value


Template = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """By seed: the template, the same made again, and that of the twin."""

    first: Mapping[int, str]
    again: Mapping[int, str]
    twin: Mapping[int, str]


def made(seeds: range, folder: Path) -> Made:
    (folder / "other.yaml").write_text(yaml.safe_dump(OTHER, sort_keys=False), encoding="utf-8")
    for name, start in CODE.items():
        (folder / name).mkdir()
        (folder / name / "handler.py").write_text(start + HANDLER, encoding="utf-8")
    documents = {seed: document(seed) for seed in seeds}
    first, again = synthesised(documents, folder), synthesised(documents, folder)
    twins = {seed: reordered(value, random.Random(f"twin {seed}")) for seed, value in documents.items()}
    return Made(first, again, synthesised(twins, folder))


def synthesised(documents: Mapping[int, Step], folder: Path) -> dict[int, str]:
    app = cdk.App(builtin_cloud_formation_validation=False)
    for seed, value in documents.items():
        file = folder / "workflow.yaml"
        file.write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf-8")
        StepWorkflow(cdk.Stack(app, f"Flow{seed}"), "Flow", definition=file)
    assembly = app.synth()
    return {
        seed: Path(assembly.get_stack_by_name(f"Flow{seed}").template_full_path).read_text("utf-8")
        for seed in documents
    }


@pytest.fixture(scope="module", params=["few", pytest.param("many", marks=pytest.mark.deep)])
def stacks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    many = MANY if settings.get_current_profile_name() == "deep" else SAMPLE
    seeds = range(8) if request.param == "few" else range(8, 8 + many)
    return made(seeds, tmp_path_factory.mktemp("flows"))


def each(texts: Mapping[int, str]) -> Iterator[tuple[int, Template]]:
    for seed, text in texts.items():
        yield seed, json.loads(text)["Resources"]


def test_they_are_made_of_everything(stacks: Made) -> None:
    """The properties below say nothing of what is never made."""
    types = {resource["Type"] for _, resources in each(stacks.first) for resource in resources.values()}
    assert types >= {
        "AWS::DynamoDB::Table",
        "AWS::Events::Rule",
        "AWS::IAM::ManagedPolicy",
        "AWS::Lambda::Function",
        "AWS::SecretsManager::Secret",
        "AWS::StepFunctions::StateMachine",
    }


def test_no_template_has_a_circle(stacks: Made) -> None:
    for seed, resources in each(stacks.first):
        rest = {id_: references(resource) & resources.keys() for id_, resource in resources.items()}
        while free := {id_ for id_, needed in rest.items() if not needed & rest.keys()}:
            rest = {id_: needed for id_, needed in rest.items() if id_ not in free}
        assert not rest, seed


def test_nothing_wild_is_outside_the_table(stacks: Made) -> None:
    wild = {action for row in TABLE.values() for action in row.subject}
    for seed, resources in each(stacks.first):
        for policy, statement in statements(resources):
            resource = json.dumps(statement["Resource"])
            if "*" in resource:
                own = "OwnPermissions" in policy and ":execution:" in resource
                assert own or policy.startswith("StepWorkflowsShared"), (seed, policy, resource)
                assert set(listed(statement["Action"])) <= wild, (seed, policy)
            assert not any("*" in action for action in listed(statement["Action"])), (seed, policy)


CALLED = ("DynamoDB::Table", "Events::Connection", "Events::EventBus", "Lambda::Version")
CALLED += ("S3::Bucket", "SNS::Topic", "SQS::Queue", "StepFunctions::StateMachine")


def test_machines_may_use_exactly_what_their_text_names(stacks: Made) -> None:
    """Of what can be called: what a role's policies name is what the definition is filled with."""
    for seed, resources in each(stacks.first):
        for machine in of_type(resources, "AWS::StepFunctions::StateMachine"):
            values = machine.get("DefinitionSubstitutions", {}).values()
            named = {id_ for value in values for id_ in references(value)}
            role = resources[machine["RoleArn"]["Fn::GetAtt"][0]]["Properties"]
            own = [arn["Ref"] for arn in role["ManagedPolicyArns"]]
            allowed = {
                id_ for policy, statement in statements(resources) if policy in own for id_ in references(statement)
            }
            assert called(allowed, resources) == called(named, resources), seed


def called(ids: set[str], resources: Template) -> set[str]:
    """Those of things that can be called; of a machine's alias, the machine."""
    found = set()
    for id_ in ids & resources.keys():
        one = id_
        while resources[one]["Type"] in (
            "AWS::StepFunctions::StateMachineAlias",
            "AWS::StepFunctions::StateMachineVersion",
        ):
            properties = resources[one]["Properties"]
            (one,) = references(
                properties.get("DeploymentPreference", properties).get("StateMachineVersionArn")
                or properties["StateMachineArn"]
            )
        if resources[one]["Type"].removeprefix("AWS::") in CALLED:
            found.add(one)
    return found


def test_all_are_within_the_limits_of_aws(stacks: Made) -> None:
    for seed, resources in each(stacks.first):
        assert len(resources) <= 500, seed
        assert len(stacks.first[seed].encode()) <= 1024 * 1024, seed
        for policy in of_type(resources, "AWS::IAM::ManagedPolicy"):
            said = re.sub(r"\s", "", json.dumps(policy["PolicyDocument"]))
            assert len(said) <= permissions.POLICY_SIZE, seed
        for role in of_type(resources, "AWS::IAM::Role"):
            assert "Policies" not in role
            assert len(role.get("ManagedPolicyArns", [])) <= permissions.POLICIES_OF_ROLE, seed
        for machine in of_type(resources, "AWS::StepFunctions::StateMachine"):
            definition = json.loads(machine["DefinitionString"])
            assert len(machine["DefinitionString"]) <= 1024 * 1024
            assert all(len(name) <= 80 for name in states(definition)), seed


def test_the_same_is_made_again(stacks: Made) -> None:
    assert stacks.again == stacks.first


def test_reordering_steps_replaces_nothing(stacks: Made) -> None:
    for (seed, first), (_, twin) in zip(each(stacks.first), each(stacks.twin), strict=True):
        assert first.keys() == twin.keys(), seed
        for id_, resource in first.items():
            if resource["Type"] != "AWS::StepFunctions::StateMachine":
                assert resource == twin[id_], (seed, id_)


def references(value: Any) -> set[str]:
    """The logical ids that a value of a template refers to; of a resource, what it depends on as well."""
    match value:
        case {"Ref": str(name)} if len(value) == 1:
            return {name}
        case {"Fn::GetAtt": [str(name), _]} if len(value) == 1:
            return {name}
        case dict():
            depends = value.get("DependsOn", [])
            found = {name for name in listed(depends) if isinstance(name, str)}
            return found.union(*(references(item) for key, item in value.items() if key != "DependsOn"))
        case list():
            return set().union(*(references(item) for item in value))
        case _:
            return set()


def statements(resources: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """Logical id of a policy -> each of its statements."""
    for id_, resource in resources.items():
        if resource["Type"] == "AWS::IAM::ManagedPolicy":
            for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
                yield id_, statement


def of_type(resources: Template, type_: str) -> list[dict[str, Any]]:
    return [resource["Properties"] for resource in resources.values() if resource["Type"] == type_]


def states(definition: Mapping[str, Any]) -> Iterator[str]:
    for name, state in definition["States"].items():
        yield name
        for branch in state.get("Branches", []):
            yield from states(branch)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
