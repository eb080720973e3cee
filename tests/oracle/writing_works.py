"""Steps at random that do one thing: work, with its undo and its retries; rules, values, time that passes; other flows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from oracle.made import Name, Place, Step, Written
from oracle.service import Fault
from oracle.writing_values import PASSING, ValueWriter

__all__ = ["WorkWriter"]

CODE = {"runs-on": "lambda", "zip-file": "code"}


class WorkWriter(ValueWriter):
    """``left`` is how many steps may still be written."""

    def __init__(self, number: Callable[[int, int], int], left: int) -> None:
        super().__init__(number)
        self.left = left
        self.faults: list[Fault] = []
        self.others: dict[str, Step] = {}
        self.outside: list[dict[str, Any]] = []
        self.twice: set[str] = set()
        """Names that a step and its catch both give."""
        self.shared_undo = False
        self.policies: dict[str, Step] = {}

    def steps(self, place: Place, names: list[Name], *, may_end: bool = False) -> Written:
        """Some steps where ``names`` can be read; what they give is added behind those."""
        raise NotImplementedError

    def document(self, name: str, place: Place) -> tuple[Step, list[Name]]:
        """A flow, and what can be read behind its steps."""
        raise NotImplementedError

    # -- what one step does ----------------------------------------------------------------------------------------------

    def work(self, place: Place, names: list[Name]) -> tuple[Step, list[Name]]:
        step = self.call(self.id(), place, names)
        given = self.outputs(step, place, names)
        if self.once_in(6):
            self.tries(step, place)
        if self.once_in(10):
            self.put_away(step)
        return self.handled(step, place, names, given)

    def handled(self, step: Step, place: Place, names: list[Name], given: list[Name]) -> tuple[Step, list[Name]]:
        """Work with what undoes it, and what becomes of its errors."""
        sure = True
        if place.undoable and self.once_in(2):
            self.undo(step, place, [*names, *given])
        if self.once_in(8) and step.get("undo-when") != "completed" and "on-timeout" not in step:
            step["on-error"], sure = "continue", False
        elif place.depth and self.once_in(4):
            sure = False
            given = given + self.catches(step, place, names, shared=given)
        return step, [replace(name, sure=sure) for name in given]

    def tries(self, step: Step, place: Place) -> None:
        """Rules for further tries, and as often as not errors that they are for."""
        rules = self.retry()
        if place.near and self.once_in(3):
            self.policies[f"p{self.count}"] = {"retry": rules}
            step["policy"] = f"p{self.count}"
        else:
            step["retry"] = rules
        if self.once_in(2):
            rule = rules[0]
            error = {"States.ALL": "Blue", "transient": PASSING if place.alone else "Red"}.get(
                rule["errors"][0], rule["errors"][0]
            )
            times = rule["attempts"] + self.number(0, 1)
            self.faults.append(Fault(step["id"], error, "again", self.once_in(2), 0, times))

    def put_away(self, step: Step) -> None:
        """Puts what the step does into a library."""
        part = {"id": "part", **{key: step.pop(key) for key in CODE}}
        file = f"library-{step['id']}.json"
        self.others[file] = {"name": f"library {step['id']}", "type": "RunnableStep", "steps": [part]}
        step["uses"] = f"{file}#part"

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
        return {"id": self.id(), "require": {"that": that, "error": self.error(), "message": message}}, []

    def wait(self, place: Place, names: list[Name]) -> tuple[Step, list[Name]]:
        until = f"2026-01-01T00:{self.number(0, 2):02}:{self.number(0, 59):02}Z"
        return {"id": self.id(), "wait": self.one_of(["5s", "1m", 7, {"until": until}])}, []

    def stop(self, place: Place, names: list[Name]) -> tuple[Step, list[Name]]:
        step: Step = {"id": self.id(), "stop": {"outputs": {"early": self.value(place, names)}}}
        step["if"] = self.condition(place, names)
        return step, []

    def other_flow(self, place: Place, names: list[Name]) -> tuple[Step, list[Name]]:
        """A flow of its own, which takes the same input; not waited for now and then."""
        id_, file = self.id(), f"flow-{self.count}.json"
        detached = self.once_in(5)
        inside = Place(min(place.depth, 2), alone=place.alone and not detached, near=False)
        self.others[file], _ = self.document(f"of {id_}", inside)
        step: Step = {
            "id": id_,
            "uses": file,
            "inputs": {"n": "{n}", "rows": "{rows}", "any": self.value(place, names), "obj": "{obj}"},
        }
        if detached:
            return {**step, "detached": True}, []
        given: list[Name] = []
        if self.once_in(2):
            default = self.once_in(2)
            step["outputs"] = {f"v{id_}": self.output(self.one_of(["{out0}", "{result}"]), default)}
            given = [Name(id_, f"v{id_}", default, True)]
        if self.once_in(4):
            step["timeout"] = "61s"
        return self.handled(step, place, names, given)

    # -- what steps share ------------------------------------------------------------------------------------------------

    def call(self, id_: str, place: Place, names: list[Name], *, fails: bool = True, plain: bool = False) -> Step:
        """A step that calls the service, and the calls of it that fail."""
        at = [f"{{{item}.k}}" for item in place.items]
        inputs = {"id": id_, "at": at, "data": self.value(place, names) if fails else 1}
        if fails and self.once_in(4):
            errors = ("Red", "Blue", PASSING) if place.alone else ("Red", "Blue")
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
        written: Any = inputs
        if fails and not plain and not place.handling and self.once_in(10):
            written = f"{{% $merge([{json.dumps({'id': id_})}, {{'at': [{', '.join(at)}]}}]) %}}"
        return {"id": id_, **CODE, "inputs": written}

    def undo(self, step: Step, place: Place, names: list[Name]) -> None:
        if self.once_in(5) and not place.items and place.near:
            step["undo"], self.shared_undo = "shared", True
        else:
            undo = self.handler(f"u-{step['id']}", place, names)
            if self.once_in(4):
                undo["ignore"] = ["Red"]
            if self.once_in(6):
                undo["retry"] = self.retry()
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
        return [replace(name, deep=True) for name in behind]
