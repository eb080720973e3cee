"""Documents at random: every construct, nested, with values that flow through references and calls that fail.

Each construct is a method of :class:`Writer` that writes one step; what may be read behind it is kept beside. What is
written is right: the compiler has to take it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from oracle.service import Fault

__all__ = ["Made", "flows", "sample"]

Step = dict[str, Any]

ERRORS = ("Red", "Blue")
PASSING = "Lambda.TooManyRequestsException"
TEXTS = ("", "a", "false", "é 記録", "$x", "{{b}}", "null", "\\", '"', "$.a", "[]")
SCALARS = (None, True, False, 0, 1, -7, 2.5, 9_007_199_254_740_991)


@dataclass(frozen=True)
class Made:
    """A flow, what it is given, and the calls that fail."""

    document: dict[str, Any]
    input: dict[str, Any]
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class Place:
    """Where a step is written. ``sure``: it runs wherever the flow comes by; ``items``: what the loops around call theirs;
    ``undoable``: it may have an undo; ``alone``: nothing goes on beside it; ``error``: one can be named;
    ``handling``: the flow has failed; ``stops``: the flow may end here.
    """

    depth: int
    sure: bool = True
    items: tuple[str, ...] = ()
    undoable: bool = True
    alone: bool = True
    error: bool = False
    handling: bool = False
    stops: bool = True


@dataclass(frozen=True)
class Name:
    """An output that can be read: by its bare name, or with its step."""

    step: str
    name: str
    default: bool
    sure: bool
    listed: bool = False
    long: bool = False
    """It can only be read with its step: where it comes from, another step gives the same name."""

    @property
    def readable(self) -> bool:
        return self.default or self.sure


@dataclass
class Written:
    """A list of steps on its way, with what is to be read behind it."""

    steps: list[Step] = field(default_factory=list)
    names: list[Name] = field(default_factory=list)
    ends: bool = False


class Writer:
    """One document on its way. ``number`` chooses a number between two; ``left`` is how many steps may still be written."""

    def __init__(self, number: Callable[[int, int], int], left: int) -> None:
        self.number = number
        self.left = left
        self.count = 0
        self.faults: list[Fault] = []
        self.twice: set[str] = set()
        """Names that a step and its catch both give."""
        self.shared_undo = False

    # -- choices ---------------------------------------------------------------------------------------------------------

    def one_of(self, choices: Sequence[Any]) -> Any:
        return choices[self.number(0, len(choices) - 1)]

    def once_in(self, times: int) -> bool:
        return self.number(1, times) == times

    def id(self, letter: str = "s") -> str:
        self.count += 1
        return f"{letter}{self.count}"

    # -- flows and lists of steps ----------------------------------------------------------------------------------------

    def flow(self, depth: int) -> Made:
        pivot = self.number(0, 8)
        place = Place(depth)
        top = Written()
        for number in range(self.number(1, 5)):
            step = self.step(place, top)
            if number == pivot and not {"if", "on-error", "catch", "undo-when"} & set(step) and may_be_pivot(step):
                step["pivot"] = True
                place = replace(place, undoable=False)
        document: dict[str, Any] = {
            "name": "generated",
            "inputs": {"n": "integer", "rows": {"type": "array"}, "any": {}, "obj": {"type": "object"}},
            "steps": top.steps,
            "outputs": {f"out{number}": self.value(place, top.names) for number in range(self.number(1, 2))},
        }
        for name in top.names:
            document["outputs"][f"of-{name.step}"] = f"{{steps.{name.step}.outputs.{name.name}}}"
        if self.shared_undo:
            document["undo-steps"] = {"shared": self.call("shared", Place(0, handling=True), top.names)}
        if self.once_in(3):
            document["on-failure"] = [self.handler("f", Place(0), top.names) for _ in range(self.number(1, 2))]
        if self.once_in(4):
            id_ = self.id("z")
            known = [name for name in top.names if name.default]
            data = f"{{steps.{known[0].step}.outputs.{known[0].name}}}" if known else 1
            last = {"id": id_, "at": [], "data": data, "error": "{error.type}"}
            document["finally"] = [{"id": id_, "runs-on": "lambda", "zip-file": "code", "inputs": last}]
        rows = [{"k": key, "v": self.literal()} for key in "abc"[: self.number(0, 3)]]
        given = {"n": self.number(0, 2), "rows": rows, "any": self.literal(), "obj": {"a": self.literal()}}
        return Made(document, given, tuple(self.faults))

    def steps(self, place: Place, names: list[Name], *, may_end: bool = False) -> Written:
        """Some steps where ``names`` can be read; what they give is added behind those."""
        written = Written(names=list(names))
        for _ in range(self.number(1, 3)):
            self.step(place, written)
        if may_end and self.once_in(4):
            written.steps.append({"id": self.id(), "fail": {"error": self.one_of(ERRORS), "message": "end"}})
            written.ends = True
        own = written.names[len(names) :]
        written.names = [replace(name, long=name.name in self.twice) for name in own]
        return written

    def step(self, place: Place, written: Written) -> Step:
        """One step, put behind those that are ``written``."""
        self.left -= 1
        kinds = [self.work, self.work, self.work, self.values, self.require, self.wait]
        if place.depth and self.left > 0:
            kinds += [self.switch, self.parallel, self.loop, self.each, self.group, self.rounds]
        if place.alone and place.stops and self.once_in(4):
            kinds = [self.stop]
        step, names = self.one_of(kinds)(replace(place, depth=max(0, place.depth - 1)), written.names)
        if "if" not in step and self.once_in(5):
            step["if"] = self.once_in(2) if self.once_in(4) else self.condition(place, written.names)
            names = [replace(name, sure=name.listed and name.sure) for name in names]
        if not place.sure:
            names = [replace(name, sure=name.listed and name.sure) for name in names]
        written.steps.append(step)
        written.names += [name for name in names if name.readable]
        return step

    # -- constructs ------------------------------------------------------------------------------------------------------

    def work(self, place: Place, names: list[Name]) -> tuple[Step, list[Name]]:
        step = self.call(self.id(), place, names)
        given, sure = self.outputs(step, place, names), True
        if self.once_in(6):
            step["retry"] = self.retry()
            if self.once_in(2):
                rule = step["retry"][0]
                error = {"States.ALL": "Blue", "transient": PASSING if place.alone else "Red"}.get(
                    rule["errors"][0], rule["errors"][0]
                )
                times = rule["attempts"] + self.number(0, 1)
                self.faults.append(Fault(step["id"], error, "again", self.once_in(2), 0, times))
        if place.undoable and self.once_in(2):
            self.undo(step, place, [*names, *given])
        if self.once_in(8) and step.get("undo-when") != "completed":
            step["on-error"], sure = "continue", False
        elif place.depth and self.once_in(4):
            sure = False
            given += self.catches(step, place, names, shared=given)
        return step, [replace(name, sure=sure) for name in given]

    def values(self, place: Place, names: list[Name]) -> tuple[Step, list[Name]]:
        id_ = self.id()
        value = self.value(place, names)
        # A default holds where the value is not there, and says nothing of what is not there inside of it.
        default = self.once_in(2) and (isinstance(value, str) or "gone" not in repr(value))
        step: Step = {"id": id_, "outputs": {f"v{id_}": self.output(value, default)}}
        return step, [Name(id_, f"v{id_}", default, True)]

    def require(self, place: Place, names: list[Name]) -> tuple[Step, list[Name]]:
        message = self.one_of(["no", "no {n}", "{input.any}!", "{n}"])
        that = self.condition(place, names) if self.once_in(3) else "{n} < 9"
        return {"id": self.id(), "require": {"that": that, "error": self.one_of(ERRORS), "message": message}}, []

    def wait(self, place: Place, names: list[Name]) -> tuple[Step, list[Name]]:
        return {"id": self.id(), "wait": self.one_of(["5s", "1m", 7])}, []

    def switch(self, place: Place, names: list[Name]) -> tuple[Step, list[Name]]:
        id_ = self.id()
        inside = replace(place, sure=False)
        complete = self.once_in(2)
        arms: list[Step] = []
        behind: list[Name] = []
        for _ in range(self.number(1, 2)):
            arm = self.steps(inside, names, may_end=not complete)
            arms.append({"when": self.condition(place, names), "steps": arm.steps})
            behind += [] if arm.ends else arm.names
        if complete:
            arm = self.steps(inside, names)
            arms.append({"else": arm.steps})
            behind += arm.names
        return {"id": id_, "switch": arms}, behind

    def parallel(self, place: Place, names: list[Name]) -> tuple[Step, list[Name]]:
        step: Step = {"id": self.id(), "parallel": {}}
        behind: list[Name] = []
        inside = replace(place, alone=False, stops=False)
        for number in range(self.number(1, 3)):
            branch = self.steps(inside, names, may_end=True)
            step["parallel"][f"b{number}"] = branch.steps
            behind += branch.names
        return step, self.around(step, place, names, behind)

    def loop(self, place: Place, names: list[Name]) -> tuple[Step, list[Name]]:
        id_, item = self.id(), f"i{self.count}"
        step: Step = {"id": id_, "for-each": self.for_each(item, place, names)}
        inside = replace(place, items=(*place.items, item), alone=False, sure=True, stops=False)
        written = self.steps(inside, names)
        step["steps"] = written.steps
        return step, self.listed(step, place, names, written.names)

    def each(self, place: Place, names: list[Name]) -> tuple[Step, list[Name]]:
        id_, item = self.id(), f"i{self.count}"
        for_each = self.for_each(item, place, names)
        inside = replace(place, items=(*place.items, item), alone=False, depth=0)
        step = {**self.call(id_, inside, names), "for-each": for_each}
        given = self.outputs(step, inside, names)
        if place.undoable and self.once_in(3):
            self.undo(step, inside, names)
        return step, self.listed(step, place, names, [replace(name, sure=True) for name in given])

    def group(self, place: Place, names: list[Name]) -> tuple[Step, list[Name]]:
        id_ = self.id()
        step: Step = {"id": id_}
        again = self.once_in(4)
        inside = self.steps(replace(place, undoable=place.undoable and not again), names)
        step["steps"] = inside.steps
        if again:
            step["retry"] = {"errors": ["Red"], "attempts": self.number(1, 2), "interval": 2, "jitter": False}
        if place.undoable and self.once_in(3):
            step["undo"] = self.handler(f"u-{id_}", place, [*names, *inside.names])
            if self.once_in(3):
                step["undo-when"] = "completed"
        behind = self.around(step, place, names, inside.names)
        return step, [*behind, *self.whole(step, inside.names)]

    def rounds(self, place: Place, names: list[Name]) -> tuple[Step, list[Name]]:
        id_ = self.id()
        inside = replace(place, undoable=False)
        repeat: Step = {"max": self.number(1, 3)}
        if self.once_in(2):
            repeat["every"] = "9s"
        if self.once_in(2):
            step = self.call(id_, inside, names)
            step["inputs"]["before"] = f"{{v{id_}}}"
            step["outputs"] = {f"v{id_}": {"value": self.one_of(["{number}", "{back}"]), "default": 0}}
            repeat["until"] = f"{{result.number}} >= {self.number(0, 3)}"
            behind = [Name(id_, f"v{id_}", True, True)]
        else:
            work = self.call(self.id("r"), inside, names)
            name = f"v{work['id']}"
            work["outputs"] = {name: "{number}"}
            step = {"id": id_, "steps": [work, *self.steps(inside, names).steps]}
            step["outputs"] = {f"v{id_}": {"value": f"{{{name}}}", "default": 0}}
            repeat["until"] = f"{{v{id_}}} >= {self.number(0, 3)}"
            behind = [Name(id_, f"v{id_}", True, True)]
        step["repeat"] = repeat
        return step, self.around(step, place, names, behind)

    def stop(self, place: Place, names: list[Name]) -> tuple[Step, list[Name]]:
        step: Step = {"id": self.id(), "stop": {"outputs": {"early": self.value(place, names)}}}
        step["if"] = self.condition(place, names)
        return step, []

    # -- what constructs share -------------------------------------------------------------------------------------------

    def call(self, id_: str, place: Place, names: list[Name]) -> Step:
        """A step that calls the service, and the calls of it that fail."""
        at = [f"{{{item}.k}}" for item in place.items]
        inputs = {"id": id_, "at": at, "data": self.value(place, names)}
        if self.once_in(4):
            errors = (*ERRORS, PASSING) if place.alone else ERRORS
            which = self.one_of([None, "a", "b"]) if place.items else None
            self.faults.append(
                Fault(
                    id_,
                    self.one_of(errors),
                    self.one_of(["m", "again"]),
                    self.once_in(2),
                    0,
                    self.one_of([1, 1, 2, 4]),
                    which,
                )
            )
        return {"id": id_, "runs-on": "lambda", "zip-file": "code", "inputs": inputs}

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

    def undo(self, step: Step, place: Place, names: list[Name]) -> None:
        if self.once_in(5) and not place.items:
            step["undo"], self.shared_undo = "shared", True
        else:
            undo = self.handler(f"u-{step['id']}", place, names)
            if self.once_in(4):
                undo["ignore"] = ["Red"]
            step["undo"] = undo
        if self.once_in(4):
            step["undo-when"] = "completed"

    def handler(self, id_: str, place: Place, names: list[Name]) -> Step:
        """A step that runs where the flow fails: it can name the error, and all that there was."""
        id_ = id_ if id_.startswith("u-") else self.id(id_)
        step = self.call(id_, Place(0, items=place.items, alone=place.alone, handling=True), names)
        step["inputs"]["error"] = self.one_of(["{error.type}", "is {error.type}"])
        return step

    def catches(
        self, step: Step, place: Place, names: list[Name], shared: list[Name], *, by_name: bool = False
    ) -> list[Name]:
        """Catches of a step; one may give what the step gives."""
        inside = replace(place, sure=False, error=True)
        behind: list[Name] = []
        catches: list[Step] = []
        groups = self.one_of([[["Red"]], [["States.ALL"]], [["Blue"], ["States.ALL"]], [["Red"], ["Blue", "Red"]]])
        for errors in groups:
            written = self.steps(inside, names, may_end=True)
            catch: Step = {"errors": errors, "steps": written.steps}
            if not by_name and errors != ["States.ALL"] and self.once_in(4):
                catch["when"] = "$contains({error.cause}, 'again')"
            if shared and shared[0].default and not written.ends and self.once_in(2):
                id_, name = self.id(), shared[0].name
                other = {"value": self.value(inside, names), "default": step["outputs"][name]["default"]}
                written.steps.append({"id": id_, "outputs": {name: other}})
                self.twice.add(name)
            catches.append(catch)
            behind += [] if written.ends else written.names
        step["catch"] = catches
        return behind

    def around(self, step: Step, place: Place, names: list[Name], behind: list[Name]) -> list[Name]:
        """What may be said of a whole fork or loop, and what can be read behind it then."""
        if "undo-when" not in step and self.once_in(6):
            step["on-error"] = "continue"
        elif place.depth and self.once_in(5):
            behind = behind + self.catches(step, place, names, [], by_name=True)
        else:
            return behind
        return [replace(name, sure=False) for name in behind]

    def whole(self, step: Step, inside: list[Name]) -> list[Name]:
        """Outputs of a whole: some of what is inside of it, with a default."""
        own = [name for name in inside if not name.listed and not name.long]
        if not own or self.once_in(2):
            return []
        name = f"w{step['id']}"
        value = self.one_of([f"{{{own[0].name}}}", "{result}", f"{{% [{{{own[-1].name}}}] %}}"])
        step["outputs"] = {name: {"value": value, "default": None}}
        return [Name(step["id"], name, True, True)]

    def for_each(self, item: str, place: Place, names: list[Name]) -> Step:
        literal = [{"k": key, "v": self.value(place, names)} for key in "abc"[: self.number(0, 3)]]
        keys: Step = {"items": self.one_of([literal, literal, "{rows}", "{% {rows}[k != 'b'] %}"]), "as": item}
        if self.once_in(4):
            keys["concurrency"] = self.number(1, 2)
        if self.once_in(6):
            keys["collect"] = True
        if self.once_in(8) and isinstance(keys["items"], str):
            keys["max-items"] = 2
        return keys

    def listed(self, step: Step, place: Place, names: list[Name], inside: list[Name]) -> list[Name]:
        """What can be read behind a loop: of each output a list, of one that may be missing for an item with a default."""
        before = len(inside)
        behind = self.around(step, place, names, inside)
        gaps = "on-error" in step or "catch" in step or bool(step["for-each"].get("collect"))
        lists = [replace(name, sure=name.sure and not gaps, listed=True) for name in behind[:before]]
        found = [*lists, *behind[before:]]
        if step["for-each"].get("collect") and "on-error" not in step and "catch" not in step:
            found.append(Name(step["id"], "errors", False, True))
        return found

    # -- values ----------------------------------------------------------------------------------------------------------

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
        kinds += ["name", "name", "name"] if names else []
        kinds += ["item"] if place.items else []
        kinds += ["error"] if place.error else []
        match self.one_of(kinds):
            case "name":
                name = self.one_of(names)
                shared = sum(other.name == name.name for other in names) > 1
                if name.name == "errors" or name.long or place.handling or (not shared and self.once_in(3)):
                    return f"steps.{name.step}.outputs.{name.name}"
                return str(name.name)
            case "item":
                item = self.one_of(place.items)
                return str(self.one_of([item, f"{item}.v", f"{item}.k", "index"]))
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


def sample(number: int, depth: int = 2, steps: int = 12) -> list[Made]:
    """So many flows, the same ones each time."""
    return [Writer(random.Random(seed).randint, steps).flow(depth) for seed in range(number)]


def may_be_pivot(step: Step) -> bool:
    return bool({"runs-on", "parallel", "for-each"} & set(step))


@st.composite
def flows(draw: Callable[[st.SearchStrategy[Any]], Any], depth: int = 2, steps: int = 12) -> Made:
    """Flows nested ``depth`` deep, of about ``steps`` steps."""
    return Writer(lambda first, last: draw(st.integers(first, last)), steps).flow(depth)
