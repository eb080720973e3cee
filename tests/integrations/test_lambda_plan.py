"""Step code, read before it runs: whether the handler is there, as far as reading tells."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from stepworkflows_cdk import Definition, compile_workflow, validate
from stepworkflows_cdk.errors import ConfigurationError


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def handler(event, context):\n    return event\n", ""),
        ("from other import handler\n", ""),
        ("handler = print\n", ""),
        ("from other import *\n", ""),
        ("if True:\n    def handler(event, context): ...\n", ""),
        ("def handel(event, context):\n    return event\n", "has no function `handler`"),
        ("import json\n", "has no function `handler`"),
        ("def handler(:\n", "is no Python: line 1: "),
        ("x = 1\ny = (\n", "is no Python: line 2: '(' was never closed"),
    ],
)
def test_the_handler_is_looked_for(tmp_path: Path, source: str, says: str) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "handler.py").write_text(source, encoding="utf-8")
    flow = {"name": "flow", "inputs": {}, "steps": [{"id": "a", "runs-on": "lambda", "zip-file": "code"}]}
    (tmp_path / "flow.json").write_text(json.dumps(flow), encoding="utf-8")
    problems = validate(tmp_path / "flow.json").problems
    assert [problem.code for problem in problems] == (["SW504"] if says else [])
    assert all(says in problem.message for problem in problems)


def test_no_damage_to_a_zip_stops_the_validation(tmp_path: Path) -> None:
    file = tmp_path / "code.zip"
    with zipfile.ZipFile(file, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("handler.py", "def handler(event, context):\n    return event\n" * 3)
    whole = file.read_bytes()
    flow = {"name": "flow", "inputs": {}, "steps": [{"id": "a", "runs-on": "lambda", "zip-file": "code.zip"}]}
    (tmp_path / "flow.json").write_text(json.dumps(flow), encoding="utf-8")
    found = set()
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        found |= {problem.code for problem in validate(tmp_path / "flow.json").problems}
    assert found == {"SW503", "SW504"}


def test_a_zip_by_another_name_is_refused_as_it_will_be_by_synth(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "code.whl", "w") as archive:
        archive.writestr("handler.py", "def handler(event, context): ...\n")
    flow = {"name": "flow", "inputs": {}, "steps": [{"id": "a", "runs-on": "lambda", "zip-file": "code.whl"}]}
    (tmp_path / "flow.json").write_text(json.dumps(flow), encoding="utf-8")
    (problem,) = validate(tmp_path / "flow.json").problems
    assert (problem.code, problem.message) == ("SW503", "`code.whl` is neither a folder nor a .zip file")


ABROAD = {"account": "{config.account}", "role": "arn:aws:iam::{config.account}:role/{config.role}"}


@pytest.mark.parametrize(
    ("step", "config", "says"),
    [
        (
            {"arn": "arn:aws:lambda:REGION:ACCOUNT_ID:function:{config.role}"},
            {"role": "a b"},
            "no ARN of a Lambda function",
        ),
        (
            {"image": "ACCOUNT_ID.dkr.ecr.REGION.amazonaws.com/x:{config.role}"},
            {"role": ""},
            "no complete name of an image",
        ),
        (
            {"runs-on": {"lambda": ABROAD}, "arn": "arn:aws:lambda:REGION:111122223333:function:f"},
            {"account": "444455556666"},
            "the `arn` is of the account 111122223333, and `account` says 444455556666",
        ),
        (
            {"runs-on": {"lambda": ABROAD}, "arn": "arn:aws:lambda:REGION:{config.account}:function:f"},
            {"role": "*"},
            "this is no ARN of a role",
        ),
    ],
)
def test_what_config_makes_of_a_text_is_checked_as_well(
    tmp_path: Path, step: dict[str, object], config: dict[str, str], says: str
) -> None:
    declared = {"account": {"default": "111122223333"}, "role": {"default": "caller"}}
    flow = {"name": "x", "inputs": {}, "config": declared, "steps": [{"id": "a", "runs-on": "lambda", **step}]}
    (tmp_path / "flow.json").write_text(json.dumps(flow), encoding="utf-8")
    definition = Definition.load(tmp_path / "flow.json")
    assert compile_workflow(definition).needs
    with pytest.raises(ConfigurationError, match="with this config") as error:
        compile_workflow(definition, config=config)
    assert says in str(error.value)
    assert str(error.value).startswith("flow.json:1:")
