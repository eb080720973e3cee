"""JSONata as Step Functions evaluates it: ``{% %}`` strings and templates in, plain JSON out.

``jsonata-python`` does the work. What it does differently from the reference implementation (JSONata 2.0.6) is mended
here and in ``jsonata_functions``: JSON's null is handed over as the library's own null (a Python None means "nothing"
there), whole numbers come back as integers, values become text as JavaScript writes them (``jsonata_text``), and the
library's state for each thread is set before each evaluation.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import io
import json
import math
import random
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from typing import Any

from stepworkflows_cdk.local.clock import Clock
from stepworkflows_cdk.local.errors import QueryFailed
from stepworkflows_cdk.local.events import Nothing

__all__ = ["Evaluator", "code_of", "json_type", "plain_numbers"]

_TIME_LIMIT = 10_000
"""Milliseconds of real time for one expression, a guard against endless recursion."""
_DEPTH = 10_000
_LAST = re.compile(r"(?P<before>.+)\.(?P<name>\w+|`[^`]+`)", re.DOTALL)
_ROOT = re.compile(r"\$\w+")
_NAMES = re.compile(r"(\.(\w+|`[^`]+`))+")
_PATH = re.compile(r"\$\w+" + _NAMES.pattern)
_EXPRESSION = re.compile(r"\{%(.*)%\}", re.DOTALL)


class Evaluator:
    """Evaluates expressions of one run: with its clock for ``$now`` and ``$millis``, and its random numbers."""

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        limit = sys.getrecursionlimit()
        import jsonata  # sets the recursion limit of the whole process as it is imported

        sys.setrecursionlimit(limit)

        from stepworkflows_cdk.local.jsonata_functions import functions
        from stepworkflows_cdk.local.jsonata_text import text_writer

        self._library: Any = jsonata
        self._null: Any = jsonata.Utils.NULL_VALUE
        self._functions = functions(clock, rng)
        self._text = text_writer(jsonata)
        self._compiled: dict[str, Any] = {}

    def data(self, value: Any) -> Any:
        """``value``, which is JSON, in the form that expressions read."""
        if value is None:
            return self._null
        if isinstance(value, dict):
            return {key: self.data(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.data(item) for item in value]
        return plain_numbers(value)

    def problem(self, code: str) -> str | None:
        """Why ``code`` is no JSONata, or None."""
        try:
            self._compile(code)
        except self._library.JException as error:
            return _message(error)
        return None

    def template(self, value: Any, field: str, variables: Mapping[str, Any]) -> Any:
        """A JSON value with expressions in it, evaluated. ``field`` is its name in errors, ``variables`` are from
        :meth:`data`."""
        if isinstance(value, dict):
            return {key: self.template(item, f"{field}/{key}", variables) for key, item in value.items()}
        if isinstance(value, list):
            return [self.template(item, f"{field}[{index}]", variables) for index, item in enumerate(value)]
        code = code_of(value)
        return value if code is None else self.evaluate(code, field, variables)

    def typed(self, value: Any, field: str, variables: Mapping[str, Any], type_: str) -> Any:
        """As :meth:`template`, for a field that must give ``type_``: ``string``, ``number``, ``boolean``, ``array``."""
        result = self.template(value, field, variables)
        if (found := json_type(result)) != type_:
            shown = json.dumps(result, separators=(",", ":"), ensure_ascii=False)
            raise QueryFailed(
                f"{_expression(str(code_of(value) or value), field)} returned an unexpected result type. "
                f"Expected '{type_}', but was '{found}' for value: {shown}"
            )
        return result

    def evaluate(self, code: str, field: str, variables: Mapping[str, Any]) -> Any:
        """The value of one expression, plain JSON."""
        result = self._raw(code, field, variables)
        if result is None:
            nothing = Nothing("", field, *self._missing(code, variables))
            raise QueryFailed(f"{_expression(code, field)} returned nothing (undefined).", nothing)
        try:
            return self._plain(result)
        except TypeError as error:
            raise QueryFailed(f"{_expression(code, field)} returned an unsupported result type.") from error

    def _missing(self, code: str, variables: Mapping[str, Any]) -> tuple[str, str, tuple[str, ...]]:
        """What is missing of an expression that gives nothing, or of the first path in it that leads nowhere: the name, the
        type of the value that has not got it, and which names that has.
        """
        for path in (code, *_paths(code)):
            root, names = _steps(path)
            try:
                if not root or self._raw(path, "", variables) is not None:
                    continue
                for count in range(len(names) - 1, -1, -1):
                    if (holder := self._raw(".".join([root, *names[:count]]), "", variables)) is not None:
                        found = self._plain(holder)
                        keys = tuple(found) if isinstance(found, dict) else ()
                        return names[count].strip("`"), json_type(found), keys
            except (QueryFailed, TypeError):
                continue
        return "", "", ()

    def _raw(self, code: str, field: str, variables: Mapping[str, Any]) -> Any:
        limit, texts = sys.getrecursionlimit(), self._library.Functions
        sys.setrecursionlimit(max(limit, _DEPTH))
        written = texts.__dict__["_string"]
        try:
            texts._string = staticmethod(self._text)
            compiled = self._compile(code)
            # The library looks functions' surroundings up in the expression that this thread parsed last.
            self._library.Jsonata.CURRENT.jsonata = compiled
            compiled.environment.set_runtime_bounds(_TIME_LIMIT, None)
            with redirect_stdout(io.StringIO()):  # the library prints some of its complaints
                return compiled.evaluate(None, variables)
        except RecursionError as error:
            reason = "Stack overflow error: Check for non-terminating recursive function."
            raise QueryFailed(f"{_expression(code, field)} threw an error during evaluation. {reason}") from error
        except Exception as error:  # whatever the library raises, the expression is at fault
            raise QueryFailed(
                f"{_expression(code, field)} threw an error during evaluation. {_message(error)}"
            ) from error
        finally:
            texts._string = written
            sys.setrecursionlimit(limit)

    def _compile(self, code: str) -> Any:
        if code not in self._compiled:
            compiled = self._library.Jsonata(code)
            compiled.set_validate_input(False)
            compiled.set_output_convert_nulls(False)
            for name, function in self._functions.items():
                compiled.environment.bind(name, function)
            self._compiled[code] = compiled
        return self._compiled[code]

    def _plain(self, value: Any) -> Any:
        """A copy without anything of the library in it."""
        if value is None or value is self._null:
            return None
        if isinstance(value, dict):
            return {str(key): self._plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._plain(value[index]) for index in range(len(value))]
        if isinstance(value, bool | int | str):
            return value
        if isinstance(value, float) and math.isfinite(value):
            return plain_numbers(value)
        raise TypeError(type(value).__name__)


def code_of(value: Any) -> str | None:
    """The expression in ``{% ... %}``, or None for any other value."""
    if isinstance(value, str) and (found := _EXPRESSION.fullmatch(value)):
        return found.group(1).strip()
    return None


def _steps(path: str) -> tuple[str, list[str]]:
    """``$a.b.c`` or ``(...).b.c`` as what it begins with and the names behind that; empty where it is no such path."""
    names: list[str] = []
    while found := _LAST.fullmatch(path):
        path = found["before"]
        names.insert(0, found["name"])
    return (path, names) if _ROOT.fullmatch(path) or _in_parentheses(path) else ("", [])


def _paths(code: str) -> Iterator[str]:
    """The paths in an expression, in their order: behind variables and behind parentheses."""
    for start, char in enumerate(code):
        if char == "$" and (found := _PATH.match(code, start)):
            yield found.group()
        elif char == "(" and (end := _partner(code, start)) and (behind := _NAMES.match(code, end)):
            yield code[start : behind.end()]


def _partner(code: str, start: int) -> int:
    """Where the parentheses that open there are closed, and the rest begins; 0 where they are not."""
    depth = 0
    for index in range(start, len(code)):
        depth += (code[index] == "(") - (code[index] == ")")
        if depth == 0:
            return index + 1
    return 0


def _in_parentheses(code: str) -> bool:
    """Whether a pair of parentheses is around all of it."""
    return code.startswith("(") and _partner(code, 0) == len(code)


def json_type(value: Any) -> str:
    """The name of a JSON value's type: ``object``, ``array``, ``string``, ``number``, ``boolean``, ``null``."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, dict) else "array" if isinstance(value, list) else "null"


def plain_numbers(value: Any) -> Any:
    """JSON has one kind of number: ``3.0`` becomes ``3``. Goes into lists and objects."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: plain_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain_numbers(item) for item in value]
    return value


def _expression(code: str, field: str) -> str:
    return f"The JSONata expression '{code}' specified for the field '{field}'"


def _message(error: Exception) -> str:
    code = getattr(error, "error", None)
    return f"{code}: {error}" if isinstance(code, str) and not str(error).startswith(code) else str(error)
