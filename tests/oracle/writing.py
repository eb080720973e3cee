"""Documents at random: every construct, nested, with values that flow through references and calls that fail.

Each construct is a method of :class:`Writer`, or of what it is made of, that writes one step; what may be read behind it is
kept beside. What is written is right: the compiler has to take it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from oracle.made import Made, Name, Place, Step, Written
from oracle.writing_wholes import WholeWriter

__all__ = ["Made", "flows", "sample"]

CONTRACT = {"n": "integer", "rows": {"type": "array"}, "any": {}, "obj": {"type": "object"}}


class Writer(WholeWriter):
    """One flow on its way."""

    def flow(self, depth: int) -> Made:
        document, _ = self.document("generated", Place(depth))
        number = self.number(0, 2)
        text = repr(document["steps"])
        if ("'undo'" in text or "'wait" in text) and self.once_in(8):
            document["cancel"] = {"signal": "no-more", "match": {"n": "{n}"}}
            asked = {"signal": "no-more", "match": {"n": self.one_of([number, number, 7])}, "data": {"cause": "asked"}}
            self.outside.append({"after": self.one_of([2, 16, 33, 64]), **asked})
        if {"on-failure", "finally"} & set(document) and self.once_in(8):
            document["guard"] = True
        elif self.once_in(12):
            document["concurrency"] = "k{n}"
        if "'source'" in text:
            document["resources"] = {"files": {"type": "bucket"}}
        if self.once_in(10):
            document["defaults"] = {"retry": self.retry()}
        if self.policies:
            document["policies"] = self.policies
        rows = [{"k": key, "v": self.literal()} for key in "abc"[: self.number(0, 3)]]
        given = {"n": number, "rows": rows, "any": self.literal(), "obj": {"a": self.literal()}}
        return Made(document, given, tuple(self.faults), self.others, tuple(self.outside))

    def document(self, name: str, place: Place) -> tuple[Step, list[Name]]:
        """A flow, and what can be read behind its steps."""
        top = Written()
        count = self.number(1, 5)
        if count > 2 and self.once_in(5):
            self.graph(count, place, top)
        else:
            self.sequence(count, place, top)
        document: dict[str, Any] = {
            "name": name,
            "type": "RunnableStep",
            "inputs": CONTRACT,
            "steps": top.steps,
            "outputs": {f"out{number}": self.value(place, top.names) for number in range(self.number(1, 2))},
        }
        for known in top.names:
            document["outputs"][f"of-{known.step}"] = f"{{steps.{known.step}.outputs.{known.name}}}"
        if self.shared_undo and place.near:
            document["undo-steps"] = {"shared": self.call("shared", Place(0, handling=True), top.names)}
        if self.once_in(3):
            document["on-failure"] = self.ending("f", top.names)
        if self.once_in(4):
            document["finally"] = self.ending("z", top.names)
        return document, top.names

    def sequence(self, count: int, place: Place, top: Written) -> None:
        """The steps of a flow, with a point of no return now and then."""
        pivot = self.number(0, 8)
        for number in range(count):
            step = self.step(place, top)
            if (
                number == pivot
                and not {"on-error", "catch", "undo-when", "on-timeout"} & set(step)
                and may_be_pivot(step)
            ):
                step["pivot"] = True
                place = place if "if" in step else replace(place, undoable=False)
            elif number == pivot and (inner := self.inside_of_a_fork(step)):
                inner["pivot"] = True

    def inside_of_a_fork(self, step: Step) -> Step | None:
        """A step in an arm or a branch that may be the point of no return."""
        if "join" in step or "fail-fast" in step or {"on-error", "catch", "retry"} & set(step):
            return None
        arms = [arm.get("steps", arm.get("else")) for arm in step.get("switch", ())]
        lists = [*arms, *step.get("parallel", {}).values()]
        found = [inner for steps in lists for inner in steps if may_be_pivot(inner) and "needs" not in inner]
        found = [inner for inner in found if not {"on-error", "catch", "undo-when"} & set(inner)]
        return self.one_of(found) if found else None

    def steps(self, place: Place, names: list[Name], *, may_end: bool = False) -> Written:
        """Some steps where ``names`` can be read; what they give is added behind those."""
        written = Written(names=list(names))
        count = self.number(1, 3)
        if count > 2 and self.once_in(3):
            self.graph(count, place, written)
        else:
            for _ in range(count):
                self.step(place, written)
        if may_end and self.once_in(4):
            written.steps.append({"id": self.id(), "fail": {"error": self.error(), "message": "end"}})
            written.ends = True
        own = written.names[len(names) :]
        written.names = [replace(name, long=name.name in self.twice) for name in own]
        return written

    def graph(self, count: int, place: Place, written: Written) -> None:
        """Steps that say what they wait for, put behind those that are ``written``; each reads of no others."""
        inside, outer = replace(place, alone=False), list(written.names)
        given: dict[str, list[Name]] = {}
        after: dict[str, set[str]] = {}
        skipped: set[str] = set()
        steps: list[Step] = []
        for number in range(count):
            known = list(given)
            needs = None if number and self.once_in(4) else [id_ for id_ in known if self.once_in(2)]
            waits = set(known if needs is None else needs)
            waits |= {before for id_ in waits for before in after[id_]}
            seen = Written(names=[*outer, *(name for id_ in known if id_ in waits for name in given[id_])])
            before = len(seen.names)
            step = self.step(inside, seen)
            id_ = step["id"]
            given[id_], after[id_] = seen.names[before:], waits
            if "if" in step or set(needs or ()) & skipped:
                skipped.add(id_)
                unsure = (replace(name, sure=name.listed and name.sure) for name in given[id_])
                given[id_] = [name for name in unsure if name.readable]
            if needs is not None:
                step["needs"] = needs
            steps.append(step)
        if all("needs" in step for step in steps) and self.once_in(2):
            steps.reverse()
        written.steps += steps
        written.names += [name for names in given.values() for name in names]

    def step(self, place: Place, written: Written) -> Step:
        """One step, put behind those that are ``written``."""
        self.left -= 1
        kinds = [self.work, self.work, self.work, self.values, self.require, self.wait]
        if place.once and place.near and self.once_in(3):
            kinds.append(self.wait_for)
        if place.depth and self.left > 0:
            kinds += [self.switch, self.parallel, self.loop, self.each, self.group, self.rounds, self.race]
            if place.near and place.whole and not place.items and self.once_in(2):
                kinds.append(self.other_flow)
        if place.stops and self.once_in(5):
            kinds = [self.stop]
        step, names = self.one_of(kinds)(replace(place, depth=max(0, place.depth - 1)), written.names)
        if "if" not in step and self.once_in(5):
            step["if"] = self.once_in(2) if self.once_in(4) else self.condition(place, written.names)
            names = [replace(name, sure=name.listed and name.sure) for name in names]
        if not place.sure:
            names = [replace(name, sure=name.listed and name.sure) for name in names]
        names = [replace(name, deep=name.deep or ("outputs" in step and name.step != step["id"])) for name in names]
        written.steps.append(step)
        written.names += [name for name in names if name.readable]
        return step

    def ending(self, letter: str, names: list[Name]) -> list[Step]:
        """Steps of `on-failure` or `finally`."""
        steps = [self.handler(letter, Place(0), names) for _ in range(self.number(1, 2))]
        for number in range(len(steps)):
            if self.once_in(4):
                inner = [self.handler(letter, Place(0, alone=False), names) for _ in range(2)]
                parallel = {"id": self.id(letter), "parallel": {"l": [steps[number]], "r": inner}}
                group = {"id": self.id(letter), "steps": inner}
                steps[number] = self.one_of([parallel, group])
            if self.once_in(6):
                steps[number]["on-error"] = "continue"
        return steps


def sample(number: int, depth: int = 2, steps: int = 12) -> list[Made]:
    """So many flows, the same ones each time."""
    return [Writer(random.Random(seed).randint, steps).flow(depth) for seed in range(number)]


def may_be_pivot(step: Step) -> bool:
    return bool({"runs-on", "parallel", "for-each"} & set(step)) and "join" not in step


@st.composite
def flows(draw: Callable[[st.SearchStrategy[Any]], Any], depth: int = 2, steps: int = 12) -> Made:
    """Flows nested ``depth`` deep, of about ``steps`` steps."""
    return Writer(lambda first, last: draw(st.integers(first, last)), steps).flow(depth)
