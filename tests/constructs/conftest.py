"""What the tests of the CDK layer share: a stack with the repository's feature flags, its template, a bundle."""

from __future__ import annotations

import stepworkflows_cdk.constructs  # isort: skip  # chooses Node before the first import of aws_cdk

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import aws_cdk as cdk
import cdk_nag
import own_wheels
import pytest
from constructs import Construct
from pydantic import BaseModel

from stepworkflows_cdk.compiler.bundle import Bundle, Machine
from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.compiler.plan import Grant, Hole, Need, Text
from stepworkflows_cdk.constructs.bound import Bindings, Bound
from stepworkflows_cdk.constructs.bundle import BoundBundle, bind_bundle
from stepworkflows_cdk.constructs.profile import BASELINE
from stepworkflows_cdk.constructs.settings import Settings
from stepworkflows_cdk.integrations.api.plan import Api
from stepworkflows_cdk.integrations.containers.needs import ContainerNeed
from stepworkflows_cdk.integrations.containers.plan import Containers
from stepworkflows_cdk.integrations.dynamodb.needs import TableNeed
from stepworkflows_cdk.integrations.lambda_.needs import FunctionNeed
from stepworkflows_cdk.integrations.messages.resources import Queues
from stepworkflows_cdk.integrations.network.plan import Networks
from stepworkflows_cdk.integrations.s3.buckets import Buckets
from stepworkflows_cdk.integrations.secretsmanager.needs import SecretNeed
from stepworkflows_cdk.integrations.triggers.queue import QueueTrigger
from stepworkflows_cdk.language.diagnostics import Mark

assert stepworkflows_cdk.constructs

ROOT = Path(__file__).resolve().parents[2]
MARK = Mark("flow.yaml", 1, 1)


class Functions(Integration):
    needs = (FunctionNeed,)

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from stepworkflows_cdk.integrations.lambda_.cdk import bind

        assert isinstance(need, FunctionNeed)
        return bind(scope, need, given, bindings)


class Tables(Integration):
    needs = (TableNeed,)
    resource_types: ClassVar[Mapping[str, type[BaseModel]]] = {"table": BaseModel}

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from stepworkflows_cdk.integrations.dynamodb.cdk import bind

        assert isinstance(need, TableNeed)
        return bind(scope, need, given, bindings)


class Secrets(Integration):
    needs = (SecretNeed,)
    keeps_secrets = True

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from stepworkflows_cdk.integrations.secretsmanager.cdk import bind

        assert isinstance(need, SecretNeed)
        return bind(scope, need, given, bindings)


INTEGRATIONS = (
    *(Functions(), Containers(), Networks(), Tables(), Secrets(), Buckets()),
    *(Api(), Queues(), QueueTrigger()),
)
CONTEXT: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
"""The feature flags that the app has as well: they change logical ids and policies."""


@dataclass(frozen=True)
class Template:
    """A stack's template, as it would be deployed."""

    body: dict[str, Any]

    @property
    def resources(self) -> dict[str, Any]:
        return self.body["Resources"]

    def of_type(self, type_: str) -> dict[str, Any]:
        """Logical id -> properties."""
        return {id_: found.get("Properties", {}) for id_, found in self.resources.items() if found["Type"] == type_}

    def only(self, type_: str) -> dict[str, Any]:
        """The properties of the one resource of that type."""
        (properties,) = self.of_type(type_).values()
        return properties

    def role(self, service: str) -> dict[str, Any]:
        """The properties of the one role that ``service`` takes."""
        (found,) = [role for role in self.of_type("AWS::IAM::Role").values() if service in json.dumps(role)]
        return found

    def statements(self, service: str) -> list[dict[str, Any]]:
        """All that the role of ``service`` is allowed by its own policies, those that the stack shares left aside."""
        ids = [arn["Ref"] for arn in self.role(service)["ManagedPolicyArns"]]
        policies = [self.resources[id_] for id_ in ids if not id_.startswith("StepWorkflowsShared")]
        return [each for policy in policies for each in policy["Properties"]["PolicyDocument"]["Statement"]]


@pytest.fixture(scope="session", autouse=True)
def _own_wheels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STEPWORKFLOWS_CACHE", str(own_wheels.laid(tmp_path_factory.mktemp("cache"))))
        yield


@pytest.fixture(scope="session")
def new_stack() -> Callable[..., cdk.Stack]:
    """Makes a stack in an app of its own, with the flags of cdk.json, without the slow check that the real app runs."""

    def made(outdir: Path | None = None, env: cdk.Environment | None = None, **options: Any) -> cdk.Stack:
        options = {"builtin_cloud_formation_validation": False, **options}
        return cdk.Stack(cdk.App(context=CONTEXT, outdir=str(outdir) if outdir else None, **options), "Shop", env=env)

    return made


@pytest.fixture
def stack(new_stack: Callable[..., cdk.Stack]) -> cdk.Stack:
    return new_stack()


@pytest.fixture(scope="session")
def template() -> Callable[[cdk.Stack], Template]:
    """Synthesises the app of a stack."""

    def synthesised(stack: cdk.Stack) -> Template:
        app = stack.node.root
        assert isinstance(app, cdk.App)
        return Template(app.synth().get_stack_by_name(stack.stack_name).template)

    return synthesised


NAG = {
    "AwsSolutions": cdk_nag.AwsSolutionsChecks,
    "Serverless": cdk_nag.ServerlessChecks,
    "HIPAA.Security": cdk_nag.HIPAASecurityChecks,
    "PCI.DSS.321": cdk_nag.PCIDSS321Checks,
    "NIST.800.53.R4": cdk_nag.NIST80053R4Checks,
    "NIST.800.53.R5": cdk_nag.NIST80053R5Checks,
}


@pytest.fixture(scope="session")
def findings() -> Callable[..., set[tuple[str, str]]]:
    """(rule, construct path) of all that packs find in a stack, those of the baseline where none are named."""

    def found(stack: cdk.Stack, packs: Iterable[str] = BASELINE.packs) -> set[tuple[str, str]]:
        return {
            (violation.rule_name, resource.construct_path)
            for pack in packs
            for violation in NAG[pack](stack).validate_scope(stack).violations
            for resource in violation.violating_resources
        }

    return found


@pytest.fixture(scope="session")
def acknowledged() -> Callable[[cdk.Stack], dict[tuple[str, str], str]]:
    """(construct path, rule) of every acknowledgement in a stack -> its reason."""

    def found(stack: cdk.Stack) -> dict[tuple[str, str], str]:
        return {
            (construct.node.path, rule.removeprefix("Annotation::")): reason
            for construct in stack.node.find_all()
            for entry in construct.node.metadata
            if entry.type == "aws:cdk:acknowledged-rules"
            for rule, reason in entry.data.items()
        }

    return found


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "charge"
    folder.mkdir()
    (folder / "handler.py").write_text("def handler(event, context):\n    return event\n", encoding="utf-8")
    return folder


def _function(id_: str, code: Path | None, **changes: Any) -> FunctionNeed:
    values: dict[str, Any] = {
        "id": f"function-{id_}",
        "mark": MARK,
        "code": code,
        "handler": "handler.handler",
        "env": (("STAGE", Text(("test",))), ("TABLE", Text((Hole("table-orders", "name"),)))),
        "timeout": 60,
        "memory": 256,
        "python": "3.14",
        "architecture": "arm64",
        "steps": (id_,),
    }
    return FunctionNeed(**{**values, **changes})


def _container(id_: str, **changes: Any) -> ContainerNeed:
    values: dict[str, Any] = {
        "id": f"container-{id_}",
        "mark": MARK,
        "code": None,
        "image": Text((Hole("aws", "account"), ".dkr.ecr.", Hole("aws", "region"), ".amazonaws.com/shop/pack:1.4")),
        "handler": "handler.handler",
        "cpu": 256,
        "memory": 512,
        "python": "3.14",
        "architecture": "arm64",
        "launch": "FARGATE",
        "cluster": "cluster-containers",
        "steps": (id_,),
    }
    return ContainerNeed(**{**values, **changes})


def _table(name: str = "orders", sort_key: str | None = None) -> TableNeed:
    return TableNeed(id=f"table-{name}", mark=MARK, name=name, partition_key="order_id", sort_key=sort_key)


def _secret(name: str = "payment") -> SecretNeed:
    return SecretNeed(id=f"secret-{name}", mark=MARK, name=name, description="key of the payment provider")


def _grant(holder: str, need: str, *actions: str) -> Grant:
    return Grant(holder, actions, Text((Hole(need, "arn"),)), MARK)


def _machine(states: dict[str, Any], holes: tuple[Hole, ...]) -> Machine:
    text = json.dumps({"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states})
    marks = {name: Mark("flow.yaml", 2, 1, name) for name in states}
    return Machine("main", text, (Hole("aws", "partition"), *holes), marks, MARK)


def _task(resource: str, arguments: dict[str, Any], next_: str | None = None) -> dict[str, Any]:
    end: dict[str, Any] = {"End": True} if next_ is None else {"Next": next_}
    return {"Type": "Task", "Resource": f"arn:${{aws_partition}}:states:::{resource}", "Arguments": arguments, **end}


@pytest.fixture
def make() -> SimpleNamespace:
    """Makes the parts of a bundle, with what a test does not care for filled in."""
    return SimpleNamespace(
        function=_function,
        container=_container,
        table=_table,
        secret=_secret,
        grant=_grant,
        machine=_machine,
        task=_task,
        mark=MARK,
    )


@pytest.fixture
def shop(code: Path) -> Bundle:
    """A flow that charges, with a key, and records the order."""
    put = {"TableName": "${table_orders_name}", "Item": {"order_id": {"S": "1"}}}
    states = {
        "charge": _task("lambda:invoke", {"FunctionName": "${function_charge_arn}"}, "create-order"),
        "create-order": _task("dynamodb:putItem", put),
    }
    holes = (Hole("function-charge", "arn"), Hole("table-orders", "name"))
    return Bundle(
        machines=(_machine(states, holes),),
        needs=(_table(), _secret(), _function("charge", code)),
        grants=(
            _grant("machine-main", "function-charge", "lambda:InvokeFunction"),
            _grant("machine-main", "table-orders", "dynamodb:PutItem"),
            _grant("function-charge", "secret-payment", "secretsmanager:GetSecretValue"),
            _grant("function-charge", "table-orders", "dynamodb:Query", "dynamodb:GetItem"),
        ),
    )


@pytest.fixture
def bind() -> Callable[..., Any]:
    """Binds a bundle in a stack, by default under the construct id ``Flow``."""

    def bound(stack: cdk.Stack, bundle: Bundle, construct_id: str = "Flow", **options: Any) -> BoundBundle:
        names = {each.name for each in fields(Settings)} & set(options)
        if names:
            options["settings"] = Settings(**{name: options.pop(name) for name in names})
        return bind_bundle(Construct(stack, construct_id), bundle, **{"integrations": INTEGRATIONS, **options})

    return bound
