"""A step's real code, run as Lambda runs it: a handler in a folder or a zip becomes a result, or an error as Lambda
reports it.

The event and the result pass through JSON, the environment is the function's own, what the code prints and logs goes
to the run's log, and an exception becomes an error with the class's name and Lambda's JSON as its cause:
https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html. In virtual time, the code sees the time of the run,
``time.sleep`` in the thread of the handler lets it pass, and a function that sleeps beyond its timeout is ended.
"""

from __future__ import annotations

import importlib
import io
import json
import logging
import os
import threading
import time
import traceback
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any

from stepworkflows_cdk.errors import LocalRunError
from stepworkflows_cdk.language.archive import BROKEN
from stepworkflows_cdk.local.clock import Clock, timestamp
from stepworkflows_cdk.local.code_lines import ROOT, code_line
from stepworkflows_cdk.local.errors import TaskFailed
from stepworkflows_cdk.local.modules import Modules
from stepworkflows_cdk.local.surroundings import CREDENTIALS, environment, optional
from stepworkflows_cdk.local.world import REGION, World

__all__ = ["KEPT", "Context", "Function", "code_folder"]

_SLEEP, _MONOTONIC, _PERF_COUNTER = time.sleep, time.monotonic, time.perf_counter
KEPT = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT")
"""Variables of the process that step code sees too; no other, as in Lambda."""


@dataclass
class Context:
    """The second argument of a handler: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html."""

    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: str
    aws_request_id: str
    log_group_name: str
    _remaining: Callable[[], float] = field(repr=False)
    function_version: str = "$LATEST"
    log_stream_name: str = "local"
    identity: None = None
    client_context: None = None
    tenant_id: None = None

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is ended."""
        return max(0, round(self._remaining() * 1000))


class Function:
    """One function of a run; loaded by its first call and warm for the next."""

    def __init__(
        self,
        *,
        name: str,
        arn: str,
        code: Path,
        handler: str,
        timeout: int,
        memory: int,
        python: str,
        variables: Mapping[str, str],
        world: World,
    ) -> None:
        self.arn = arn
        self._name, self._handler, self._timeout, self._memory = name, handler, timeout, memory
        self._code = code
        self._folder = code_folder(code, world)
        self._modules = Modules(self._folder)
        self._world = world
        self._level = logging.WARNING
        self._working: tuple[int, Context] | None = None
        self._time: Any = None
        self._slept = 0.0
        self._variables = {
            **{kept: os.environ[kept] for kept in KEPT if kept in os.environ},
            **CREDENTIALS,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{python}",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory),
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
            "LAMBDA_TASK_ROOT": str(self._folder),
            "TZ": ":UTC",
            "_HANDLER": handler,
            **variables,
        }

    def invoke(self, event: Any) -> Any:
        """The handler's result. Its failure is a ``TaskFailed``."""
        request = self._world.request_id()
        ends = self._world.clock.now().timestamp() + self._timeout
        context = Context(
            self._name,
            self.arn,
            str(self._memory),
            request,
            f"/aws/lambda/{self._name}",
            lambda: ends - self._world.clock.now().timestamp(),
        )
        try:
            with self._surroundings(request, context):
                try:
                    return _marshalled(self._load()(json.loads(json.dumps(event)), context))
                except _Fault as fault:
                    raise self._failed(fault.error, str(fault), request, fault.trace) from fault
                except Exception as error:
                    self._refuse_missing(error)
                    raise self._failed(type(error).__name__, str(error), request, self._trace(error)) from error
        except _TimedOut as error:
            self._modules.forget()
            message = f"RequestId: {request} Error: Task timed out after {self._timeout:.2f} seconds"
            raise _failure("Sandbox.Timedout", message) from error
        except SystemExit as error:
            self._modules.forget()
            status = error.code if isinstance(error.code, int) else int(error.code is not None)
            reason = f"with error: exit status {status}" if status else "without providing a reason"
            raise _failure("Runtime.ExitError", f"RequestId: {request} Error: Runtime exited {reason}") from error

    def _failed(self, error: str, message: str, request: str, trace: list[str]) -> TaskFailed:
        """The error, with the line of the code where it arose."""
        failure = _failure(error, self._shown(message), request, trace)
        failure.code = code_line(failure.cause, self._code, self._world)
        return failure

    def _load(self) -> Callable[[Any, Context], Any]:
        module, dot, name = self._handler.rpartition(".")
        if not dot or not module:
            raise _Fault("Runtime.MalformedHandlerName", f"Bad handler '{self._handler}': not enough values to unpack")
        try:
            loaded = importlib.import_module(module.replace("/", "."))
        except ImportError as error:
            raise _Fault("Runtime.ImportModuleError", f"Unable to import module '{module}': {error}") from error
        except SyntaxError as error:
            trace = [f'  File "{self._shown(error.filename or "")}" Line {error.lineno}\n    {error.text}']
            where = f"{Path(error.filename or '').name}, line {error.lineno}"
            message = f"Syntax error in module '{module}': {error.msg} ({where})"
            raise _Fault("Runtime.UserCodeSyntaxError", message, trace) from error
        if not hasattr(loaded, name):
            raise _Fault("Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module}'")
        handler: Callable[[Any, Context], Any] = getattr(loaded, name)
        return handler

    @contextmanager
    def _surroundings(self, request: str, context: Context) -> Iterator[None]:
        printed = _Lines(self._log)
        with ExitStack() as stack:
            stack.callback(printed.end)
            stack.enter_context(environment(self._variables))
            stack.enter_context(self._modules.active())
            stack.enter_context(redirect_stdout(printed))
            stack.enter_context(redirect_stderr(printed))
            stack.enter_context(self._logging(request))
            stack.enter_context(self._sleeping(context))
            yield

    @contextmanager
    def _logging(self, request: str) -> Iterator[None]:
        root = logging.getLogger()
        before, level = root.handlers[:], root.level
        root.handlers[:] = [_LogHandler(self._log, self._world.clock, request)]
        root.setLevel(self._level)
        try:
            yield
        finally:
            self._level = root.level  # what a handler sets stays set while it is warm
            root.handlers[:] = before
            root.setLevel(level)

    @contextmanager
    def _sleeping(self, context: Context) -> Iterator[None]:
        module: Any = time
        self._working = (threading.get_ident(), context)
        with ExitStack() as stack:
            if self._world.clock.virtual:
                travel = optional("time_machine").travel(self._world.clock.now(), tick=False)
                self._time = stack.enter_context(travel)
            module.sleep = self._sleep
            module.monotonic = lambda: _MONOTONIC() + self._slept
            module.perf_counter = lambda: _PERF_COUNTER() + self._slept
            try:
                yield
            finally:
                self._working = self._time = None
                module.sleep, module.monotonic, module.perf_counter = _SLEEP, _MONOTONIC, _PERF_COUNTER

    def _sleep(self, seconds: float) -> None:
        # Warm code may hold on to this (``from time import sleep``), so it asks each time who is at work.
        if self._working is None or self._working[0] != threading.get_ident():
            _SLEEP(seconds)
            if self._time is not None:  # a thread of the handler's: it sleeps in earnest, and the time passes for all
                self._pass(seconds)
            return
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        rest = self._working[1]._remaining()
        self._pass(min(seconds, max(rest, 0)))
        if seconds > rest:
            raise _TimedOut

    def _pass(self, seconds: float) -> None:
        self._world.clock.sleep(seconds)
        if self._time is not None:
            self._slept += seconds
            self._time.move_to(self._world.clock.now())

    def _trace(self, error: BaseException) -> list[str]:
        """The stack from the handler on, files named as in Lambda."""
        frames = traceback.extract_tb(error.__traceback__)
        while frames and frames[0].filename == __file__:
            del frames[0]
        shown = [(self._shown(frame.filename), frame.lineno, frame.name, frame.line) for frame in frames]
        return traceback.format_list([traceback.FrameSummary(f, n, name, line=line) for f, n, name, line in shown])

    def _shown(self, text: str) -> str:
        """The text without the folder of this machine, which for a zip has another name each time."""
        return text.replace(str(self._folder), ROOT)

    def _log(self, text: str) -> None:
        self._world.log(self._shown(text))

    def _refuse_missing(self, error: Exception) -> None:
        """An API that moto does not have is a fault of this machine, not of the code that calls it."""
        if isinstance(error, NotImplementedError) and "moto" in _innermost(error.__traceback__):
            step = self._world.call.step if self._world.call is not None else self._name
            raise LocalRunError(
                f"the code of {step} calls an AWS API that moto, which stands for AWS on this machine, does not have "
                f"({error}); say what the step gives: {{at: {step}, returns: ...}}"
            ) from error


class _Fault(Exception):
    """Something that Lambda's runtime reports under a name of its own."""

    def __init__(self, error: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.error = error
        self.trace = trace or []


class _TimedOut(BaseException):
    """Ends a handler; no handler catches it by accident."""


class _Lines(io.TextIOBase):
    """A text stream that passes whole lines on."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._rest = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._log(line)
        return len(text)

    def end(self) -> None:
        """Passes on what no line break followed."""
        if self._rest:
            self._log(self._rest)
        self._rest = ""


class _LogHandler(logging.Handler):
    """Log records in the form of Lambda: level, time, request id, message."""

    def __init__(self, log: Callable[[str], None], clock: Clock, request: str) -> None:
        super().__init__()
        self._log, self._clock, self._request = log, clock, request

    def emit(self, record: logging.LogRecord) -> None:
        self._log(f"[{record.levelname}]\t{timestamp(self._clock.now())}\t{self._request}\t{self.format(record)}")


def code_folder(code: Path, world: World) -> Path:
    """The folder of the code; a zip is unpacked into a temporary one."""
    if code.is_dir():
        return code.resolve()
    try:
        with zipfile.ZipFile(code) as packed:
            folder = world.folder()
            packed.extractall(folder)
            return folder
    except BROKEN as error:
        raise LocalRunError(f"the code {code.name} is neither a folder nor a zip that can be read: {error}") from error


def _marshalled(result: Any) -> Any:
    try:
        return json.loads(json.dumps(result, default=_number, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise _Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _failure(error: str, message: str, request: str | None = None, trace: list[str] | None = None) -> TaskFailed:
    cause: dict[str, Any] = {"errorMessage": message, "errorType": error}
    if request is not None:
        cause.update(requestId=request, stackTrace=trace or [])
    return TaskFailed(error, json.dumps(cause, ensure_ascii=False))


def _innermost(trace: TracebackType | None) -> str:
    """The package of the frame that raised."""
    name = ""
    while trace is not None:
        name, trace = trace.tb_frame.f_globals.get("__name__", ""), trace.tb_next
    return name.partition(".")[0]
