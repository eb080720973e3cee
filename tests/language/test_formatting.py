"""``fmt``: documents say what they said, with every comment, in one form."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepworkflows_cdk.cli.main import main
from stepworkflows_cdk.language.document import SyntaxProblem
from stepworkflows_cdk.language.formatting import CannotFormat, comments, formatted
from stepworkflows_cdk.language.yaml_source import read_yaml
from stepworkflows_cdk.reference import order_flow

FLOWS = Path(__file__).parent.parent / "flows"
EXPECTED = {"asl.json", "bundle.json", "run.json"}


def documents() -> Iterator[Path]:
    yield order_flow()
    for path in sorted(FLOWS.glob("*/**/*")):
        if path.suffix in {".yaml", ".json"} and path.name not in EXPECTED and path.parts[-2] != "given":
            yield path


def value(text: str, file: str = "a.yaml") -> Any:
    return json.loads(text) if file.endswith(".json") else read_yaml(text, file, 100)[0]


def test_every_document_says_the_same_and_is_done_after_once() -> None:
    count = 0
    for path in documents():
        text = path.read_text("utf-8")
        try:
            done = formatted(text, path.name)
        except SyntaxProblem:
            continue
        count += 1
        assert json.dumps(value(done, path.name), sort_keys=True) == json.dumps(value(text, path.name), sort_keys=True)
        assert formatted(done, path.name) == done, path
        if path.suffix == ".yaml":
            assert comments(done) == comments(text)
    assert count > 150


def test_the_order_flow_is_in_its_canonical_form() -> None:
    assert formatted(order_flow().read_text("utf-8"), "workflow.yaml") == order_flow().read_text("utf-8")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("steps: []\nname: a\n", "name: a\nsteps: []\n"),
        # what stands above the first key is about the file; other comments go with what is below them
        ("# about\n\nsteps: []\n# its name\nname: a # b\n", "# about\n\n# its name\nname: a # b\nsteps: []\n"),
        (
            "name: a\nsteps:\n- zip-file: x  # code\n  # who\n  runs-on: lambda\n  id: b\n\n\n- id: c\n",
            "name: a\nsteps:\n  - id: b\n    # who\n    runs-on: lambda\n    zip-file: x  # code\n\n  - id: c\n",
        ),
        (
            "name: a\nsteps:\n- outputs: {}\n  # who\n  id: b\n",
            "name: a\nsteps:\n  # who\n  - id: b\n    outputs: {}\n",
        ),
        # a comment that is indented deeper, or stands at the end, stays there
        (
            "steps:\n    - id: b\n      # more\n\n    # last\nname: a\n# end\n",
            "name: a\nsteps:\n  - id: b\n    # more\n\n  # last\n# end\n",
        ),
        # texts over several lines keep their lines
        (
            "name: a\ndescription: |\n      x\n        y  \n\n      z\nsteps: []\n",
            "name: a\ndescription: |\n      x\n        y  \n\n      z\nsteps: []\n",
        ),
        (
            "name: a\nsteps:\n    - inputs:\n          t: >+2\n              x\n\n      id: b\n",
            "name: a\nsteps:\n  - id: b\n    inputs:\n      t: >+2\n          x\n\n",
        ),
        (
            'steps:\n    -   inputs: {a: "{% {x} +\n            1 %}",\n            b: 2}\n        id: b\nname: a\n',
            'name: a\nsteps:\n  - id: b\n    inputs: {a: "{% {x} +\n        1 %}",\n        b: 2}\n',
        ),
        # brackets: entries change places
        ("name: a\nsteps: [{fail: {error: X}, id: b}]\n", "name: a\nsteps: [{id: b, fail: {error: X}}]\n"),
        ('{"steps": [], "name": "a"}', '{"name": "a", "steps": []}\n'),
        ("name: a\nsteps: [{fail: {error: X}, # c\n id: b}]\n", "name: a\nsteps: [{fail: {error: X}, # c\n id: b}]\n"),
        # steps inside steps, and data that only looks like a step
        (
            "name: a\nsteps:\n- parallel:\n    x:\n    - {if: 'true', id: c, wait: 1}\n  id: b\n",
            "name: a\nsteps:\n  - id: b\n    parallel:\n      x:\n        - {id: c, if: 'true', wait: 1}\n",
        ),
        (
            "name: a\nsteps:\n- id: b\n  inputs: {steps: [{zip-file: x, id: c}]}\n",
            "name: a\nsteps:\n  - id: b\n    inputs: {steps: [{zip-file: x, id: c}]}\n",
        ),
        # an anchor comes before what names it
        (
            "name: a\nsteps:\n- retry: &r {attempts: 1}\n  inputs: *r\n  id: b\n",
            "name: a\nsteps:\n  - retry: &r {attempts: 1}\n    inputs: *r\n    id: b\n",
        ),
        ("name: a\nenv:\n    &e\n    # c\n    A: b\nsteps: []\n", "name: a\nenv:\n  &e\n  # c\n  A: b\nsteps: []\n"),
        ("---\r\nsteps: []\r\nname: a", "---\nname: a\nsteps: []\n"),
        ("name: a\nsteps:\n- - x\n  -   - y\n", "name: a\nsteps:\n  - - x\n    - - y\n"),
    ],
)
def test_this_becomes_that(before: str, after: str) -> None:
    assert formatted(before, "a.yaml") == after
    assert formatted(after, "a.yaml") == after
    assert value(before.replace("\r\n", "\n")) == value(after)


@pytest.mark.parametrize(
    "text",
    [
        "name: a\nsteps:\n- id: b\n  description: |\n    no line break at its end",
        "? name\n: a\nsteps: []\n",
        'name: a\ndescription: "x\u2028  y"\n',
    ],
)
def test_what_cannot_be_moved_is_left(text: str) -> None:
    with pytest.raises(CannotFormat):
        formatted(text, "a.yaml")


class Hand:
    """Writes a value as YAML as people might: any indentation, brackets, quotes, blank lines, comments, keys in any order."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.count = 0
        self.open_text = False
        """Whether a line that is indented deep enough would belong to a text."""

    def document(self, value: dict[str, Any]) -> str:
        return "\n".join(self.mapping(value, 0)) + "\n" * self.random.randint(1, 3)

    def mapping(self, value: dict[str, Any], column: int) -> list[str]:
        keys = list(value)
        self.random.shuffle(keys)
        lines: list[str] = []
        for key in keys:
            lines += self.around(column)
            lines += self.entry(f"{' ' * column}{self.key(key)}:", value[key], column)
            lines += [] if self.open_text else self.around(column + self.random.randint(1, 3))
        return lines

    def entry(self, head: str, value: Any, column: int) -> list[str]:
        deeper = column + self.random.randint(1, 5)
        self.open_text = False
        if isinstance(value, dict) and value and self.random.random() < 0.8:
            return [f"{head}{self.remark()}", *self.mapping(value, deeper)]
        if isinstance(value, list) and value and self.random.random() < 0.8:
            return [f"{head}{self.remark()}", *self.sequence(value, self.random.choice([column, deeper]))]
        if isinstance(value, str) and self.random.random() < 0.3 and self.plain(value):
            self.open_text = True
            return [f"{head} {self.random.choice(['|-', '>-'])}{self.remark()}", f"{' ' * deeper}{value}", ""]
        return [f"{head}{' ' * self.random.randint(1, 3)}{self.brackets(value)}{self.remark()}"]

    def sequence(self, value: list[Any], column: int) -> list[str]:
        lines: list[str] = []
        for item in value:
            lines += self.around(column)
            gap = self.random.randint(1, 4)
            self.open_text = False
            if isinstance(item, dict) and item and self.random.random() < 0.8:
                first, *rest = self.without_head(self.mapping(item, column + 1 + gap))
                lines += [f"{' ' * column}-{first[column + 1 :]}", *rest]
            else:
                lines.append(f"{' ' * column}-{' ' * gap}{self.brackets(item)}{self.remark()}")
        return lines

    def without_head(self, lines: list[str]) -> list[str]:
        while not lines[0].strip() or lines[0].strip().startswith("#"):
            lines.pop(0)
        return lines

    def plain(self, value: str) -> bool:
        return value.isprintable() and value == value.strip() and bool(value) and "#" not in value

    def brackets(self, value: Any) -> str:
        if isinstance(value, dict):
            keys = list(value)
            self.random.shuffle(keys)
            return "{" + ", ".join(f"{self.key(key)}: {self.brackets(value[key])}" for key in keys) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(self.brackets(item) for item in value) + "]"
        return json.dumps(value, ensure_ascii=self.random.random() < 0.5)

    def key(self, key: str) -> str:
        return json.dumps(key) if self.random.random() < 0.2 or not key.replace("-", "").isalnum() else key

    def remark(self) -> str:
        return f"{' ' * self.random.randint(1, 3)}{self.comment()}" if self.random.random() < 0.2 else ""

    def around(self, column: int) -> list[str]:
        kinds = [[]] * 6 + [
            [""],
            ["", ""],
            [f"{' ' * column}{self.comment()}"],
            ["", f"{' ' * column}{self.comment()}"],
        ]
        return list(self.random.choice(kinds))

    def comment(self) -> str:
        self.count += 1
        return f"# no {self.count}: {{x}} - y"


VALUES = [
    read_yaml(path.read_text("utf-8"), path.name, 100)[0]
    for path in [order_flow(), *sorted(FLOWS.glob("*/workflow.yaml"))]
    if not path.parent.name.startswith("wrong-")
]


@given(st.sampled_from(VALUES), st.integers(0, 2**32))
def test_however_it_is_written_it_says_the_same_afterwards(document: dict[str, Any], seed: int) -> None:
    text = Hand(seed).document(document)
    assert value(text) == document
    done = formatted(text, "a.yaml")
    assert json.dumps(value(done), sort_keys=True) == json.dumps(document, sort_keys=True)
    assert comments(done) == comments(text)
    assert formatted(done, "a.yaml") == done


def test_the_command_writes_or_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    yaml, json_ = tmp_path / "a.yaml", tmp_path / "b.json"
    yaml.write_text("steps: []\nname: a\n", encoding="utf-8")
    json_.write_text('{"steps": [], "name": "a"}', encoding="utf-8")
    assert main(["fmt", "--check", str(yaml), str(json_)]) == 1
    assert capsys.readouterr().out.count("not formatted") == 2
    assert yaml.read_text("utf-8").startswith("steps")
    assert main(["fmt", str(yaml), str(json_)]) == 0
    assert yaml.read_text("utf-8") == "name: a\nsteps: []\n"
    assert json_.read_text("utf-8") == '{\n  "name": "a",\n  "steps": []\n}\n'
    capsys.readouterr()
    assert main(["fmt", "--check", str(yaml), str(json_)]) == 0
    assert capsys.readouterr().out == ""


def test_the_command_leaves_what_is_no_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong, right = tmp_path / "wrong.yaml", tmp_path / "right.yaml"
    wrong.write_text("name: [\n", encoding="utf-8")
    right.write_text("steps: []\nname: a\n", encoding="utf-8")
    assert main(["fmt", str(wrong), str(right), str(tmp_path / "none.yaml")]) == 1
    shown = capsys.readouterr()
    assert f"{wrong.as_posix()}:2:1 SW010" in shown.err
    assert "SW001" in shown.err
    assert wrong.read_text("utf-8") == "name: [\n"
    assert right.read_text("utf-8").startswith("name")
