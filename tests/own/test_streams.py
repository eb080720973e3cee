"""An integration of a user's own goes through every layer, and the page that shows it shows what is tested here."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from stepworkflows_cdk import ConfigurationError, Definition, DocumentError, StepWorkflow, compile_workflow
from stepworkflows_cdk.extension import BUILTIN
from stepworkflows_cdk.language.manual import manual
from stepworkflows_cdk.local import run

import aws_cdk as cdk  # isort: skip  # behind the package: it finds Node where the PATH has none
from aws_cdk import aws_kinesis as kinesis
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

HERE = Path(__file__).parent
FLOW = """\
name: clicks
inputs: {user: string, page: string}
resources: {clicks: {type: stream, shards: 2}}
steps:
  - id: keep
    put: {stream: clicks, by: "{user}"}
    inputs: {page: "{page}", by: "{user}"}
    outputs: {shard: "{ShardId}"}
outputs: {shard: "{shard}"}
"""


@pytest.fixture(scope="module")
def streams() -> ModuleType:
    specification = importlib.util.spec_from_file_location("streams", HERE / "streams.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    sys.modules["streams"] = module
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def integrations(streams: ModuleType) -> tuple[Any, ...]:
    return (*BUILTIN, streams.Streams())


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    return tmp_path / "flow.yaml"


def test_it_runs_here(flow: Path, integrations: tuple[Any, ...]) -> None:
    bundle = compile_workflow(Definition.load(flow, integrations=integrations))
    result = run(bundle, {"user": "ada", "page": "/"}, integrations=integrations)
    assert result.status == "SUCCEEDED"
    assert result.output["shard"].startswith("shardId-")


def test_it_is_deployed(flow: Path, integrations: tuple[Any, ...]) -> None:
    stack = cdk.Stack(cdk.App(builtin_cloud_formation_validation=False), "Shop")
    made = StepWorkflow(stack, "Flow", definition=flow, integrations=integrations)
    assert isinstance(made.resources["clicks"], kinesis.Stream)
    for pack in (AwsSolutionsChecks, ServerlessChecks):
        assert pack(stack).validate_scope(stack).violations == []
    template = cdk.assertions.Template.from_stack(stack)
    template.has_resource_properties("AWS::Kinesis::Stream", {"ShardCount": 2})
    assert '"kinesis:PutRecord"' in json.dumps(template.to_json())


def test_the_callers_own_stream_is_taken(flow: Path, integrations: tuple[Any, ...]) -> None:
    stack = cdk.Stack(cdk.App(builtin_cloud_formation_validation=False), "Shop")
    own = kinesis.Stream(stack, "Own")
    StepWorkflow(stack, "Flow", definition=flow, integrations=integrations, resources={"clicks": own})
    cdk.assertions.Template.from_stack(stack).resource_count_is("AWS::Kinesis::Stream", 1)


def test_its_faults_and_its_keys_are_told_like_any(flow: Path, integrations: tuple[Any, ...]) -> None:
    flow.write_text(FLOW.replace("put: {stream: clicks", "put: {stream: click"), encoding="utf-8")
    with pytest.raises(DocumentError, match=r"flow\.yaml:6:19 SW216 no stream is called `click`"):
        Definition.load(flow, integrations=integrations)
    assert "| `put` |" in manual(integrations, {})


def test_without_it_the_key_is_unknown(flow: Path) -> None:
    with pytest.raises(DocumentError, match="`put` is no key here"):
        Definition.load(flow)


def test_a_definition_keeps_its_integrations(flow: Path, integrations: tuple[Any, ...], streams: ModuleType) -> None:
    stack = cdk.Stack(cdk.App(builtin_cloud_formation_validation=False), "Shop")
    definition = Definition.load(flow, integrations=integrations)
    StepWorkflow(stack, "Flow", definition=definition)
    with pytest.raises(ConfigurationError, match="the definition was loaded with others"):
        StepWorkflow(stack, "Other", definition=definition, integrations=(*BUILTIN, streams.Streams()))


PAGE = """\
# An integration of your own

A thing that steps can talk to or run on is a class: it says how its keys look, what a step with them becomes, what has to
exist and what may be done, and how that comes to be in a CDK app and on this machine. The built-in ones are written the same
way. This one sends records to a Kinesis stream:

```python
{code}```

Pass it along with the built-in ones, to `Definition.load` or to the construct. Its keys are checked, its resources can be
injected, its permissions are exact, and its flows run here:

```python
from stepworkflows_cdk.extension import BUILTIN

StepWorkflow(stack, "Clicks", definition=document, integrations=(*BUILTIN, Streams()))
```

```yaml
{flow}```
"""


def test_the_page_shows_what_is_tested(repository: Path) -> None:
    page = repository / "docs" / "own-integration.md"
    text = PAGE.format(code=(HERE / "streams.py").read_text(encoding="utf-8"), flow=FLOW)
    if os.environ.get("UPDATE_GOLDEN") == "1" and not os.environ.get("CI"):
        page.write_text(text, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == text
