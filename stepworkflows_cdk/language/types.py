"""Types of values as far as documents promise them, and what an expression does with them that cannot go well.

What nobody promised has no type here, and nothing is said about it. https://docs.jsonata.org says what each operator and
function takes: on anything else it fails, but for `=` and `!=`, which then know the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stepworkflows_cdk.language.contract import Schema, schema_at
from stepworkflows_cdk.language.references import Reference, Template, WrongValue, parse_value
from stepworkflows_cdk.language.scope import Unresolved, View, resolve
from stepworkflows_cdk.language.targets import (
    ConfigTarget,
    ErrorTarget,
    ExecutionTarget,
    InputTarget,
    ItemTarget,
    OutputTarget,
    StatusTarget,
    StepTarget,
    Target,
)

__all__ = ["Misfit", "misfits", "type_of", "type_of_value"]

Types = Mapping[int, tuple[str, str]]
"""Where a reference ends in an expression -> its type, and how it is written."""

_ORDERED = ("number", "string")
_NUMBERS = ("number",)
_TEXT = ("string",)
_TAKES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys("sum max min average".split(), ("array", "number")),
    **dict.fromkeys(
        "abs floor ceil round power sqrt formatNumber formatBase formatInteger fromMillis".split(), _NUMBERS
    ),
    **dict.fromkeys(
        "length uppercase lowercase trim substring substringBefore substringAfter pad contains".split(), _TEXT
    ),
    **dict.fromkeys("split match replace base64encode base64decode parseInteger toMillis parse".split(), _TEXT),
    "number": ("string", "number", "boolean"),
    "join": ("array", "string"),
}
"""What functions take first."""
_GIVES = {
    **dict.fromkeys(
        "sum max min average count abs floor ceil round power sqrt length number toMillis millis".split(), "number"
    ),
    **dict.fromkeys("random parseInteger".split(), "number"),
    **dict.fromkeys(
        "string uppercase lowercase trim substring join replace formatNumber fromMillis now uuid".split(), "string"
    ),
    **dict.fromkeys("contains exists boolean not".split(), "boolean"),
    **dict.fromkeys("split range append".split(), "array"),
}
_INNER = ("lhs", "rhs", "procedure", "condition", "then", "_else", "expression", "body")
_INNER_LISTS = ("arguments", "steps", "expressions", "stages", "predicate")


@dataclass(frozen=True)
class Misfit:
    """``at`` counts from the beginning of the expression. ``fails``: it fails whenever it is evaluated; else its answer is
    always the same.
    """

    message: str
    at: int
    hint: str
    fails: bool


def type_of(target: Target, view: View) -> str | None:
    """The type that is promised for what a reference means, as JSONata calls it; None where none is."""
    match target:
        case InputTarget(path):
            return _plain(schema_at(view.workflow.keys.inputs or {}, path))
        case OutputTarget(known, output, path) if not path:
            return "array" if known.each else _NAMES.get(output.type or "")
        case StatusTarget(known):
            return "array" if known.each else "string"
        case ItemTarget(index=True):
            return "number"
        case ItemTarget(loop, path) if not loop.batch:
            items = _items(view, loop.id)
            return _plain(schema_at({"": items}, ("", *path))) if items else None
        case ConfigTarget(name):
            return _NAMES[view.workflow.config[name].type]
        case ExecutionTarget() | ErrorTarget():
            return "string"
        case StepTarget(name):
            return "number" if name == "attempt" else "string"
        case _:
            return None


def type_of_value(text: str, view: View) -> str | None:
    """The type that is promised for a value that is one reference; None where it is anything else."""
    try:
        value = parse_value(text)
        if isinstance(value, Template) and len(value.parts) == 1 and isinstance(value.parts[0], Reference):
            return type_of(resolve(value.parts[0], view), view)
    except (WrongValue, Unresolved):
        pass  # reported where it stands
    return None


_NAMES = {"integer": "number"} | {name: name for name in ("string", "number", "boolean", "object", "array")}


def _plain(schema: Schema | None) -> str | None:
    return _NAMES.get(schema.type or "") if schema else None


def _items(view: View, loop: str) -> Schema | None:
    """What the contract says of the items of a loop that goes over a list of the input."""
    step = next((step for step in view.workflow.forward if step.id == loop), None)
    each = step.keys.for_each if step else None
    if each is None or not isinstance(each.items, str):
        return None
    try:
        value = parse_value(each.items)
        if not (isinstance(value, Template) and len(value.parts) == 1 and isinstance(value.parts[0], Reference)):
            return None
        target = resolve(value.parts[0], View(view.workflow))
    except (WrongValue, Unresolved):
        return None
    schema = schema_at(view.workflow.keys.inputs or {}, target.path) if isinstance(target, InputTarget) else None
    return schema.items if schema else None


def misfits(code: str, types: Types) -> Iterator[Misfit]:
    """What cannot go well in an expression that parses."""
    from jsonata import Jsonata

    yield from _Reader(types).read(Jsonata(code).ast)


class _Reader:
    """Reads the parser's tree of one expression."""

    def __init__(self, types: Types) -> None:
        self._types = types

    def read(self, node: Any) -> Iterator[Misfit]:
        match node.type, node.value:
            case "binary", "=" | "!=":
                yield from self._equal(node)
            case "binary", "<" | ">" | "<=" | ">=":
                yield from self._ordered(node)
            case "binary", "+" | "-" | "*" | "/" | "%":
                for side in (node.lhs, node.rhs):
                    yield from self._takes(side, _NUMBERS, f"`{node.value}`", node.position)
            case "function", _:
                name = node.procedure.value if node.procedure.type == "variable" else None
                if name in _TAKES and node.arguments:
                    yield from self._takes(node.arguments[0], _TAKES[name], f"`${name}`", node.procedure.position)
            case "path", _:
                yield from self._fields(node)
        for inner in _inside(node):
            yield from self.read(inner)

    def _type(self, node: Any) -> str | None:
        match node.type:
            case "string" | "number":
                return str(node.type)
            case "value":
                return "boolean" if isinstance(node.value, bool) else None  # null is compared with anything
            case "variable":
                return self._types.get(node.position, (None, ""))[0]
            case "path":
                return self._type(node.steps[0]) if len(node.steps) == 1 and not _inside_step(node) else None
            case "binary" if node.value in ("+", "-", "*", "/", "%"):
                return "number"
            case "binary" if node.value == "&":
                return "string"
            case "binary" if node.value in ("=", "!=", "<", ">", "<=", ">=", "in", "and", "or"):
                return "boolean"
            case "unary":
                return {"[": "array", "{": "object", "-": "number"}.get(str(node.value))
            case "function" if node.procedure.type == "variable":
                return _GIVES.get(str(node.procedure.value))
            case _:
                return None

    def _said(self, node: Any) -> str:
        """What is shown of an operand."""
        written = self._written(node)
        return f"`{written}`" if written else "the other side"

    def _written(self, node: Any) -> str:
        """An operand as it is written, where it is one token."""
        match node.type:
            case "variable" if node.position in self._types:
                return self._types[node.position][1]
            case "string":
                return f"'{node.value}'"
            case "number" | "value":
                return str(node.value).lower()
            case _:
                return ""

    def _equal(self, node: Any) -> Iterator[Misfit]:
        left, right = self._type(node.lhs), self._type(node.rhs)
        if left and right and left != right:
            never = "they are never equal" if node.value == "=" else "they always differ"
            message = f"{self._said(node.lhs)} is {_a(left)}, and {self._said(node.rhs)} {_a(right)}: {never}"
            yield Misfit(message, _operator(node), self._instead(node), fails=False)

    def _ordered(self, node: Any) -> Iterator[Misfit]:
        left, right = self._type(node.lhs), self._type(node.rhs)
        wrong = [side for side in (left, right) if side and side not in _ORDERED]
        if wrong:
            message = f"`{node.value}` compares numbers, or texts, and here is {_a(wrong[0])}: this fails"
            yield Misfit(message, _operator(node), self._instead(node), fails=True)
        elif left and right and left != right:
            message = (
                f"{self._said(node.lhs)} is {_a(left)}, and {self._said(node.rhs)} {_a(right)}: comparing them fails"
            )
            yield Misfit(message, _operator(node), self._instead(node), fails=True)

    def _takes(self, node: Any, allowed: tuple[str, ...], what: str, position: int) -> Iterator[Misfit]:
        found = self._type(node)
        if found and found not in allowed:
            kinds = " or ".join(_a(kind) for kind in allowed)
            written = self._written(node)
            message = f"{what} takes {kinds}, and {f'`{written}`' if written else 'this'} is {_a(found)}: this fails"
            hint = f"write `{_converted(written, allowed)}`" if found in _SCALARS and node.type == "variable" else ""
            at = position - len(what.strip("`"))
            yield Misfit(message, at, hint or f"give it {kinds}", fails=True)

    def _fields(self, node: Any) -> Iterator[Misfit]:
        first, *rest = node.steps
        found = self._types.get(first.position) if first.type == "variable" else None
        if found and rest and rest[0].type == "name" and found[0] in _SCALARS:
            hint = f"write `$length({found[1]})`" if rest[0].value == "length" and found[0] == "string" else "remove it"
            message = f"`{found[1]}` is {_a(found[0])}, and has no `{rest[0].value}`: this is nothing"
            yield Misfit(message, rest[0].position - len(str(rest[0].value)), hint, fails=False)

    def _instead(self, node: Any) -> str:
        """One side in the type of the other."""
        for literal, other in ((node.rhs, node.lhs), (node.lhs, node.rhs)):
            wanted, text = self._type(other), literal.value
            if literal.type == "string" and wanted == "number" and str(text).replace(".", "", 1).lstrip("-").isdigit():
                return f"write `{text}`, without quotes"
            if literal.type == "string" and wanted == "boolean" and text in ("true", "false"):
                return f"write `{text}`, without quotes"
            if literal.type in ("number", "value") and wanted == "string":
                return f"write `'{self._written(literal)}'`, in quotes"
        return "compare values of one type: `$number(...)` and `$string(...)` convert"


_SCALARS = ("string", "number", "boolean")
_ARTICLES = {
    "array": "a list",
    "object": "an object",
    "boolean": "a truth value",
    "string": "a text",
    "number": "a number",
}


def _a(type_: str) -> str:
    return _ARTICLES[type_]


def _converted(said: str, allowed: tuple[str, ...]) -> str:
    return f"$string({said})" if allowed == _TEXT else f"$number({said})"


def _operator(node: Any) -> int:
    """Where an operator begins; the parser says where it ends."""
    return int(node.position) - len(str(node.value))


def _inside(node: Any) -> Iterator[Any]:
    for name in _INNER:
        inner = getattr(node, name, None)
        if inner is not None and hasattr(inner, "type"):
            yield inner
    for name in _INNER_LISTS:
        for inner in getattr(node, name, None) or ():
            if hasattr(inner, "type"):
                yield inner
    for name in ("lhs_object", "rhs_object"):
        for pair in getattr(node, name, None) or ():
            yield from (part for part in pair if hasattr(part, "type"))


def _inside_step(path: Any) -> bool:
    """Whether the only step of a path is more than a value: with a predicate, it may be a part."""
    step = path.steps[0]
    return bool(getattr(step, "stages", None) or getattr(step, "predicate", None) or getattr(step, "group", None))
