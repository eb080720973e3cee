"""Strings: where a reference stands, where none does, and what an expression reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepworkflows_cdk.language.expressions import free_variables, syntax_fault, tokens
from stepworkflows_cdk.language.references import (
    Expression,
    Template,
    WrongValue,
    parse_condition,
    parse_value,
    references_in,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{a}", [("a",)]),
        ("x{a.b-c}y{d[0]['e f']}", [("a", "b-c"), ("d", 0, "e f")]),
        ("{steps.create-order.outputs.X}", [("steps", "create-order", "outputs", "X")]),
        ("{记录}", [("记录",)]),
        ("{{a}}", []),
        ('{"a": 1}', []),
        ("{ a }", []),
        ("{}", []),
        ("{% {a} + b{c: 1} %}", [("a",)]),
        ("{% {'a': {b}} %}", [("b",)]),
        ("{% '{a}' & \"{b}\" & `{c}` /* {d} */ %}", []),
        ("{% /[{]a}/ %}", []),
        ("{% x / {a} / 2 %}", [("a",)]),
        ("{% function($x){y}({a}) %}", [("a",)]),
        ("{% {items}.(price * qty) %}", [("items",)]),
        ("{% {a[0].b['c d']} %}", [("a", 0, "b", "c d")]),
        ("{% ({a}; [{b}, {c}]; x ? {d} : {e}) %}", [("a",), ("b",), ("c",), ("d",), ("e",)]),
        ("{% a and {b} %}", [("b",)]),
    ],
)
def test_references_are_found_where_they_mean_something(text: str, found: list[tuple[str | int, ...]]) -> None:
    references = references_in(parse_value(text))
    assert [reference.parts for reference in references] == found
    for reference in references:
        assert text[reference.offset :].startswith(reference.text)


@pytest.mark.parametrize(
    ("text", "offset"), [("x {a", 2), ("{a b}", 0), ("{a.}", 0), ("{% 'x %}", 3), ("{% x", 0), ("{% /a %}", 3)]
)
def test_what_begins_and_does_not_end_is_refused_where_it_begins(text: str, offset: int) -> None:
    with pytest.raises(WrongValue) as caught:
        parse_value(text)
    assert caught.value.offset == offset


def test_a_condition_is_an_expression_as_a_whole() -> None:
    assert parse_condition("{a} > 0") == parse_condition("{a} > 0")
    assert isinstance(parse_condition("{% {a} %}"), Expression)
    assert [reference.offset for reference in references_in(parse_condition("1 < {a}"))] == [4]


@given(text=st.text(alphabet="ab{}%[]'\" ."))
def test_plain_text_survives_escaping(text: str) -> None:
    value = parse_value(text.replace("{", "{{").replace("}", "}}"))
    assert value == text


@given(parts=st.lists(st.sampled_from(["{a}", "{b.c}", " x ", "{{", "}}"]), min_size=1))
def test_parts_join_to_what_was_written(parts: list[str]) -> None:
    value = parse_value("".join(parts))
    pieces = value.parts if isinstance(value, Template) else (value,)
    plain = {"{{": "{", "}}": "}"}
    assert "".join(getattr(piece, "text", piece) for piece in pieces) == "".join(
        plain.get(part, part) for part in parts
    )


@pytest.mark.parametrize(
    ("code", "free"),
    [
        ("$a + 1", {"a"}),
        ("($a := 1; $a + $b)", {"b"}),
        ("$map(x, function($v, $i){ $v + $i + $w })", {"map", "w"}),
        ("x@$e.y#$i.($e & $i & $f)", {"f"}),
        ("$.a + $$.b", set()),
        ("'$a' & /$b/ /* $c */", set()),
    ],
)
def test_the_variables_that_an_expression_reads(code: str, free: set[str]) -> None:
    assert set(free_variables(code)) == free


@given(code=st.text(alphabet="ab$(){}[]'\"`/*.,:;?=<>&+-1 %\n"))
def test_any_text_is_an_expression_or_is_not(code: str) -> None:
    try:
        found = list(tokens(code))
    except SyntaxError:
        return
    assert [code[token.start : token.end] for token in found] == [token.text for token in found]
    syntax_fault(code)
