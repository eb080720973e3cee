"""Runs a bundle on this machine: the same ASL text that deploys, the real step code, AWS's services by moto, virtual
time."""

from __future__ import annotations

from stepworkflows_cdk.local.errors import TaskFailed
from stepworkflows_cdk.local.events import (
    AttemptBegan,
    AttemptFailed,
    CodeLine,
    Event,
    EventArrived,
    EventEmitted,
    FileWritten,
    Lane,
    LaneEnded,
    LogWritten,
    MailSent,
    MessageSent,
    Nothing,
    OtherArrived,
    RowWritten,
    StateEntered,
    StateLeft,
)
from stepworkflows_cdk.local.run import RunResult, run
from stepworkflows_cdk.local.world import LogLine, World

__all__ = [
    "AttemptBegan",
    "AttemptFailed",
    "CodeLine",
    "Event",
    "EventArrived",
    "EventEmitted",
    "FileWritten",
    "Lane",
    "LaneEnded",
    "LogLine",
    "LogWritten",
    "MailSent",
    "MessageSent",
    "Nothing",
    "OtherArrived",
    "RowWritten",
    "RunResult",
    "StateEntered",
    "StateLeft",
    "TaskFailed",
    "World",
    "run",
]
