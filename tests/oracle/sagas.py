"""Flows whose steps undo each other's work, and for each call of them what has to be undone where that call fails.

Each step is written short: ``work`` calls the service, and has an undo that calls it as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oracle.made import Made, Step
from oracle.service import Fault

__all__ = ["ITEMS", "SAGAS", "Saga", "call"]

CODE = {"runs-on": "lambda", "zip-file": "code"}
ITEMS = [{"k": "1"}, {"k": "2"}]


@dataclass(frozen=True)
class Saga:
    """``fails``: call -> what is undone then, in order; with ``|`` between orders that are all right."""

    steps: list[Step]
    fails: Mapping[str, str]
    keys: Step = field(default_factory=dict)
    """More of the flow."""
    faults: tuple[Fault, ...] = ()
    """What fails in any case."""
    others: dict[str, Step] = field(default_factory=dict)

    @property
    def made(self) -> Made:
        document = {"name": "saga", "type": "RunnableStep", "inputs": {}, "steps": self.steps, **self.keys}
        return Made(document, {}, self.faults, self.others)


def call(id_: str, *items: str, **more: Any) -> Step:
    """Work that nothing undoes."""
    keys = {key.rstrip("_").replace("_", "-"): value for key, value in more.items()}
    return {"id": id_, **CODE, "inputs": {"id": id_, "at": [f"{{{item}.k}}" for item in items]}, **keys}


def work(id_: str, *items: str, **more: Any) -> Step:
    """Work, and what undoes it."""
    return call(id_, *items, undo=call(f"u-{id_}", *items), **more)


def each(id_: str, item: str, steps: list[Step], **more: Any) -> Step:
    return {"id": id_, "for-each": {"items": ITEMS, "as": item}, "steps": steps, **more}


SAGAS: dict[str, Saga] = {
    "one after the other": Saga(
        [
            work("a"),
            work("b", undo_when="completed"),
            call("c"),
            work("d", on_error="continue"),
            work("e", if_="1 = 2"),
            work("f"),
        ],
        {"a": "a", "b": "a", "c": "b a", "d": "", "f": "f d b a", "z": ""},
        {"on-failure": [call("failed")], "finally": [call("z")]},
    ),
    "branches in branches": Saga(
        [
            work("a"),
            {
                "id": "fork",
                "parallel": {
                    "left": [work("b"), {"id": "w", "wait": 5}, work("c")],
                    "right": [
                        work("d"),
                        {"id": "inner", "parallel": {"up": [work("e"), work("f")], "down": [work("g")]}},
                        work("h"),
                    ],
                },
            },
            work("i"),
        ],
        {
            "a": "a",
            "b": "h g f e d b a",
            "c": "h g f e d c b a",
            "d": "d c b a",
            "e": "g e d c b a",
            "f": "g f e d c b a",
            "g": "g f e d c b a",
            "h": "h g f e d c b a",
            "i": "i h g f e d c b a",
        },
    ),
    "loops in loops": Saga(
        [
            work("a"),
            each("outer", "o", [work("x", "o"), each("inner", "i", [work("y", "o", "i"), work("z", "o", "i")])]),
            work("b"),
        ],
        {
            "a": "a",
            "x@1": "z@2@2 y@2@2 z@2@1 y@2@1 x@2 x@1 a",
            "x@2": "x@2 z@1@2 y@1@2 z@1@1 y@1@1 x@1 a",
            # For the second item of both outer ones.
            "y@2": "y@2@2 z@2@1 y@2@1 x@2 y@1@2 z@1@1 y@1@1 x@1 a",
            "z@1": "z@2@2 y@2@2 z@2@1 y@2@1 x@2 z@1@2 y@1@2 z@1@1 y@1@1 x@1 a",
            "b": "b z@2@2 y@2@2 z@2@1 y@2@1 x@2 z@1@2 y@1@2 z@1@1 y@1@1 x@1 a",
            "y@1": "z@2@2 y@2@2 y@2@1 x@2 z@1@2 y@1@2 y@1@1 x@1 a",
            "z@2": "z@2@2 y@2@2 z@2@1 y@2@1 x@2 z@1@2 y@1@2 z@1@1 y@1@1 x@1 a",
        },
    ),
    "groups and arms": Saga(
        [
            work("a"),
            {"id": "g", "steps": [work("b"), {"id": "h", "steps": [work("c")]}], "undo": call("u-g")},
            {
                "id": "way",
                "switch": [
                    {"when": "1 = 2", "steps": [work("never")]},
                    {"when": "1 = 1", "steps": [work("d"), work("e", undo_when="completed")]},
                    {"else": [work("other")]},
                ],
            },
            {"id": "k", "steps": [work("f")], "undo": call("u-k"), "undo-when": "completed"},
            {
                "id": "q",
                "parallel": {"left": [work("m")], "right": [work("n")]},
                "undo": call("u-q"),
                "undo-when": "completed",
            },
            work("l"),
        ],
        {
            "a": "a",
            "b": "b g a",
            "c": "c b g a",
            "d": "d c b g a",
            "e": "d c b g a",
            "f": "f e d c b g a",
            "m": "n m f k e d c b g a",
            "n": "n m f k e d c b g a",
            "l": "l n m q f k e d c b g a",
        },
    ),
    "what is caught": Saga(
        [
            work("a"),
            work("b", catch=[{"errors": ["Red"], "steps": [work("c"), work("d")]}]),
            {
                "id": "fork",
                "parallel": {"left": [work("e"), work("f")], "right": [work("g")]},
                "catch": [{"errors": ["Red"], "steps": [work("h")]}],
            },
            work("i"),
        ],
        {
            "a": "a",
            "b": "b a",
            "c": "c b a",
            "d": "d c b a",
            "e": "g e d c b a",
            "f": "g f e d c b a",
            # What failed first is caught, and decides.
            "g": "",
            "h": "h g f e d c b a",
            "i": "i h g f e d c b a",
        },
        faults=(Fault("b", "Red"), Fault("f", "Red")),
    ),
    "the point of no return": Saga(
        [
            work("a"),
            {"id": "way", "switch": [{"when": "1 = 1", "steps": [work("b"), work("c", pivot=True)]}, {"else": []}]},
            work("d"),
            {"id": "out", "parallel": {"left": [call("e")], "right": [call("f")]}},
        ],
        {"a": "a", "b": "b a", "c": "c b a", "d": "", "e": "", "f": ""},
        {"on-failure": [call("failed")]},
    ),
    "a fork as the point of no return": Saga(
        [
            work("a"),
            {"id": "fork", "pivot": True, "parallel": {"left": [work("b")], "right": [work("c"), call("d")]}},
            call("e"),
        ],
        {"a": "a", "b": "c b a", "c": "c b a", "d": "c b a", "e": ""},
    ),
    "what is done again": Saga(
        [
            work("a"),
            {
                "id": "r",
                "steps": [call("x", outputs={"n": "{number}"}), call("y")],
                "outputs": {"m": {"value": "{n}", "default": 0}},
                "repeat": {"max": 5, "until": "{m} = 1"},
                "undo": call("u-r"),
            },
            work("s", repeat={"max": 5, "until": "{result.number} = 1"}),
            {
                "id": "t",
                "steps": [call("v")],
                "retry": {"errors": ["Boom"], "attempts": 2, "interval": 1, "jitter": False},
                "undo": call("u-t"),
                "undo-when": "completed",
            },
            work("w"),
        ],
        {
            "a": "a",
            "x": "r a",
            "x#1": "r a",
            "y": "r a",
            "y#1": "r a",
            "s": "s r a",
            "s#1": "s r a",
            "v": "s r a",
            "w": "w t s r a",
        },
    ),
    "another flow": Saga(
        [work("a"), {"id": "b", "uses": "other.json", "inputs": {}, "undo": call("u-b")}, work("c")],
        {"a": "a", "p": "p b a", "q": "q p b a", "c": "c b a"},
        others={"other.json": {"name": "other", "type": "RunnableStep", "inputs": {}, "steps": [work("p"), work("q")]}},
    ),
    "a graph": Saga(
        [
            work("a", needs=[]),
            work("b", needs=["a"]),
            work("c", needs=[]),
            work("d", needs=["c"]),
            work("e", needs=["b", "d"]),
        ],
        {
            "a": "d c a|d a c|a d c",
            "b": "b a d c|d c b a|b d a c|b d c a|d b a c|d b c a",
            "c": "c b a|b c a|b a c",
            "d": "b a d c|d c b a|b d a c|b d c a|d b a c|d b c a",
            "e": "e b a d c|e d c b a|e b d a c|e b d c a|e d b a c|e d b c a",
        },
    ),
}
