"""Every key of the language does something: with it and without it, the bundle or the report differs.

The keys are read from the models, so a new key fails here until it has an example.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from key_examples import BY_INTEGRATION, EXAMPLES
from key_flow import FLOW
from pydantic import BaseModel

from stepworkflows_cdk import Definition, DocumentError, compile_workflow
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.integrations.activities.plan import ActivityRuntime, ActivitySettings
from stepworkflows_cdk.integrations.api.plan import CallerKeys, ThrottleKeys
from stepworkflows_cdk.integrations.api.tokens import JwtKeys
from stepworkflows_cdk.integrations.aws_sdk.plan import AllPagesKeys
from stepworkflows_cdk.integrations.callers import Callers
from stepworkflows_cdk.integrations.containers.keys import (
    Ec2Runtime,
    Ec2Settings,
    FargateRuntime,
    FargateSettings,
)
from stepworkflows_cdk.integrations.dynamodb.fetch import FetchSpec
from stepworkflows_cdk.integrations.dynamodb.record import RecordSpec
from stepworkflows_cdk.integrations.events.emit import EmitSpec
from stepworkflows_cdk.integrations.http.connections import ApiKeyKeys, AuthKeys, BasicKeys, OAuthKeys
from stepworkflows_cdk.integrations.http.request import HttpSpec
from stepworkflows_cdk.integrations.lambda_.keys import LambdaRuntime, LambdaSettings
from stepworkflows_cdk.integrations.messages.message import MessageSpec
from stepworkflows_cdk.integrations.messages.resources import TopicKeys
from stepworkflows_cdk.integrations.s3.file import CopySpec, FileSpec, GetSpec, ListSpec, PlaceSpec, PutSpec
from stepworkflows_cdk.integrations.ses.plan import EmailSpec
from stepworkflows_cdk.integrations.waits.keys import ApiSpec, ApprovalSpec, EventSpec, WaitSpec
from stepworkflows_cdk.integrations.waits.signal import SignalSpec
from stepworkflows_cdk.language.contract import Schema
from stepworkflows_cdk.language.model import (
    ArmKeys,
    CancelKeys,
    CatchKeys,
    ConcurrencyKeys,
    ConfigKeys,
    DefaultKeys,
    DeployKeys,
    FailKeys,
    FlowKeys,
    ForEachKeys,
    JoinKeys,
    OutputKeys,
    PolicyKeys,
    RemindKeys,
    RepeatKeys,
    RequireKeys,
    ResultsKeys,
    RetryKeys,
    SecretKeys,
    SourceKeys,
    StepKeys,
    StopKeys,
    UntilKeys,
)
from stepworkflows_cdk.language.shape import key_names

MODELS: tuple[type[BaseModel], ...] = (
    FlowKeys,
    StepKeys,
    StopKeys,
    RetryKeys,
    RepeatKeys,
    RequireKeys,
    RemindKeys,
    FailKeys,
    OutputKeys,
    ConfigKeys,
    SecretKeys,
    ConcurrencyKeys,
    DeployKeys,
    PolicyKeys,
    DefaultKeys,
    CancelKeys,
    CatchKeys,
    ArmKeys,
    UntilKeys,
    JoinKeys,
    ForEachKeys,
    SourceKeys,
    ResultsKeys,
    Schema,
    LambdaRuntime,
    LambdaSettings,
    FargateRuntime,
    FargateSettings,
    Ec2Runtime,
    Ec2Settings,
    ActivityRuntime,
    ActivitySettings,
    RecordSpec,
    FetchSpec,
    EmailSpec,
    EmitSpec,
    EventSpec,
    WaitSpec,
    SignalSpec,
    ApiSpec,
    ApprovalSpec,
    Callers,
    FileSpec,
    PutSpec,
    GetSpec,
    CopySpec,
    PlaceSpec,
    ListSpec,
    MessageSpec,
    AllPagesKeys,
    HttpSpec,
    AuthKeys,
    ApiKeyKeys,
    BasicKeys,
    OAuthKeys,
    CallerKeys,
    JwtKeys,
    ThrottleKeys,
    *(model for integration in BUILTIN for model in integration.triggers.values()),
    *(integration.keys for integration in BUILTIN if integration.keys),
    *(model for integration in BUILTIN for model in integration.resource_types.values()),
)
FOR_READERS = {(ConfigKeys, "description"), (Schema, "description"), (FlowKeys, "version"), (StepKeys, "version")}
"""Keys that say something to people, or about the document itself, and by design change nothing."""

ALL_KEYS = [(model, key) for model in MODELS for key in key_names(model) if (model, key) not in FOR_READERS]


def example(model: type[BaseModel], key: str) -> tuple[tuple[str | int, ...], Any]:
    if model is TopicKeys:
        return ("resources", "posts"), True
    return EXAMPLES.get((model, key)) or BY_INTEGRATION[key]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    (folder / "code").mkdir()
    (folder / "code" / "handler.py").write_text("def handler(event, context):\n    return event\n", encoding="utf-8")
    for name in ("part", "other"):
        part = {"name": name, "type": "RunnableStep", "steps": [{"id": "x", "outputs": {"y": 1}}]}
        (folder / f"{name}.json").write_text(json.dumps(part), encoding="utf-8")
    return folder


def outcome(folder: Path, document: Any) -> str:
    """What becomes of a document, places in it left out."""
    path = folder / "flow.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    try:
        bundle = compile_workflow(Definition.load(path)).to_json()
    except DocumentError as error:
        return "\n".join(f"{problem.code} {problem.message}" for problem in error.report.problems)
    return json.dumps(without_marks(bundle), sort_keys=True)


def without_marks(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_marks(item) for key, item in value.items() if key not in ("mark", "states")}
    return [without_marks(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("model", "key"), ALL_KEYS, ids=[f"{model.__name__}-{key}" for model, key in ALL_KEYS])
def test_every_key_changes_the_bundle_or_the_report(folder: Path, model: type[BaseModel], key: str) -> None:
    path, value = example(model, key)
    document = copy.deepcopy(FLOW)
    place: Any = document
    for part in path:
        place = place.setdefault(part, {}) if isinstance(place, dict) else place[part]
    if isinstance(place, str):  # the short form of a schema
        name = path[-1]
        document["inputs"][name] = place = {"type": place}
    before = outcome(folder, document)
    place[key] = value
    assert outcome(folder, document) != before


def test_the_base_of_the_examples_is_right(folder: Path) -> None:
    assert outcome(folder, FLOW).startswith("{")
