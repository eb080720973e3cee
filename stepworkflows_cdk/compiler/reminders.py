"""A wait that is reminded of: it ends by a time-out of its own, which is no failure as long as there is time left, and
begins again behind the steps of the reminder.

Step Functions' heartbeat would do the same, but it has to be shorter than the time-out, which the last part of a wait is
not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stepworkflows_cdk.compiler.plan import Data, Jsonata, Rule
from stepworkflows_cdk.compiler.values import variable
from stepworkflows_cdk.language.workflow import Step

__all__ = ["TIMEOUT", "Reminder", "anew", "reminder_of"]

TIMEOUT = "States.Timeout"


@dataclass(frozen=True)
class Reminder:
    """``next`` is the state that it begins with, ``since`` the variable that says when the wait began, 0 in its first part.
    The wait lasts ``total`` seconds, a part of it ``every``.
    """

    next: str
    since: str
    total: int
    every: int
    turn: Mapping[str, Data]
    """What is assigned where a reminder begins."""

    @property
    def timeout(self) -> Jsonata:
        """The seconds until the next reminder, or until the end."""
        waited = f"(${self.since} = 0 ? 0 : $floor(($millis() - ${self.since}) / 1000))"
        return Jsonata(f"$max([1, $min([{self.every}, {self.total} - {waited}])])")

    @property
    def noted(self) -> Mapping[str, Data]:
        """What is assigned when a part of the wait is over."""
        began = f"${self.since} = 0 ? $toMillis($states.context.State.EnteredTime) : ${self.since}"
        return {self.since: Jsonata(began)}

    def rule(self, caught: str) -> Rule:
        """The way to the reminder, where something was ``caught`` and there is time left."""
        left = f"$millis() - ${self.since} < {self.total * 1000}"
        return Rule(Jsonata(f"${caught}.type = '{TIMEOUT}' and {left}"), self.next, self.turn)


def reminder_of(
    step: Step, total: int | None, first: Callable[[Step], str], turn: Mapping[str, Data]
) -> Reminder | None:
    """The reminder of a step whose work waits for ``total`` seconds; ``turn`` is what counts reminders."""
    if step.reminder is None or step.keys.remind is None or not step.reminder.steps or total is None:
        return None
    return Reminder(first(step.reminder.steps[0]), variable("since", step.id), total, step.keys.remind.every, turn)


def anew(step: Step) -> dict[str, Data]:
    """The assignment by which the step's next wait begins with its whole time."""
    return {variable("since", step.id): 0} if step.reminder else {}
