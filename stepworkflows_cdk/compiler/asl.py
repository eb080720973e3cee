"""A machine's plan becomes text: Amazon States Language, JSONata mode. The only place where it is written.

Specification: https://states-language.net/spec.html, with the JSONata fields of
https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html.

What a user wrote never becomes a substitution hole or a dynamic reference of CloudFormation: ``${`` and ``{{`` are
written with escapes of JSON, which mean the same to Step Functions and nothing to CloudFormation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import chain, repeat
from typing import Any

from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.plan import (
    Catch,
    Choice,
    Data,
    Distribution,
    Fail,
    Hole,
    Jsonata,
    MachinePlan,
    Map,
    Parallel,
    Pass,
    Raw,
    Retry,
    State,
    Succeed,
    Task,
    Text,
    Wait,
)

__all__ = ["render"]

_PARTITION = Hole("aws", "partition")
_SEALED = re.compile("\ue000(?:\ue000|(?P<name>\\w+)\ue001)")


def render(machine: MachinePlan) -> tuple[str, tuple[Hole, ...]]:
    """The text of the machine, and the holes in it, sorted by name."""
    writer = _Writer(machine.comments)
    definition: dict[str, Any] = {"Comment": machine.comment} if machine.comment else {}
    definition |= {"QueryLanguage": "JSONata"}
    definition |= writer.states(machine.states)
    if machine.timeout is not None:
        definition["TimeoutSeconds"] = machine.timeout
    return writer.text(definition), tuple(sorted(writer.holes, key=lambda hole: hole.name))


class _Writer:
    def __init__(self, comments: Mapping[str, str]) -> None:
        self.holes: set[Hole] = set()
        self._comments = comments

    def text(self, definition: Any) -> str:
        text = json.dumps(_opened(definition), ensure_ascii=False, indent=2)
        text = text.replace("${", "\\u0024{").replace("{{", "{\\u007b")
        return _SEALED.sub(lambda found: f"${{{found['name']}}}" if found["name"] else "\\ue000", text)

    def states(self, states: Sequence[State]) -> dict[str, Any]:
        return {"StartAt": states[0].name, "States": {state.name: self._described(state) for state in states}}

    def _described(self, state: State) -> dict[str, Any]:
        rendered = self._state(state)
        comment = self._comments.get(state.name)
        return {"Type": rendered["Type"], "Comment": comment, **rendered} if comment else rendered

    def _state(self, state: State) -> dict[str, Any]:
        match state:
            case Task():
                return self._task(state)
            case Parallel():
                return {
                    "Type": "Parallel",
                    **({} if state.arguments is None else {"Arguments": self._data(state.arguments)}),
                    "Branches": [
                        {**_comment(title), **self.states(branch)}
                        for branch, title in zip(state.branches, chain(state.titles, repeat("")), strict=False)
                    ],
                    **self._assign(state.assign),
                    "Output": self._data(state.output),
                    **self._errors(state.retry, state.catch),
                    **_next(state.next),
                }
            case Map():
                concurrency = {} if state.concurrency is None else {"MaxConcurrency": state.concurrency}
                mode = {"Mode": "INLINE"}
                if state.distribution:
                    mode = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
                return {
                    "Type": "Map",
                    **({} if state.items is None else {"Items": self._data(state.items)}),
                    **(self._distribution(state.distribution) if state.distribution else {}),
                    **({} if state.selector is None else {"ItemSelector": self._data(state.selector)}),
                    **concurrency,
                    "ItemProcessor": {"ProcessorConfig": mode, **self.states(state.body)},
                    **self._assign(state.assign),
                    "Output": self._data(state.output),
                    **self._errors((), state.catch),
                    **_next(state.next),
                }
            case Pass():
                return {
                    "Type": "Pass",
                    **self._assign(state.assign),
                    "Output": self._data(state.output),
                    **_next(state.next),
                }
            case Choice():
                rules = [
                    {
                        **_comment(rule.comment),
                        "Condition": self._data(rule.condition),
                        **self._assign(rule.assign),
                        "Next": rule.next,
                    }
                    for rule in state.rules
                ]
                if state.assign:
                    # A rule that always holds, and not the Assign of the state: whether that is also evaluated where a
                    # rule matches is told differently by different pages.
                    always = {"Condition": "{% true %}", **self._assign(state.assign), "Next": state.default}
                    rules.append(always)
                return {"Type": "Choice", "Choices": rules, "Default": state.default}
            case Wait():
                return {
                    "Type": "Wait",
                    **self._length(state),
                    **self._assign(state.assign),
                    "Output": {},
                    **_next(state.next),
                }
            case Raw():
                return {**self._raw(state), "End": True}
            case Succeed():
                return {"Type": "Succeed", "Output": self._data(state.output)}
            case Fail():
                return {"Type": "Fail", "Error": self._data(state.error), "Cause": self._data(state.cause)}

    def _raw(self, state: Raw) -> dict[str, Any]:
        found: dict[str, Any] = {field: self._data(value) for field, value in state.body.items()}
        if state.caught:
            found["Catch"] = [{**catcher, "Next": state.caught} for catcher in found["Catch"]]
        return found

    def _distribution(self, how: Distribution) -> dict[str, Any]:
        """https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html"""
        found: dict[str, Any] = {"Label": how.label}
        if how.action:
            config = {"ReaderConfig": how.config} if how.config else {}
            found["ItemReader"] = {**self._s3(how.action), **config, "Arguments": self._data(how.arguments)}
        if how.batch is not None:
            shared = {"BatchInput": self._data(how.shared)} if how.shared else {}
            found["ItemBatcher"] = {"MaxItemsPerBatch": how.batch, **shared}
        if isinstance(how.tolerated, str):
            percentage = float(how.tolerated.rstrip("%"))
            found["ToleratedFailurePercentage"] = int(percentage) if percentage.is_integer() else percentage
        elif how.tolerated is not None:
            found["ToleratedFailureCount"] = how.tolerated
        if how.writer:
            found["ResultWriter"] = {**self._s3("putObject"), "Arguments": self._data(how.writer)}
        return found

    def _s3(self, action: str) -> dict[str, Any]:
        return {"Resource": self._data(Text(("arn:", _PARTITION, f":states:::s3:{action}")))}

    def _task(self, task: Task) -> dict[str, Any]:
        service = task.resource
        resource = service if isinstance(service, Text) else Text(("arn:", _PARTITION, f":states:::{service}"))
        timeout = {} if task.timeout is None else {"TimeoutSeconds": self._data(task.timeout)}
        heartbeat = {} if task.heartbeat is None else {"HeartbeatSeconds": task.heartbeat}
        return {
            "Type": "Task",
            "Resource": self._data(resource),
            "Arguments": self._data(task.arguments),
            **({} if task.credentials is None else {"Credentials": self._data(task.credentials)}),
            **timeout,
            **heartbeat,
            **self._assign(task.assign),
            "Output": self._data(task.output),
            **self._errors(task.retry, task.catch),
            **_next(task.next),
        }

    def _length(self, wait: Wait) -> dict[str, Any]:
        if wait.seconds is not None:
            return {"Seconds": self._data(wait.seconds)}
        return {"Timestamp": self._data(wait.timestamp)}

    def _errors(self, retry: Sequence[Retry], catch: Sequence[Catch]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        if retry:
            result["Retry"] = [_retrier(rule) for rule in retry]
        if catch:
            result["Catch"] = [
                {
                    "ErrorEquals": list(rule.errors),
                    **self._assign(rule.assign),
                    "Output": self._data(rule.output),
                    "Next": rule.next,
                }
                for rule in catch
            ]
        return result

    def _assign(self, assign: Mapping[str, Data]) -> dict[str, Any]:
        return {"Assign": {name: self._data(value) for name, value in assign.items()}} if assign else {}

    def _data(self, data: Data) -> Any:
        match data:
            case Jsonata(code):
                return f"{{% {code} %}}"
            case Text():
                self.holes.update(data.holes)
                return _Sealed("".join(_open(part) if isinstance(part, str) else _seal(part) for part in data.parts))
            case str() if data.startswith("{%"):
                # Text, however it looks: only a Jsonata leaf is an expression.
                return f"{{% {literal(data)} %}}"
            case list():
                return [self._data(item) for item in data]
            case dict():
                return {key: self._data(value) for key, value in data.items()}
            case _:
                return data


class _Sealed(str):
    """A string with holes in it, sealed, and the rest of it opened."""

    __slots__ = ()


def _opened(value: Any) -> Any:
    """The definition with every other string opened, names of states and keys among them."""
    match value:
        case _Sealed():
            return value
        case str():
            return _open(value)
        case list():
            return [_opened(item) for item in value]
        case dict():
            return {_open(key): _opened(item) for key, item in value.items()}
        case _:
            return value


def _seal(hole: Hole) -> str:
    """A hole while the text is made."""
    return f"\ue000{hole.name}\ue001"


def _open(text: str) -> str:
    """Text of a user while the text is made: its own delimiters are doubled, so that it forges no hole."""
    return text.replace("\ue000", "\ue000\ue000")


def _retrier(rule: Retry) -> dict[str, Any]:
    if rule.attempts == 0:
        return {"ErrorEquals": list(rule.errors), "MaxAttempts": 0}
    backoff = int(rule.backoff) if rule.backoff == int(rule.backoff) else rule.backoff
    result: dict[str, Any] = {
        "ErrorEquals": list(rule.errors),
        "IntervalSeconds": rule.interval,
        "MaxAttempts": rule.attempts,
        "BackoffRate": backoff,
    }
    if rule.max_interval is not None and rule.max_interval > rule.interval:
        result["MaxDelaySeconds"] = rule.max_interval
    if rule.jitter:
        result["JitterStrategy"] = "FULL"
    return result


def _comment(text: str) -> dict[str, Any]:
    return {"Comment": text} if text else {}


def _next(name: str | None) -> dict[str, Any]:
    return {"End": True} if name is None else {"Next": name}
