"""A worker: asks an activity for work, has a handler do it, and sends what it gives. It needs Python and boto3.

    python stepworkflows_worker.py --activity ARN --code FOLDER --handler handler.handler --heartbeat 60

The handler has the contract of a Lambda function: ``handler(event, context)``, where the context knows the token of the
task. What it raises becomes an error of its class's name, with the JSON that Lambda reports as its cause. While it works, a
heartbeat is sent every so many seconds, if ``--heartbeat`` says so; a third of the step's ``heartbeat`` is right. SIGTERM
and Ctrl-C end the worker once the work at hand is done. Several workers on one activity share its work.
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-activities.html
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import boto3
from botocore.config import Config

log = logging.getLogger("stepworkflows_worker")
_POLL = 65  # seconds; an answer to the question for work may take 60


class Context:
    """The second argument of the handler."""

    def __init__(self, activity: str, token: str) -> None:
        self.activity = activity
        self.task_token = token


def main(arguments: Sequence[str] | None = None, states: Any = None) -> None:
    """Works until it is told to end. ``states`` is the client of Step Functions."""
    parser = argparse.ArgumentParser(description="Works on an activity of Step Functions.")
    parser.add_argument("--activity", required=True, help="the ARN of the activity")
    parser.add_argument("--code", default=".", help="the folder of the code")
    parser.add_argument("--handler", default="handler.handler", help="module and function")
    parser.add_argument("--heartbeat", type=float, default=0, help="seconds between two signs of life; default: none")
    given = parser.parse_args(arguments)
    sys.path.insert(0, given.code)
    module, _, name = given.handler.rpartition(".")
    handler = getattr(importlib.import_module(module.replace("/", ".")), name)
    states = states or boto3.client("stepfunctions", config=Config(read_timeout=_POLL))
    ends = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ends.set())
    while not ends.is_set():
        task = states.get_activity_task(activityArn=given.activity, workerName=socket.gethostname()[:80])
        if token := task.get("taskToken"):
            work(handler, json.loads(task["input"]), Context(given.activity, token), states, given.heartbeat)


def work(handler: Callable[[Any, Context], Any], event: Any, context: Context, states: Any, heartbeat: float) -> None:
    """Does one piece of work, and sends what it gives, or its error."""
    done = threading.Event()
    beating = threading.Thread(target=_beat, args=(states, context.task_token, heartbeat, done), daemon=True)
    if heartbeat:
        beating.start()
    try:
        output = json.dumps(handler(event, context), allow_nan=False)
    except Exception as error:
        log.exception("the work failed")
        name = type(error).__name__
        cause = {"errorMessage": str(error), "errorType": name, "stackTrace": traceback.format_tb(error.__traceback__)}
        _send(
            states, states.send_task_failure, taskToken=context.task_token, error=name, cause=json.dumps(cause)[:32_000]
        )
    else:
        _send(states, states.send_task_success, taskToken=context.task_token, output=output)
    finally:
        done.set()


def _beat(states: Any, token: str, seconds: float, done: threading.Event) -> None:
    while not done.wait(seconds):
        if not _send(states, states.send_task_heartbeat, taskToken=token):
            return


def _send(states: Any, call: Callable[..., Any], **parameters: Any) -> bool:
    """Whether somebody still waits for it."""
    try:
        call(**parameters)
    except (states.exceptions.TaskDoesNotExist, states.exceptions.TaskTimedOut):
        log.warning("the task has ended already")
        return False
    return True


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
