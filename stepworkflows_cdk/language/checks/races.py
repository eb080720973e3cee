"""Races: a `parallel` that goes on before all of its branches have ended."""

from __future__ import annotations

from collections.abc import Iterator

from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.model import NO_UNDO, JoinKeys
from stepworkflows_cdk.language.workflow import Step, walk

__all__ = ["check"]


def check(step: Step) -> Iterator[Problem]:
    """The problems of one step that may be a race."""
    join = step.keys.join
    if join is None:
        return
    if not step.branches or step.keys.parallel is None:
        yield Problem("SW107", "`join` is for a step with `parallel`", step.key_mark("join"), "remove it")
        return
    count = len(step.branches)
    if isinstance(join, JoinKeys) and join.at_least >= count:
        message = f"there are {count} branches, and all of them are waited for without `join`"
        yield Problem("SW112", message, step.mark_of("join", "at-least"), "write a smaller number, or remove `join`")
    elif count == 1:
        yield Problem("SW112", "one branch alone is no race", step.key_mark("join"), "add a branch, or remove `join`")
    if step.keys.undo not in (None, NO_UNDO):
        message = "what is still at work cannot be undone: the losers of a race are not awaited"
        yield Problem("SW112", message, step.key_mark("undo"), "do what has to be undone behind the race")
    told = "winner" if join == "any" else "winners"
    for branch in step.branches:
        if branch.name == told and join != "any":
            mark = step.key_mark("parallel", branch.name)
            yield Problem(
                "SW108", f"`{told}` is what the names of the winners are called", mark, "give it another name"
            )
        for inner in walk(branch.steps):
            yield from _inside(inner, told if join == "any" else "")


def _inside(step: Step, told: str) -> Iterator[Problem]:
    if step.keys.undo not in (None, NO_UNDO):
        message = "what is done in a branch of a race cannot be undone: it may still be at work when the race is over"
        yield Problem("SW112", message, step.key_mark("undo"), "do what has to be undone behind the race")
    if step.keys.stop:
        message = "a branch of a race cannot stop the flow: another one may have won already"
        yield Problem("SW112", message, step.key_mark("stop"), "give it an output, and `stop` behind the race")
    if told and step.output(told):
        mark = step.key_mark("outputs", told)
        yield Problem("SW108", f"`{told}` is what the name of the winner is called", mark, "give it another name")
