"""Runs a step's handler in a container: inputs from a row of a table, the result, or the error, into the same row.

A container is told by environment variables what to do. They are also the contract for an image of your own, which may
bring this file along (it needs boto3 and nothing else) or speak for itself:

``STEPWORKFLOWS_TABLE``, ``STEPWORKFLOWS_KEY``
    The DynamoDB table, and the value of ``key`` of the row. Its attribute ``inputs`` is the JSON text of the step's
    inputs. The container writes the JSON text of its result into ``result`` and ends with 0; or that of
    ``{"type": NAME, "cause": TEXT}`` into ``error`` and ends with another number. Either write removes ``inputs``, since
    a row has 400 KB at most.
``STEPWORKFLOWS_CODE``, ``STEPWORKFLOWS_HANDLER``
    The folder of the code, and module and function in it. The handler gets the event and a context as on Lambda.
``STEPWORKFLOWS_TIMEOUT``
    Seconds after which the code is ended, and fails with ``States.Timeout``.

An exception becomes an error of its class's name with the JSON that Lambda reports as its cause
(https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html). SIGTERM, by which ECS stops a container, becomes
``Container.Stopped``, once the ``finally`` blocks of the code have run.

It runs on every Python that a step can ask for, from 3.9 on.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import signal
import sys
import time
import traceback
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import boto3

# What is read back of the row is JSON in a string, of 256 KiB at most in all:
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
LARGEST = 250_000
_LAMBDA = "/var/task"
"""How the folder of the code is called in stack traces, as on Lambda."""


def main() -> int:
    """Runs the handler once. The status to end with: 0, or 1 where an error was written."""
    row = Row(os.environ["STEPWORKFLOWS_TABLE"], os.environ["STEPWORKFLOWS_KEY"])
    request = str(uuid.uuid5(uuid.NAMESPACE_URL, row.key))
    seconds = float(os.environ.get("STEPWORKFLOWS_TIMEOUT", "0"))
    try:
        event = row.inputs()
        signal.signal(signal.SIGTERM, _stopped)
        signal.signal(signal.SIGALRM, _late)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            result = _handled(event, Context(request, seconds))
        finally:
            # What is left is to write; nothing may come between.
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
    except Failed as failed:
        row.fail(failed.error, failed.cause)
        return 1
    except _Ended as ended:  # while a failure of the code was being put into words
        row.fail(*ended.args)
        return 1
    row.succeed(result)
    return 0


class Row:
    """The row of this try of the step."""

    def __init__(self, table: str, key: str) -> None:
        self.key = key
        self._place = {"TableName": table, "Key": {"key": {"S": key}}}
        self._client = boto3.client("dynamodb")

    def inputs(self) -> Any:
        found = self._client.get_item(**self._place, ConsistentRead=True).get("Item", {})
        if "inputs" not in found:
            raise SystemExit(f"there are no inputs under {self.key}: done already, or out of date")
        return json.loads(found["inputs"]["S"])

    def succeed(self, result: str) -> None:
        self._write("result", result)

    def fail(self, error: str, cause: str) -> None:
        print(f"[ERROR] {error}: {_message(cause)}")
        self._write("error", json.dumps({"type": error, "cause": cause[:32_000]}))

    def _write(self, name: str, text: str) -> None:
        self._client.update_item(
            **self._place,
            UpdateExpression="SET #written = :written REMOVE #inputs",
            ExpressionAttributeNames={"#written": name, "#inputs": "inputs"},
            ExpressionAttributeValues={":written": {"S": text}},
        )


class Context:
    """The second argument of the handler: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html."""

    function_version = "$LATEST"
    identity = None
    client_context = None
    tenant_id = None

    def __init__(self, request: str, seconds: float) -> None:
        self.aws_request_id = request
        self.function_name = os.environ.get("STEPWORKFLOWS_NAME", "container")
        self.invoked_function_arn = os.environ.get("STEPWORKFLOWS_NAME", "container")
        self.memory_limit_in_mb = os.environ.get("STEPWORKFLOWS_MEMORY", "0")
        self.log_group_name = os.environ.get("STEPWORKFLOWS_LOGS", "")
        self.log_stream_name = request
        self._ends = time.time() + seconds if seconds else None

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the code is ended; of code without a time-out, a day."""
        rest = 86_400 if self._ends is None else self._ends - time.time()
        return max(0, round(rest * 1000))


class Failed(Exception):
    """The step fails with ``error``."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(error)
        self.error = error
        self.cause = cause


class _Fault(Exception):
    """Something that Lambda's runtime reports under a name of its own."""

    def __init__(self, error: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.error = error
        self.trace = trace or []


class _Ended(BaseException):
    """Ends a handler from outside; no handler catches it by accident."""


def _stopped(_number: int, _frame: object) -> None:
    raise _Ended("Container.Stopped", "the container was stopped while the code was at work")


def _late(_number: int, _frame: object) -> None:
    raise _Ended("States.Timeout", f"the code took more than {os.environ['STEPWORKFLOWS_TIMEOUT']} seconds")


def _handled(event: Any, context: Context) -> str:
    """The handler's result as JSON. Raises ``Failed``."""
    folder, request = os.environ["STEPWORKFLOWS_CODE"], context.aws_request_id
    _log(request)
    os.chdir(folder)
    sys.path.insert(0, folder)
    try:
        return _marshalled(_load(os.environ["STEPWORKFLOWS_HANDLER"], folder)(event, context))
    except Failed:
        raise
    except _Fault as fault:
        raise Failed(fault.error, _cause(fault.error, str(fault), request, fault.trace, folder)) from fault
    except _Ended as ended:
        raise Failed(*ended.args) from ended
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        reason = f"with error: exit status {status}" if status else "without providing a reason"
        message = {"errorMessage": f"RequestId: {request} Error: Runtime exited {reason}"}
        raise Failed("Runtime.ExitError", json.dumps({**message, "errorType": "Runtime.ExitError"})) from ended
    except Exception as error:
        name = type(error).__name__
        print("Traceback (most recent call last):", *_trace(error), sep="\n", end="")
        raise Failed(name, _cause(name, str(error), request, _trace(error), folder)) from error


def _load(handler: str, folder: str) -> Callable[[Any, Context], Any]:
    module, dot, name = handler.rpartition(".")
    if not dot or not module:
        raise _Fault("Runtime.MalformedHandlerName", f"Bad handler '{handler}': not enough values to unpack")
    try:
        loaded = importlib.import_module(module.replace("/", "."))
    except ImportError as error:
        raise _Fault("Runtime.ImportModuleError", f"Unable to import module '{module}': {error}") from error
    except SyntaxError as error:
        trace = [f'  File "{error.filename or ""}" Line {error.lineno}\n    {error.text}']
        where = f"{os.path.basename(error.filename or '')}, line {error.lineno}"
        message = f"Syntax error in module '{module}': {error.msg} ({where})"
        raise _Fault("Runtime.UserCodeSyntaxError", message, trace) from error
    if not hasattr(loaded, name):
        raise _Fault("Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module}'")
    found: Callable[[Any, Context], Any] = getattr(loaded, name)
    return found


def _marshalled(result: Any) -> str:
    try:
        text = json.dumps(result, default=_number, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise _Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error
    size = len(json.dumps(text, ensure_ascii=False).encode())
    if size > LARGEST:
        message = (
            f"the result has {size} bytes, written as JSON in a string, and {LARGEST} fit into the state of a workflow; "
            "write it to a bucket or a table, and return where it is"
        )
        raise Failed("States.DataLimitExceeded", message)
    return text


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _trace(error: BaseException) -> list[str]:
    """The stack from the handler on."""
    frames = traceback.extract_tb(error.__traceback__)
    while frames and frames[0].filename == __file__:
        del frames[0]
    return traceback.format_list(frames)


def _cause(error: str, message: str, request: str, trace: list[str], folder: str) -> str:
    cause = {"errorMessage": message, "errorType": error, "requestId": request, "stackTrace": trace}
    return json.dumps(_shown(cause, folder), ensure_ascii=False)


def _message(cause: str) -> str:
    """What a cause says to people."""
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, TypeError, KeyError):
        return cause


def _shown(value: Any, folder: str) -> Any:
    if isinstance(value, str):
        return value.replace(folder, _LAMBDA)
    if isinstance(value, list):
        return [_shown(item, folder) for item in value]
    if isinstance(value, dict):
        return {key: _shown(item, folder) for key, item in value.items()}
    return value


def _log(request: str) -> None:
    """Log records in the form of Lambda."""
    handler = logging.StreamHandler(sys.stdout)
    form = f"[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t{request}\t%(message)s"
    formatter = logging.Formatter(form, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.getLogger().handlers[:] = [handler]


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that the code has left behind do not keep the container alive.
    os._exit(status)
