"""A distributed `for-each`: where its items come from, what its executions are given, what the machine may do for it.

Each item, or batch, is an execution of its own, which sees no variable of the flow: what the steps inside read goes with
the item, and is assigned under other names, since no scope may assign what one around it does:
https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from stepworkflows_cdk.compiler.integration import Scope
from stepworkflows_cdk.compiler.patterns import Pattern, pattern_of
from stepworkflows_cdk.compiler.plan import (
    Condition,
    Data,
    Distribution,
    Grant,
    Hole,
    Jsonata,
    Map,
    Pass,
    State,
    Text,
)
from stepworkflows_cdk.compiler.values import Values
from stepworkflows_cdk.compiler.variables import read_from_outside, renamed
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.language.checks.loops import format_of
from stepworkflows_cdk.language.model import ForEachKeys
from stepworkflows_cdk.language.workflow import Step

__all__ = ["WRITTEN", "distributed", "grants_of"]

WRITTEN: Data = {
    "bucket": Jsonata("$states.result.ResultWriterDetails.Bucket"),
    "key": Jsonata("$states.result.ResultWriterDetails.Key"),
}
"""Where the manifest of the results is: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html"""

_LABEL = 40
"""Characters. https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html"""
# Step Functions gives the time of a file in seconds: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
_FILE = (
    "{'key': Key, 'size': Size, 'modified': $type(LastModified) = 'number' ? $fromMillis(LastModified * 1000)"
    " : LastModified}"
)
_WRITER = ("s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject")


def distributed(map_: Map, begins: bool, step: Step, each: ForEachKeys, values: Values) -> Map:
    """The map with each iteration an execution of its own. ``begins``: its body begins with a state that assigns."""
    read = {name: f"in_{name}" for name in sorted(read_from_outside(map_.body))}
    shared: dict[str, Data] = {inside: Jsonata(f"${name}") for name, inside in read.items()}
    body = _given(replace(map_, body=renamed(map_.body, read)), begins, step, each, tuple(shared))
    selector: Data = None
    if each.batch is None:
        selector = {
            **(map_.selector if isinstance(map_.selector, dict) else {}),
            **({"seen": shared} if shared else {}),
        }
    action, arguments, config = _reader(step, each, values)
    writer: Data = None
    if each.results:
        prefix = _pattern(step, ("results", "prefix"), each.results.prefix.rstrip("/"), values).data
        writer = {"Bucket": values.resource(each.results.bucket), "Prefix": prefix}
    how = Distribution(_label(step), action, arguments, config, each.batch, shared, each.tolerate, writer)
    return replace(map_, items=None if each.source else map_.items, selector=selector, body=body, distribution=how)


def grants_of(step: Step, each: ForEachKeys, scope: Scope) -> Iterator[Grant]:
    """What the machine may do: start its own executions, look after them and redrive them, read the source, write the
    results. https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
    """
    mark, machine = step.key_mark("for-each"), scope.machine
    start: tuple[str | Hole, ...] = ("arn:", Hole("aws", "partition"), ":states:", Hole("aws", "region"), ":")
    start = (*start, Hole("aws", "account"), ":execution:", Hole(machine, "name"))
    yield Grant(machine, ("states:StartExecution",), Text((Hole(machine, "machine_arn"),)), mark)
    yield Grant(machine, ("states:DescribeExecution", "states:StopExecution"), Text((*start, ":*")), mark)
    yield Grant(machine, ("states:RedriveExecution",), Text((*start, f"/{_label(step)}:*")), mark)
    if source := each.source:
        mark, arn = step.key_mark("for-each", "source"), scope.arn(scope.resource(source.bucket))
        if source.key is not None:
            key = _pattern(step, ("source", "key"), source.key, scope)
            yield Grant(machine, ("s3:GetObject",), key.in_(arn), mark)
        else:
            prefix = _pattern(step, ("source", "prefix"), source.prefix or "", scope)
            operator = "StringEquals" if prefix.exact else "StringLike"
            conditions = (Condition(operator, "s3:prefix", (prefix.text,)),) if source.prefix else ()
            yield Grant(machine, ("s3:ListBucket",), arn, mark, conditions)
    if results := each.results:
        mark, arn = step.key_mark("for-each", "results"), scope.arn(scope.resource(results.bucket))
        prefix = _pattern(step, ("results", "prefix"), results.prefix.rstrip("/"), scope)
        yield Grant(machine, _WRITER, replace(prefix, text=Text((*prefix.text.parts, "/*"))).in_(arn), mark)


def _label(step: Step) -> str:
    """What tells the executions of one map from those of the machine's others."""
    if len(step.title) <= _LABEL:
        return step.title
    return f"{step.title[: _LABEL - 9]}-{hashlib.sha256(step.title.encode()).hexdigest()[:8]}"


def _reader(step: Step, each: ForEachKeys, values: Values) -> tuple[str, Data, Data]:
    """https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html"""
    source = each.source
    if source is None:
        return "", None, None
    most: dict[str, Data] = {} if each.max_items is None else {"MaxItems": each.max_items}
    bucket = values.resource(source.bucket)
    if source.key is None:
        prefix = _pattern(step, ("source", "prefix"), source.prefix or "", values).data
        return "listObjectsV2", {"Bucket": bucket, **({"Prefix": prefix} if source.prefix else {})}, most
    kind = format_of(source)
    header: dict[str, Data] = {"CSVHeaderLocation": "FIRST_ROW"} if kind == "CSV" else {}
    key = _pattern(step, ("source", "key"), source.key, values).data
    return "getObject", {"Bucket": bucket, "Key": key}, {"InputType": kind, **header, **most}


def _pattern(step: Step, path: tuple[str, str], value: str, scope: Values | Scope) -> Pattern:
    found = pattern_of(value, scope, f"the {path[-1]}")
    mark = step.mark_of("for-each", *path)
    if found.wildcard:
        message = f"with this config `{found.wildcard}` stands in the {path[-1]}, and permissions are given on it"
        raise ConfigurationError(f"{mark}: {message}")
    if not found.data and path[0] == "results":
        raise ConfigurationError(f"{mark}: with this config the {path[-1]} is empty")
    return found


def _given(map_: Map, begins: bool, step: Step, each: ForEachKeys, read: Sequence[str]) -> tuple[State, ...]:
    """The body, whose first state assigns what the execution is given."""
    first, input_ = map_.body[0], "$states.input"
    held = first.assign if begins and isinstance(first, Pass) else {}
    items, seen = (
        (f"{input_}.item", f"{input_}.seen") if each.batch is None else (f"{input_}.Items", f"{input_}.BatchInput")
    )
    assign: dict[str, Data] = {}
    for name, value in held.items():
        assign[name] = value
        if value == Jsonata(f"{input_}.item"):
            files = each.source is not None and each.source.key is None
            code = f"{items}.{_FILE}" if files else items
            assign[name] = Jsonata(f"[{code}]" if files and each.batch is not None else code)
    assign |= {name: Jsonata(f"{seen}.{name}") for name in read}
    if begins and isinstance(first, Pass):
        return (replace(first, assign=assign), *map_.body[1:])
    return (Pass(f"{map_.name}: given", map_.mark, first.name, assign), *map_.body) if assign else map_.body
