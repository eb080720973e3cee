"""JSONata as Step Functions has it. What the reference implementation (2.0.6) gives was read off it."""

from __future__ import annotations

import random
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepworkflows_cdk.local.clock import VirtualClock
from stepworkflows_cdk.local.errors import QueryFailed
from stepworkflows_cdk.local.jsonata import Evaluator, code_of

DATA = {
    "n": None,
    "list": [None, 1, None],
    "one": [None],
    "f": 3.0,
    "big": 12345678901234567890,
    "deep": [[1], []],
    "items": [{"sku": "a", "qty": 2, "tags": ["x"]}, {"sku": "b", "qty": 1, "tags": []}],
    "empty": [],
}


def evaluator(seed: int = 1) -> Evaluator:
    return Evaluator(VirtualClock(), random.Random(seed))


def value(code: str, seed: int = 1, **variables: Any) -> Any:
    found = evaluator(seed)
    return found.evaluate(code, "F", {name: found.data(item) for name, item in {"x": DATA, **variables}.items()})


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("$x.n", None),
        ("$x.n = null", True),
        ("$x.list[0]", None),
        ("$x.list[$=null]", [None, None]),
        ("$map($x.list, function($v){$v})", [None, 1, None]),
        ("$map($x.list, function($v){$v = null})", [True, False, True]),
        ("null in $x.list", True),
        ("$distinct($x.list)", [None, 1]),
        ("$sort([3, 1, 2])", [1, 2, 3]),
        ("$sort(['b', 'a'])", ["a", "b"]),
        (
            "$sort([{'k': 2, 'v': 'x'}, {'k': 1, 'v': 'y'}, {'k': 2, 'v': 'z'}], function($l, $r) { $l.k > $r.k }).v",
            ["y", "x", "z"],
        ),
        ("{'a': $x.n}", {"a": None}),
        ("{'a': $x.nope}", {}),
        ("[$x.nope]", []),
        ("$x.one", [None]),
        ("$x.empty", []),
        ("$x.f", 3),
        ("3/1", 3),
        ("10/4", 2.5),
        ("$x.big", 12345678901234567890),
        ("$x.items.sku", ["a", "b"]),
        ("$x.items[qty > 1].sku", "a"),
        ("[$x.items[qty > 1].sku]", ["a"]),
        ("$x.items[qty > 1][].sku", ["a"]),
        ("[$x.items[qty > 9]]", []),
        ("$x.items.tags", "x"),
        ("$x.items.[tags]", [["x"], []]),
        ("$x.deep", [[1], []]),
        ("[1..3]", [1, 2, 3]),
        ("[3..1]", []),
        ("$map([1], function($v){$v})", 1),
        ("$distinct([1, 1])", [1]),
        ("$distinct([true, 1, '1'])", [True, 1, "1"]),
        ("$boolean('false')", True),
        ("$string($x.f)", "3"),
        ("$string({'ä': ['记录', 1e15, 0.1 + 0.2, null, true]})", '{"ä":["记录",1000000000000000,0.3,null,true]}'),
        ("'' & ['ü']", '["ü"]'),
        ("'' & 1e20", "100000000000000000000"),
        ("$string(1e21)", "1e+21"),
        ("$string(1e-7)", "1e-7"),
        ("$string([], true)", "[]"),
        ("$string(function($x) { $x })", ""),
        ("$x.items ~> |$|{'qty': 0}, ['tags']|", [{"sku": "a", "qty": 0}, {"sku": "b", "qty": 0}]),
        ("'a' & $x.n & $x.nope", "anull"),
        ("$partition([1, 2, 3, 4, 5], 2)", [[1, 2], [3, 4], [5]]),
        ("$partition([], 2)", []),
        ("$range(0, 10, 5)", [0, 5, 10]),
        ("$range(3, 1, -1)", [3, 2, 1]),
        ("$range(0, 1, 2)", [0]),
        ("$hash('input data', 'SHA-1')", "aaff4a450a104cd177d28d18d74485e8cae074b7"),
        ("$hash('', 'MD5')", "d41d8cd98f00b204e9800998ecf8427e"),
        ("$parse('{\"a\": [null, 1.0]}')", {"a": [None, 1]}),
        ("$parse('{\"a\": null}').a = null", True),
        ("$now()", "2026-01-01T00:00:00.000Z"),
        ("$now('[Y0001]-[M01]')", "2026-01"),
        ("$millis()", 1767225600000),
        ("$random(7) = $random(7)", True),
    ],
)
def test_values(code: str, expected: Any) -> None:
    found = value(code)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("$x.nope", "returned nothing (undefined)."),
        ("$map([], function($v){$v})", "returned nothing (undefined)."),
        ("function($v){$v}", "returned an unsupported result type."),
        ("{'a': [$sum]}", "returned an unsupported result type."),
        ("/a/", "returned an unsupported result type."),
        ("1/0", "threw an error during evaluation."),
        ("$error('boo')", "threw an error during evaluation. D3137: boo"),
        ("$eval('1')", "T1006: Attempted to invoke a non-function"),
        ("$parse('{')", "threw an error during evaluation."),
        ("$hash('a', 'CRC')", "unknown algorithm 'CRC'"),
        ("$range(1, 2, 0)", "must not be 0"),
        ("$range(1, 9999999, 1)", "at most 1000000"),
        ("$partition([1], 0)", "positive whole number"),
        ("($f := function($n){1 + $f($n + 1)}; $f(0))", "Stack overflow error"),
    ],
)
def test_failures(code: str, cause: str) -> None:
    with pytest.raises(QueryFailed) as failure:
        value(code)
    assert failure.value.cause.startswith(f"The JSONata expression '{code}' specified for the field 'F' ")
    assert cause in failure.value.cause


@pytest.mark.parametrize(
    "code", ["$random()", "$uuid()", "$shuffle([1,2,3,4,5,6,7,8,9])", "$map([1,2], function(){$uuid()})"]
)
def test_chance_comes_from_the_seed(code: str) -> None:
    assert value(code, seed=1) == value(code, seed=1) != value(code, seed=2)


def test_two_draws_of_a_run_differ() -> None:
    first, second = value("[$uuid(), $uuid()]")
    assert first != second
    assert first[14] == "4"


def test_evaluating_leaves_data_and_process_as_they_are() -> None:
    data = {"a": {"b": [1, None]}}
    limit = sys.getrecursionlimit()
    assert value("$d ~> |a|{'b': 2}|", d=data) == {"a": {"b": 2}}
    assert data == {"a": {"b": [1, None]}}
    assert sys.getrecursionlimit() == limit


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{% 1 %}", "1"),
        ("{%1%}", "1"),
        ("{%\n $a\n %}", "$a"),
        (" {% 1 %}", None),
        ("{% 1 %} ", None),
        ("x", None),
        (1, None),
    ],
)
def test_what_an_expression_is(text: Any, code: str | None) -> None:
    assert code_of(text) == code


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text()
    | st.floats(-1e9, 1e9).filter(lambda f: not f.is_integer()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_data_comes_through_unchanged(data: Any) -> None:
    assert value("$d", d=data) == data
    assert value("{'k': $d}", d=data) == {"k": data}
