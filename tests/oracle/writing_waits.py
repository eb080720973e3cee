"""Waits at random for what comes from outside, and what comes: in time, early, late, an error, or never."""

from __future__ import annotations

from dataclasses import replace

from oracle.made import Name, Place, Step
from oracle.writing_works import WorkWriter

__all__ = ["WaitWriter"]

TIMES = (2, 11, 23, 37, 83)
"""Seconds; a wait lasts less than a minute."""


class WaitWriter(WorkWriter):
    """Steps with `wait-for`."""

    def wait_for(self, place: Place, names: list[Name]) -> tuple[Step, list[Name]]:
        id_ = self.id()
        step: Step = {"id": id_, "timeout": self.one_of([40, 50])}
        came = len(self.outside)
        kinds = [self._signal, self._signal, self._event] + ([self._approval] if len(place.items) < 2 else [])
        step["wait-for"], value = self.one_of(kinds)(id_, place)
        if len(place.items) < 2 and self.once_in(6):
            self._told(id_, place, came)
        step["outputs"] = {f"v{id_}": {"value": value, "default": self.one_of([0, None, []])}}
        if self.once_in(3):
            step["on-timeout"] = self.one_of(["fail", "continue"])
        elif self.once_in(4) and place.depth:
            step["on-timeout"] = self.steps(replace(place, depth=0, sure=False, once=False), []).steps
        if self.once_in(3):
            step["remind"] = {
                "every": self.one_of([15, 30]),
                "steps": [self.call(self.id("m"), place, [], fails=self.once_in(4))],
            }
        return self.handled(step, place, names, [Name(id_, f"v{id_}", True, True)])

    def _signal(self, id_: str, place: Place) -> tuple[Step, str]:
        wait = {"signal": f"to-{id_}", "match": self._match(place)}
        for match in self._matching(place):
            data = self.one_of([{"v": 1}, {"v": [2]}, {}, {"error": "Red", "cause": "again"}])
            self.outside.append({"after": self._time(), "signal": f"to-{id_}", "match": match, "data": data})
        return wait, "{v}"

    def _event(self, id_: str, place: Place) -> tuple[Step, str]:
        kind = {"source": "somewhere", "detail-type": f"For {id_}"}
        for match in self._matching(place):
            self.outside.append({"after": self._time(), "event": {**kind, "detail": {**match, "v": self.number(0, 2)}}})
        return {"event": kind, "match": self._match(place)}, "{result.detail.v}"

    def _approval(self, id_: str, place: Place) -> tuple[Step, str]:
        for _ in range(self.number(0, 2)):
            item = {"item": self.number(0, 2)} if place.items else {}
            choice = self.one_of(["yes", "no"])
            self.outside.append(
                {"after": self._time(), "approve": id_, "choice": choice, "by": "b@example.com", "comment": "c", **item}
            )
        asked = {"from": "a@example.com", "to": "b@example.com", "subject": "?", "text": "May I?"}
        return {"approval": {**asked, "choices": ["yes", "no"]}}, self.one_of(["{choice}", "{approved}"])

    def _told(self, id_: str, place: Place, came: int) -> None:
        """An answer to the step itself, instead of what ``came``."""
        del self.outside[came:]
        item = {"item": self.number(0, 2)} if place.items else {}
        answer = {"answer": id_, "data": {"v": 5}}
        told = answer if self.once_in(2) else {"fail": id_, "error": "Red", "cause": "told"}
        self.outside.append({"after": self._time(), **told, **item})

    def _match(self, place: Place) -> dict[str, str]:
        return {"run": "r", **{f"k{number}": f"{{{item}.k}}" for number, item in enumerate(place.items)}}

    def _matching(self, place: Place) -> list[dict[str, str]]:
        """Some of what the wait may match."""
        return [
            {"run": "r", **{f"k{number}": self.one_of("abc") for number, _ in enumerate(place.items)}}
            for _ in range(self.number(0, 3 if place.items else 1))
        ]

    def _time(self) -> int:
        return int(self.one_of(TIMES))
