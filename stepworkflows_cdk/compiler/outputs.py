"""Outputs become data: each name's value with its default and its check of the type."""

from __future__ import annotations

from typing import Any

from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.plan import Data, Jsonata
from stepworkflows_cdk.compiler.values import Values
from stepworkflows_cdk.language.document import Document
from stepworkflows_cdk.language.model import key_type
from stepworkflows_cdk.language.workflow import Output, Step

__all__ = ["defaults", "output_data", "output_is_certain"]


def output_data(output: Output, document: Document, values: Values) -> Data:
    """The value of one output."""
    written = document.get(output.path)
    data = values.data(written)
    if _is_plain(output, data):
        return data
    code = f"$v := {values.whole(written).code}"
    checked = "$v"
    if output.type is not None and not _is_of_type(output, data):
        type_ = "number" if output.type == "integer" else output.type
        whole = " and $floor($v) = $v" if output.type == "integer" else ""
        message = literal(f"the output {output.name} must be of the type {output.type}")
        checked = f"($type($v) = {literal(type_)}{whole} ? $v : $error({message}))"
    if output.has_default:
        checked = f"($exists($v) ? {checked} : {literal(output.default)})"
    return Jsonata(f"({code}; {checked})", output.type)


def output_is_certain(output: Output, document: Document, values: Values) -> bool:
    """Whether the output surely has a value of its type: it can then be read where no error is caught."""
    written = document.get(output.path)
    return values.certain(written) and _is_of_type(output, values.data(written))


def defaults(step: Step) -> dict[str, Data]:
    """The outputs of a step that did not finish: those that have a default."""
    return {output.name: output.default for output in step.outputs if output.has_default}


def _is_plain(output: Output, data: Data) -> bool:
    dynamic = isinstance(data, Jsonata | dict | list)
    return _is_of_type(output, data) and (not output.has_default or not dynamic)


def _is_of_type(output: Output, data: Data) -> bool:
    """Whether the value is of the declared type by what is known now."""
    if output.type is None:
        return True
    found: Any = data.type if isinstance(data, Jsonata) else key_type(data)
    return bool(found == output.type or (output.type == "number" and found == "integer"))
