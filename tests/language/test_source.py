"""Reading: YAML 1.2 and JSON become the same values, every value knows its place, every text gives a report and no traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepworkflows_cdk import validate
from stepworkflows_cdk.language.document import Document, SyntaxProblem
from stepworkflows_cdk.language.source import read_document

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


def read(folder: Path, text: str | bytes, name: str = "flow.yaml") -> Document:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_document(path, name)


def problem(folder: Path, text: str | bytes, name: str = "flow.yaml") -> tuple[str, int, int]:
    with pytest.raises(SyntaxProblem) as caught:
        read(folder, text, name)
    found = caught.value.problem
    return found.code, found.mark.line, found.mark.column


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("source")


@given(
    value=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON, max_size=4),
    indent=st.sampled_from([None, 2, "\t"]),
)
def test_json_is_read_as_the_standard_library_reads_it(folder: Path, value: object, indent: int | str | None) -> None:
    for ascii_only in (True, False):
        text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
        if not any("\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069" for char in text):
            assert read(folder, text, "flow.json").value == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("No", "No"),
        ("true", True),
        ("~", None),
        ("", None),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1:30", "1:30"),
        ("2026-01-31", "2026-01-31"),
        ("'5'", "5"),
        ("=", "="),
    ],
)
def test_plain_scalars_follow_the_core_schema(folder: Path, text: str, value: object) -> None:
    got = read(folder, f"a: {text}\n").value["a"]
    assert (got, type(got)) == (value, type(value))


def test_every_value_knows_its_place(folder: Path) -> None:
    document = read(folder, "a:\n  - x\n  - {b: 记录, c: 1}\n")
    assert [document.mark(path).column for path in (("a",), ("a", 0), ("a", 1, "b"), ("a", 1, "c"))] == [3, 5, 9, 16]
    assert document.key_mark(("a", 1, "c")).column == 13
    assert document.mark(("a", 7)).line == 2


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b"\xff\xfea\x00", ("SW003", 1, 1)),
        (b"a: 1\nb: \xe9\n", ("SW003", 2, 4)),
        ("\ufeffa: b: c", ("SW010", 1, 5)),
        ("a: 1\r\na: 2\r\n", ("SW008", 2, 1)),
        ("a: \x01", ("SW004", 1, 4)),
        ("a: *b", ("SW010", 1, 4)),
        ("a: &a [*a]", ("SW002", 1, 4)),
        ("[" * 5000 + "]" * 5000, ("SW002", 1, 102)),
        ("a: [1, 2", ("SW010", 1, 9)),
        ("a: 'x", ("SW010", 1, 6)),
        ("a: " + "9" * 500, ("SW009", 1, 4)),
    ],
)
def test_what_cannot_be_read_is_reported_where_it_stands(
    folder: Path, text: str | bytes, place: tuple[str, int, int]
) -> None:
    assert problem(folder, text) == place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"a": 1} x', ("SW010", 1, 10)),
        ('{"a": "\\ud800"}', ("SW004", 1, 7)),
        ('{"a": 1e999}', ("SW009", 1, 7)),
        ('{"a": 01}', ("SW010", 1, 8)),
        ('{"a"', ("SW010", 1, 5)),
        ("[" * 5000, ("SW002", 1, 102)),
        ('{"a": "\n"}', ("SW010", 1, 8)),
        ("{'a': 1}", ("SW010", 1, 2)),
    ],
)
def test_json_that_cannot_be_read_is_reported_where_it_stands(
    folder: Path, text: str, place: tuple[str, int, int]
) -> None:
    assert problem(folder, text, "flow.json") == place


def test_aliases_may_not_blow_a_document_up(folder: Path) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert problem(folder, "\n".join(levels))[0] == "SW002"
    assert read(folder, "a: &a [1]\nb: *a\n").value == {"a": [1], "b": [1]}


def test_a_large_file_is_refused_unread(folder: Path) -> None:
    assert problem(folder, b"#" * (8 * 1024 * 1024 + 1))[0] == "SW002"


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    (found,) = validate(tmp_path / "none.yaml").problems
    assert (found.code, found.message) == ("SW001", "cannot read the file: no such file or directory")


@given(text=st.text() | st.text(alphabet="{}[]:,-&*!|>'\"%@`#? \n\tab1"))
def test_no_text_ends_in_anything_but_a_report(folder: Path, text: str) -> None:
    for name in ("any.yaml", "any.json"):
        (folder / name).write_bytes(text.encode("utf-8", "surrogatepass"))
        assert validate(folder / name).errors
