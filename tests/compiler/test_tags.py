"""Tags of a flow, with values of its config."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.errors import ConfigurationError

FLOW = Path(__file__).parent.parent / "flows" / "tags" / "workflow.yaml"


def test_values_may_come_from_the_config() -> None:
    bundle = compile_workflow(Definition.load(FLOW), config={"stage": "prod"})
    assert bundle.main.tags == {"team": "shop", "cost-center": "4711", "stage": "prod"}


def test_a_value_of_the_config_that_is_no_tag_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_text(FLOW.read_text().replace(", allowed: [dev, prod]", ""))
    with pytest.raises(ConfigurationError, match="with this config the value of the tag 'stage' has letters"):
        compile_workflow(Definition.load(path), config={"stage": "a & b"})
