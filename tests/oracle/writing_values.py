"""Values at random: literals, references to what there is, expressions, conditions, outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from oracle.made import ERRORS, Name, Place, Step

__all__ = ["PASSING", "ValueWriter"]

PASSING = "Lambda.TooManyRequestsException"
TEXTS = ("", "a", "false", "é 記録", "$x", "{{b}}", "null", "\\", '"', "$.a", "[]")
SCALARS = (None, True, False, 0, 1, -7, 2.5, 9_007_199_254_740_991)


class ValueWriter:
    """Choices, and values of them. ``number`` chooses a number between two."""

    def __init__(self, number: Callable[[int, int], int]) -> None:
        self.number = number
        self.count = 0

    def one_of(self, choices: Sequence[Any]) -> Any:
        return choices[self.number(0, len(choices) - 1)]

    def once_in(self, times: int) -> bool:
        return self.number(1, times) == times

    def id(self, letter: str = "s") -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def value(self, place: Place, names: list[Name], depth: int = 2) -> Any:
        kind = self.number(0, 9 if depth else 6)
        if kind < 3:
            return self.literal()
        if kind < 5:
            return f"{{{self.reference(place, names)}}}"
        if kind == 5:
            # What is said of errors has a stack in it, which could not be found again inside a text.
            return f"t{{{self.reference(place, [name for name in names if name.name != 'errors'])}}}-{{n}}"
        if kind == 6:
            return self.expression(place, names)
        if kind == 7:
            return [self.value(place, names, depth - 1) for _ in range(self.number(0, 2))]
        return {key: self.value(place, names, depth - 1) for key in "ab"[: self.number(0, 2)]}

    def literal(self) -> Any:
        kind = self.number(0, 5)
        if kind < 2:
            return self.one_of(SCALARS)
        if kind == 2:
            return self.one_of(TEXTS)
        return self.one_of(
            [[], {}, [[]], [1], [[1]], [None], {"a": None}, {"a": [1]}, [[1, [2]], []], ["x", ["y"]], [{}]]
        )

    def expression(self, place: Place, names: list[Name]) -> str:
        reference = f"{{{self.reference(place, names)}}}"
        forms = ["{'k': REF}", "$type(REF)", "$exists(REF) ? 1 : 2", "REF = 1", "[1, 2, 3][$ > {n}]", "$count({rows})"]
        if self.once_in(12):
            forms = ["$number('x')", "{obj.gone}", "$error('no')"]
        return f"{{% {self.one_of(forms).replace('REF', reference)} %}}"

    def reference(self, place: Place, names: list[Name]) -> str:
        """The text of a reference that surely has a value here, or now and then one that has none."""
        if self.once_in(16):
            return "obj.gone"
        kinds = ["input"]
        kinds += ["name", "name", "name", "name", "status"] if names else []
        kinds += ["item"] if place.items else []
        kinds += ["error"] if place.error else []
        match self.one_of(kinds):
            case "name":
                name = self.one_of(names)
                shared = sum(other.name == name.name for other in names) > 1
                if name.name == "errors" or name.long or place.handling or (not shared and self.once_in(3)):
                    return f"steps.{name.step}.outputs.{name.name}"
                return str(name.name)
            case "status":
                return f"steps.{self.one_of(names).step}.status"
            case "item":
                item = self.one_of(place.items)
                return str(self.one_of([item, f"{item}.v", f"{item}.k", *(["index"] if place.index else [])]))
            case "error":
                return "error.type"
            case _:
                return str(self.one_of(["n", "input.any", "any", "obj", "obj.a", "rows"]))

    def condition(self, place: Place, names: list[Name]) -> str:
        if self.once_in(2):
            return str(self.one_of(["1 = 1", "1 = 2", "{n} = 1", "{n} > 0", "true"]))
        if self.once_in(12):
            return "$number('x') = 1"
        reference = f"{{{self.reference(place, names)}}}"
        forms = ["REF = 1", "$exists(REF)", "$type(REF) = 'array'", "$not(REF = null) and {n} != 0", "REF"]
        return str(self.one_of(forms)).replace("REF", reference)

    def outputs(self, step: Step, place: Place, names: list[Name]) -> list[Name]:
        """Outputs of a step that works, as often as not."""
        if self.once_in(3):
            return []
        name, default = f"v{step['id']}", self.once_in(2)
        plain = ["{back}", "{result.back}", "{result}", "{number}", "{% {'b': {back}} %}", "n {number}"]
        missing = ["{back.gone}", "{gone}"]
        value = self.one_of(missing) if self.once_in(8) else self.one_of(plain)
        step["outputs"] = {name: self.output(value, default)}
        return [Name(step["id"], name, default, True)]

    def output(self, value: Any, default: bool) -> Any:
        dynamic = isinstance(value, str) and "{" in value.replace("{{", "")
        type_ = {"type": self.one_of(["string", "object", "array", "integer"])} if dynamic and self.once_in(9) else {}
        if default or type_:
            return {"value": value, **type_, **({"default": self.default(type_)} if default else {})}
        return [value] if isinstance(value, dict) and "value" in value else value

    def default(self, type_: dict[str, str]) -> Any:
        typed = {"string": "d", "object": {"d": 1}, "array": ["d"], "integer": 0}
        return typed[type_["type"]] if type_ else self.one_of([None, 0, "d", [], ["d"]])

    def retry(self) -> list[Step]:
        rules: list[Step] = []
        for errors in self.one_of(
            [
                [["Red"]],
                [["States.ALL"]],
                [["Red"], ["Blue"]],
                [["transient"], ["States.TaskFailed"]],
                [["Blue", "Red"]],
            ]
        ):
            rule = {"errors": errors, "attempts": self.number(0, 2), "interval": 3, "jitter": False}
            if self.once_in(3):
                rule["when"] = "$contains({error.cause}, 'again')"
            rules.append(rule)
        return rules

    def error(self) -> str:
        return str(self.one_of(ERRORS))
