"""Ways to break a document: each takes a right one and gives a wrong one, with the line that has to be named.

``WAYS`` lists them. What is not reported has to be harmless: the document then means what it meant before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stepworkflows_cdk.language.document import Path_
from stepworkflows_cdk.language.source import read_document

__all__ = ["HARMLESS", "WAYS", "Broken", "Right", "Way"]

HARMLESS = frozenset({""})
CREDENTIAL = "AKIAIOSFODNN7EXAMPLE"


@dataclass(frozen=True)
class Broken:
    """A broken document: its bytes, the lines of which one has to be named (none: any), the file's name."""

    data: bytes
    lines: tuple[int, ...] = ()
    name: str = "workflow.yaml"


class Right:
    """A right document, and where things stand in it."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text(encoding="utf-8")
        self.document = read_document(path, path.name)
        self.lines = self.text.split("\n")
        self._starts = [0]
        for line in self.lines:
            self._starts.append(self._starts[-1] + len(line) + 1)

    def at(self, path: Path_, *, key: bool = False) -> int:
        """The index of a value, or of its key, in the text."""
        mark = self.document.key_marks[path] if key else self.document.marks[path]
        return self._starts[mark.line - 1] + mark.column - 1

    def line(self, index: int) -> int:
        return self.text.count("\n", 0, index) + 1

    def paths(self) -> Iterator[Path_]:
        return iter(self.document.marks)

    def steps(self) -> list[Path_]:
        """The steps of the flow itself, in their order."""
        found = self.document.value.get("steps")
        return [("steps", index) for index in range(len(found))] if isinstance(found, list) else []

    def put(self, index: int, new: str, *, instead: int = 0) -> Broken:
        """The text with something put in, or in the place of so many characters."""
        text = self.text[:index] + new + self.text[index + instead :]
        return Broken(text.encode("utf-8", "surrogatepass"), (self.line(index),))

    def with_key(self, path: Path_, written: str) -> Broken:
        """A mapping with one more key, which comes first."""
        index = self.at(path)
        if self.text[index] == "{":
            return self.put(index + 1, f"{written}, ")
        column = index - self._starts[self.line(index) - 1]
        return self.put(index, f"{written}\n{' ' * column}")

    def scalar(self, path: Path_) -> tuple[int, int] | None:
        """Where a value of one line stands, and how long it is."""
        index = self.at(path)
        inside = "{" in self.lines[self.line(index) - 1][: index - self._starts[self.line(index) - 1]]
        stop = r"[^\n,}\]]" if inside else r"[^\n#]"
        found = re.compile(rf"""'(?:[^'\n]|'')*'|"(?:[^"\\\n]|\\.)*"|{stop}+""").match(self.text, index)
        return (index, len(found.group().rstrip())) if found and self.text[index] not in "{[|>&*!" else None

    def strings(self, pattern: str) -> Iterator[tuple[Path_, int, int]]:
        """Texts of one line that match, with their places."""
        for path in self.paths():
            value = self.document.get(path)
            if isinstance(value, str) and re.fullmatch(pattern, value, re.DOTALL) and (found := self.scalar(path)):
                yield path, *found


Change = Callable[[Right], Broken | None]
"""None where the document has nothing that can be broken in this way."""


@dataclass(frozen=True)
class Way:
    """``codes``: what has to be reported, one of them on the line; ``HARMLESS``: nothing. ``seconds``: how long it may take."""

    name: str
    change: Change
    codes: frozenset[str]
    seconds: float = 20.0


WAYS: list[Way] = []


def way(name: str, *codes: str) -> Callable[[Change], Change]:
    def add(change: Change) -> Change:
        WAYS.append(Way(name, change, frozenset(codes) or HARMLESS))
        return change

    return add


def first_step(right: Right, *, without: str = "", with_: str = "") -> Path_ | None:
    """The first step of the flow itself that lacks one key and has another."""
    for path in right.steps():
        step = right.document.get(path)
        if without not in step and (not with_ or with_ in step):
            return path
    return None


# -- keys ----------------------------------------------------------------------------------------------------------------


@way("a typo in a key of a step", "SW101")
def typo_in_key(right: Right) -> Broken | None:
    step = first_step(right)
    key = step and next((key for key in right.document.get(step) if key not in ("id", "name")), None)
    return right.put(right.at((*step, key), key=True) + 1, "x") if step and key else None


@way("a typo in a key of the flow", "SW101")
def typo_in_flow_key(right: Right) -> Broken | None:
    key = next((key for key in right.document.value if key not in ("name", "steps", "type")), None)
    return right.put(right.at((key,), key=True) + 1, "x") if key else None


@way("a key with a capital letter", "SW101")
def capital(right: Right) -> Broken:
    return right.put(right.at(("steps" if right.steps() else "name",), key=True), "S", instead=1)


@way("a key with an underscore", "SW101", "SW104")
def underscore(right: Right) -> Broken | None:
    step = first_step(right, without="on-error")
    return right.with_key(step, "on_error: continue") if step else None


@way("a key twice", "SW008")
def key_twice(right: Right) -> Broken | None:
    step = first_step(right, with_="id")
    broken = step and right.with_key(step, "id: twice")
    # The second of them is reported, which is the one that was there.
    return Broken(broken.data, (broken.lines[0], broken.lines[0] + 1)) if broken else None


@way("`on:`, as in other formats", "SW101")
def on(right: Right) -> Broken:
    return right.with_key((), "on: {push: main}")


@way("a key that ends in `.$`, as in JSONPath", "SW101", "SW104")
def path_key(right: Right) -> Broken | None:
    step = first_step(right)
    return right.with_key(step, "'inputs.$': $.input") if step else None


@way("another version of the language", "SW103")
def version(right: Right) -> Broken:
    return right.with_key((), "version: 2")


@way("a merge key", "SW006")
def merge(right: Right) -> Broken:
    return right.with_key((), "<<: {a: 1}")


@way("a reference as a key", "SW007")
def mapping_key(right: Right) -> Broken:
    return right.with_key((), "{name}: x")


# -- ids and references --------------------------------------------------------------------------------------------------


@way("an id twice", "SW201")
def id_twice(right: Right) -> Broken | None:
    ids = [(*path, "id") for path in right.steps() if isinstance(right.document.get((*path, "id")), str)]
    place = right.scalar(ids[1]) if len(ids) > 1 else None
    return right.put(place[0], right.document.get(ids[0]), instead=place[1]) if place else None


@way("a number as an id", "SW103")
def number_as_id(right: Right) -> Broken | None:
    step = first_step(right, with_="id")
    place = step and right.scalar((*step, "id"))
    return right.put(place[0], "7", instead=place[1]) if place else None


@way("an id with a space", "SW103")
def space_in_id(right: Right) -> Broken | None:
    step = first_step(right, with_="id")
    place = step and right.scalar((*step, "id"))
    return right.put(place[0], "my step", instead=place[1]) if place else None


@way("a step without an id", "SW102")
def no_id(right: Right) -> Broken | None:
    steps = right.steps()
    index = steps and right.at(steps[0])
    return right.put(index, "{outputs: {x: 1}}\n" + f"{' ' * 2}- ", instead=0) if steps and _block(right) else None


@way("a step that needs itself", "SW262")
def circle(right: Right) -> Broken | None:
    step = first_step(right, without="needs", with_="id")
    return right.with_key(step, f"needs: [{right.document.get((*step, 'id'))}]") if step else None


@way("a need that is not there", "SW202", "SW203", "SW260", "SW261", "SW262", "SW205")
def unknown_need(right: Right) -> Broken | None:
    step = first_step(right, without="needs")
    return right.with_key(step, "needs: [nobody-of-that-name]") if step else None


@way("a typo in a reference to a step", "SW203", "SW205")
def typo_in_reference(right: Right) -> Broken | None:
    for _, index, length in right.strings(r"(?s:.*)\{steps\.[\w-]+\.outputs\.\w+\}(?s:.*)"):
        at = right.text.index("{steps.", index, index + length) + len("{steps.")
        return right.put(at, "zz")
    return None


@way("a typo in a reference to the input", "SW203")
def typo_in_input(right: Right) -> Broken | None:
    if not right.document.value.get("inputs"):
        return None
    for _, index, length in right.strings(r"\{input\.\w+\}"):
        return right.put(index + length - 2, "zz") if right.text[index] in "'\"" else None
    return None


@way("a reference without quotes", "SW007", "SW010")
def unquoted(right: Right) -> Broken | None:
    for path, index, length in right.strings(r"\{[\w.]+\}"):
        if right.text[index] == '"':
            return right.put(index, right.document.get(path), instead=length)
    return None


@way("a reference in the manner of JSONPath, which stays text")
def json_path(right: Right) -> Broken:
    return (
        right.with_key((), 'description: "$.input.name"') if "description" not in right.document.value else _same(right)
    )


@way("a reference that does not end", "SW227", "SW233", "SW301", "SW303", "SW420", "SW604")
def open_reference(right: Right) -> Broken | None:
    for _, index, length in right.strings(r"\{[\w.]+\}"):
        if right.text[index] == '"':
            return right.put(index + length - 2, "", instead=1)
    return None


@way("an expression that does not parse", "SW303", "SW301")
def broken_expression(right: Right) -> Broken | None:
    step = first_step(right, without="if")
    return right.with_key(step, 'if: "1 = = 2"') if step else None


# -- values --------------------------------------------------------------------------------------------------------------


@way("a duration with an unknown unit", "SW103")
def duration(right: Right) -> Broken:
    return right.with_key((), "timeout: 5 parsecs") if "timeout" not in right.document.value else _same(right)


@way("a duration of nothing", "SW103")
def no_duration(right: Right) -> Broken:
    return right.with_key((), "timeout: 0s") if "timeout" not in right.document.value else _same(right)


@way("a word for a truth value", "SW103")
def word_for_truth(right: Right) -> Broken | None:
    step = first_step(right, without="pivot")
    return right.with_key(step, "pivot: yes") if step else None


@way("a text for a list of steps", "SW103")
def text_for_steps(right: Right) -> Broken:
    return right.with_key((), "on-failure: mark-failed") if "on-failure" not in right.document.value else _same(right)


@way("null for a list of steps", "SW103")
def null_steps(right: Right) -> Broken | None:
    if "steps" not in right.document.value:
        return None
    value = {**right.document.value, "steps": None}
    lines = yaml.safe_dump(value, sort_keys=False, allow_unicode=True).split("\n")
    line = next(number for number, text in enumerate(lines, 1) if text.startswith("steps:"))
    return Broken("\n".join(lines).encode(), (line, 1))


@way("a step that is null", "SW103")
def null_step(right: Right) -> Broken | None:
    return right.put(right.at(right.steps()[0]), "null\n  - ") if right.steps() and _block(right) else None


@way("a step that is a text", "SW103")
def text_step(right: Right) -> Broken | None:
    return right.put(right.at(right.steps()[0]), "do it\n  - ") if right.steps() and _block(right) else None


@way("a key without a value", "SW103")
def no_value(right: Right) -> Broken | None:
    step = first_step(right, without="retry")
    return right.with_key(step, "retry: ") if step else None


@way("an unknown type", "SW103")
def unknown_type(right: Right) -> Broken:
    place = right.scalar(("type",)) if "type" in right.document.value else None
    return right.put(place[0], "Runnable", instead=place[1]) if place else right.with_key((), "type: Runnable")


@way("a runtime with a typo", "SW103", "SW104")
def runtime(right: Right) -> Broken | None:
    step = first_step(right, with_="runs-on")
    named = step is not None and isinstance(right.document.get((*step, "runs-on")), str)
    place = right.scalar((*step, "runs-on")) if step and named else None
    return right.put(place[0], "lamda", instead=place[1]) if place else None


@way("a number that no JSON has", "SW009")
def infinite(right: Right) -> Broken:
    return right.with_key((), "timeout: .inf") if "timeout" not in right.document.value else _same(right)


# -- YAML ----------------------------------------------------------------------------------------------------------------


@way("a line that is indented too far", "SW010", "SW101", "SW103", "SW005", "SW007", "SW106")
def too_far(right: Right) -> Broken | None:
    keys = list(right.document.value)
    if len(keys) < 3:
        return None
    index = right.at((keys[1],), key=True)
    broken = right.put(index, " ")
    return Broken(broken.data, tuple(range(broken.lines[0] - 1, broken.lines[0] + 2)))


@way("a tab for an indent", "SW010")
def tab(right: Right) -> Broken | None:
    for number, line in enumerate(right.lines):
        if re.match(r" +\S", line) and not right.text.startswith("\t"):
            lines = [*right.lines[:number], "\t" + line.lstrip(), *right.lines[number + 1 :]]
            return Broken("\n".join(lines).encode(), (number + 1,))
    return None


@way("a quote that does not end", "SW010")
def open_quote(right: Right) -> Broken:
    return Broken(f'{right.text}\ndescription: "no end\n'.encode())


@way("a text with a colon", "SW010")
def colon(right: Right) -> Broken:
    return right.with_key((), "description: first: second")


@way("a tag", "SW006")
def tag(right: Right) -> Broken:
    return right.with_key((), "description: !Ref Table")


@way("an alias of nothing", "SW010")
def unknown_alias(right: Right) -> Broken:
    return right.with_key((), "description: *nobody")


@way("a second document", "SW006")
def second(right: Right) -> Broken:
    return Broken(f"{right.text}\n---\nname: second\n".encode())


@way("a list instead of a mapping", "SW005")
def as_list(right: Right) -> Broken:
    return Broken(
        "\n".join(f"{'- ' if number == 0 else '  '}{line}" for number, line in enumerate(right.lines)).encode()
    )


@way("nothing but a comment", "SW005")
def empty(_: Right) -> Broken:
    return Broken(b"# to be written\n")


@way("aliases that blow up", "SW002")
def bomb(right: Right) -> Broken:
    layers = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    layers += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    return Broken(("\n".join([*layers, right.text])).encode())


@way("values nested two hundred deep", "SW002")
def deep(right: Right) -> Broken:
    return Broken(f"{right.text}\ndeeply: {'[' * 200}{']' * 200}\n".encode())


@way("values nested a hundred thousand deep", "SW002", "SW010")
def very_deep(right: Right) -> Broken:
    return Broken(f"{right.text}\ndeeply: {'[' * 100_000}\n".encode())


@way("a file of 20 MiB", "SW002")
def large(right: Right) -> Broken:
    return Broken(right.text.encode() + b"# padding\n" * (2 * 1024 * 1024))


# -- bytes ---------------------------------------------------------------------------------------------------------------


@way("a byte order mark, which means nothing")
def byte_order_mark(right: Right) -> Broken:
    return Broken(b"\xef\xbb\xbf" + right.text.encode())


@way("the line ends of Windows, which mean nothing")
def windows(right: Right) -> Broken:
    return Broken(right.text.replace("\n", "\r\n").encode())


@way("spaces at the ends of lines, which mean nothing")
def trailing(right: Right) -> Broken | None:
    if re.search(r"[|>]\S*$|\\$", right.text, re.MULTILINE):
        return None  # a text of several lines would have them in it
    return Broken("\n".join(f"{line}  " for line in right.lines).encode())


@way("UTF-16", "SW003")
def utf_16(right: Right) -> Broken:
    return Broken(right.text.encode("utf-16"), (1,))


@way("UTF-16 without a mark", "SW003")
def utf_16_le(right: Right) -> Broken:
    return Broken(right.text.encode("utf-16-le"), (1,))


@way("Latin-1", "SW003")
def latin_1(right: Right) -> Broken:
    return Broken(right.text.encode() + b"\n# caf\xe9\n", (right.text.count("\n") + 2,))


@way("a character that turns the direction of the text", "SW004")
def bidi(right: Right) -> Broken:
    return right.with_key((), 'description: "a\u202eb"')


@way("a control character", "SW004")
def control(right: Right) -> Broken:
    return right.with_key((), 'description: "a\x07b"')


@way("a zero byte", "SW003", "SW004")
def zero(right: Right) -> Broken:
    return right.with_key((), 'description: "a\x00b"')


# -- JSON ----------------------------------------------------------------------------------------------------------------


@way("JSON, which means the same")
def as_json(right: Right) -> Broken:
    return Broken(json.dumps(right.document.value, indent=2).encode(), name="workflow.json")


@way("JSON with a comma too many", "SW010")
def json_comma(right: Right) -> Broken:
    text = json.dumps(right.document.value, indent=2)
    return Broken(f"{text[:-2]},\n}}".encode(), (text.count("\n") + 1, text.count("\n")), "workflow.json")


@way("JSON with a comment", "SW010")
def json_comment(right: Right) -> Broken:
    return Broken(f"// a flow\n{json.dumps(right.document.value)}".encode(), (1,), "workflow.json")


@way("JSON with a key twice", "SW008")
def json_twice(right: Right) -> Broken:
    text = json.dumps(right.document.value)
    return Broken(f'{{"name": "twice", "name": "twice",\n{text[1:]}'.encode(), (1,), "workflow.json")


@way("JSON that does not end", "SW010")
def json_cut(right: Right) -> Broken:
    return Broken(json.dumps(right.document.value)[:-1].encode(), (1,), "workflow.json")


# -- what other tools would take for their own ---------------------------------------------------------------------------


@way("a dynamic reference of CloudFormation", "SW607")
def dynamic_reference(right: Right) -> Broken | None:
    step = first_step(right, without="env", with_="zip-file")
    return right.with_key(step, 'env: {KEY: "{{{{resolve:ssm:key}}}}"}') if step else None


@way("a credential", "SW602", "SW603", "SW604", "SW605")
def credential(right: Right) -> Broken | None:
    step = first_step(right, without="env", with_="zip-file")
    return right.with_key(step, f'env: {{AWS_KEY: "{CREDENTIAL}"}}') if step else None


@way("a token of the CDK in a description, which stays text")
def token(right: Right) -> Broken:
    return (
        right.with_key((), 'description: "${Token[TOKEN.12]}"')
        if "description" not in right.document.value
        else _same(right)
    )


def _same(right: Right) -> Any:
    return None


def _block(right: Right) -> bool:
    """Whether the list of steps stands in lines of its own, two spaces in."""
    return bool(re.search(r"^  - ", right.text, re.MULTILINE)) and right.lines[
        right.document.marks[right.steps()[0]].line - 1
    ].startswith("  - ")
