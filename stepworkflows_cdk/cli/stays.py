"""The events of a run become stays: what came of a step each time that the run was in it.

A step that fails hands its error on: to its own ``catch`` or ``on-error``, or to the step around it, which then fails too,
unless it takes the error. Where an error goes, the machine tells by the variables that it puts it into: ``failure`` ends a
lane, ``failed_x`` is what became of the step ``x`` around, ``error_x`` is what its ``catch`` takes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from stepworkflows_cdk.cli.missing import Causes
from stepworkflows_cdk.cli.nodes import Node, Place
from stepworkflows_cdk.cli.wording import attempt_failed, counted, in_function, retry_hint, winner
from stepworkflows_cdk.compiler.plan import RACE_WON
from stepworkflows_cdk.local import (
    AttemptBegan,
    AttemptFailed,
    CodeLine,
    Event,
    Lane,
    LaneEnded,
    StateEntered,
    StateLeft,
)

__all__ = ["Stay", "Stays"]

How = Literal["ok", "skipped", "failed", "caught", "continued", "stopped"]
"""``failed``: the error went on, to the step around or to the end of the flow; ``caught``: the step's own ``catch`` took it;
``continued``: the flow went on behind the step, by ``on-error``, ``on-timeout`` or ``collect``; ``stopped``: it was ended from
outside, as by the winner of a race.
"""

_FAILURE = re.compile(r"failure\d*")
_MEANINGS = {
    "already answered?": "the answer was there already",
    "written before?": "it had been written by an earlier try",
}
"""What a refused call means where the second call, by the name of its state behind the step's, goes well."""
_WHETHER = re.compile(r"(: (if\b[^:]*|needed\?|no return\?|cancelled\?.*))+\Z")
_LEFT = re.compile(r"left\d*")


@dataclass(eq=False)
class Stay:
    """One stay in a step, from ``began`` to ``ended``, in seconds since the start. ``how`` is None while it lasts."""

    node: Node
    began: float
    ended: float
    how: How | None = None
    error: tuple[str, str] | None = None
    """Its name and its cause, of the last failure."""
    code: CodeLine | None = None
    """Where the error arose in the user's code."""
    hint: str = ""
    notes: list[str] = field(default_factory=list)
    works: bool = False
    """Whether it came further than the question whether to skip it."""
    raised: AttemptFailed | None = None
    """The last failure, as long as it is not known what becomes of it."""
    by: str = ""
    """The state that failed last."""
    next_: str = ""
    """The state of the step behind that."""
    asks: str = ""
    """The state that finds out what a refusal means: a call right behind the one that failed."""
    tries: int = 0
    """Of the work, since it last went well."""
    refused: int = 0
    reminded: int = 0
    failed_inside: int = 0
    """Items, of a loop."""

    @property
    def failing(self) -> bool:
        """Whether there is an error of which it is not known yet where it goes."""
        return self.how is None and self.error is not None

    @property
    def shown(self) -> bool:
        """Whether it tells anybody something."""
        step = self.node.step
        return bool(self.notes) or (step is not None and bool(step.title) and not (self.node.undo and not self.works))

    def fail(self, error: tuple[str, str]) -> None:
        """The error went on from here."""
        if self.how is None:
            self.how, self.error = "failed", error

    def recover(self) -> None:
        """The last failure is over."""
        self.error = self.code = self.raised = None

    def to_json(self) -> dict[str, Any]:
        """The stay for programs; what says nothing is left out."""
        step = self.node.step
        error, cause = self.error or ("", "")
        told: dict[str, Any] = {
            "step": step.title if step else "",
            "name": self.node.name,
            "began": self.began,
            "ended": self.ended,
            "how": self.how,
            "error": error,
            "cause": cause,
            "code": asdict(self.code) if self.code else None,
            "hint": self.hint,
            "notes": list(self.notes),
        }
        return {key: value for key, value in told.items() if value or key in ("step", "began", "ended")}


class Stays:
    """Follows a run. ``places`` tell for each state what it is for; ``ended`` is called with each stay once it is over. Files
    are named as from ``folder``, where the documents are.
    """

    def __init__(self, places: Mapping[str, Place], folder: Path, ended: Callable[[Stay], None]) -> None:
        self._places = places
        self._folder = folder
        self._ended = ended
        self._lanes: dict[Lane, list[Stay]] = {}
        """The stays that last, by their lanes, outermost first."""
        self._at_work: dict[str, Lane] = {}
        """State -> the lane in which it was tried last."""
        self.causes = Causes(places)
        self.expected: dict[int, str] = {}
        """Failures, by their ``id()``, that are none, and what they are: refusals that the step goes on from."""

    def hear(self, event: Event) -> None:
        """One event of the run, as it happens."""
        self.causes.hear(event)
        match event:
            case StateEntered(name=name, at=at, lane=lane):
                self._enter(name, at, lane)
            case AttemptBegan(name=name, lane=lane):
                self._at_work[name] = lane
                if (stay := self.stay_of(name)) and self._places[name].own:
                    stay.tries += 1
            case AttemptFailed():
                self._fail(event)
            case StateLeft():
                self._leave(event)
            case LaneEnded():
                self._end(event)
            case _:
                pass

    def stay_of(self, state: str) -> Stay | None:
        """The stay in the step that the state works for, in the lane in which it was tried last."""
        return self._find(state, self._at_work.get(state, ()))

    def _find(self, state: str, lane: Lane) -> Stay | None:
        place = self._places.get(state)
        return self._in(place.node, lane) if place and place.node else None

    def _in(self, node: Node, lane: Lane) -> Stay | None:
        """The stay in a node, in the lane or in one around it: what an expression is fenced with is a lane as well."""
        for count in range(len(lane), -1, -1):
            for stay in reversed(self._lanes.get(lane[:count], ())):
                if stay.node is node:
                    return stay
        return None

    def _enter(self, name: str, at: float, lane: Lane) -> None:
        place = self._places.get(name)
        path = place.node.path if place and place.node else ()
        stays = self._lanes.setdefault(lane, [])
        while stays and stays[-1].node not in path:
            self._close(stays.pop(), at)
        for node in path:
            if self._in(node, lane) is None:
                stays.append(Stay(node, at, at))
        for node in path:
            stay = self._in(node, lane)
            assert stay
            stay.works = stay.works or node is not path[-1] or not (place and _asks_whether(place, name))
            if node is not path[-1] and path[-1].reminds and stay.failing:
                stay.reminded += 1
                self._expect(stay, "reminded")
            if place and node is path[-1]:
                self._at(place, stay)

    def _at(self, place: Place, stay: Stay) -> None:
        """A state of the step itself is entered."""
        step = stay.node.step
        if stay.raised and stay.next_ == "" and place.state.kind == "Task" and (step is None or _meaning(place)):
            stay.asks = place.state.name
        stay.next_ = place.state.name
        if place.own:
            stay.failed_inside = 0  # those of the try before
        if stay.failing and (place.own or place.state.name == stay.by):
            self._note(stay)  # it is tried again
            stay.recover()
        if step and step.keys.repeat and place.state.name.startswith(f"{step.name}: exhausted"):
            stay.error = (
                "RepeatExhausted",
                f"after {step.keys.repeat.max} rounds the end of {step.title} is not reached",
            )

    def _fail(self, event: AttemptFailed) -> None:
        stay = self._find(event.name, event.lane)
        if stay is None:
            return
        if event.error == RACE_WON:
            stay.notes.append(f"won by {winner(event.cause)}")
            return
        if stay.asks == self._places[event.name].state.name and stay.raised:
            self.expected[id(stay.raised)] = "refused; what it means is found out"
        else:
            self._note(stay)
        stay.raised, stay.by, stay.asks, stay.next_ = event, self._places[event.name].state.name, "", ""
        if event.retry_in is not None:
            self._note(stay)
            return
        stay.error, stay.code = (event.error, event.cause), event.code and self._placed(event.code)

    def _leave(self, event: StateLeft) -> None:
        place, stay = self._places.get(event.name), self._find(event.name, event.lane)
        by_catcher = bool(stay and stay.raised and stay.raised.name == event.name)
        if stay and place and place.state.kind == "Task" and not by_catcher:
            if stay.asks == place.state.name and stay.raised:
                self._refused(stay, _meaning(place))
            stay.tries = 0 if place.own else stay.tries
        for variable, error in event.assigned.items():
            if _LEFT.fullmatch(variable) and stay and stay.error:
                stay.fail(stay.error)
            elif error and _FAILURE.fullmatch(variable):
                self._fail_lane(event.lane, error)
            elif error and place and variable in place.holders:
                self._hold(variable, place.holders[variable], event.lane, error)

    def _refused(self, stay: Stay, what: str) -> None:
        """A call was refused, and a second one has found out that all is well."""
        stay.refused += 1
        self._expect(stay, what or "it was not its turn")
        if what:
            stay.notes.append(what)

    def _fail_lane(self, lane: Lane, error: tuple[str, str]) -> None:
        """An error ends a lane: all steps in it fail."""
        for stay in self._lanes.get(lane, ()):
            stay.fail(error)
        if around := self._lanes.get(lane[:-1]) if lane else None:
            around[-1].failed_inside += 1

    def _hold(self, variable: str, node: Node, lane: Lane, error: tuple[str, str]) -> None:
        """The error came to a step around, or to the step's own ``catch``."""
        stay, stays = self._in(node, lane), self._lanes.get(lane, [])
        if stay is None or stay.how is not None:
            return
        stay.error = error
        if variable.startswith("error_"):
            takes = any(catch.steps for catch in node.step.catches) if node.step else False
            stay.how = "caught" if takes else "continued"
        elif stay in stays:
            for inner in stays[stays.index(stay) + 1 :]:
                inner.fail(error)

    def _end(self, event: LaneEnded) -> None:
        stays = self._lanes.pop(event.lane, [])
        failed = event.how == "failed" and event.error != RACE_WON
        around = self._lanes.get(event.lane[:-1]) if event.lane else None
        if failed and stays and around:
            around[-1].failed_inside += 1
        for stay in reversed(stays):
            if failed:
                stay.fail((event.error, event.cause))
            elif event.how == "stopped" and stay.how is None:
                stay.how = "stopped"
            self._close(stay, event.at)

    def _placed(self, code: CodeLine) -> CodeLine:
        return replace(code, file=Path(os.path.relpath(code.file, self._folder)).as_posix())

    def _expect(self, stay: Stay, what: str) -> None:
        """The last failure was none."""
        if stay.raised:
            self.expected[id(stay.raised)] = what
        stay.asks = ""
        stay.recover()

    def _note(self, stay: Stay) -> None:
        """The last failure was one."""
        if stay.raised:
            cause = stay.raised.cause
            stay.notes.append(
                attempt_failed(stay.raised, self.causes.said(cause), self.causes.mark(cause, stay.node.mark))
            )
        stay.raised, stay.asks = None, ""

    def _close(self, stay: Stay, at: float) -> None:
        stay.ended = at
        step = stay.node.step
        if stay.failing and step and step.may_fail_alone:
            stay.how = "continued"
        elif stay.failing and step and step.keys.wait is not None:
            self._expect(stay, "the time is over")  # that of a wait that a request can end
        elif stay.how is None and stay.failed_inside and step and step.keys.for_each:
            stay.how = "continued"
            stay.notes.append(f"{counted(stay.failed_inside, 'item', 'items')} failed")
        self._note(stay)
        stay.how = stay.how or ("ok" if stay.works else "skipped")
        if stay.how not in ("failed", "caught", "continued"):
            stay.recover()
        elif stay.error and not any(stay.error[0] in note for note in stay.notes):
            stay.notes.append(f"{stay.error[0]}{self.causes.said(stay.error[1])}")
        if stay.code:
            stay.notes.append(f"at {stay.code.file}:{stay.code.line}{in_function(stay.code)}")
        if stay.how == "failed" and stay.error and step and stay.tries <= 1:
            stay.hint = retry_hint(step, stay.error[0])
        if stay.reminded:
            stay.notes.append(f"reminded {counted(stay.reminded, 'time', 'times')}")
        if stay.refused and step is None and stay.how != "failed":
            stay.notes.append(f"waited for its turn: {counted(stay.refused, 'look', 'looks')}")
        self._ended(stay)


def _meaning(place: Place) -> str:
    """What a refusal means where this state goes well, if that is what it finds out."""
    second = place.state.name.rpartition(": ")[2]
    return _MEANINGS.get(re.sub(r" \(\d+\)$", "", second), "")


def _asks_whether(place: Place, name: str) -> bool:
    """Whether a state only finds out whether its step is to be done. In front of an undo, each choice does."""
    node = place.node
    return node is not None and (
        (node.undo and place.state.kind == "Choice") or _WHETHER.match(name[len(node.name) :]) is not None
    )
