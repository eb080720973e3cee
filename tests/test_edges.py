"""Values at their edges come through everything that moves data, as they were: references, outputs, code, rows of tables,
columns of loops, branches, other flows; and as literals of documents.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.compiler.bundle import Bundle
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.local import run

FLOW = """
name: edges
type: RunnableStep
inputs: {v: {}, list: {type: array}}
resources: {kept: {type: table, key: id}}
steps:
  - id: set
    outputs: {as-it-is: "{v}", in-a-list: ["{v}", ["{v}"]], in-an-object: {k: "{v}"}, by-jsonata: "{% {'k': {v}} %}"}
  - id: code
    needs: [again]
    runs-on: lambda
    zip-file: code
    inputs: {x: "{v}", y: "{set-again}"}
    outputs: {from-code: "{x}", whole: "{result}"}
  - {id: again, outputs: {set-again: "{as-it-is}"}, needs: [set]}
  - {id: put, needs: [set], record: {table: kept, key: {id: a}}, inputs: {value: "{v}", deep: {list: ["{v}"]}}}
  - {id: row, needs: [put], fetch: {table: kept, key: {id: a}}, outputs: {row: "{result.value}", deep: "{result.deep}"}}
  - id: each
    for-each: {items: ["{v}", "{v}"], as: one}
    outputs: {column: "{one}"}
  - id: rows
    for-each: {items: "{list}", as: one}
    steps:
      - {id: inner, for-each: {items: ["{one}"], as: two}, outputs: {columns: "{two}"}}
  - id: fork
    parallel:
      a: [{id: branch, outputs: {from-branch: "{v}"}}]
  - {id: other, uses: other.yaml, inputs: {v: "{v}"}, outputs: {from-other: "{v}", all: "{result}"}}
  - id: defaults
    if: "1 = 2"
    outputs: {never: {value: 1, default: DEFAULT}}
outputs:
  same:
    - "{as-it-is}"
    - "{from-code}"
    - "{set-again}"
    - "{row}"
    - "{from-branch}"
    - "{from-other}"
  lists: ["{in-a-list}", "{in-an-object}", "{by-jsonata}", "{deep}", "{whole}", "{all}", "{column}", "{columns}"]
  literal: LITERAL
  never: "{never}"
"""
OTHER = """
name: other
type: RunnableStep
inputs: {v: {}}
steps: [{id: give, outputs: {v: "{v}"}}]
outputs: {v: "{steps.give.outputs.v}"}
"""
TEXTS = st.sampled_from(
    [
        "",
        "{user.email}",
        "{{x}}",
        "{% 1 + 1 %}",
        "{%",
        "${Token[TOKEN.1]}",
        "{{resolve:ssm:x}}",
        "$.a",
        "$states",
        "null",
        "true",
        "1",
        "é 記録 \U0001f600",
        "\\",
        '"',
        "'",
        "`",
        "a\nb\tc",
        "\u2028",
        "key.$",
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**15) + 1, 10**15 - 1),  # as text, which the rows of tables take numbers as, JSONata has 15 digits
    st.integers(-4000, 4000).map(lambda number: number / 8),
    TEXTS,
    st.text(st.characters(exclude_categories=("Cs",)), max_size=4),
)
KEYS = st.sampled_from(["a", "b", "key.$", "é", "$", "a b"])


def values(keys: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        SCALARS,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=2)),
        max_leaves=6,
    )


GIVEN = values(KEYS | st.just("{x}"))
WRITTEN = values(KEYS)
"""In documents a key with a reference in it is an error."""


def bundle_of(folder: Path, literal: Any = None) -> Bundle:
    (folder / "code").mkdir(exist_ok=True)
    (folder / "code" / "handler.py").write_text("def handler(event, context):\n    return event\n", encoding="utf-8")
    (folder / "other.yaml").write_text(OTHER, encoding="utf-8")
    document = yaml.safe_load(FLOW)
    document["outputs"]["literal"] = document["steps"][-1]["outputs"]["never"]["default"] = escaped(literal)
    path = folder / "workflow.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return compile_workflow(Definition.load(path))


def escaped(value: Any) -> Any:
    """A value as it is written in a document: braces twice."""
    match value:
        case str():
            return value.replace("{", "{{").replace("}", "}}")
        case list():
            return [escaped(item) for item in value]
        case dict():
            return {key: escaped(item) for key, item in value.items()}
        case _:
            return value


def text(value: Any) -> str:
    """As JSON, where true is not 1, and 1.0 is 1, as for everybody who reads JSON by JavaScript."""
    return json.dumps(plain(value), sort_keys=True)


def plain(value: Any) -> Any:
    match value:
        case float():
            return int(value) if value.is_integer() else value
        case list():
            return [plain(item) for item in value]
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case _:
            return value


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return bundle_of(tmp_path_factory.mktemp("edges"))


def comes_through(bundle: Bundle, value: Any, rows: list[Any]) -> None:
    result = run(bundle, {"v": value, "list": rows}, integrations=BUILTIN)
    assert result.status == "SUCCEEDED", (result.error, result.cause)
    assert [text(one) for one in result.output["same"]] == [text(value)] * 6
    expected = [
        [value, [value]],
        {"k": value},
        {"k": value},
        {"list": [value]},
        {"x": value, "y": value},
        {"v": value},
        [value, value],
        [[row] for row in rows],
    ]
    assert [text(one) for one in result.output["lists"]] == [text(one) for one in expected]


@settings(phases=[Phase.explicit, Phase.generate])
@given(value=GIVEN, rows=st.lists(GIVEN, max_size=2))
@example(value=[], rows=[[]])
@example(value=[[]], rows=[[[]]])
@example(value=["x"], rows=[["x"]])
@example(value=[["x"]], rows=[])
@example(value={}, rows=[{}])
@example(value=None, rows=[None])
def test_values_come_through_as_they_were(bundle: Bundle, value: Any, rows: list[Any]) -> None:
    comes_through(bundle, value, rows)


@settings(phases=[Phase.explicit, Phase.generate])
@given(value=WRITTEN)
@example(value="{% 1 %}")
@example(value=["{user.email}"])
def test_literals_are_what_is_written(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    folder = tmp_path_factory.getbasetemp() / "literals"
    folder.mkdir(exist_ok=True)
    result = run(bundle_of(folder, value), {"v": 1, "list": []}, integrations=BUILTIN)
    assert result.status == "SUCCEEDED", (result.error, result.cause)
    assert text(result.output["literal"]) == text(value)
    assert text(result.output["never"]) == text(value)


SIZES = """
name: sizes
type: RunnableStep
inputs: {}
steps:
  - {id: code, runs-on: lambda, zip-file: code, inputs: {n: COUNT}, outputs: {t: "{t}"}}
  - {id: more, outputs: {twice: "{% {t} & {t} %}"}}
outputs: {size: "{% $length({t}) %}"}
"""


@pytest.mark.parametrize(
    ("count", "error"),
    [
        (100_000, None),
        (200_000, "States.DataLimitExceeded"),  # {t} twice is more than a variable may have
        (262_100, "States.DataLimitExceeded"),
        (300_000, "States.DataLimitExceeded"),
    ],
)
def test_what_is_too_large_for_a_state_ends_the_execution_here_as_there(
    tmp_path: Path, count: int, error: str | None
) -> None:
    """256 KiB: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html."""
    (tmp_path / "code").mkdir()
    code = "def handler(event, context):\n    return {'t': 'x' * event['n']}\n"
    (tmp_path / "code" / "handler.py").write_text(code, encoding="utf-8")
    (tmp_path / "flow.yaml").write_text(SIZES.replace("COUNT", str(count)), encoding="utf-8")
    result = run(compile_workflow(Definition.load(tmp_path / "flow.yaml")), {}, integrations=BUILTIN)
    assert result.error == error
