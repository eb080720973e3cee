"""Steps at random that hold others: arms, branches, races, loops, groups, rounds."""

from __future__ import annotations

import json
from dataclasses import replace

from oracle.made import Name, Place, Step
from oracle.writing_waits import WaitWriter

__all__ = ["WholeWriter"]


class WholeWriter(WaitWriter):
    """What holds steps."""

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
        step: Step = {"id": id_, "switch": arms}
        return step, [*behind, *self.whole(step, behind, "{result}")]

    def parallel(self, place: Place, names: list[Name]) -> tuple[Step, list[Name]]:
        step: Step = {"id": self.id(), "parallel": {}}
        behind: list[Name] = []
        fast = self.once_in(5)
        inside = replace(place, alone=False, undoable=place.undoable and not fast)
        for number in range(self.number(1, 3)):
            branch = self.steps(inside, names, may_end=True)
            first = [self.pause(number, place)] if fast else []
            step["parallel"][f"b{number}"] = [*first, *branch.steps]
            behind += branch.names
        if fast:
            step["fail-fast"] = True
        self.undo_whole(step, place, names)
        around = self.around(step, place, names, behind)
        return step, [*around, *self.whole(step, behind, "{result}", "{% $keys({result}) %}")]

    def race(self, place: Place, names: list[Name]) -> tuple[Step, list[Name]]:
        id_ = self.id()
        several = self.once_in(3)
        step: Step = {"id": id_, "parallel": {}, "join": {"at-least": 2} if several else "any"}
        again = self.once_in(5)
        inside = replace(place, alone=False, undoable=False, stops=False, whole=False, once=place.once and not again)
        ways: list[str] = []
        places = [0, 1, 2] if several else [0, 1, 2][: self.number(2, 3)]
        for number in places if self.once_in(2) else reversed(places):
            branch = self.steps(inside, names, may_end=True)
            name = f"b{len(step['parallel'])}"
            step["parallel"][name] = [self.pause(number, place), *branch.steps]
            own = [found.name for found in branch.names if not (found.listed or found.long or found.deep)]
            ways += [f"{{{name}.{found}}}" if several else f"{{{found}}}" for found in own]
        winner = "{% $sort({winners}) %}" if several else "{winner}"
        step["outputs"] = {f"v{id_}": winner}
        behind = [Name(id_, f"v{id_}", False, True)]
        if ways:
            step["outputs"][f"w{id_}"] = {"value": self.one_of(ways), "default": self.one_of([None, 0, ["d"]])}
            behind.append(Name(id_, f"w{id_}", True, True))
        if again:
            rule = {"errors": ["AllBranchesFailed", "Red"], "attempts": 1, "interval": 2, "jitter": False}
            step["retry"] = rule
        return step, [name for name in self.around(step, place, names, behind) if name.readable]

    def loop(self, place: Place, names: list[Name]) -> tuple[Step, list[Name]]:
        id_ = self.id()
        step: Step = {"id": id_}
        written = self.steps(self.for_each(step, place, names), names)
        step["steps"] = written.steps
        self.undo_whole(step, place, names)
        listed = self.listed(step, place, names, written.names)
        return step, [*listed, *self.whole(step, written.names, "{result}", "{% $count($keys({result})) %}")]

    def each(self, place: Place, names: list[Name]) -> tuple[Step, list[Name]]:
        id_ = self.id()
        head: Step = {"id": id_}
        inside = replace(self.for_each(head, place, names), depth=0)
        step = {**self.call(id_, inside, names), **head}
        given = self.outputs(step, inside, names)
        if inside.undoable and self.once_in(3):
            self.undo(step, inside, names)
        return step, self.listed(step, place, names, [replace(name, sure=True) for name in given])

    def group(self, place: Place, names: list[Name]) -> tuple[Step, list[Name]]:
        id_ = self.id()
        step: Step = {"id": id_}
        again = self.once_in(4)
        inside = self.steps(replace(place, undoable=place.undoable and not again, once=place.once and not again), names)
        step["steps"] = inside.steps
        if again:
            step["retry"] = {"errors": ["Red"], "attempts": self.number(1, 2), "interval": 2, "jitter": False}
        self.undo_whole(step, place, [*names, *inside.names])
        behind = self.around(step, place, names, inside.names)
        own = [name for name in inside.names if not (name.listed or name.long or name.deep)]
        values = [f"{{{own[0].name}}}", f"{{% [{{{own[-1].name}}}] %}}"] if own else []
        return step, [*behind, *self.whole(step, inside.names, "{result}", *values)]

    def rounds(self, place: Place, names: list[Name]) -> tuple[Step, list[Name]]:
        id_ = self.id()
        inside = replace(place, undoable=False, once=False)
        repeat: Step = {"max": self.number(1, 3)}
        if self.once_in(2):
            repeat["every"] = "9s"
        if self.once_in(2):
            step = self.call(id_, inside, names, plain=True)
            step["inputs"]["before"] = f"{{v{id_}}}"
            step["outputs"] = {f"v{id_}": {"value": self.one_of(["{number}", "{back}"]), "default": 0}}
            repeat["until"] = f"{{result.number}} >= {self.number(0, 3)}"
        else:
            work = self.call(self.id("r"), inside, names)
            name = f"v{work['id']}"
            work["outputs"] = {name: "{number}"}
            step = {"id": id_, "steps": [work, *self.steps(inside, names).steps]}
            step["outputs"] = {f"v{id_}": {"value": f"{{{name}}}", "default": 0}}
            repeat["until"] = f"{{v{id_}}} >= {self.number(0, 3)}"
        step["repeat"] = repeat
        return step, self.around(step, place, names, [Name(id_, f"v{id_}", True, True)])

    # -- what these share ------------------------------------------------------------------------------------------------

    def pause(self, number: int, place: Place) -> Step:
        """A wait that lasts longer than all that the branches with smaller numbers do."""
        return {"id": self.id("w"), "wait": (number + 1) * 300 * 10**place.depth}

    def undo_whole(self, step: Step, place: Place, names: list[Name]) -> None:
        """An undo of the whole, now and then, whatever undoes what is inside."""
        if place.undoable and self.once_in(4):
            step["undo"] = self.handler(f"u-{step['id']}", place, names)
            if self.once_in(3):
                step["undo-when"] = "completed"

    def around(self, step: Step, place: Place, names: list[Name], behind: list[Name]) -> list[Name]:
        """What may be said of a whole fork or loop, and what can be read behind it then."""
        if "undo-when" not in step and self.once_in(6):
            step["on-error"] = "continue"
        elif place.depth and self.once_in(5):
            behind = behind + self.catches(step, place, names, [], by_name=True)
        else:
            return behind
        return [replace(name, sure=False) for name in behind]

    def whole(self, step: Step, inside: list[Name], *values: str) -> list[Name]:
        """Outputs of a whole: some of what is inside of it, with a default."""
        if not inside or self.once_in(2):
            return []
        name = f"w{step['id']}"
        # What is said of errors has a stack in it.
        told = any(other.name == "errors" for other in inside)
        step["outputs"] = {name: {"value": self.one_of(values[1:] or [1] if told else values), "default": None}}
        return [Name(step["id"], name, True, True)]

    def for_each(self, step: Step, place: Place, names: list[Name]) -> Place:
        """What makes the step a loop, and the place inside of it."""
        item = f"i{self.count}"
        literal = [{"k": key, "v": self.value(place, names)} for key in "abc"[: self.number(0, 3)]]
        keys: Step = {"items": self.one_of([literal, literal, "{rows}", "{% {rows}[k != 'b'] %}"]), "as": item}
        step["for-each"] = keys
        inside = replace(place, items=(*place.items, item), index=True, alone=False, sure=True)
        if self.once_in(4):
            keys["concurrency"] = self.number(1, 2)
        if place.near and self.once_in(4):
            return self.distributed(keys, item, inside)
        if self.once_in(6):
            keys["collect"] = True
        elif self.once_in(8):
            step["fail-fast"] = True
            inside = replace(inside, undoable=False)
        if self.once_in(8) and isinstance(keys["items"], str):
            keys["max-items"] = 2
        return inside

    def distributed(self, keys: Step, item: str, inside: Place) -> Place:
        """Makes each item, or batch, an execution of its own."""
        inside = replace(inside, near=False, undoable=False, stops=False, once=False)
        kind = self.number(0, 3)
        if kind == 0:
            ending, rows = self.one_of(["json", "jsonl"]), [{"k": key, "v": self.literal()} for key in "abc"]
            text = "\n".join(map(_json, rows)) if ending == "jsonl" else _json(rows)
            del keys["items"]
            keys["source"] = {"bucket": "files", "key": f"in/{item}.{ending}"}
            self.outside.append({"given": {"files": {f"files/in/{item}.{ending}": text}}})
            if self.once_in(3):
                keys["max-items"] = 2
        if kind in (1, 2):
            keys["batch"] = self.number(1, 2)
            inside = replace(inside, items=(*inside.items[:-1], f"{item}[0]"), index=False)
        if kind in (2, 3):
            keys["tolerate"] = self.one_of([1, 2, "50%", "34%"])
            keys["concurrency"] = 1
        elif self.once_in(4):
            keys["collect"] = True
        return inside

    def listed(self, step: Step, place: Place, names: list[Name], inside: list[Name]) -> list[Name]:
        """What can be read behind a loop: of each output a list, of one that may be missing for an item with a default."""
        before = len(inside)
        behind = self.around(step, place, names, inside)
        collects = bool(step["for-each"].get("collect"))
        gaps = "on-error" in step or "catch" in step or collects or "tolerate" in step["for-each"]
        lists = [replace(name, sure=name.sure and not gaps, listed=True) for name in behind[:before]]
        found = [*lists, *behind[before:]]
        if collects and "on-error" not in step and "catch" not in step:
            found.append(Name(step["id"], "errors", False, True))
        return found


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
